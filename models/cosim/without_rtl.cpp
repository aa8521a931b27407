// The functions of RTL in a program that was built without Verilator: the engine has asked
// has_rtl() before, so nobody comes here.
#include "cosim/rtl_factory.h"
#include "kernel/error.h"

namespace heddle {

namespace {

[[noreturn]] void refuse() { throw InputError("rtl: this heddle was built without Verilator"); }

}  // namespace

bool has_rtl() { return false; }

std::unique_ptr<ScheduledLeaf> make_rtl_scheduled_leaf(const char*, const Environment&,
                                                       const LeafPlace&, const ScheduledConfig&,
                                                       const std::vector<TrafficClassConfig>&) {
  refuse();
}

std::unique_ptr<FabricElement> make_rtl_fabric_element(const char*, const Environment&, unsigned,
                                                       unsigned, const ScheduledConfig&) {
  refuse();
}

std::unique_ptr<AdaptiveSwitch> make_rtl_adaptive_switch(const SwitchArguments&) { refuse(); }

std::unique_ptr<TorusRouter> make_rtl_torus_router(const char*, const Environment&,
                                                   const TorusShape&, unsigned,
                                                   const TorusConfig&) {
  refuse();
}

}  // namespace heddle
