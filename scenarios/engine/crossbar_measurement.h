// The results of a run about a crossbar: the keys of every run as far as cells have them, and what
// switch theory speaks about.
#pragma once

#include <nlohmann/json.hpp>

#include "engine/measurement.h"

namespace heddle {

/// The keys below `variants.<name>` of results.json (statistics.h). The fabric must have a
/// crossbar.
nlohmann::ordered_json measure_crossbar(const RunFacts& facts);

}  // namespace heddle
