// Runs a scenario from a test: text in, results out. The simulation happens in a forked child, as
// in `heddle compare`, so a test may run as many as it likes.
#pragma once

#include <string>

#include "engine/child_process.h"
#include "engine/simulation.h"

namespace heddle::testing {

struct ScenarioRun {
  int exit_code = 0;        ///< as of `heddle run`
  std::string explanation;  ///< why it is not 0
  nlohmann::ordered_json results;

  /// A figure by its dotted path; throws std::out_of_range when there is none. Device names
  /// have no dots.
  double number(const std::string& path) const;
  std::string hash() const { return results.at("run").at("result_hash").get<std::string>(); }
};

/// Runs the one variant of `yaml`. Invalid text throws InputError. With a limit, a run that takes
/// longer is ended by a signal (exit code 3); instrumented builds have eight times as long.
ScenarioRun run_scenario(const std::string& yaml, const RunOptions& options = {},
                         unsigned cpu_limit_s = 0);

ScenarioRun run_scenario(const Scenario& scenario, const RunOptions& options = {},
                         unsigned cpu_limit_s = 0);

/// Runs one variant of the file, or its only one when `variant` is empty.
ScenarioRun run_scenario_file(const std::string& file, const std::string& variant,
                              const RunOptions& options = {});

}  // namespace heddle::testing
