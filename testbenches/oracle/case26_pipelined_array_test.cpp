// Case 26: a pipelined array takes 512 cycles per 128 x 128 x 512 tile, back to back.
//
// Reference: AWS Neuron documentation of Trainium2's tensor engine: a pass takes max(min(64,
// columns of the stationary tile), columns of the moving one) cycles, the next stationary tile
// loads behind.
#include <gtest/gtest.h>

#include <cstdint>

#include "parts/systolic_timing.h"

namespace heddle {
namespace {

/// A new stationary tile for every pass.
struct BackToBack {
  Cycle first_start = 0;
  Cycle last_start = 0;
  ArrayCycles cycles;

  BackToBack(std::uint64_t tiles, std::uint64_t columns_n, std::uint64_t moving, DataType type) {
    ArrayPipeline array{SystolicConfig{}};
    Cycle end = 0;
    for (std::uint64_t tile = 0; tile < tiles; ++tile) {
      array.load_stationary(0, 128, columns_n, type);
      const MovingPass pass = array.multiply_moving(0, moving, type);
      if (tile == 0) first_start = pass.start;
      last_start = pass.start;
      end = pass.last_result + 1;
    }
    cycles = array.cycles(end);
  }
};

TEST(Case26PipelinedArray, ATileOf512ColumnsEvery512Cycles) {
  const BackToBack run(1001, 128, 512, DataType::bf16);
  EXPECT_EQ(run.last_start - run.first_start, 1000U * 512);
  // A first load of 32 cycles, and the way out of the last tile: everything else is hidden.
  EXPECT_EQ(run.cycles.total(), 32U + 1001U * 512 + 254);
}

TEST(Case26PipelinedArray, TheRuleForAllTileSizes) {
  for (std::uint64_t columns_n = 1; columns_n <= 128; ++columns_n) {
    for (std::uint64_t moving = 32; moving <= 512; moving += 5) {  // no pass is below its load
      const BackToBack run(4, columns_n, moving, DataType::bf16);
      ASSERT_EQ(run.last_start - run.first_start,
                3 * std::max(std::min<std::uint64_t>(64, columns_n), moving))
          << "stationary 128 x " << columns_n << ", moving " << moving;
    }
  }
}

TEST(Case26PipelinedArray, Fp32TakesFourTimesAsLong) {
  const BackToBack run(5, 128, 512, DataType::fp32);
  EXPECT_EQ(run.last_start - run.first_start, 4U * 4 * 512);
}

}  // namespace
}  // namespace heddle
