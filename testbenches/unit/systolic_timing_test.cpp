// Times of a systolic array: serial folds against a recursion over single operands, the pipeline
// against its rules to the cycle, and the accounts of its cycles against a look at every cycle.
#include "parts/systolic_timing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "kernel/error.h"
#include "kernel/rng.h"

namespace heddle {
namespace {

constexpr Dataflow all_dataflows[] = {Dataflow::weight_stationary, Dataflow::output_stationary,
                                      Dataflow::input_stationary};

// --- serial folds --------------------------------------------------------------------------------

/// Cycles of a fold, from neighbours only: step t of PE (i, j) follows its step t - 1, and each
/// operand or sum has been at the PE before in the cycle before; row 0 begins when the stationary
/// rows, one per cycle, are in.
Cycle fold_by_neighbours(std::uint64_t rows, std::uint64_t columns, std::uint64_t steps,
                         Dataflow dataflow) {
  const Cycle begin = dataflow == Dataflow::output_stationary ? 0 : rows;
  std::vector<Cycle> done(rows * columns, 0);  // the cycle after the PE's latest step
  for (std::uint64_t t = 0; t < steps; ++t) {
    for (std::uint64_t i = 0; i < rows; ++i) {
      for (std::uint64_t j = 0; j < columns; ++j) {
        Cycle from = std::max(begin, done[i * columns + j]);
        if (i > 0) from = std::max(from, done[(i - 1) * columns + j]);
        if (j > 0) from = std::max(from, done[i * columns + j - 1]);
        done[i * columns + j] = from + 1;
      }
    }
  }
  return done.back();
}

TEST(SystolicTiming, AFoldTakesWhatItsOperandsNeedToPass) {
  for (const Dataflow dataflow : all_dataflows) {
    for (std::uint64_t rows = 1; rows <= 7; ++rows) {
      for (std::uint64_t columns = 1; columns <= 7; ++columns) {
        for (std::uint64_t steps = 1; steps <= 20; ++steps) {
          ASSERT_EQ(serial_fold_cycles(rows, columns, steps, dataflow),
                    fold_by_neighbours(rows, columns, steps, dataflow))
              << rows << " x " << columns << ", " << steps << " steps, dataflow "
              << static_cast<int>(dataflow);
        }
      }
    }
  }
}

TEST(SystolicTiming, WhatStandsAlongTheArray) {
  const GemmShape shape{2, 3, 5};
  const auto expect = [&](Dataflow dataflow, ArrayMapping mapping) {
    const ArrayMapping got = map_gemm(shape, dataflow);
    EXPECT_EQ(got.rows, mapping.rows);
    EXPECT_EQ(got.columns, mapping.columns);
    EXPECT_EQ(got.steps, mapping.steps);
  };
  expect(Dataflow::output_stationary, {2, 5, 3});
  expect(Dataflow::weight_stationary, {3, 5, 2});
  expect(Dataflow::input_stationary, {3, 2, 5});
}

TEST(SystolicTiming, AFoldAtTheEdgeTakesAsLongAsAWholeOne) {
  // 10 x 9 weights on 8 x 8: folds of 8 x 8, 8 x 1, 2 x 8 and 2 x 1, 36 cycles each.
  const SerialTiming timing = serial_timing({14, 10, 9}, 8, 8, Dataflow::weight_stationary);
  EXPECT_EQ(timing.folds, 4U);
  EXPECT_EQ(timing.fold_cycles, 36U);
  EXPECT_EQ(timing.cycles, 144U);
  EXPECT_EQ(timing.scale_sim_cycles(), 143U);
  EXPECT_DOUBLE_EQ(timing.mapping_efficiency, 90.0 / 256);
  EXPECT_DOUBLE_EQ(timing.utilisation, 14.0 * 10 * 9 / (64 * 144));
}

TEST(SystolicTiming, SizesThatCannotBeAreRefused) {
  const auto refused = [](GemmShape shape) {
    EXPECT_THROW(serial_timing(shape, 8, 8, Dataflow::weight_stationary), InputError);
  };
  refused({0, 1, 1});
  refused({1, 0, 1});
  refused({1, 1, 0});
  refused({1, 1, (std::uint64_t{1} << 31) + 1});
  EXPECT_NO_THROW(serial_timing({std::uint64_t{1} << 31, 1, 1}, 8, 8, Dataflow::weight_stationary));
  const std::uint64_t most = std::uint64_t{1} << 31;
  EXPECT_THROW(serial_timing({most, most, most}, 1, 1, Dataflow::weight_stationary), InputError);
}

// --- the pipeline --------------------------------------------------------------------------------

constexpr DataType bf16 = DataType::bf16;

TEST(ArrayPipeline, ALonePassFillsAndDrains) {
  ArrayPipeline array{SystolicConfig{}};
  const StationaryLoad load = array.load_stationary(100, 128, 128, bf16);
  EXPECT_EQ(load.begin, 100U);
  EXPECT_EQ(load.end, 132U);  // 128 rows, 4 per cycle
  const MovingPass pass = array.multiply_moving(100, 512, bf16);
  EXPECT_EQ(pass.start, 132U);
  EXPECT_EQ(pass.issue_end, 644U);
  EXPECT_EQ(pass.first_result, 132U + 127);
  EXPECT_EQ(pass.last_result, 132U + 511 + 127 + 127);
  EXPECT_EQ(pass.fill_cycles, 127U);
  EXPECT_EQ(pass.drain_cycles, 254U);
  EXPECT_TRUE(pass.exchanged);
  EXPECT_EQ(pass.load.begin, 100U);
}

TEST(ArrayPipeline, PassesFollowEachOtherWhileTheNextTileIsLoaded) {
  ArrayPipeline array{SystolicConfig{}};
  array.load_stationary(0, 128, 128, bf16);
  Cycle start = 32;
  for (int tile = 0; tile < 10; ++tile, start += 512) {
    const MovingPass pass = array.multiply_moving(0, 512, bf16);
    ASSERT_EQ(pass.start, start) << "tile " << tile;
    const StationaryLoad next = array.load_stationary(0, 128, 128, bf16);
    ASSERT_EQ(next.begin, start) << "tile " << tile;  // as soon as the shadow weights are free
    ASSERT_EQ(next.end, start + 32) << "tile " << tile;
  }
}

TEST(ArrayPipeline, AShortPassTakesTheMinimum) {
  const auto cycles = [](std::uint64_t columns_n, std::uint64_t moving, DataType type) {
    return ArrayPipeline{SystolicConfig{}}.issue_cycles(columns_n, moving, type);
  };
  EXPECT_EQ(cycles(128, 1, bf16), 64U);
  EXPECT_EQ(cycles(128, 64, bf16), 64U);
  EXPECT_EQ(cycles(128, 65, bf16), 65U);
  EXPECT_EQ(cycles(64, 1, bf16), 64U);
  EXPECT_EQ(cycles(63, 1, bf16), 63U);
  EXPECT_EQ(cycles(1, 1, bf16), 1U);
  EXPECT_EQ(cycles(128, 512, DataType::fp32), 2048U);
  EXPECT_EQ(cycles(16, 1, DataType::fp32), 64U);
  EXPECT_EQ(cycles(128, 512, DataType::fp8), 512U);
  EXPECT_EQ(cycles(128, 512, DataType::int8), 512U);
}

/// With a new tile for each pass, the slower of load and pass sets the pace.
TEST(ArrayPipeline, TheSlowerOfLoadAndPassSetsThePace) {
  const auto pace = [](std::uint64_t load_rows, std::uint64_t moving, DataType type) {
    SystolicConfig config;
    config.load_rows = load_rows;
    ArrayPipeline array{config};
    Cycle before = 0;
    Cycle start = 0;
    for (int tile = 0; tile < 5; ++tile) {
      array.load_stationary(0, 128, 128, type);
      before = start;
      start = array.multiply_moving(0, moving, type).start;
    }
    return start - before;
  };
  EXPECT_EQ(pace(4, 64, bf16), 64U);
  EXPECT_EQ(pace(2, 64, bf16), 64U);
  EXPECT_EQ(pace(1, 64, bf16), 128U);
  EXPECT_EQ(pace(1, 128, bf16), 128U);
  EXPECT_EQ(pace(1, 129, bf16), 129U);
  EXPECT_EQ(pace(1, 64, DataType::fp32), 512U);
  EXPECT_EQ(pace(4, 512, DataType::fp32), 2048U);
}

TEST(ArrayPipeline, ThereIsOneSetOfShadowWeights) {
  ArrayPipeline array{SystolicConfig{}};
  array.load_stationary(0, 128, 128, bf16);
  array.multiply_moving(0, 512, bf16);                           // 32 to 544
  EXPECT_EQ(array.load_stationary(0, 128, 128, bf16).end, 64U);  // behind it
  EXPECT_EQ(array.multiply_moving(0, 100, bf16).start, 544U);    // takes the shadow
  EXPECT_EQ(array.load_ready(), 544U);                           // not before that
  EXPECT_EQ(array.load_stationary(0, 128, 128, bf16).begin, 544U);
}

TEST(ArrayPipeline, ATileServesManyPasses) {
  ArrayPipeline array{SystolicConfig{}};
  array.load_stationary(0, 100, 70, bf16);
  const MovingPass first = array.multiply_moving(0, 500, bf16);
  const MovingPass second = array.multiply_moving(0, 12, bf16);
  EXPECT_TRUE(first.exchanged);
  EXPECT_FALSE(second.exchanged);
  EXPECT_EQ(first.start, 25U);
  EXPECT_EQ(second.start, 525U);
  EXPECT_EQ(second.issue_end, 589U);  // at least 64
  EXPECT_EQ(second.last_result, 525U + 11 + 127 + 69);
  EXPECT_EQ(second.load.end, 25U);
}

TEST(ArrayPipeline, ATileThatNobodyUsedIsReplaced) {
  ArrayPipeline array{SystolicConfig{}};
  array.load_stationary(0, 128, 128, bf16);
  EXPECT_EQ(array.load_stationary(0, 4, 2, DataType::int8).begin, 32U);
  const MovingPass pass = array.multiply_moving(0, 8, DataType::int8);
  EXPECT_EQ(pass.start, 33U);
  EXPECT_EQ(pass.issue_end, 41U);  // a tile of 2 columns: the pass's own 8 cycles
}

TEST(ArrayPipeline, Fp8TakesTwiceTheRowsInTheSameTime) {
  ArrayPipeline array{SystolicConfig{}};
  EXPECT_EQ(array.load_stationary(0, 256, 128, DataType::fp8).end, 32U);
  EXPECT_EQ(array.multiply_moving(0, 512, DataType::fp8).issue_end, 544U);
}

TEST(ArrayPipeline, Fp32ResultsComeEveryFourthCycle) {
  ArrayPipeline array{SystolicConfig{}};
  EXPECT_EQ(array.load_stationary(0, 128, 128, DataType::fp32).end, 128U);
  const MovingPass pass = array.multiply_moving(0, 512, DataType::fp32);
  EXPECT_EQ(pass.issue_end - pass.start, 2048U);
  EXPECT_EQ(pass.first_result - pass.start, 3U + 127);
  EXPECT_EQ(pass.last_result - pass.start, 2047U + 127 + 127);
}

std::string refusal(std::uint64_t rows_k, std::uint64_t columns_n, std::uint64_t moving,
                    DataType type, DataType moving_type) {
  ArrayPipeline array{SystolicConfig{}};
  try {
    if (rows_k != 0) array.load_stationary(0, rows_k, columns_n, type);
    array.multiply_moving(0, moving, moving_type);
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

TEST(ArrayPipeline, TileLimitsAreTight) {
  EXPECT_EQ(refusal(128, 128, 512, bf16, bf16), "");
  EXPECT_EQ(refusal(256, 128, 512, DataType::fp8, DataType::fp8), "");
  EXPECT_EQ(refusal(129, 128, 1, bf16, bf16),
            "a stationary tile of 129 x 128 bf16 operands: the array takes 1 x 1 to 128 x 128");
  EXPECT_EQ(refusal(257, 1, 1, DataType::fp8, DataType::fp8),
            "a stationary tile of 257 x 1 fp8 operands: the array takes 1 x 1 to 256 x 128");
  EXPECT_EQ(refusal(1, 129, 1, bf16, bf16),
            "a stationary tile of 1 x 129 bf16 operands: the array takes 1 x 1 to 128 x 128");
  EXPECT_EQ(refusal(128, 0, 1, bf16, bf16),
            "a stationary tile of 128 x 0 bf16 operands: the array takes 1 x 1 to 128 x 128");
  EXPECT_EQ(refusal(128, 128, 513, bf16, bf16),
            "a moving operand of 513 columns: one pass takes 1 to 512");
  EXPECT_EQ(refusal(128, 128, 0, bf16, bf16),
            "a moving operand of 0 columns: one pass takes 1 to 512");
  EXPECT_EQ(refusal(128, 128, 1, bf16, DataType::fp32),
            "a moving operand of fp32 with a stationary tile of bf16");
  EXPECT_EQ(refusal(0, 0, 1, bf16, bf16), "a moving operand before any stationary tile");
}

// --- what the cycles were spent on ---------------------------------------------------------------

TEST(ArrayActivity, BackToBackPassesLeaveOnlyTheFirstLoadTheFillAndTheDrain) {
  ArrayPipeline array{SystolicConfig{}};
  Cycle end = 0;
  for (int tile = 0; tile < 20; ++tile) {
    array.load_stationary(0, 128, 128, bf16);
    end = array.multiply_moving(0, 512, bf16).last_result + 1;
  }
  const ArrayCycles cycles = array.cycles(end + 7);
  EXPECT_EQ(cycles.load, 32U);
  EXPECT_EQ(cycles.fill, 254U);
  EXPECT_EQ(cycles.busy, 20U * 512 - 254);
  EXPECT_EQ(cycles.padding, 0U);
  EXPECT_EQ(cycles.drain, 254U);
  EXPECT_EQ(cycles.idle, 7U);
  EXPECT_EQ(cycles.total(), end + 7);
}

/// What the array does in a cycle, from lists of all loads and passes.
struct ActivityByCycle {
  struct Window {
    Cycle begin;
    Cycle end;
    Cycle released;
  };
  Cycle way;
  std::vector<Window> loads;
  std::vector<Window> passes;

  ArrayCycles cycles(Cycle end) const {
    ArrayCycles count;
    Cycle under_way = 0;  // cycles since the last operand entered, and before
    Cycle since_empty = 0;
    for (Cycle t = 0; t < end; ++t) {
      bool enters = false;
      bool closed = false;
      for (const Window& p : passes) {
        enters |= p.begin <= t && t < p.end;
        closed |= p.begin <= t && t < p.released;
      }
      const bool loading = std::any_of(loads.begin(), loads.end(),
                                       [&](const Window& l) { return l.begin <= t && t < l.end; });
      if (enters) {
        ++(since_empty < way ? count.fill : count.busy);
        under_way = way;
      } else {
        ++(closed          ? count.padding
           : under_way > 0 ? count.drain
           : loading       ? count.load
                           : count.idle);
        if (under_way > 0) --under_way;
      }
      since_empty = enters || under_way > 0 ? since_empty + 1 : 0;
    }
    return count;
  }
};

TEST(ArrayActivity, AgreesWithALookAtEveryCycle) {
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    Rng rng(seed, "array", "activity");
    SystolicConfig config;
    config.rows = 1 + rng.below(12);
    config.columns = 1 + rng.below(12);
    config.minimum_cycles = 1 + rng.below(10);
    config.load_rows = 1 + rng.below(4);
    ArrayPipeline array{config};
    ActivityByCycle reference{config.rows + config.columns - 2, {}, {}};
    Cycle now = 0;
    Cycle asked = 0;
    for (int step = 0; step < 30; ++step) {
      if (rng.below(3) == 0) now += rng.below(60);
      if (step == 0 || rng.below(2) == 0) {
        const auto up_to = [&](std::uint64_t most) {
          return 1 + rng.below(static_cast<std::uint32_t>(most));
        };
        const std::uint64_t rows = up_to(config.rows);
        const StationaryLoad load = array.load_stationary(now, rows, up_to(config.columns), bf16);
        reference.loads.push_back({load.begin, load.end, 0});
        asked = std::max(asked, load.begin);
      } else {
        const std::uint64_t columns = 1 + rng.below(20);
        const MovingPass pass = array.multiply_moving(now, columns, bf16);
        reference.passes.push_back({pass.start, pass.start + columns, pass.issue_end});
        asked = std::max(asked, pass.last_result);
      }
    }
    for (const Cycle end : {asked, asked + 50}) {
      const ArrayCycles got = array.cycles(end);
      const ArrayCycles expected = reference.cycles(end);
      EXPECT_EQ(got.load, expected.load) << "seed " << seed << ", until " << end;
      EXPECT_EQ(got.fill, expected.fill) << "seed " << seed << ", until " << end;
      EXPECT_EQ(got.busy, expected.busy) << "seed " << seed << ", until " << end;
      EXPECT_EQ(got.padding, expected.padding) << "seed " << seed << ", until " << end;
      EXPECT_EQ(got.drain, expected.drain) << "seed " << seed << ", until " << end;
      EXPECT_EQ(got.idle, expected.idle) << "seed " << seed << ", until " << end;
      EXPECT_EQ(got.total(), end) << "seed " << seed;
      if (::testing::Test::HasFailure()) return;
    }
  }
}

}  // namespace
}  // namespace heddle
