// What a cycle of a systolic array of 128 x 128 PEs costs: computed, and with every PE stepped. The
// floors are 1,000 times SCALE-Sim's 880 cycles per second, and 200,000 (docs/performance.md).
#include <benchmark/benchmark.h>

#include <cstdint>
#include <vector>

#include "kernel/rng.h"
#include "parts/gemm_schedule.h"
#include "parts/pe_grid.h"

namespace heddle {
namespace {

void report(benchmark::State& state, Cycle cycles) {
  state.counters["cycles_per_s"] =
      benchmark::Counter(static_cast<double>(cycles), benchmark::Counter::kIsRate);
}

/// A GEMM of 4096 x 4096 x 4096, pass by pass, with the account of its cycles.
void fast_mode(benchmark::State& state, Folds folds) {
  SystolicConfig config;
  config.folds = folds;
  Cycle cycles = 0;
  for (auto _ : state) {
    GemmSchedule schedule(config, {4096, 4096, 4096}, DataType::bf16);
    ArrayActivity activity(config.rows + config.columns - 2);
    while (!schedule.done()) schedule.next().count(activity);
    cycles += activity.cycles(schedule.cycles()).total();
  }
  report(state, cycles);
}
BENCHMARK_CAPTURE(fast_mode, pipelined, Folds::pipelined)->Name("systolic/fast_4096_pipelined");
BENCHMARK_CAPTURE(fast_mode, serial, Folds::serial)->Name("systolic/fast_4096_serial");

template <class Operand>
std::vector<Operand> draw(Rng& random, std::size_t size) {
  std::vector<Operand> operands(size);
  for (Operand& operand : operands)
    operand = static_cast<Operand>(static_cast<int>(random.below(255)) - 127);
  return operands;
}

/// A new tile every 512 cycles, operands in every cycle, all results taken.
template <class Operands>
void stationary(benchmark::State& state) {
  using Operand = typename Operands::Operand;
  constexpr unsigned size = 128;
  constexpr unsigned load_rows = 4;
  Rng random(1, "bench", "pe_grid");
  StationaryGrid<Operands> grid(size, size, load_rows);
  const std::vector<Operand> tile = draw<Operand>(random, size * size);
  const std::vector<Operand> moving = draw<Operand>(random, 512 * size);
  Cycle cycles = 0;
  for (auto _ : state) {
    for (unsigned t = 0; t < 512; ++t) {
      if (t < size / load_rows) grid.load(tile.data() + t * load_rows * size, t == 0);
      grid.move(moving.data() + t * size, t == 0);
      grid.step();
      for (unsigned j = 0; j < size; ++j) {
        if (grid.has_result(j)) benchmark::DoNotOptimize(grid.result(j));
      }
    }
    cycles += 512;
  }
  report(state, cycles);
}
BENCHMARK_TEMPLATE(stationary, Int8Operands)->Name("systolic/pe_grid_int8");
BENCHMARK_TEMPLATE(stationary, Bf16Operands)->Name("systolic/pe_grid_bf16");

template <class Operands>
void outputs(benchmark::State& state) {
  using Operand = typename Operands::Operand;
  constexpr unsigned size = 128;
  Rng random(1, "bench", "pe_grid");
  OutputGrid<Operands> grid(size, size);
  const std::vector<Operand> moving = draw<Operand>(random, 512 * size);
  Cycle cycles = 0;
  for (auto _ : state) {
    for (unsigned t = 0; t < 512; ++t) {
      const Operand* operands = moving.data() + t * size;
      grid.move(operands, operands, t == 0, t == 511);
      grid.step();
    }
    cycles += 512;
  }
  benchmark::DoNotOptimize(grid.has_result(0));
  report(state, cycles);
}
BENCHMARK_TEMPLATE(outputs, Int8Operands)->Name("systolic/pe_grid_outputs_int8");
BENCHMARK_TEMPLATE(outputs, Bf16Operands)->Name("systolic/pe_grid_outputs_bf16");

}  // namespace
}  // namespace heddle
