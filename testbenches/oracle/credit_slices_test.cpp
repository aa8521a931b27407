// A known effect of real ports: credits granted per slice instead of per port turn 33/33/33 % among
// three senders into 25/25/50 %.
#include <gtest/gtest.h>

#include "scenario_run.h"

namespace heddle::testing {
namespace {

/// Three messages of one size share a port that is never idle; all end together, or the one alone
/// in its slice ends first. Its share until then is its bytes by what the port has sent.
struct Shares {
  double first;
  double others;

  explicit Shares(const char* variant) {
    const ScenarioRun run = run_scenario_file(
        std::string(HEDDLE_SOURCE_DIR) + "/scenarios/credit_slices.yaml", variant);
    EXPECT_EQ(run.exit_code, 0) << run.explanation;
    const double last_ns = run.number("messages.completion_ns.max");
    EXPECT_EQ(run.number("messages.completion_ns.p50"), last_ns) << "two of three end together";
    const double first_ns = 3 * run.number("messages.completion_ns.mean") - 2 * last_ns;
    first = last_ns / 3 / first_ns;
    others = (1 - first) / 2;
  }
};

TEST(CreditSlices, GrantsPerPortGiveThirds) {
  const Shares shares("fair");
  EXPECT_NEAR(shares.first, 1.0 / 3, 0.005);
  EXPECT_NEAR(shares.others, 1.0 / 3, 0.005);
}

TEST(CreditSlices, GrantsPerSliceGiveAHalfToTheLoneSender) {
  const Shares shares("per_slice");
  EXPECT_NEAR(shares.first, 0.5, 0.005);
  EXPECT_NEAR(shares.others, 0.25, 0.005);
}

}  // namespace
}  // namespace heddle::testing
