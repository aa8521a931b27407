// What an accelerator cannot be.
#include "accelerator/accelerator_config.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "kernel/error.h"

namespace heddle {
namespace {

std::string refusal(const std::function<void(AcceleratorConfig&)>& change) {
  AcceleratorConfig config;
  change(config);
  try {
    config.check();
  } catch (const InputError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(AcceleratorConfig, Trainium2IsAccepted) {
  EXPECT_EQ(refusal([](AcceleratorConfig&) {}), "accepted");
  const AcceleratorConfig chip;
  // Eight cores of 2 x 128 x 128 x 2.4 GHz are 629 TFLOP/s; 96 GiB; 2.9 TB/s.
  EXPECT_EQ(chip.memory.stacks * chip.memory.stack.capacity.value, 96ULL << 30);
  EXPECT_EQ(chip.memory.stacks * chip.memory.stack.channels *
                chip.memory.stack.channel_rate.bits_per_second,
            8ULL * 2'900'000'000'000);
  EXPECT_EQ(chip.sbuf.value * chip.array.rows, 28ULL << 20);
  EXPECT_EQ(chip.psum_banks * chip.psum_bank.value * chip.array.rows, 2ULL << 20);
}

TEST(AcceleratorConfig, DescriptorsDoNotCrossStacksMoreThanTheyMust) {
  EXPECT_EQ(refusal([](AcceleratorConfig& c) { c.dma.descriptor = 8_KiB; }),
            "dma.descriptor: is larger than memory.interleave");
  EXPECT_EQ(refusal([](AcceleratorConfig& c) { c.dma.descriptor = 3000_B; }),
            "memory.interleave: is no multiple of dma.descriptor");
  EXPECT_EQ(refusal([](AcceleratorConfig& c) { c.dma.descriptor = 512_B; }), "accepted");
}

TEST(AcceleratorConfig, ATensorEngineIsWeightStationaryAndPipelined) {
  EXPECT_EQ(refusal([](AcceleratorConfig& c) { c.array.dataflow = Dataflow::output_stationary; }),
            "array.dataflow: a tensor engine's is weight_stationary");
  EXPECT_EQ(refusal([](AcceleratorConfig& c) { c.array.folds = Folds::serial; }),
            "array.folds: a tensor engine's are pipelined");
  EXPECT_EQ(refusal([](AcceleratorConfig& c) { c.array.mode = ArrayMode::pe_grid; }),
            "array.mode: a core has no values that its PEs could compute");
  EXPECT_EQ(refusal([](AcceleratorConfig& c) {
              c.model = AcceleratorModel::array;
              c.array.dataflow = Dataflow::output_stationary;
              c.array.folds = Folds::serial;
              c.array.mode = ArrayMode::pe_grid;
            }),
            "accepted")
      << "alone";
}

TEST(AcceleratorConfig, TheMemorysOwnRulesAreNamedBelowIt) {
  const std::string said =
      refusal([](AcceleratorConfig& c) { c.memory.stack.stripe = Bytes{100}; });
  EXPECT_EQ(said.rfind("memory.stack.", 0), 0U) << said;
}

}  // namespace
}  // namespace heddle
