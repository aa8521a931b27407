// A fabric on paper: boxes, hosts, cables and routes, the same for every kind of switch. Each
// topology is one function that draws one.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "engine/scenario.h"
#include "kernel/units.h"

namespace heddle {

struct Blueprint {
  static constexpr std::uint32_t to_host = ~std::uint32_t{0};

  /// One end of a cable; both directions have the rate and the latency.
  struct Port {
    LinkConfig cable;
    std::uint32_t peer_box = to_host;  ///< or to_host
    std::uint32_t peer = 0;            ///< port of the peer box, or number of the host
    std::string name{};                ///< in names of links; if empty, its number
  };

  /// A switch. Leaves come first and number their host ports from 0 upwards, before all others.
  struct Box {
    std::string name;
    bool leaf = true;
    std::vector<Port> ports;
    std::vector<std::uint16_t> group_of_host;
    std::vector<std::vector<std::uint16_t>> ports_of_group;
  };

  unsigned hosts = 0;
  unsigned hosts_per_leaf = 0;
  unsigned leaves = 0;
  std::vector<Box> boxes;
  /// Time of flight from one host to another.
  std::function<Duration(unsigned source, unsigned destination)> propagation;
};

/// A cable of a blueprint, seen from the box that names it first.
struct DrawnCable {
  unsigned box;
  unsigned port;
  std::string forth;  ///< name of the link that leaves that box; of a host's cable, of the host
  std::string back;
};
/// Cables in the order of boxes and ports, each once.
std::vector<DrawnCable> cables_of(const Blueprint& blueprint);

/// How much of a fabric is drawn. One box of each tier stands for all where only sizes matter.
enum class Extent : std::uint8_t { whole, one_of_each_tier };

/// Leaves with hosts below and spines above, each leaf joined to each spine by `links` cables. Leaf
/// port hosts + spine * links + i meets spine port leaf * links + i.
struct TwoTiers {
  unsigned leaves;
  unsigned hosts_per_leaf;
  unsigned spines;
  unsigned links;
  LinkConfig host_link;
  LinkConfig fabric_link;
};
/// Between the tiers: more would take minutes and gigabytes merely to be drawn.
inline constexpr std::uint64_t most_cables = 1U << 20;
/// Throws InputError for more cables than that.
Blueprint draw_two_tiers(const TwoTiers& tiers, Extent extent);

// --- topologies, one file each -------------------------------------------------------------------

Blueprint draw_single(const Scenario& scenario, Extent extent);
Blueprint draw_leaf_spine(const Scenario& scenario, Extent extent);
/// Routers and the cables between them; nodes are not drawn.
Blueprint draw_torus(const Scenario& scenario);

/// The one that the scenario names.
Blueprint draw(const Scenario& scenario, Extent extent = Extent::whole);

}  // namespace heddle
