// An all-reduce of 64 MiB on the 64 chips of an UltraServer, with real data, on one core. The
// ceiling is 20 s (docs/performance.md).
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <string>

#include "scenario_run.h"

namespace {

constexpr const char* scenario = R"(
switch: torus
fabric:
  topology: torus
  x: 4
  y: 4
  z: 4
  x_link: {rate: 2048 Gbps, latency: 50 ns}
  y_link: {rate: 2048 Gbps, latency: 50 ns}
  z_link: {rate: 1024 Gbps, latency: 100 ns}
  local_link: {rate: 8192 Gbps, latency: 5 ns}
torus: {payload: 1 KiB}
workload: {pattern: collective, operation: all_reduce, message: 64 MiB, algorithm: )";

void all_reduce(benchmark::State& state, const std::string& algorithm) {
  heddle::testing::ScenarioRun run;
  for ([[maybe_unused]] auto _ : state) {
    run = heddle::testing::run_scenario(scenario + algorithm + "}\n");
    if (run.exit_code != 0) {
      state.SkipWithError(run.explanation.c_str());
      return;
    }
  }
  state.counters["simulated_us"] = run.number("collective.time_ns") * 1e-3;
  state.counters["bound_us"] = run.number("collective.bound_ns") * 1e-3;
  state.counters["busbw_GB_per_s"] = run.number("collective.busbw_gbps") / 8;
  state.counters["packet_hops"] = run.number("run.frame_hops");
  state.counters["ns_per_hop"] = run.number("run.ns_per_frame_hop");
}

BENCHMARK_CAPTURE(all_reduce, hierarchical, "hierarchical")
    ->Unit(benchmark::kSecond)
    ->Iterations(1)
    ->UseRealTime();
BENCHMARK_CAPTURE(all_reduce, bidirectional_ring, "bidirectional_ring")
    ->Unit(benchmark::kSecond)
    ->Iterations(1)
    ->UseRealTime();

}  // namespace
