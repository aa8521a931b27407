#include "switches/port_headroom.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace heddle {

namespace {

/// Bytes of memory per byte of link time that packets can take at worst: the smallest ones, or
/// those that just do not fit a number of cells. The vendor's 2.25 is 64 B in a cell of 144 B.
double worst_occupancy(std::uint64_t cell_bytes) {
  const auto occupancy = [&](std::uint64_t stored) {
    const std::uint64_t cells = (stored + cell_bytes - 1) / cell_bytes;
    return static_cast<double>(cells * cell_bytes) /
           static_cast<double>(stored + ethernet_framing_bytes);
  };
  const std::uint64_t next_step =
      (smallest_stored_bytes + cell_bytes - 1) / cell_bytes * cell_bytes + 1;
  return std::max({2.25, occupancy(smallest_stored_bytes), occupancy(next_step)});
}

Bytes automatic_headroom(const PausedLink& link, double occupancy) {
  const double seconds = static_cast<double>(link.latency.picoseconds) * 1e-12;
  const double pipeline_bytes = static_cast<double>(link.pipeline.picoseconds) * 1e-12 *
                                static_cast<double>(link.rate.bits_per_second) / 8;
  return {pfc_headroom_bytes(link.rate, seconds * light_metres_per_second, occupancy) +
          static_cast<std::uint64_t>(std::ceil(occupancy * pipeline_bytes))};
}

}  // namespace

std::vector<Bytes> group_headroom(const SharedBufferConfig& config,
                                  const std::vector<PausedLink>& ports,
                                  const std::vector<TrafficClassConfig>& classes) {
  const double occupancy = worst_occupancy(config.cell.value);
  std::vector<Bytes> headroom;
  for (const PausedLink& link : ports) {
    for (const TrafficClassConfig& traffic_class : classes) {
      headroom.push_back(traffic_class.lossless
                             ? config.headroom.value_or(automatic_headroom(link, occupancy))
                             : 0_B);
    }
  }
  return headroom;
}

StateView pausing_view(const SharedBuffer& memory, unsigned port, unsigned classes) {
  return pausing_view(port, classes,
                      [=, &memory](unsigned c) { return memory.xoff(port * classes + c); });
}

StateView pausing_view(unsigned port, unsigned classes, std::function<bool(unsigned)> xoff) {
  return {fmt::format("port{}_pausing", port), StateView::Kind::mask, classes,
          [classes, xoff = std::move(xoff)] {
            std::uint64_t mask = 0;
            for (unsigned c = 0; c < classes; ++c) mask |= std::uint64_t{xoff(c)} << c;
            return mask;
          }};
}

void DropCounts::add_views(std::vector<StateView>& views) const {
  views.push_back({"drop", StateView::Kind::strobe, 1, [this] { return total(); }});
  views.push_back({"dropped", StateView::Kind::level, 64, [this] { return total(); }});
}

void describe_drops(RegisterBlock& counters, std::uint64_t offset, const DropCounts& drops) {
  const auto data = [&](const char* name, std::uint64_t at, const char* text, Admission reason) {
    counters.add(name, offset + at, 8, text, [&drops, reason] { return drops.data(reason); });
  };
  data("packets_dropped_threshold", 0x00, "Data packets dropped: queue at its threshold.",
       Admission::drop_threshold);
  data("packets_dropped_pool", 0x08, "Data packets dropped: memory full.", Admission::drop_pool);
  data("packets_dropped_headroom", 0x10, "Data packets dropped: headroom full.",
       Admission::drop_headroom);
  counters.add("frames_dropped", offset + 0x18, 8, "All frames dropped, answers included.",
               [&drops] { return drops.total(); });
}

}  // namespace heddle
