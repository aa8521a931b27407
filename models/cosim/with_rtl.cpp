// The functions of RTL in a program that was built with Verilator.
#include "cosim/rtl_adaptive_switch.h"
#include "cosim/rtl_fabric_element.h"
#include "cosim/rtl_factory.h"
#include "kernel/error.h"

namespace heddle {

bool has_rtl() { return true; }

std::unique_ptr<ScheduledLeaf> make_rtl_scheduled_leaf(const char* name, const Environment&,
                                                       const LeafPlace&, const ScheduledConfig&,
                                                       const std::vector<TrafficClassConfig>&) {
  throw InputError(std::string("rtl: ") + name + " has no RTL yet");
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

}  // namespace heddle
