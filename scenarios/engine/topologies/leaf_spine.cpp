// Leaves joined by spines: for the scheduled fabric the distributed form, leaves and elements with
// real cables between.
#include "engine/blueprint.h"

namespace heddle {

Blueprint draw_leaf_spine(const Scenario& scenario, Extent extent) {
  const FabricConfig& fabric = scenario.fabric;
  return draw_two_tiers(
      {static_cast<unsigned>(fabric.leaves), static_cast<unsigned>(fabric.hosts_per_leaf),
       static_cast<unsigned>(fabric.spines), static_cast<unsigned>(fabric.links_per_spine),
       fabric.host_link, fabric.fabric_link},
      extent);
}

}  // namespace heddle
