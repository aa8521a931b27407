// Who makes a switch of an adaptive fabric instead of Heddle: a user, of RTL of their own
// (cosim/flit_switch.h).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

namespace heddle {

class AdaptiveSwitch;
struct SwitchArguments;  // cosim/rtl_factory.h

using SwitchMaker = std::function<std::unique_ptr<AdaptiveSwitch>(const SwitchArguments&)>;
using SwitchMakers = std::map<std::string, SwitchMaker>;  ///< by name of the device

}  // namespace heddle
