// Chooses among equal-cost ports. One object per switch; each policy is one short function.
#pragma once

#include <cstdint>
#include <vector>

#include "kernel/frame.h"
#include "kernel/units.h"
#include "parts/lfsr.h"
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
  /// of hosts. `seeds` gives the salt, then the state of the random numbers, then that of each
  /// group's spray order.
  PathSelector(const Rules& rules, const std::vector<std::vector<std::uint16_t>>& groups,
               Rng seeds);

  /// The port of group `group` that `frame` takes. grades[port] is the quantised load of a port.
  unsigned choose(unsigned group, const Frame& frame, Cycle now,
                  const std::vector<std::uint8_t>& grades) {
    const Ports ports = groups_[group];
    if (ports.count == 1) return ports.first;
    switch (rules_.routing) {
      case Routing::ecmp:
        return ports.first + by_flow(frame, ports.count);
      case Routing::flowlet:
        return ports.first + by_flowlet(frame, ports.count, now);
      case Routing::adaptive:
        return ports.first + by_grade(grades.data() + ports.first, ports.count);
      case Routing::spray:
        break;
    }
    return ports.first + spray_[group].next();
  }

  /// The same, where only some ports of the group may be used: `ports`, at least one.
  unsigned choose_among(const std::vector<std::uint16_t>& ports, unsigned group, const Frame& frame,
                        Cycle now, const std::vector<std::uint8_t>& grades);

  /// Hash of what a five-tuple holds: hosts and the queue pair's UDP source port (RoCEv2 puts its
  /// entropy there). Salted per switch, or every tier would make the same choice.
  std::uint64_t flow_hash(const Frame& frame) const;

  std::uint64_t salt() const { return salt_; }
  const Lfsr& random() const { return random_; }
  const SprayOrder& spray(unsigned group) const { return spray_[group]; }

  static constexpr std::size_t flowlet_entries = 8192;  // as LetFlow's table in hardware: 64 K/8

 private:
  struct Flowlet {
    std::uint64_t last = 0;  ///< cycle of the last packet + 1; 0: never used
    std::uint16_t choice = 0;
  };

  /// Neighbouring ports: equal-cost ones are.
  struct Ports {
    std::uint16_t first;
    std::uint16_t count;
  };

  // Each chooses one of `ports`, by its number among them.
  unsigned by_flow(const Frame& frame, unsigned ports) const {
    return static_cast<unsigned>((flow_hash(frame) >> 32) * ports >> 32);
  }
  unsigned by_flowlet(const Frame& frame, unsigned ports, Cycle now);
  /// The lowest grade; among equals each with the same probability.
  unsigned by_grade(const std::uint8_t* grades, unsigned ports);

  Rules rules_;
  std::vector<Ports> groups_;
  std::uint64_t salt_;
  Lfsr random_;
  std::vector<SprayOrder> spray_;
  std::vector<Flowlet> flowlets_;
  std::vector<std::uint8_t> usable_grades_;  // of the choice at hand
};

}  // namespace heddle
