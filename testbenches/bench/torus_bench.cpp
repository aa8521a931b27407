// What one flit on one link of a torus costs: 8 x 8 routers, packets of 8 flits, uniform traffic at
// a load of .30, statistics on, one process and one core. The ceiling is 120 ns; BookSim2 takes
// 1,232 (docs/performance.md).
#include <benchmark/benchmark.h>

#include "scenario_run.h"

namespace {

constexpr const char* scenario =
    "switch: torus\n"
    "workload: {pattern: uniform, load: 0.3, message: 256 B, duration: 200 us}\n"
    "fabric:\n"
    "  {topology: torus, x: 8, y: 8, x_link: {rate: 256 Gbps, latency: 1 ns},\n"
    "   y_link: {rate: 256 Gbps, latency: 1 ns}, local_link: {rate: 256 Gbps, latency: 1 ns}}\n"
    "torus: {flit: 32 B, header: 0 B, payload: 256 B, router_latency: 1 ns}\n"
    "measure: {warmup: 20 us}\n";

void flit_hop(benchmark::State& state) {
  double flits = 0;
  double wall_s = 0;
  for (auto _ : state) {
    const heddle::testing::ScenarioRun run = heddle::testing::run_scenario(scenario);
    if (run.exit_code != 0) return state.SkipWithError(run.explanation.c_str());
    wall_s = run.number("run.wall_s");
    state.SetIterationTime(wall_s);
    flits = run.number("torus.flit_hops");
  }
  state.counters["ns_per_flit_hop"] = wall_s * 1e9 / flits;
  state.counters["flit_hops"] = flits;
}

BENCHMARK(flit_hop)
    ->Name("torus/8x8_uniform_30")
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond)
    ->Iterations(1)
    ->Repetitions(5)
    ->ReportAggregatesOnly();

}  // namespace
