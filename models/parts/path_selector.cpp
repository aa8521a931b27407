#include "parts/path_selector.h"

#include <algorithm>
#include <utility>

namespace heddle {

PathSelector::PathSelector(const Rules& rules, std::vector<std::vector<std::uint16_t>> groups,
                           Rng rng)
    : rules_(rules), groups_(std::move(groups)), rng_(rng), salt_(rng_.bits()) {
  for (const auto& ports : groups_) {
    Rng own = rng_;
    rng_.jump();  // the groups' streams must not overlap
    spray_.emplace_back(rules.spray, static_cast<unsigned>(ports.size()), own);
  }
  if (rules_.routing == Routing::flowlet) flowlets_.resize(flowlet_entries);
}

std::uint64_t PathSelector::flow_hash(const Frame& frame) const {
  std::uint64_t key = static_cast<std::uint64_t>(frame.source) << 48 ^
                      static_cast<std::uint64_t>(frame.destination) << 32 ^ frame.flow;
  key = (key ^ salt_) * 0xbf58476d1ce4e5b9;
  key = (key ^ key >> 31) * 0x94d049bb133111eb;
  return key ^ key >> 29;
}

std::size_t PathSelector::by_flowlet(const Frame& frame, std::size_t ports, Cycle now) {
  Flowlet& flowlet = flowlets_[flow_hash(frame) % flowlet_entries];
  const bool gap = flowlet.last == 0 || now + 1 - flowlet.last >= rules_.flowlet_gap_cycles;
  if (gap) flowlet.choice = static_cast<std::uint16_t>(rng_.below(static_cast<std::uint32_t>(ports)));
  flowlet.last = now + 1;
  return flowlet.choice % ports;
}

unsigned PathSelector::by_grade(const std::vector<std::uint16_t>& ports,
                                const std::vector<std::uint8_t>& grades) {
  std::uint8_t best = 0xff;
  std::uint32_t equals = 0;
  for (const std::uint16_t port : ports) {
    const std::uint8_t grade = grades[port];
    equals = grade < best ? 1 : equals + (grade == best ? 1 : 0);
    best = std::min(best, grade);
  }
  std::uint32_t left = equals == 1 ? 0 : rng_.below(equals);
  for (const std::uint16_t port : ports) {
    if (grades[port] == best && left-- == 0) return port;
  }
  return ports[0];
}

}  // namespace heddle
