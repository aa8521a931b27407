// Cases 4, 5 and 7: what saturated inputs carry. Every queue has always a cell: arrivals in every
// slot, more than are carried, and room for thousands; what finds none is dropped.
#include "long_tests.h"
#include "oracle/crossbar_run.h"
#include "shared_inputs.h"
#include "table_text.h"

namespace heddle::testing {
namespace {

double saturated(unsigned ports, const std::string& pattern, const std::string& crossbar,
                 std::uint64_t slots, double expected, double tolerance) {
  const CrossbarFigures figures =
      run_crossbar({ports, fmt::format("pattern: {}, load: 1", pattern),
                    crossbar + ", queue_cells: 2000", slots, slots / 5});
  expect_within(expected, tolerance, figures.throughput, figures.reproduce);
  return figures.throughput.mean;
}

// --- case 4: FIFO input queues (Karol, Hluchyj, Morgan 1987)

constexpr double fifo_tolerance = 0.002;

/// Runs are longer where fewer ports share the noise.
double fifo(unsigned ports, const std::string& matching, double expected) {
  return saturated(ports, "uniform", "queueing: fifo, matching: " + matching,
                   400'000 + 1'600'000 / ports, expected, fifo_tolerance);
}

TEST(Case04FifoSaturation, IsKarolsTable) {
  const auto path = shared_file("reference/vectors/fifo_saturation.csv");
  HEDDLE_NEED_SHARED(path);
  unsigned rows = 0;
  for (const Words& row : read_csv(path)) {
    if (row.at(0) == "inf") continue;
    const auto ports = static_cast<unsigned>(std::stoul(row.at(0)));
    if (ports == 1) {  // nobody to wait for, and no noise
      EXPECT_EQ(run_crossbar({1}).throughput.mean, 1);
    } else {
      RecordProperty("ports_" + row.at(0),
                     std::to_string(fifo(ports, "pim", std::stod(row.at(1)))));
    }
    ++rows;
  }
  EXPECT_EQ(rows, 16U);
}

// Who of those at the heads goes first does not matter, only how many there are per output.
TEST(Case04FifoSaturation, DoesNotDependOnTheArbiter) {
  fifo(4, "islip", 0.655242);
  fifo(4, "maximum_weight", 0.655242);
}

TEST(Case04FifoSaturation, FallsTowardsTheLimit) {
  const CrossbarFigures figures = run_crossbar(
      {64, "pattern: uniform, load: 1", "queueing: fifo, queue_cells: 2000", 200'000, 40'000});
  EXPECT_GT(figures.throughput.mean, 2 - std::sqrt(2));
  EXPECT_LT(figures.throughput.mean, 0.601616) << "with 16 ports";
}

// --- case 5: one iteration of parallel matching (Anderson et al. 1993)

void pim(unsigned ports) {
  const double n = ports;
  ::testing::Test::RecordProperty(
      "ports_" + std::to_string(ports),
      std::to_string(saturated(ports, "uniform", "matching: pim, iterations: 1",
                               400'000 + 1'600'000 / ports, 1 - std::pow((n - 1) / n, n), 0.002)));
}

TEST(Case05PimSaturation, OneIterationServesTheInputsThatAreGranted) {
  for (const unsigned ports : {2U, 4U, 16U, 32U}) pim(ports);
}

TEST(Case05PimSaturation, LongEverySize) {
  HEDDLE_NEED_LONG();
  for (unsigned ports = 2; ports <= 64; ports += ports < 16 ? 1 : 8) pim(ports);
}

// --- case 7: two outputs per input, 2/3 and 1/3 of its load

constexpr double diagonal_tolerance = 0.005;

TEST(Case07DiagonalSaturation, IslipCarriesWhatAnIndependentSimulationCarries) {
  RecordProperty("islip_1",
                 std::to_string(saturated(16, "diagonal", "matching: islip, iterations: 1", 300'000,
                                          0.812, diagonal_tolerance)));
  RecordProperty("islip_4",
                 std::to_string(saturated(16, "diagonal", "matching: islip, iterations: 4", 300'000,
                                          0.830, diagonal_tolerance)));
}

TEST(Case07DiagonalSaturation, MaximumWeightCarriesNearlyAll) {
  const CrossbarFigures figures =
      run_crossbar({16, "pattern: diagonal, load: 1", "matching: maximum_weight", 300'000, 60'000});
  EXPECT_GE(figures.throughput.mean, 0.998) << figures.reproduce;
  RecordProperty("maximum_weight", std::to_string(figures.throughput.mean));
}

TEST(Case07DiagonalSaturation, LongTwoMillionSlots) {
  HEDDLE_NEED_LONG();
  saturated(16, "diagonal", "matching: islip, iterations: 1", 2'000'000, 0.812, diagonal_tolerance);
  saturated(16, "diagonal", "matching: islip, iterations: 4", 2'000'000, 0.830, diagonal_tolerance);
}

}  // namespace
}  // namespace heddle::testing
