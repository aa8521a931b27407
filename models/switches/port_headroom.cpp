#include "switches/port_headroom.h"

#include <cmath>

namespace heddle {

namespace {

constexpr double metres_per_second = 1.98e8;  // as in the formula, so that latency stays latency
constexpr double worst_occupancy = 2.25;      // smallest packets in cells of the buffer

Bytes automatic_headroom(const PausedLink& link) {
  const double seconds = static_cast<double>(link.latency.picoseconds) * 1e-12;
  const double pipeline_bytes = static_cast<double>(link.pipeline.picoseconds) * 1e-12 *
                                static_cast<double>(link.rate.bits_per_second) / 8;
  return {pfc_headroom_bytes(link.rate, seconds * metres_per_second) +
          static_cast<std::uint64_t>(std::ceil(worst_occupancy * pipeline_bytes))};
}

}  // namespace

std::vector<Bytes> group_headroom(const SharedBufferConfig& config,
                                  const std::vector<PausedLink>& ports,
                                  const std::vector<TrafficClassConfig>& classes) {
  std::vector<Bytes> headroom;
  for (const PausedLink& link : ports) {
    for (const TrafficClassConfig& traffic_class : classes) {
      headroom.push_back(traffic_class.lossless ? config.headroom.value_or(automatic_headroom(link))
                                                : 0_B);
    }
  }
  return headroom;
}

}  // namespace heddle
