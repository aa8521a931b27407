// The functions of RTL in a program that was built with Verilator.
#include "cosim/rtl_adaptive_switch.h"
#include "cosim/rtl_fabric_element.h"
#include "cosim/rtl_factory.h"
#include "cosim/rtl_scheduled_leaf.h"
#include "cosim/rtl_torus_router.h"
#include "kernel/error.h"

namespace heddle {

bool has_rtl() { return true; }

std::unique_ptr<ScheduledLeaf> make_rtl_scheduled_leaf(
    const char* name, const Environment& environment, const LeafPlace& place,
    const ScheduledConfig& config, const std::vector<TrafficClassConfig>& classes) {
  return std::make_unique<RtlScheduledLeaf>(name, environment, place, config, classes);
}

std::unique_ptr<FabricElement> make_rtl_fabric_element(const char* name,
                                                       const Environment& environment,
                                                       unsigned leaves, unsigned links_per_leaf,
                                                       const ScheduledConfig& config) {
  return std::make_unique<RtlFabricElement>(name, environment, leaves, links_per_leaf, config);
}

std::unique_ptr<AdaptiveSwitch> make_rtl_adaptive_switch(const SwitchArguments& arguments) {
  return std::make_unique<RtlAdaptiveSwitch>(arguments);
}

std::unique_ptr<TorusRouter> make_rtl_torus_router(const char* name, const Environment& environment,
                                                   const TorusShape& shape, unsigned node,
                                                   const TorusConfig& config) {
  return std::make_unique<RtlTorusRouter>(name, environment, shape, node, config);
}

}  // namespace heddle
