// Whether the devices of a fabric can be what the scenario wants them to be: clocks, rates and
// memories, found out before anything runs.
#pragma once

#include "engine/scenario.h"

namespace heddle {

/// Throws InputError with the key at fault.
void check_devices(const Scenario& scenario);

}  // namespace heddle
