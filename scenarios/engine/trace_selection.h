// What the user wants to see of a run, from the command line to the tracer.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "engine/scenario.h"
#include "engine/wave_trace.h"

namespace heddle {

struct TraceRequest {
  std::vector<std::string> globs;  ///< shell patterns of device and link names; each must match
  std::string window;              ///< "2 us..5 us"; empty means the whole run
};

/// The request for one variant, its waves in `folder` under the variant's name. Throws InputError
/// for a pattern that matches nothing, and for a window that is none or not over by the deadline.
TraceOptions select_trace(const TraceRequest& request, const Scenario& scenario,
                          const std::filesystem::path& folder);

}  // namespace heddle
