// One box: one shallow-buffer switch, one chassis of line cards and fabric elements, or one
// crossbar.
#include "engine/blueprint.h"

namespace heddle {

Blueprint draw_single(const Scenario& scenario, Extent extent) {
  const FabricConfig& fabric = scenario.fabric;
  const auto hosts = static_cast<unsigned>(fabric.hosts);
  if (scenario.switch_kind == SwitchKind::crossbar) {
    Blueprint alone;  // it has no cables, hence no hosts
    alone.boxes.emplace_back().name = "crossbar";
    return alone;
  }
  if (scenario.switch_kind == SwitchKind::adaptive) {
    return draw_two_tiers({1, hosts, 0, 1, fabric.host_link, fabric.fabric_link}, extent);
  }
  const ChassisConfig& chassis = scenario.scheduled.chassis;
  const auto cards = static_cast<unsigned>(chassis.line_cards);
  return draw_two_tiers({cards,
                         hosts / cards,
                         static_cast<unsigned>(chassis.fabric_elements),
                         1,
                         fabric.host_link,
                         {chassis.internal_rate, chassis.internal_latency}},
                        extent);
}

}  // namespace heddle
