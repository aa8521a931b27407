// Case 21: the share of marked packets follows the curve 0, linear, 1.
#include "parts/ecn.h"

#include <gtest/gtest.h>

#include <cmath>

#include "kernel/error.h"
#include "kernel/rng.h"

namespace heddle {
namespace {

EcnConfig steep() {
  EcnConfig config;
  config.kmin = 100'000_B;
  config.kmax = 400'000_B;
  config.pmax = 0.2;  // the thresholds of the HPCC repository at 25 Gbps
  return config;
}

TEST(Case21EcnCurve, IsZeroThenLinearThenOne) {
  const EcnConfig config = steep();
  EXPECT_EQ(mark_probability(config, 0), 0);
  EXPECT_EQ(mark_probability(config, 100'000), 0);
  EXPECT_DOUBLE_EQ(mark_probability(config, 100'001), 0.2 / 300'000);
  EXPECT_DOUBLE_EQ(mark_probability(config, 175'000), 0.05);
  EXPECT_DOUBLE_EQ(mark_probability(config, 250'000), 0.1);
  EXPECT_DOUBLE_EQ(mark_probability(config, 400'000), 0.2);
  EXPECT_EQ(mark_probability(config, 400'001), 1);
}

TEST(Case21EcnCurve, EqualThresholdsMakeAStep) {
  EcnConfig config = steep();
  config.kmax = config.kmin;
  EXPECT_EQ(mark_probability(config, config.kmin.value), 0);
  EXPECT_EQ(mark_probability(config, config.kmin.value + 1), 1);
}

TEST(Case21EcnCurve, NeverAndAlwaysHoldForEveryRandomNumber) {
  const EcnConfig config = steep();
  EXPECT_FALSE(mark(config, 100'000, 0));
  EXPECT_TRUE(mark(config, 400'001, ~std::uint64_t{0}));
  EcnConfig certain = config;
  certain.pmax = 1;
  EXPECT_TRUE(mark(certain, 400'000, ~std::uint64_t{0}));
}

TEST(Case21EcnCurve, MarksExactlyBelowTheScaledProbability) {
  EcnConfig config;
  config.kmin = 0_B;
  config.kmax = 4_B;
  config.pmax = 0.5;
  const std::uint64_t quarter = std::uint64_t{1} << 62;
  EXPECT_TRUE(mark(config, 2, quarter - 1));
  EXPECT_FALSE(mark(config, 2, quarter));
}

/// Pearson's statistic of `drawn` against `expected` over 60 depths between and around the
/// thresholds.
double chi_square(const EcnConfig& drawn, const EcnConfig& expected, std::uint64_t seed) {
  constexpr std::uint64_t depths = 60;
  constexpr int packets = 20'000;
  Rng rng(seed, "ecn_test", "mark");
  double statistic = 0;
  for (std::uint64_t i = 0; i < depths; ++i) {
    const std::uint64_t depth = 105'000 + i * 5'000;
    int marked = 0;
    for (int n = 0; n < packets; ++n) marked += mark(drawn, depth, rng.bits()) ? 1 : 0;
    const double p = mark_probability(expected, depth);
    const double deviation = marked - packets * p;
    statistic += deviation * deviation / (packets * p * (1 - p));
  }
  return statistic;
}

// 60 degrees of freedom; chi-square exceeds 99.607 with probability 0.001.
constexpr double critical_value = 99.607;

TEST(Case21EcnCurve, FollowsTheCurve) {
  EXPECT_LT(chi_square(steep(), steep(), 21), critical_value) << "seed 21";
}

TEST(Case21EcnCurve, TheTestWouldNoticeAnotherCurve) {
  EcnConfig other = steep();
  other.pmax = 0.21;
  EXPECT_GT(chi_square(other, steep(), 21), critical_value) << "seed 21";
}

TEST(EcnConfig, RejectsCrossedThresholds) {
  EcnConfig config = steep();
  EXPECT_NO_THROW(config.check());
  config.kmin = 500'000_B;
  EXPECT_THROW(config.check(), InputError);
}

TEST(EcnConfig, DeclaresEachParameterOnce) {
  EcnConfig config;
  const Section section = describe(config);
  ASSERT_EQ(section.fields.size(), 3U);
  for (const Field& field : section.fields) {
    EXPECT_FALSE(field.what.empty()) << field.key;
    EXPECT_FALSE(field.source.empty()) << field.key;
  }
}

}  // namespace
}  // namespace heddle
