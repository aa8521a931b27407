// How long packets took, as a whole and by stage. Every entry is an integer sum, so the order of
// writing cannot matter.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "kernel/histogram.h"
#include "kernel/packet.h"

namespace heddle {

/// The packet of a run that took longest from due to delivered; of several the one that was due
/// first, then that of the smaller message, then the one sent first.
struct SlowestPacket {
  PacketRecord record;  ///< as it was on delivery; a latency of 0 when there was none
  Cycle latency = 0;

  Cycle delivered() const { return record.due + latency; }
};

class PacketTimes {
 public:
  PacketTimes() : tail_(Histogram::Scale::buckets(40)) {}

  /// From due until `now`. Throws CheckFailure unless the packet's stages add up to it.
  static Cycle latency_of(const PacketRecord& record, Cycle now);

  /// A packet that took so long has been delivered.
  void add(const PacketRecord& record, Cycle latency);

  const SlowestPacket& slowest() const { return slowest_; }
  const Histogram& latency() const { return latency_; }
  const Histogram& stage(Stage stage) const { return stages_[static_cast<unsigned>(stage)]; }
  /// Share of a stage in the latency of the packets from the p99.9 bucket on.
  double tail_share(Stage stage) const;

 private:
  void compare_with_slowest(const PacketRecord& record, Cycle latency);

  SlowestPacket slowest_;
  Histogram latency_;
  std::array<Histogram, stage_count> stages_;
  std::vector<std::array<std::uint64_t, stage_count>> tail_;  // stage sums by latency bucket
};

}  // namespace heddle
