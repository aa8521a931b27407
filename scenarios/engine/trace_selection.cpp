#include "engine/trace_selection.h"

#include <fmt/format.h>

#include "engine/blueprint.h"
#include "engine/fabric.h"
#include "engine/loader.h"
#include "engine/name_globs.h"
#include "engine/quantity.h"
#include "kernel/error.h"

namespace heddle {
namespace {

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
  options.parts = matching_names(request.globs, part_names(scenario, draw(scenario)), "--trace",
                                 "device and no link");
  options.file = folder / (label_of(scenario) + ".vcd");
  return options;
}

}  // namespace heddle
