#include "engine/trace_selection.h"

#include <fmt/format.h>

#include "engine/blueprint.h"
#include "engine/fabric.h"
#include "engine/loader.h"
#include "engine/name_globs.h"
#include "engine/quantity.h"
#include "kernel/error.h"

namespace heddle {

TimeWindow read_window(const std::string& option, const std::string& window, Duration deadline) {
  if (window.empty()) return {Duration{0}, deadline};
  const auto fail = [&](const std::string& sentence) {
    throw InputError(fmt::format("{} '{}': {}", option, window, sentence));
  };
  const std::size_t dots = window.find("..");
  if (dots == std::string::npos) fail("expected two times, as in '2 us..5 us'");
  TimeWindow times;
  try {
    times.begin.picoseconds = parse_quantity(window.substr(0, dots), duration_units());
    times.end.picoseconds = parse_quantity(window.substr(dots + 2), duration_units());
  } catch (const InputError& error) {
    fail(error.what());
  }
  if (!(times.begin < times.end)) fail("must end later than it begins");
  if (deadline < times.end) {
    fail(
        fmt::format("must end by the deadline of {} (measure.deadline)", print_quantity(deadline)));
  }
  return times;
}

TraceOptions select_trace(const TraceRequest& request, const Scenario& scenario,
                          const std::filesystem::path& folder) {
  TraceOptions options;
  const TimeWindow window =
      read_window("--trace-window", request.window, scenario.measure.deadline);
  options.begin = window.begin;
  options.end = window.end;
  options.parts = matching_names(request.globs, part_names(scenario, draw(scenario)), "--trace",
                                 "device and no link");
  options.file = folder / (label_of(scenario) + ".vcd");
  return options;
}

TimelineOptions select_timeline(const TimelineRequest& request, const Scenario& scenario,
                                std::size_t variants) {
  if (!is_program(scenario.workload.front().pattern)) {
    throw InputError(fmt::format(
        "--timeline {}: {} has no chips that compute; workload.pattern is none of gemm, layers, "
        "transformer, kernel",
        request.file, label_of(scenario)));
  }
  const TimeWindow window =
      read_window("--timeline-window", request.window, scenario.measure.deadline);
  TimelineOptions options;
  options.file = request.file;
  options.begin = window.begin;
  options.end = window.end;
  if (variants > 1) {
    options.file.replace_filename(fmt::format("{}.{}{}", options.file.stem().string(),
                                              label_of(scenario),
                                              options.file.extension().string()));
  }
  return options;
}

}  // namespace heddle
