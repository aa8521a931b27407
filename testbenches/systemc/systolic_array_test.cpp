// The systolic array as a device: layers in their cycles, every PE against the computed times, its
// registers, and an outside initiator that runs a GEMM by them.
#include "accelerator/systolic_array.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "device_bench.h"
#include "kernel/csr.h"
#include "kernel/rng.h"
#include "register_bus.h"

namespace heddle::testing {
namespace {

SystolicConfig serial_array() {
  SystolicConfig config;
  config.folds = Folds::serial;
  return config;
}

/// Runs layers from cycle 10 on and shows the array to `look` when they are done.
void run_array(const SystolicConfig& config, DataType type, const std::vector<GemmLayer>& layers,
               const std::function<void(SystolicArray&)>& look, const ClockOptions& options = {}) {
  in_child([&] {
    Workbench bench(options);
    SystolicArray array("array", bench.clock(), config, type, 1);
    array.run_layers(layers, 10);
    Cycle last = 100;
    while (array.waiting() > 0) bench.run(last += 20'000);
    array.verify(true);
    EXPECT_EQ(array.cycles(last).total(), last);
    look(array);
  });
}

TEST(SystolicArray, SerialAndPipelinedTilesInTheirCycles) {
  const std::vector<GemmLayer> tile = {{"tile", {512, 128, 128}}};
  run_array(serial_array(), DataType::bf16, tile, [](const SystolicArray& array) {
    const LayerReport& report = array.reports().at(0);
    EXPECT_EQ(report.begin, 10U);
    EXPECT_EQ(report.duration(), 894U);  // SCALE-Sim prints 893
    EXPECT_EQ(report.cycles.load, 128U);
    EXPECT_EQ(report.cycles.fill, 254U);
    EXPECT_EQ(report.cycles.busy, 512U - 254);
    EXPECT_EQ(report.cycles.drain, 254U);
    EXPECT_NEAR(report.utilisation, 512.0 / 894, 1e-12);
  });
  const std::vector<GemmLayer> tiles = {{"tiles", {512, 12800, 128}}};
  run_array({}, DataType::bf16, tiles, [](const SystolicArray& array) {
    const LayerReport& report = array.reports().at(0);
    EXPECT_EQ(report.folds, 100U);
    EXPECT_EQ(report.duration(), 32U + 100 * 512 + 254);
    EXPECT_EQ(report.mapping_efficiency, 1);
  });
}

TEST(SystolicArray, ALayerBeginsWhenTheOneBeforeHasGivenItsLastResult) {
  const std::vector<GemmLayer> layers = {{"a", {5, 20, 7}}, {"b", {9, 130, 129}}, {"c", {1, 1, 1}}};
  run_array(serial_array(), DataType::int8, layers, [&](const SystolicArray& array) {
    ASSERT_EQ(array.reports().size(), 3U);
    Cycle begin = 10;
    for (std::size_t i = 0; i < layers.size(); ++i) {
      const LayerReport& report = array.reports()[i];
      EXPECT_EQ(report.name, layers[i].name);
      EXPECT_EQ(report.begin, begin);
      begin += serial_timing(layers[i].shape, 128, 128, Dataflow::weight_stationary).cycles;
      EXPECT_EQ(report.end, begin);
    }
    EXPECT_EQ(array.finished(), begin);
  });
}

TEST(SystolicArray, Fp8AndFp32InTheirCycles) {
  const auto cycles = [](DataType type, Cycle expected, double utilisation) {
    run_array({}, type, {{"tiles", {512, 2560, 128}}}, [=](const SystolicArray& array) {
      EXPECT_EQ(array.reports().at(0).duration(), expected) << data_type_name(type);
      EXPECT_NEAR(array.reports().at(0).utilisation, utilisation, 1e-12) << data_type_name(type);
    });
  };
  cycles(DataType::bf16, 32 + 20 * 512 + 254, 20 * 512 / (32.0 + 20 * 512 + 254));
  cycles(DataType::fp8, 32 + 10 * 512 + 254, 10 * 512 / (32.0 + 10 * 512 + 254));
  cycles(DataType::fp32, 128 + 20 * 2048 + 254, 20 * 2048 / (128.0 + 20 * 2048 + 254));
}

/// What does not depend on how the times are found.
struct Outcome {
  std::uint64_t hash;
  Cycle finished;
  std::vector<ArrayCycles> cycles;
};

void expect_same_outcome(const SystolicConfig& fast, DataType type,
                         const std::vector<GemmLayer>& layers, const std::string& text) {
  SystolicConfig grid = fast;
  grid.mode = ArrayMode::pe_grid;
  // Children cannot answer, so one child holds both arrays.
  in_child([&] {
    Workbench bench;
    SystolicArray computed("computed", bench.clock(), fast, type, 1);
    SystolicArray stepped("stepped", bench.clock(), grid, type, 1);
    computed.run_layers(layers, 3);
    stepped.run_layers(layers, 3);
    Cycle last = 0;
    while (computed.waiting() > 0) {
      bench.run(last += 97);
      ASSERT_TRUE(computed.cycles(last) == stepped.cycles(last)) << text << ", cycle " << last;
      ASSERT_EQ(computed.cycles(last).total(), last) << text;
    }
    ASSERT_EQ(stepped.waiting(), 0U) << text;
    EXPECT_EQ(computed.hash(), stepped.hash()) << text;
    EXPECT_EQ(computed.finished(), stepped.finished()) << text;
    for (std::size_t i = 0; i < layers.size(); ++i) {
      EXPECT_TRUE(computed.reports()[i].cycles == stepped.reports()[i].cycles) << text;
    }
    stepped.verify(true);
  });
}

TEST(SystolicArray, EveryPeAgreesWithTheFastMode) {
  for (std::uint64_t seed = 1; seed <= 24; ++seed) {
    Rng random(seed, "systolic_array", "layers");
    SystolicConfig config;
    config.rows = 1 + random.below(16);
    config.columns = 1 + random.below(16);
    config.dataflow = static_cast<Dataflow>(random.below(3));
    config.folds = static_cast<Folds>(random.below(2));
    config.minimum_cycles = 1 + random.below(20);
    config.load_rows = 1 + random.below(4);
    config.moving_limit = 1 + random.below(40);
    std::vector<GemmLayer> layers(1 + random.below(3), {"layer", {}});
    for (GemmLayer& layer : layers) {
      layer.shape = {1 + random.below(50), 1 + random.below(50), 1 + random.below(50)};
    }
    const DataType type = random.below(2) == 0 ? DataType::int8 : DataType::bf16;
    expect_same_outcome(config, type, layers, "seed " + std::to_string(seed));
  }
}

TEST(SystolicArray, OrderAndIdleCyclesDoNotMatter) {
  const std::vector<GemmLayer> layers = {{"a", {300, 200, 150}}, {"b", {10, 10, 10}}};
  in_child([&] {
    ClockOptions options;
    options.wake_every_cycle = true;
    options.shuffle_devices = true;
    Workbench bench(options);
    SystolicConfig grid;
    grid.mode = ArrayMode::pe_grid;
    SystolicArray computed("computed", bench.clock(), {}, DataType::int8, 1);
    SystolicArray stepped("stepped", bench.clock(), grid, DataType::int8, 1);
    computed.run_layers(layers, 3);
    stepped.run_layers(layers, 3);
    bench.run(5'000);
    EXPECT_EQ(computed.reports().size(), 2U);
    EXPECT_EQ(computed.hash(), stepped.hash());
    GemmSchedule first({}, layers[0].shape, DataType::int8);
    while (!first.done()) first.next();
    EXPECT_EQ(computed.reports().at(0).duration(), first.cycles());
  });
}

// --- bad input -----------------------------------------------------------------------------------

void expect_refusal(const SystolicConfig& config, DataType type, const GemmShape& shape,
                    const std::string& sentence) {
  in_child([&] {
    Workbench bench;
    try {
      SystolicArray array("array", bench.clock(), config, type, 1);
      array.run_layers({{"conv1", shape}}, 1);
      ADD_FAILURE() << "accepted";
    } catch (const InputError& error) {
      EXPECT_EQ(error.what(), sentence);
    }
  });
}

TEST(SystolicArray, LayersThatCannotRunAreNamed) {
  SystolicConfig grid;
  grid.mode = ArrayMode::pe_grid;
  expect_refusal({}, DataType::bf16, {0, 1, 1},
                 "layer conv1: m = 0: the sizes of a GEMM are from 1 to 2147483648");
  expect_refusal(grid, DataType::bf16, {1 << 14, 1 << 14, 1},
                 "layer conv1: 16384 x 16384 x 1 is too large for mode pe_grid, whose three "
                 "matrices have up to 67108864 elements together");
  expect_refusal(grid, DataType::fp32, {1, 1, 1},
                 "mode: pe_grid computes with int8 and bf16, not with fp32");
}

// --- registers -----------------------------------------------------------------------------------

constexpr std::uint64_t config_at = 0x100;
constexpr std::uint64_t counters_at = 0x200;
constexpr std::uint64_t program_at = 0x280;

TEST(SystolicArray, AnInitiatorRunsAGemmByRegisters) {
  in_child([] {
    Workbench bench;
    SystolicArray array("array", bench.clock(), serial_array(), DataType::bf16, 1);
    const auto write = [](RegisterBus& bus, std::uint64_t address, std::uint64_t value) {
      RegisterBus::Access access;
      access.command = tlm::TLM_WRITE_COMMAND;
      access.address = address;
      access.value = value;
      return bus.access(0, access).response;
    };
    const auto read = [](RegisterBus& bus, std::uint64_t address, unsigned length) {
      RegisterBus::Access access;
      access.address = address;
      access.length = length;
      const RegisterBus::Access done = bus.access(0, access);
      EXPECT_EQ(done.response, tlm::TLM_OK_RESPONSE) << address;
      return done.value;
    };
    RegisterBus bus([&](RegisterBus& b) {
      EXPECT_EQ(read(b, 0, 4), 8U);  // a systolic array
      EXPECT_EQ(read(b, config_at, 4), 128U);
      b.wait_until(20.5);
      EXPECT_EQ(write(b, program_at + 0x00, 512), tlm::TLM_OK_RESPONSE);
      EXPECT_EQ(write(b, program_at + 0x04, 128), tlm::TLM_OK_RESPONSE);
      EXPECT_EQ(write(b, program_at + 0x08, 128), tlm::TLM_OK_RESPONSE);
      EXPECT_EQ(write(b, program_at + 0x08, 0), tlm::TLM_GENERIC_ERROR_RESPONSE);
      EXPECT_EQ(write(b, program_at + 0x0c, 1), tlm::TLM_OK_RESPONSE);  // in cycle 21
      b.wait_until(100.5);
      EXPECT_EQ(read(b, program_at + 0x10, 4), 1U);
      EXPECT_EQ(read(b, counters_at + 0x20, 8), 80U);  // load: cycles 21 to 100
      EXPECT_EQ(read(b, counters_at + 0x48, 8), 21U);  // idle before
      b.wait_until(2000.5);
      EXPECT_EQ(read(b, program_at + 0x10, 4), 0U);
      EXPECT_EQ(read(b, counters_at + 0x00, 4), 1U);
      EXPECT_EQ(read(b, counters_at + 0x10, 8), 512U * 128 * 128);
      EXPECT_EQ(read(b, counters_at + 0x18, 8), 21U + 894);
      Cycle sum = 0;
      for (std::uint64_t offset = 0x20; offset <= 0x48; offset += 8) {
        sum += read(b, counters_at + offset, 8);
      }
      EXPECT_EQ(sum, 2001U);
      // More cycles than can be counted: refused, and said so.
      for (const std::uint64_t offset : {0x00U, 0x04U, 0x08U}) {
        EXPECT_EQ(write(b, program_at + offset, std::uint64_t{1} << 31), tlm::TLM_OK_RESPONSE);
      }
      EXPECT_EQ(write(b, program_at + 0x0c, 1), tlm::TLM_OK_RESPONSE);
      b.wait_until(2100.5);
      EXPECT_EQ(read(b, program_at + 0x10, 4) + read(b, program_at + 0x14, 4), 1U);
    });
    bus.attach(array.csr());
    bench.run(3000);
    EXPECT_TRUE(bus.done());
  });
}

}  // namespace
}  // namespace heddle::testing
