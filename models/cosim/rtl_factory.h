// Devices of a fabric as C++ models or as Verilated RTL: the same arguments, the same behaviour.
#pragma once

#include <memory>
#include <vector>

#include "accelerator/torus_router.h"
#include "cosim/switch_maker.h"
#include "switches/adaptive_switch.h"
#include "switches/fabric_element.h"
#include "switches/scheduled_leaf.h"

namespace heddle {

/// What an adaptive switch is built from; references and `name` stay valid during the run.
struct SwitchArguments {
  const char* name;
  Environment environment;
  std::vector<SwitchPort> ports;
  SwitchRoutes routes;
  const AdaptiveConfig& config;
  Routing routing;
  const std::vector<TrafficClassConfig>& classes;
  std::uint32_t largest_packet_bytes;
};

/// Whether this program was built with Verilator. If not, the functions of RTL throw InputError.
bool has_rtl();

// The arguments are those of the constructors. RTL has sizes of its own: what exceeds them is an
// InputError that begins with `rtl: ` and the device's name.

std::unique_ptr<ScheduledLeaf> make_scheduled_leaf(const char* name, const Environment& environment,
                                                   const LeafPlace& place,
                                                   const ScheduledConfig& config,
                                                   const std::vector<TrafficClassConfig>& classes);
std::unique_ptr<ScheduledLeaf> make_rtl_scheduled_leaf(
    const char* name, const Environment& environment, const LeafPlace& place,
    const ScheduledConfig& config, const std::vector<TrafficClassConfig>& classes);

std::unique_ptr<FabricElement> make_fabric_element(const char* name, const Environment& environment,
                                                   unsigned leaves, unsigned links_per_leaf,
                                                   const ScheduledConfig& config);
std::unique_ptr<FabricElement> make_rtl_fabric_element(const char* name,
                                                       const Environment& environment,
                                                       unsigned leaves, unsigned links_per_leaf,
                                                       const ScheduledConfig& config);

std::unique_ptr<AdaptiveSwitch> make_adaptive_switch(const SwitchArguments& arguments);
std::unique_ptr<AdaptiveSwitch> make_rtl_adaptive_switch(const SwitchArguments& arguments);

std::unique_ptr<TorusRouter> make_torus_router(const char* name, const Environment& environment,
                                               const TorusShape& shape, unsigned node,
                                               const TorusConfig& config);
/// What exceeds the RTL's sizes is thrown by wired() of the router.
std::unique_ptr<TorusRouter> make_rtl_torus_router(const char* name, const Environment& environment,
                                                   const TorusShape& shape, unsigned node,
                                                   const TorusConfig& config);

}  // namespace heddle
