// What a cycle of a chip costs, everything on: engines, semaphores, DMA, memory. The floor for a
// core with a 4096 x 4096 x 4096 product is 1,000 times SCALE-Sim's 880 cycles per second
// (docs/performance.md).
#include <benchmark/benchmark.h>

#include <string>

#include "scenario_run.h"

namespace {

void chip(benchmark::State& state, const std::string& work) {
  double cycles = 0;
  double wall_s = 0;
  for (auto _ : state) {
    const heddle::testing::ScenarioRun run = heddle::testing::run_scenario(
        "switch: torus\nfabric: {topology: torus, x: 1, y: 1, z: 1, clock: 2.4 GHz}\n" + work);
    if (run.exit_code != 0) return state.SkipWithError(run.explanation.c_str());
    state.SetIterationTime(run.number("run.wall_s"));
    cycles = run.number("run.cycles");
    wall_s = run.number("run.wall_s");
  }
  state.counters["cycles_per_s"] = cycles / wall_s;
}

const std::string product = "workload: {pattern: gemm, m: 4096, k: 4096, n: 4096}\n";

BENCHMARK_CAPTURE(chip, core_4096, product + "accelerator: {cores: 1}\n")
    ->Name("chip/gemm_4096_one_core")
    ->Iterations(1)
    ->Repetitions(5)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(chip, chip_4096, product)
    ->Name("chip/gemm_4096_eight_cores")
    ->Iterations(1)
    ->Repetitions(5)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
