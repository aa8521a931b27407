// What one cell through a crossbar costs: 64 ports, iSLIP with 7 iterations, uniform traffic at 90
// % load, statistics on, one process and one core. The ceiling is 100 ns (docs/performance.md).
#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include "scenario_run.h"

namespace {

constexpr const char* scenario =
    "switch: crossbar\n"
    "workload: {pattern: uniform, load: 0.9, duration: 200 us}\n"
    "fabric: {topology: single, hosts: 64}\n"
    "crossbar: {queueing: voq, matching: islip, iterations: 7, cell: 50 B}\n"
    "measure: {warmup: 20 us}\n";

/// Processor time of the children so far, the system's included.
double children_ns() {
  rusage usage{};
  getrusage(RUSAGE_CHILDREN, &usage);
  const auto ns = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_usec) * 1e3;
  };
  return ns(usage.ru_utime) + ns(usage.ru_stime);
}

/// On a shared machine the processor's time says more than the clock on the wall.
void cell(benchmark::State& state) {
  double cells = 0;
  double ns = 0;
  double processor_ns = 0;
  for (auto _ : state) {
    const double before = children_ns();
    const heddle::testing::ScenarioRun run = heddle::testing::run_scenario(scenario);
    if (run.exit_code != 0) return state.SkipWithError(run.explanation.c_str());
    state.SetIterationTime(run.number("run.wall_s"));
    cells = run.number("packets.delivered");
    ns = run.number("run.ns_per_frame_hop");
    processor_ns = children_ns() - before;
  }
  state.counters["ns_per_cell"] = ns;
  state.counters["processor_ns_per_cell"] = processor_ns / cells;
  state.counters["cells"] = cells;
}

BENCHMARK(cell)
    ->Name("crossbar/64_ports_islip_7")
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond)
    ->Iterations(1)
    ->Repetitions(5)
    ->ReportAggregatesOnly();

}  // namespace
