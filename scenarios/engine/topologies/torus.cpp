// Routers in rings: in each dimension of more than one node, each is joined to the next one up, and
// the last to the first. A ring of two has two cables.
#include "accelerator/torus_router.h"
#include "engine/blueprint.h"
#include "engine/torus_fabric.h"

namespace heddle {

Blueprint draw_torus(const Scenario& scenario) {
  const TorusShape shape = torus_shape(scenario.fabric);
  std::vector<unsigned> rings;
  for (unsigned d = 0; d < torus_dimensions; ++d) {
    if (shape.size(d) > 1) rings.push_back(d);
  }
  Blueprint blueprint;
  blueprint.hosts = shape.nodes();
  for (unsigned node = 0; node < shape.nodes(); ++node) {
    Blueprint::Box& box = blueprint.boxes.emplace_back();
    box.name = torus_router_name(node);
    for (unsigned r = 0; r < rings.size(); ++r) {
      const LinkConfig cable = scenario.fabric.ring_link(rings[r]);
      for (const Way way : {Way::up, Way::down}) {
        const unsigned far_end = 2 * r + (way == Way::up ? 1 : 0);  // meets the other way's port
        box.ports.push_back(
            {cable, shape.neighbour(node, rings[r], way), far_end, torus_port_name(rings[r], way)});
      }
    }
  }
  return blueprint;
}

}  // namespace heddle
