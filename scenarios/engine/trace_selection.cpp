#include "engine/trace_selection.h"

#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>

#include "engine/blueprint.h"
#include "engine/fabric.h"
#include "engine/loader.h"
#include "engine/nearest.h"
#include "engine/quantity.h"
#include "kernel/error.h"

namespace heddle {
namespace {

/// The names that any of the patterns matches, in their own order.
std::vector<std::string> matching(const std::vector<std::string>& globs,
                                  const std::vector<std::string>& names) {
  const auto matches = [](const std::string& glob, const std::string& name) {
    return fnmatch(glob.c_str(), name.c_str(), 0) == 0;
  };
  for (const std::string& glob : globs) {
    const bool any = std::any_of(names.begin(), names.end(),
                                 [&](const std::string& name) { return matches(glob, name); });
    if (any) continue;
    const std::string close = nearest(glob, names);
    throw InputError(fmt::format(
        "--trace '{}': matches no device and no link{}", glob,
        !close.empty()     ? fmt::format("; did you mean '{}'?", close)
        : names.size() < 3 ? fmt::format("; there is only {}", names.front())
                           : fmt::format("; names are such as {}, {} and {}", names.front(),
                                         names[names.size() - 2], names.back())));
  }
  std::vector<std::string> chosen;
  std::copy_if(names.begin(), names.end(), std::back_inserter(chosen), [&](const auto& name) {
    return std::any_of(globs.begin(), globs.end(),
                       [&](const std::string& glob) { return matches(glob, name); });
  });
  return chosen;
}

void read_window(const std::string& window, Duration deadline, TraceOptions& options) {
  const auto fail = [&](const std::string& sentence) {
    throw InputError(fmt::format("--trace-window '{}': {}", window, sentence));
  };
  const std::size_t dots = window.find("..");
  if (dots == std::string::npos) fail("expected two times, as in '2 us..5 us'");
  try {
    options.begin.picoseconds = parse_quantity(window.substr(0, dots), duration_units());
    options.end.picoseconds = parse_quantity(window.substr(dots + 2), duration_units());
  } catch (const InputError& error) {
    fail(error.what());
  }
  if (!(options.begin < options.end)) fail("must end later than it begins");
  if (deadline < options.end) {
    fail(
        fmt::format("must end by the deadline of {} (measure.deadline)", print_quantity(deadline)));
  }
}

}  // namespace

TraceOptions select_trace(const TraceRequest& request, const Scenario& scenario,
                          const std::filesystem::path& folder) {
  TraceOptions options;
  options.end = scenario.measure.deadline;
  if (!request.window.empty()) read_window(request.window, scenario.measure.deadline, options);
  options.parts = matching(request.globs, part_names(scenario, draw(scenario)));
  options.file = folder / (label_of(scenario) + ".vcd");
  return options;
}

}  // namespace heddle
