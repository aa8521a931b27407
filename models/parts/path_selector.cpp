#include "parts/path_selector.h"

#include <algorithm>
#include <utility>

#include "kernel/error.h"

namespace heddle {

PathSelector::PathSelector(const Rules& rules, std::vector<std::vector<std::uint16_t>> groups,
                           Rng rng)
    : rules_(rules), groups_(std::move(groups)), rng_(rng), salt_(rng_.bits()) {
  for (const auto& ports : groups_) {
    for (std::size_t i = 1; i < ports.size(); ++i) {
      if (ports[i] != ports[0] + i) throw CheckFailure("equal-cost ports that are no neighbours");
    }
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
  if (gap)
    flowlet.choice = static_cast<std::uint16_t>(rng_.below(static_cast<std::uint32_t>(ports)));
  flowlet.last = now + 1;
  return flowlet.choice % ports;
}

unsigned PathSelector::by_grade(const std::vector<std::uint16_t>& ports,
                                const std::vector<std::uint8_t>& grades) {
  // Equal-cost ports are neighbours (the constructor checks it), so this runs over bytes side by
  // side, and the compiler compares many at once.
  const std::uint8_t* const first = grades.data() + ports[0];
  const auto count = static_cast<std::uint32_t>(ports.size());
  std::uint8_t best = first[0];
  for (std::uint32_t i = 1; i < count; ++i) best = std::min(best, first[i]);
  std::uint32_t equals = 0;
  for (std::uint32_t i = 0; i < count; ++i) equals += first[i] == best ? 1U : 0U;
  std::uint32_t left = equals == 1 ? 0 : rng_.below(equals);
  std::uint32_t i = 0;
  while (first[i] != best || left-- != 0) ++i;
  return ports[i];
}

}  // namespace heddle
