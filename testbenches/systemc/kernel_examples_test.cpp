// The kernels of scenarios/kernels, with the figures that docs/kernels.md shows.
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <string>

#include "chip_bench.h"

namespace heddle::testing {
namespace {

void run_example(const std::string& name, const std::function<void(ChipBench&)>& look) {
  in_child([&] {
    AcceleratorConfig config;
    config.cores = 1;
    config.throttle.enabled = false;
    const std::filesystem::path folder = HEDDLE_SOURCE_DIR "/scenarios/kernels";
    const HandKernel kernel = read_kernel(folder / name, config, 1);
    HandProgram program(kernel.kernel, 1);
    ChipBench bench(config, kernel.semaphores, program);
    bench.finish();
    look(bench);
  });
}

TEST(KernelExamples, AProductThatWaitsForItsFirstOperandsOnly) {
  run_example("gemm.kernel", [](ChipBench& bench) {
    EXPECT_EQ(bench.core().flops(), 2ULL * 512 * 1024 * 1024);
    // Each DMA engine has 16 descriptors of X and, in turn with them, 4 of each of two blocks of W.
    const Cycle first = bench.spy().of(Engine::tensor).front().begin;
    EXPECT_EQ(first, 1U + 3120 + 24 * 428);
    EXPECT_EQ(bench.spent(Engine::tensor, CycleCause::busy), 64U * 512 + 2) << "two `wait`s";
    EXPECT_EQ(bench.spent(Engine::tensor, CycleCause::load), 32U) << "of the first tile";
    const Cycle waited =
        bench.spent(Engine::tensor, CycleCause::dma) + bench.spent(Engine::tensor, CycleCause::hbm);
    EXPECT_NEAR(static_cast<double>(waited), static_cast<double>(first), 5);
    // Sums out of PSUM, 576 cycles of its own clock for each of eight blocks.
    EXPECT_EQ(bench.spent(Engine::vector, CycleCause::busy), 8U * (576 * 5 / 2 + 1));
  });
}

/// Until the vector engine has its first tile.
Cycle first_tile(ChipBench& bench) { return bench.spy().of(Engine::vector).front().begin; }

TEST(KernelExamples, ASoftmaxThatLooksAheadKeepsTheVectorEngineBusy) {
  run_example("softmax.kernel", [](ChipBench& bench) {
    const Cycle work = 48 * (576 * 5 / 2) + 16;  // and a cycle for each write
    EXPECT_EQ(bench.spent(Engine::vector, CycleCause::busy), work);
    EXPECT_EQ(bench.spent(Engine::vector, CycleCause::scalar), 0U);
    const auto spans = bench.spy().of(Engine::vector);
    const Cycle waited = spans.back().released - first_tile(bench) - work;
    EXPECT_LT(waited, 3000U) << "for tiles, at the beginning";
    EXPECT_EQ(bench.spent(Engine::scalar, CycleCause::busy), 16U * 576 * 2);
  });
}

TEST(KernelExamples, ASoftmaxInTurnWaitsForEachOfItsExponentials) {
  run_example("softmax_in_turn.kernel", [](ChipBench& bench) {
    EXPECT_EQ(bench.spent(Engine::vector, CycleCause::scalar), 16U * 576 * 2);
    EXPECT_EQ(bench.spent(Engine::vector, CycleCause::busy), 48U * (576 * 5 / 2) + 16);
  });
}

}  // namespace
}  // namespace heddle::testing
