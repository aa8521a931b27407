// How much buffer each ingress group of a device needs behind its pause threshold.
#pragma once

#include <array>
#include <functional>
#include <vector>

#include "kernel/device.h"
#include "kernel/error.h"
#include "kernel/frame.h"
#include "kernel/registers.h"
#include "kernel/units.h"
#include "parts/shared_buffer.h"
#include "parts/traffic_class.h"

namespace heddle {

/// What a switch stores of the smallest packet: RoCEv2 headers and no payload (transport.h).
inline constexpr std::uint64_t smallest_stored_bytes = 62;

/// A link whose sender a device may pause.
struct PausedLink {
  Rate rate;
  Duration latency;   ///< one way
  Duration pipeline;  ///< between the link and admission: still filling when the pause leaves
};

/// Headroom per group (port * classes + class): none for lossy classes; for lossless ones what
/// the configuration says or, for `auto`, the vendor's formula for the link plus the bytes in the
/// device's own pipeline, which that formula does not know.
std::vector<Bytes> group_headroom(const SharedBufferConfig& config,
                                  const std::vector<PausedLink>& ports,
                                  const std::vector<TrafficClassConfig>& classes);

/// Which classes of the sender of `port` the device has paused.
StateView pausing_view(const SharedBuffer& memory, unsigned port, unsigned classes);
StateView pausing_view(unsigned port, unsigned classes, std::function<bool(unsigned)> xoff);

/// Packets that found no room, by reason; those of hosts' data and their answers apart.
class DropCounts {
 public:
  /// A lossless packet may find no room only where the user chose the headroom, or where events
  /// have disturbed the link to its sender: pauses that are lost or late are in no formula.
  void count(const Frame& packet, Admission reason, bool may_overrun) {
    if (reason == Admission::drop_headroom && !may_overrun) {
      throw CheckFailure("a lossless class overruns its automatic headroom");
    }
    ++(packet.kind == FrameKind::packet ? data_ : answers_)[static_cast<unsigned>(reason)];
  }

  std::uint64_t data(Admission reason) const { return data_[static_cast<unsigned>(reason)]; }
  std::uint64_t answers(Admission reason) const { return answers_[static_cast<unsigned>(reason)]; }
  std::uint64_t total() const {
    std::uint64_t sum = 0;
    for (unsigned i = 0; i < data_.size(); ++i) sum += data_[i] + answers_[i];
    return sum;
  }

  /// What waves show of them.
  void add_views(std::vector<StateView>& views) const;

 private:
  std::array<std::uint64_t, 6> data_{};  // by Admission
  std::array<std::uint64_t, 6> answers_{};
};

/// The registers of `drops`, which must outlive them: 8 bytes each, four of them.
void describe_drops(RegisterBlock& counters, std::uint64_t offset, const DropCounts& drops);

}  // namespace heddle
