// What the links inside a scheduled fabric have in common: two classes, cells and, strictly before
// them, status, credit and flow control frames.
#pragma once

#include <utility>

#include "switches/output_ports.h"
#include "switches/scheduled_config.h"

namespace heddle {

enum FabricClass : unsigned { cells = 0, control = 1 };

inline constexpr std::uint32_t unbounded_frames = 1U << 24;  // bounded by credits and pools instead

/// Packets that were lost with their cells, for no want of room.
struct LostPackets {
  std::uint64_t packets = 0;  ///< data
  std::uint64_t answers = 0;

  void count(FrameKind kind) { ++(kind == FrameKind::packet ? packets : answers); }
  /// All that end in a cell.
  void lose(PacketPool& pool, const Frame& cell) {
    for (std::uint32_t number = cell.packet; number != no_packet;) {
      count(pool[number].frame.kind);
      const std::uint32_t next = pool[number].next;
      pool.release(std::exchange(number, next));
    }
  }
  LostPackets& operator+=(const LostPackets& other) {
    packets += other.packets;
    answers += other.answers;
    return *this;
  }
};

/// Registers that tell what a port's device has noticed of its link: 8 bytes of each port.
template <class Heard, class Used>
void describe_notice(RegisterBlock& port, std::uint64_t offset, Heard heard, Used used) {
  port.add("rx_heard", offset, 4,
           "1 while the watchdog hears the peer's reachability frames; always 1 in a scenario "
           "without events.",
           heard)
      .resets_to("1");
  port.add("in_use", offset + 4, 4, "1 while both ends hear each other, so that cells go out here.",
           used)
      .resets_to("1");
}

inline std::uint64_t largest_cell_bytes(const ScheduledConfig& config) {
  return config.cell_payload.value + config.cell_header.value;
}

inline OutputPorts::Shape fabric_output_shape(unsigned ports, const ScheduledConfig& config) {
  return {ports,
          {{ClassScheduling::weighted, 1, true}, {ClassScheduling::strict, 1, true}},
          static_cast<std::uint32_t>(largest_cell_bytes(config)),
          unbounded_frames,
          Release::first_byte};
}

}  // namespace heddle
