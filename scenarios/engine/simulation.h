// One variant, one simulation, one process: builds the fabric, runs it, and gathers the results.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "cosim/switch_maker.h"
#include "engine/packet_path.h"
#include "engine/scenario.h"
#include "engine/timeline.h"
#include "engine/wave_trace.h"
#include "kernel/csr.h"

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
  std::optional<TraceOptions> trace;        ///< waves to write
  std::optional<TimelineOptions> timeline;  ///< of the first chip, to write
  /// The packet whose way (PacketPath) stands in the results as `path`; not with `trace`. Must be
  /// the slowest of the run.
  std::optional<PacketName> follow;
  bool doorbells = false;  ///< others may post messages through the NICs' registers
  /// Makes switches of an adaptive fabric instead of Heddle, by name (docs/cosim.md).
  SwitchMakers switches;
  /// Called between two looks at the run; while it returns true the run does not end for lack of
  /// traffic: other SystemC processes still have something to do. The deadline still ends it.
  std::function<bool()> outside_busy;
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

/// The same in two steps, for a SystemC program that has modules of its own: they may read and
/// write the registers of the fabric's devices and post messages (docs/registers.md). One per
/// process. Its modules are named as in the results (`host0`, `leaf1`), and stay when this is
/// destroyed.
class EmbeddedFabric {
 public:
  /// Elaborates. Throws InputError for impossible combinations.
  explicit EmbeddedFabric(const Scenario& scenario, RunOptions options = {});

  /// The TLM-2.0 target socket of a device; binds once. Throws InputError for an unknown name.
  Csr::Socket& csr_socket(const std::string& device);
  /// What is behind it: names and addresses.
  const RegisterMap& registers(const std::string& device);

  /// Runs to the end, as simulate() does.
  RunOutcome run();

 private:
  struct Parts;
  Parts& parts_;
};

}  // namespace heddle
