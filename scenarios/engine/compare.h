// Runs the variants of a scenario, each in a process of its own: SystemC elaborates once per
// process, a crash takes one variant with it, and several run at once.
#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/child_process.h"
#include "engine/exit_code.h"
#include "engine/simulation.h"

namespace heddle {

struct CompareOptions {
  RunOptions run;  ///< for every variant; `reproduce` and `progress` are set by `compare`
  std::function<std::string(const std::string& label)> reproduce;
  /// The waves to write of a variant; null for none.
  std::function<TraceOptions(const Scenario&)> trace;
  /// The timeline to write of a variant; null for none.
  std::function<TimelineOptions(const Scenario&)> timeline;
  nlohmann::ordered_json arguments =
      nlohmann::ordered_json::object();  ///< what led to the scenarios; stands in results.json
  unsigned jobs = 0;                     ///< variants at once; 0 means one per hardware thread
  std::filesystem::path folder;          ///< of results.json; must exist
  bool resume = false;                   ///< keep what results.json has of these scenarios
  std::function<void(const std::string& sentence)> warn;  ///< that results.json is damaged
  bool quiet = false;
};

struct Failure {
  std::string variant;
  int exit_code = 0;
  std::string explanation;
};

struct Comparison {
  nlohmann::ordered_json document;  ///< the contents of results.json
  std::vector<Failure> failures;    ///< variants that were not `done`, in scenario order
  std::string unsaved;              ///< why results.json could not be written; else empty
  int exit_code = exit_done;        ///< of the program: the worst, see `worst`
};

/// Runs all scenarios. After each one that ends, results.json holds all results so far; with the
/// same scenarios and seeds it is equal to the byte, whatever the order in which they end, but for
/// run.wall_s and run.ns_per_frame_hop. SIGINT and SIGTERM end the running variants and keep the
/// finished ones; before there is one, results.json stays as an earlier run left it.
///
/// With `resume` variants that an earlier run into the folder has finished are not run again
/// (EarlierResults): in the end results.json is as after a run that nothing has interrupted.
///
/// Call before anything of SystemC is constructed.
Comparison compare(const std::vector<Scenario>& scenarios, const CompareOptions& options,
                   const Simulate& simulate = heddle::simulate);

/// Of two exit codes the one that matters more: interrupted, then 3, 2, 4, 5, 0.
int worst(int a, int b);

}  // namespace heddle
