// What the user wants to see of a run, from the command line to the tracer.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "engine/scenario.h"
#include "engine/timeline.h"
#include "engine/wave_trace.h"

namespace heddle {

/// "2 us..5 us" of `option`; empty: the whole run. Throws InputError for a window that is none or
/// not over by the deadline.
struct TimeWindow {
  Duration begin;
  Duration end;
};
TimeWindow read_window(const std::string& option, const std::string& window, Duration deadline);

struct TraceRequest {
  std::vector<std::string> globs;  ///< shell patterns of device and link names; each must match
  std::string window;              ///< "2 us..5 us"; empty means the whole run
};

/// The request for one variant, its waves in `folder` under the variant's name. Throws InputError
/// for a pattern that matches nothing, and for a window that is none or not over by the deadline.
TraceOptions select_trace(const TraceRequest& request, const Scenario& scenario,
                          const std::filesystem::path& folder);

struct TimelineRequest {
  std::string file;
  std::string window;  ///< as of TraceRequest
};

/// The request for one variant of so many: with more than one its name stands before the file's
/// extension. Throws InputError where nothing computes.
TimelineOptions select_timeline(const TimelineRequest& request, const Scenario& scenario,
                                std::size_t variants);

}  // namespace heddle
