#include "scenario_run.h"

#include <sys/resource.h>

#include <sstream>
#include <stdexcept>
#include <vector>

#include "engine/loader.h"

namespace heddle::testing {

namespace {

const Scenario& only(const std::vector<Scenario>& scenarios) {
  if (scenarios.size() != 1) throw InputError("a test runs one variant at a time");
  return scenarios[0];
}

}  // namespace

double ScenarioRun::number(const std::string& path) const {
  const nlohmann::ordered_json* at = &results;
  std::istringstream keys(path);
  for (std::string key; std::getline(keys, key, '.');) {
    if (!at->contains(key)) throw std::out_of_range("no result " + path);
    at = &at->at(key);
  }
  return at->get<double>();
}

ScenarioRun run_scenario(const Scenario& scenario, const RunOptions& options,
                         unsigned cpu_limit_s) {
  const auto simulate_in_time = [cpu_limit_s](const Scenario& what, const RunOptions& how) {
    const rlim_t seconds = rlim_t{cpu_limit_s} * HEDDLE_TEST_SLOWNESS;
    const rlimit limit{seconds, seconds};
    if (cpu_limit_s > 0) setrlimit(RLIMIT_CPU, &limit);
    return simulate(what, how);
  };
  ChildProcess child(scenario, options, simulate_in_time, {});
  while (child.receive([](const Progress&) {})) {
  }
  const ChildProcess::End end = child.end();
  ScenarioRun result{end.exit_code, end.explanation, {}};
  if (end.outcome) result.results = end.outcome->results;
  return result;
}

ScenarioRun run_scenario(const std::string& yaml, const RunOptions& options, unsigned cpu_limit_s) {
  return run_scenario(only(load_text(yaml, "scenario of this test")), options, cpu_limit_s);
}

ScenarioRun run_scenario_file(const std::string& file, const std::string& variant,
                              const RunOptions& options) {
  LoadOptions load_options;
  if (!variant.empty()) load_options.variants = {variant};
  return run_scenario(only(load(file, load_options)), options);
}

}  // namespace heddle::testing
