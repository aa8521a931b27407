// What one frame on one link costs: uniform traffic at 60 % load over leaf-spine fabrics of both
// kinds, statistics on, one process and one core per run. The ceilings are 250 ns per frame-hop
// and 200 KiB per host at 1,024 hosts (docs/performance.md).
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <sys/resource.h>

#include <cstdlib>
#include <string>
#include <systemc>

#include "scenario_run.h"

namespace {

struct Setup {
  const char* name;
  const char* kind;
  unsigned side;  ///< leaves, spines and hosts per leaf
  unsigned duration_us;
};

std::string scenario(const Setup& setup) {
  return fmt::format(
      "seed: 1\n"
      "workload: {{pattern: uniform, load: 0.6, message: 64 KiB, duration: {} us}}\n"
      "fabric: {{topology: leaf_spine, leaves: {}, spines: {}, hosts_per_leaf: {}}}\n"
      "measure: {{deadline: 10 ms}}\n{}",
      setup.duration_us, setup.side, setup.side, setup.side, setup.kind);
}

/// Largest memory of any child so far: the runs go from small to large.
double children_peak_kib() {
  rusage usage{};
  getrusage(RUSAGE_CHILDREN, &usage);
  return static_cast<double>(usage.ru_maxrss);
}

void frame_hop(benchmark::State& state, const Setup& setup) {
  double hops = 0;
  double ns = 0;
  for (auto _ : state) {
    const heddle::testing::ScenarioRun run = heddle::testing::run_scenario(scenario(setup));
    if (run.exit_code != 0) return state.SkipWithError(run.explanation.c_str());
    state.SetIterationTime(run.number("run.wall_s"));
    hops = run.number("run.frame_hops");
    ns = run.number("run.ns_per_frame_hop");
  }
  state.counters["ns_per_frame_hop"] = ns;
  state.counters["frame_hops"] = hops;
  state.counters["KiB_per_host"] = children_peak_kib() / (setup.side * setup.side);
}

constexpr const char* scheduled = "switch: scheduled\n";
constexpr const char* adaptive =
    "switch: adaptive\nrouting: adaptive\nnic: {receive: out_of_order_placement}\n";

const Setup setups[] = {{"adaptive/64_hosts", adaptive, 8, 400},
                        {"scheduled/64_hosts", scheduled, 8, 100},
                        {"adaptive/1024_hosts", adaptive, 32, 100},
                        {"scheduled/1024_hosts", scheduled, 32, 30}};

}  // namespace

int sc_main(int argc, char** argv) {
  for (const Setup& setup : setups) {
    benchmark::RegisterBenchmark(fmt::format("frame_hop/{}", setup.name).c_str(), frame_hop, setup)
        ->UseManualTime()
        ->Unit(benchmark::kMillisecond)
        ->Iterations(1)
        ->Repetitions(5)
        ->ReportAggregatesOnly();
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return EXIT_FAILURE;
  benchmark::RunSpecifiedBenchmarks();
  return EXIT_SUCCESS;
}

// Replaces the main of libsystemc, which would print SystemC's banner first.
int main(int argc, char** argv) {
  setenv("SYSTEMC_DISABLE_COPYRIGHT_MESSAGE", "1", /*overwrite=*/0);
  return sc_core::sc_elab_and_sim(argc, argv);
}
