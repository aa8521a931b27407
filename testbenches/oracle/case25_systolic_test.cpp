// Case 25: a systolic array with serial folds takes SCALE-Sim's cycles, count = printed + 1.
//
// References:
//  - the closed forms (Samajdar et al., SCALE-Sim): output stationary T + R + C - 2 cycles per
//  fold,
//    weight and input stationary 2R + C + T - 2, ceil(S_R / R) * ceil(S_C / C) folds;
//  - reports that SCALE-Sim v2 itself compares its releases with (repository
//    scalesim-project/scale-sim-v2, test/: golden_trace/COMPUTE_REPORT.csv and
//    general/golden_trace_user_{ws,os,is}/COMPUTE_REPORT.csv; cycles without stalls).
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <string>

#include "engine/layer_table.h"
#include "parts/systolic_timing.h"
#include "scenario_run.h"
#include "shared_inputs.h"

namespace heddle {
namespace {

struct Printed {
  const char* layer;
  GemmShape shape;
  Dataflow dataflow;
  Cycle cycles;               ///< total less stall cycles
  double mapping_efficiency;  ///< percent
};

/// All on 32 x 32 PEs.
const Printed golden_reports[] = {
    {"256 x 256 x 128", {256, 256, 128}, Dataflow::weight_stationary, 52447 - 41248, 100},
    {"256 x 256 x 128", {256, 256, 128}, Dataflow::output_stationary, 52447 - 42272, 100},
    {"256 x 256 x 128", {256, 256, 128}, Dataflow::input_stationary, 19984 - 5777, 100},
    // 55 x 55 pixels of output, windows of 11 x 11 x 3, 96 filters.
    {"AlexNet Conv1", {3025, 363, 96}, Dataflow::weight_stationary, 112283, 94.53125},
};

TEST(Case25Systolic, ReportsOfScaleSim) {
  for (const Printed& row : golden_reports) {
    const SerialTiming timing = serial_timing(row.shape, 32, 32, row.dataflow);
    EXPECT_EQ(timing.scale_sim_cycles(), row.cycles) << row.layer;
    EXPECT_EQ(timing.cycles, row.cycles + 1) << row.layer;
    EXPECT_NEAR(100 * timing.mapping_efficiency, row.mapping_efficiency, 1e-9) << row.layer;
  }
}

/// The same by a scenario, with times computed and with every PE stepped.
TEST(Case25Systolic, ReportsOfScaleSimByAScenario) {
  const char* const dataflows[] = {"weight_stationary", "output_stationary", "input_stationary"};
  for (const Printed& row : golden_reports) {
    for (const char* mode : {"fast", "pe_grid"}) {
      const std::string yaml = fmt::format(
          R"(
name: case-25
switch: torus
fabric: {{topology: torus, x: 1, y: 1, z: 1, clock: 2.4 GHz}}
workload: {{pattern: gemm, m: {}, k: {}, n: {}, type: int8}}
accelerator: {{model: array, array: {{rows: 32, columns: 32, folds: serial, dataflow: {}, mode: {}}}}}
)",
          row.shape.m, row.shape.k, row.shape.n, dataflows[static_cast<int>(row.dataflow)], mode);
      const testing::ScenarioRun run = testing::run_scenario(yaml);
      ASSERT_EQ(run.exit_code, 0) << run.explanation << "\nscenario:\n" << yaml;
      EXPECT_EQ(run.results.at("layers").at(0).at("cycles"), row.cycles + 1) << yaml;
    }
  }
}

TEST(Case25Systolic, TheReportedUtilisationIsOfThePrintedCycles) {
  const SerialTiming timing = serial_timing({3025, 363, 96}, 32, 32, Dataflow::weight_stationary);
  const double printed = 100 * timing.utilisation * static_cast<double>(timing.cycles) /
                         static_cast<double>(timing.scale_sim_cycles());
  EXPECT_NEAR(printed, 91.68309650614964, 1e-9);
}

TEST(Case25Systolic, AWholeTileOfTrainiumTakes893CyclesInOneFold) {
  const SerialTiming timing = serial_timing({512, 128, 128}, 128, 128, Dataflow::weight_stationary);
  EXPECT_EQ(timing.folds, 1U);
  EXPECT_EQ(timing.scale_sim_cycles(), 893U);
}

/// The closed form, written once more and by hand.
Cycle closed_form(std::uint64_t array, const GemmShape& shape, Dataflow dataflow) {
  const auto folds = [&](std::uint64_t size) { return (size + array - 1) / array; };
  switch (dataflow) {
    case Dataflow::output_stationary:
      return folds(shape.m) * folds(shape.n) * (shape.k + array + array - 2);
    case Dataflow::weight_stationary:
      return folds(shape.k) * folds(shape.n) * (2 * array + array + shape.m - 2);
    case Dataflow::input_stationary:
      break;
  }
  return folds(shape.k) * folds(shape.m) * (2 * array + array + shape.n - 2);
}

constexpr Dataflow all_dataflows[] = {Dataflow::output_stationary, Dataflow::weight_stationary,
                                      Dataflow::input_stationary};

/// Every GEMM of sizes around the array's edge, on 8 x 8 and 16 x 16.
TEST(Case25Systolic, EveryRowOf8And16) {
  std::uint64_t rows = 0;
  for (const std::uint64_t array : {8U, 16U}) {
    for (std::uint64_t m = 1; m <= 2 * array + 1; ++m) {
      for (std::uint64_t k = 1; k <= 2 * array + 1; ++k) {
        for (std::uint64_t n = 1; n <= 2 * array + 1; ++n) {
          for (const Dataflow dataflow : all_dataflows) {
            const GemmShape shape{m, k, n};
            ASSERT_EQ(serial_timing(shape, array, array, dataflow).cycles,
                      closed_form(array, shape, dataflow))
                << array << " x " << array << ": " << m << " x " << k << " x " << n;
            ++rows;
          }
        }
      }
    }
  }
  ::testing::Test::RecordProperty("rows", std::to_string(rows));
}

/// Every layer of every table that SCALE-Sim comes with, on the arrays of its users.
TEST(Case25Systolic, EveryLayerOfScaleSimsTables) {
  const std::filesystem::path folder = testing::shared_file("inputs/gemm_layers");
  HEDDLE_NEED_SHARED(folder);
  std::uint64_t rows = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() != ".csv") continue;
    for (const GemmLayer& layer : read_layer_table(entry.path().string()).layers) {
      for (const std::uint64_t array : {8U, 16U, 32U, 128U}) {
        for (const Dataflow dataflow : all_dataflows) {
          ASSERT_EQ(serial_timing(layer.shape, array, array, dataflow).cycles,
                    closed_form(array, layer.shape, dataflow))
              << entry.path() << ", " << layer.name << " on " << array << " x " << array;
          ++rows;
        }
      }
    }
  }
  ::testing::Test::RecordProperty("rows", std::to_string(rows));
}

}  // namespace
}  // namespace heddle
