// The results of a run on a torus.
#pragma once

#include <nlohmann/json.hpp>

#include "engine/torus_simulation.h"

namespace heddle {

/// The keys below `variants.<name>` of results.json (statistics.h), but `run`.
nlohmann::ordered_json measure_torus(const TorusFacts& facts, const TorusWork& work);

}  // namespace heddle
