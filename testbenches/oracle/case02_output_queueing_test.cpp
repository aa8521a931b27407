// Cases 2 and 3: ideal output queueing. Every output is a queue of its own in which slots, binomial
// arrivals and unit service make the mean wait a closed form (Karol, Hluchyj, Morgan, IEEE Trans.
// Commun. 35(12), 1987): (1 - sum p^2) r / (2 (1 - r)) for load r of which input i brings the share
// p_i, which is (N - 1) / N r / (2 (1 - r)) when all bring the same.
#include "long_tests.h"
#include "oracle/crossbar_run.h"

namespace heddle::testing {
namespace {

double expected_wait(double sum_of_squares, double load) {
  return (1 - sum_of_squares) * load / (2 * (1 - load));
}

/// Up to a load of .9 within 1 %, above within what the run's length can tell.
void expect_wait(const CrossbarCase& c, double load, double expected) {
  const CrossbarFigures figures = run_crossbar(c);
  EXPECT_NEAR(figures.throughput.mean, load, 0.002) << figures.reproduce;
  if (load <= 0.9) {
    expect_within(expected, 0.01 * expected, figures.wait, figures.reproduce);
  } else {
    EXPECT_NEAR(figures.wait.mean, expected, sure(figures.wait.half_width)) << figures.reproduce;
    EXPECT_LT(figures.wait.half_width, 0.05 * expected) << figures.reproduce;
  }
  ::testing::Test::RecordProperty(fmt::format("{}_{}_{}", c.ports, c.workload.substr(9, 4), load),
                                  fmt::format("{:.5f}", figures.wait.mean / expected));
}

/// Waits are shared by few cells at low loads, and by long busy periods at high ones.
std::uint64_t slots_for(unsigned ports, double load) {
  const double low = 0.2 / load;
  const double high = 0.02 / ((1 - load) * (1 - load));
  return static_cast<std::uint64_t>(2e7 / ports * std::max({1.0, low * low, high}));
}

void uniform(unsigned ports, double load, std::uint64_t slots) {
  expect_wait({ports, fmt::format("pattern: uniform, load: {}", load), "queueing: output", slots},
              load, expected_wait(1.0 / ports, load));
}

TEST(Case02OutputQueueing, UniformWaitIsTheClosedForm) {
  uniform(4, 0.2, slots_for(4, 0.2));
  uniform(4, 0.8, slots_for(4, 0.8));
  uniform(32, 0.5, slots_for(32, 0.5));
  uniform(32, 0.9, slots_for(32, 0.9));
  uniform(32, 0.95, slots_for(32, 0.95));
}

TEST(Case02OutputQueueing, LongEverySizeAndLoad) {
  HEDDLE_NEED_LONG();
  for (const unsigned ports : {4U, 8U, 16U, 32U}) {
    for (const double load : {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95}) {
      uniform(ports, load, 2 * slots_for(ports, load));
    }
  }
}

/// Case 3: sums of squares of the other patterns.
constexpr double diagonal = 5.0 / 9;
double log_diagonal(unsigned ports) {
  double sum = 0;
  for (unsigned k = 0; k < ports; ++k) {
    const double share = std::exp2(ports - 1 - k) / (std::exp2(ports) - 1);
    sum += share * share;
  }
  return sum;
}

void uneven(unsigned ports, const std::string& pattern, double sum, double load) {
  expect_wait({ports, fmt::format("pattern: {}, load: {}", pattern, load), "queueing: output",
               slots_for(ports, load)},
              load, expected_wait(sum, load));
}

TEST(Case03OutputQueueing, WaitOfAnyMatrixIsTheClosedForm) {
  uneven(16, "diagonal", diagonal, 0.5);
  uneven(16, "diagonal", diagonal, 0.9);
  uneven(4, "log_diagonal", log_diagonal(4), 0.8);
  uneven(16, "log_diagonal", log_diagonal(16), 0.9);
}

TEST(Case03OutputQueueing, LongEverySizeAndLoad) {
  HEDDLE_NEED_LONG();
  for (const unsigned ports : {2U, 4U, 16U, 64U}) {
    for (const double load : {0.2, 0.5, 0.8, 0.9, 0.95}) {
      uneven(ports, "diagonal", diagonal, load);
      uneven(ports, "log_diagonal", log_diagonal(ports), load);
    }
  }
}

// An output that can take a cell of every input in a slot leaves none behind: whatever the inputs
// are, the same cells wait as in output queues. The sum of waits does not depend on their order.
TEST(Case02OutputQueueing, IsWhatAnInputQueueWithFullSpeedupBecomes) {
  const std::string traffic = "pattern: bursty, load: 0.8, burst: 8";
  const CrossbarFigures ideal = run_crossbar({8, traffic, "queueing: output", 20'000, 0});
  for (const char* inputs : {"fifo", "voq"}) {
    for (const char* matching : {"islip", "pim", "maximum_weight"}) {
      const CrossbarFigures sped = run_crossbar(
          {8, traffic,
           fmt::format("queueing: {}, matching: {}, output_speedup: 8", inputs, matching), 20'000,
           0});
      EXPECT_EQ(sped.throughput.mean, ideal.throughput.mean) << sped.reproduce;
      EXPECT_NEAR(sped.wait.mean, ideal.wait.mean, 0.01 * ideal.wait.mean) << sped.reproduce;
    }
  }
}

}  // namespace
}  // namespace heddle::testing
