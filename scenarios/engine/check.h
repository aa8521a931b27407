// What no single parameter's range can say: combinations that cannot be.
#pragma once

#include "engine/scenario.h"

namespace heddle {

/// Throws InputError for a scenario whose parts do not fit each other.
void check(const Scenario& scenario);

}  // namespace heddle
