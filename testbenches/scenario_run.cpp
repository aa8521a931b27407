#include "scenario_run.h"

#include <sstream>
#include <stdexcept>
#include <vector>

#include "engine/loader.h"

namespace heddle::testing {

namespace {

ScenarioRun run(const std::vector<Scenario>& scenarios, const RunOptions& options) {
  if (scenarios.size() != 1) throw InputError("a test runs one variant at a time");
  ChildProcess child(scenarios[0], options, simulate, {});
  while (child.receive([](const Progress&) {})) {
  }
  const ChildProcess::End end = child.end();
  ScenarioRun result{end.exit_code, end.explanation, {}};
  if (end.outcome) result.results = end.outcome->results;
  return result;
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

ScenarioRun run_scenario(const std::string& yaml, const RunOptions& options) {
  return run(load_text(yaml, "scenario of this test"), options);
}

ScenarioRun run_scenario_file(const std::string& file, const std::string& variant,
                              const RunOptions& options) {
  LoadOptions load_options;
  if (!variant.empty()) load_options.variants = {variant};
  return run(load(file, load_options), options);
}

}  // namespace heddle::testing
