// Chooses among equal-cost ports. One object per switch; each policy is one short function.
#pragma once

#include <cstdint>
#include <vector>

#include "kernel/frame.h"
#include "kernel/rng.h"
#include "kernel/units.h"
#include "parts/spray_order.h"

namespace heddle {

enum class Routing : std::uint8_t { ecmp, flowlet, adaptive, spray };

class PathSelector {
 public:
  struct Rules {
    Routing routing = Routing::adaptive;
    SprayPolicy spray = SprayPolicy::random;
    Cycle flowlet_gap_cycles = 1000;
  };

  /// `groups[g]`: the ports, at least one and with consecutive numbers, that lead to the same set
  /// of hosts.
  PathSelector(const Rules& rules, std::vector<std::vector<std::uint16_t>> groups, Rng rng);

  /// The port of group `group` that `frame` takes. grades[port] is the quantised load of a port.
  unsigned choose(unsigned group, const Frame& frame, Cycle now,
                  const std::vector<std::uint8_t>& grades) {
    const std::vector<std::uint16_t>& ports = groups_[group];
    if (ports.size() == 1) return ports[0];
    switch (rules_.routing) {
      case Routing::ecmp:
        return ports[by_flow(frame, ports.size())];
      case Routing::flowlet:
        return ports[by_flowlet(frame, ports.size(), now)];
      case Routing::adaptive:
        return by_grade(ports, grades);
      case Routing::spray:
        break;
    }
    return ports[spray_[group].next()];
  }

  /// Hash of what a five-tuple holds: hosts and the queue pair's UDP source port (RoCEv2 puts its
  /// entropy there). Salted per switch, or every tier would make the same choice.
  std::uint64_t flow_hash(const Frame& frame) const;

 private:
  struct Flowlet {
    std::uint64_t last = 0;  ///< cycle of the last packet + 1; 0: never used
    std::uint16_t choice = 0;
  };

  std::size_t by_flow(const Frame& frame, std::size_t ports) const {
    return static_cast<std::size_t>((flow_hash(frame) >> 32) * ports >> 32);
  }
  std::size_t by_flowlet(const Frame& frame, std::size_t ports, Cycle now);

  /// The lowest grade; among equals each with the same probability.
  unsigned by_grade(const std::vector<std::uint16_t>& ports,
                    const std::vector<std::uint8_t>& grades);

  static constexpr std::size_t flowlet_entries = 8192;  // as LetFlow's table in hardware: 64 K/8

  Rules rules_;
  std::vector<std::vector<std::uint16_t>> groups_;
  Rng rng_;
  std::uint64_t salt_;
  std::vector<SprayOrder> spray_;
  std::vector<Flowlet> flowlets_;
};

}  // namespace heddle
