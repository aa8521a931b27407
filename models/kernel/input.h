// The receiving end of a link, as its device keeps it.
#pragma once

#include <cstdint>

#include "kernel/packet.h"
#include "kernel/units.h"

namespace heddle {

struct Input {
  static constexpr std::uint32_t nothing = ~std::uint32_t{0};

  std::uint32_t arrived = nothing;      ///< in this cycle: where the clock has the frame
  std::uint32_t latency = 1;            ///< cycles, of the link
  std::uint32_t pipeline = 0;           ///< cycles, of the device, before it may act on a frame
  Stage waiting = Stage::fabric_queue;  ///< for the link
  std::uint16_t serialization = 0;      ///< cycles from start to arrival, of the frame at hand
};
static_assert(sizeof(Input) == 16);

/// Between the start of a frame and the cycle in which its last byte has followed; a frame that the
/// receiver acts on by its head has 0. More cycles than this the sender books itself.
inline constexpr std::uint16_t long_serialization = 0xffff;

/// Books the hop that brought a packet over a link and through the pipeline behind it, and before
/// that its wait for the link, unless the sender has: what a packet touches is what a large fabric
/// costs, so its record rests while it waits.
inline void book_arrival(PacketRecord& record, const Input& input, Cycle now) {
  const Cycle whole = now - input.pipeline - input.latency;
  if (input.serialization != long_serialization) {
    record.spend(input.waiting, whole - input.serialization);
  }
  record.spend(Stage::serialization, whole);
  record.spend(Stage::propagation, whole + input.latency);
  record.spend(Stage::pipeline, now);
}

}  // namespace heddle
