// Case 12: what `heddle credits` prints against the thresholds of the vendor's driver. Then what it
// says of egress memory, and its options.
#include "engine/credits.h"

#include <gtest/gtest.h>

#include "engine/loader.h"
#include "kernel/error.h"
#include "shared_inputs.h"
#include "table_text.h"

namespace heddle {
namespace {

using testing::Words;

std::string error_of(const CreditsOptions& options) {
  try {
    return "no error: " + credits_table(options);
  } catch (const InputError& error) {
    return error.what();
  }
}

#define EXPECT_CONTAINS(text, part) \
  EXPECT_NE(std::string(text).find(part), std::string::npos) << "in: " << (text)

/// The rows of numbers that the command prints: first all that ask at full rate, then the slow.
std::vector<Words> printed(const CreditsOptions& options) {
  std::vector<Words> rows;
  for (const Words& words : testing::words_of(credits_table(options))) {
    if (words.size() == 10 && words[0].find_first_not_of("0123456789.") == std::string::npos) {
      rows.push_back(words);
    }
  }
  return rows;
}

TEST(Case12CreditsCommand, PrintsEveryRowOfTheVendorTable) {
  const auto path = testing::shared_file("reference/vectors/credit_thresholds.csv");
  HEDDLE_NEED_SHARED(path);
  const std::vector<Words> table = testing::read_csv(path);
  ASSERT_EQ(table.size(), 36U);
  for (const Words& row : table) {
    CreditsOptions options;
    options.rate = row.at(0) + " Gbps";
    options.delay = row.at(1) + " ns";
    options.credit = row.at(2) + " B";
    const std::vector<Words> both = printed(options);
    ASSERT_EQ(both.size(), 2U);
    Words ours = both[row.at(3) == "1" ? 1 : 0];
    ours.pop_back();  // egress memory is not in the table
    Words expected{row.at(0), row.at(1)};
    expected.insert(expected.end(), row.begin() + 4, row.end());
    EXPECT_EQ(ours, expected) << "credit " << row.at(2) << ", slow " << row.at(3);
  }
}

// Three rows of that table, so that the rules are never untested.
TEST(Case12CreditsCommand, EqualsThreeRowsOfTheVendorTable) {
  const CreditThresholds low = credit_thresholds(100_Gbps, 300_ns, 2048_B, false);
  EXPECT_EQ(low.in_flight_credits, 2U);
  EXPECT_EQ(low.satisfied, 6144U);
  EXPECT_EQ(low.balance, 10'240U);
  const CreditThresholds high = credit_thresholds(400_Gbps, 1_us, 4096_B, false);
  EXPECT_EQ(high.in_flight_bytes, 53'248U);
  EXPECT_EQ(high.balance, 155'648U);
  EXPECT_EQ(high.resolution, 2U);
  EXPECT_EQ(high.hungry, -57'344);
  const CreditThresholds slow = credit_thresholds(400_Gbps, 1_us, 8192_B, true);
  EXPECT_EQ(slow.satisfied, 0U);
  EXPECT_EQ(slow.balance, 16'384U);
  EXPECT_EQ(slow.hungry, 131'072);
}

// OpenBCM SDK 6.5.27: 500,000 B, and 500 KiB either way.
TEST(CreditsCommand, ThresholdsStopAtTheDriversLimits) {
  EXPECT_EQ(credit_thresholds(800_Gbps, 10_us, 4096_B, false).balance, 500'000U);
  EXPECT_EQ(credit_thresholds(800_Gbps, 10_us, 4096_B, false).hungry, -512'000);
  EXPECT_EQ(credit_thresholds(800_Gbps, 10_us, 4096_B, true).hungry, 512'000);
  EXPECT_EQ(credit_thresholds(800_Gbps, 10_us, 4096_B, true).resolution, 4U);
}

TEST(CreditsCommand, WithoutOptionsPrintsTheUsualRatesAndDelays) {
  EXPECT_EQ(printed({}).size(), 2U * 4 * 3);
}

// A scenario with less is rejected.
TEST(CreditsCommand, EgressIsWhatAScenarioNeeds) {
  CreditsOptions options;
  options.rate = "400 Gbps";
  options.leaves = "6";
  options.cable = "59.4 m";  // 300 ns, the default of fabric.fabric_link
  const std::vector<Words> rows = printed(options);
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0][1], "950");
  const std::uint64_t egress = std::stoull(rows[0][9]);
  // Threshold, 1.05 of a round trip, and a credit and a packet from each of 6 leaves' 2 classes.
  EXPECT_EQ(egress, 131'072U + 99'750 + 12 * (4096 + 4178));
  const std::string text = "fabric: {leaves: 6, hosts_per_leaf: 1}\nscheduled: {egress_buffer: ";
  EXPECT_NO_THROW(load_text(text + std::to_string(egress) + " B}\n", "enough.yaml"));
  EXPECT_THROW(load_text(text + std::to_string(egress - 1) + " B}\n", "less.yaml"), InputError);
}

TEST(CreditsCommand, RejectsBadOptionsWithOneSentence) {
  const auto with = [](OptionText CreditsOptions::*option, const char* text) {
    CreditsOptions options;
    options.*option = text;
    return error_of(options);
  };
  EXPECT_CONTAINS(with(&CreditsOptions::rate, "100"), "--rate: '100' has no unit");
  EXPECT_CONTAINS(with(&CreditsOptions::delay, "0 ns"), "valid is 1 ps to 1 ms");
  EXPECT_CONTAINS(with(&CreditsOptions::cable, "5 s"), "--cable: '5 s' has unknown unit 's'");
  EXPECT_CONTAINS(with(&CreditsOptions::credit, "1 B"), "--credit: '1 B' is out of range");
  EXPECT_CONTAINS(with(&CreditsOptions::leaves, "none"), "--leaves: expected a whole number");
  EXPECT_CONTAINS(with(&CreditsOptions::leaves, "0"), "valid is 1 to 4096");
  EXPECT_CONTAINS(with(&CreditsOptions::device, "jericho3_a"), "did you mean 'jericho3_ai'?");
  CreditsOptions both;
  both.cable = "5 m";
  both.delay = "25 ns";
  EXPECT_CONTAINS(error_of(both), "give one of them");
}

}  // namespace
}  // namespace heddle
