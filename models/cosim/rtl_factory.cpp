#include "cosim/rtl_factory.h"

namespace heddle {

std::unique_ptr<ScheduledLeaf> make_scheduled_leaf(const char* name, const Environment& environment,
                                                   const LeafPlace& place,
                                                   const ScheduledConfig& config,
                                                   const std::vector<TrafficClassConfig>& classes) {
  return std::make_unique<ScheduledLeaf>(name, environment, place, config, classes);
}

std::unique_ptr<FabricElement> make_fabric_element(const char* name, const Environment& environment,
                                                   unsigned leaves, unsigned links_per_leaf,
                                                   const ScheduledConfig& config) {
  return std::make_unique<FabricElement>(name, environment, leaves, links_per_leaf, config);
}

std::unique_ptr<AdaptiveSwitch> make_adaptive_switch(const SwitchArguments& arguments) {
  return std::make_unique<AdaptiveSwitch>(arguments.name, arguments.environment, arguments.ports,
                                          arguments.routes, arguments.config, arguments.routing,
                                          arguments.classes, arguments.largest_packet_bytes);
}

std::unique_ptr<TorusRouter> make_torus_router(const char* name, const Environment& environment,
                                               const TorusShape& shape, unsigned node,
                                               const TorusConfig& config) {
  return std::make_unique<TorusRouter>(name, environment, shape, node, config);
}

}  // namespace heddle
