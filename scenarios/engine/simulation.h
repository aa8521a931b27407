// One variant, one simulation, one process: builds the fabric, runs it, and gathers the results.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "engine/packet_path.h"
#include "engine/scenario.h"
#include "engine/wave_trace.h"

namespace heddle {

/// How a run ended; the values are exit codes of the program.
enum class RunStatus : int { done = 0, no_progress = 4, deadline = 5 };

struct Progress {
  double simulated_ns = 0;
  std::uint64_t frames = 0;  ///< frame-hops so far
  double wall_s = 0;
};

struct RunOptions {
  bool shuffle_devices = false;   ///< run the devices of each cycle in a random order
  bool wake_every_cycle = false;  ///< wake every device in every cycle: idle-skipping off
  std::string reproduce;          ///< command line that repeats this run; named by failed checks
  std::optional<TraceOptions> trace;  ///< waves to write
  /// The packet whose way (PacketPath) stands in the results as `path`; not with `trace`. Must be
  /// the slowest of the run.
  std::optional<PacketName> follow;
  /// Called a few times a second; returning false ends the run early (interrupted).
  std::function<bool(const Progress&)> progress;
};

struct RunOutcome {
  RunStatus status = RunStatus::done;
  std::string explanation;         ///< empty when done; else one line, then who waits for whom
  nlohmann::ordered_json results;  ///< the keys below `variants.<name>` of design section 5
};

/// Elaborates and runs `scenario`. At most once per process: SystemC cannot elaborate twice.
/// Throws InputError for impossible combinations and CheckFailure for a broken law.
RunOutcome simulate(const Scenario& scenario, const RunOptions& options);

}  // namespace heddle
