// What no single parameter's range can say: combinations that cannot be.
#pragma once

#include "engine/scenario.h"

namespace heddle {

/// Throws InputError for a scenario whose parts do not fit each other. The sentence begins with the
/// path of the key that it is about, by which the loader finds the place in the file.
void check(const Scenario& scenario);

}  // namespace heddle
