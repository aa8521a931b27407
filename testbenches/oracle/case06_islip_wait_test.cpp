// Case 6: mean waits of 16 virtual-output-queued ports under uniform Bernoulli traffic, against an
// independent simulation with confidence intervals of its own. PIM and maximum weight are in its
// table as well.
#include <map>

#include "engine/crossbar_theory.h"
#include "engine/loader.h"
#include "long_tests.h"
#include "oracle/crossbar_run.h"
#include "shared_inputs.h"
#include "table_text.h"

namespace heddle::testing {
namespace {

const std::map<std::string, std::string> matchings{
    {"ISLIP", "islip"}, {"PIM", "pim"}, {"MWM", "maximum_weight"}};

struct TableRow {
  std::string matching;
  unsigned iterations;
  double load;
  std::uint64_t slots;
  Estimate wait;
};

/// Those that have converged.
std::vector<TableRow> table() {
  std::vector<TableRow> rows;
  for (const Words& row : read_csv(shared_file("reference/vectors/input_queued_uniform_n16.csv"))) {
    const auto matching = matchings.find(row.at(1));
    if (matching == matchings.end() || row.at(10) == "not_converged") continue;
    rows.push_back({matching->second,
                    static_cast<unsigned>(std::stoul(row.at(2))),
                    std::stod(row.at(5)),
                    std::stoull(row.at(6)),
                    {std::stod(row.at(10)), std::stod(row.at(11))}});
  }
  return rows;
}

CrossbarCase case_of(const TableRow& row) {
  std::string crossbar = "matching: " + row.matching;
  if (row.iterations > 0) crossbar += fmt::format(", iterations: {}", row.iterations);
  return {16, fmt::format("pattern: uniform, load: {}", row.load), crossbar, row.slots,
          row.slots / 5};
}

/// The intervals of both overlap; at .99 both are wide, and 5 % is the tolerance.
void expect_row(const TableRow& row, std::uint64_t slots) {
  CrossbarCase c = case_of(row);
  c.slots = slots;
  c.warmup_slots = slots / 5;
  const CrossbarFigures figures = run_crossbar(c);
  const double apart = figures.wait.mean - row.wait.mean;
  const double tolerance =
      row.load > 0.985 ? 0.05 * row.wait.mean : figures.wait.half_width + row.wait.half_width;
  EXPECT_LE(std::abs(apart), tolerance)
      << "table: " << row.wait.mean << " +- " << row.wait.half_width
      << ", here: " << figures.wait.mean << " +- " << figures.wait.half_width << figures.reproduce;
  ::testing::Test::RecordProperty(
      fmt::format("{}_{}_{}", row.matching, row.iterations, row.load),
      fmt::format("{:.4f} of {:.4f}", figures.wait.mean, row.wait.mean));
}

TEST(Case06IslipWait, IsThatOfAnIndependentSimulation) {
  HEDDLE_NEED_SHARED(shared_file("reference/vectors/input_queued_uniform_n16.csv"));
  unsigned compared = 0;
  for (const TableRow& row : table()) {
    if (row.matching != "islip" || row.load > 0.9) continue;
    expect_row(row, row.load < 0.9 ? 200'000 : 1'500'000);
    ++compared;
  }
  EXPECT_EQ(compared, 27U);
}

TEST(Case06IslipWait, LongEveryRowAtTheLengthOfTheTable) {
  HEDDLE_NEED_LONG();
  HEDDLE_NEED_SHARED(shared_file("reference/vectors/input_queued_uniform_n16.csv"));
  for (const TableRow& row : table()) expect_row(row, row.slots);
}

// What `heddle run` prints as theory is this table.
TEST(Case06IslipWait, TheProgramKnowsTheTable) {
  HEDDLE_NEED_SHARED(shared_file("reference/vectors/input_queued_uniform_n16.csv"));
  for (const TableRow& row : table()) {
    const auto theory = crossbar_theory(load_text(scenario_of(case_of(row)), "test").at(0));
    ASSERT_TRUE(theory && theory->mean_wait_slots) << scenario_of(case_of(row));
    EXPECT_EQ(theory->mean_wait_slots->mean, row.wait.mean);
    EXPECT_EQ(theory->mean_wait_slots->half_width, row.wait.half_width);
  }
}

}  // namespace
}  // namespace heddle::testing
