// The credit scheduler of an egress port against totals kept beside it.
#include "parts/credit_scheduler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <vector>

#include "kernel/rng.h"

namespace heddle {
namespace {

constexpr TrafficClassConfig strict{ClassScheduling::strict, 1, true};
constexpr TrafficClassConfig weighted_once{ClassScheduling::weighted, 1, true};

TEST(CreditScheduler, GrantsWhatWasAskedForAndNoMore) {
  CreditScheduler scheduler(4, {weighted_once}, 4096);
  EXPECT_FALSE(scheduler.wanted());
  scheduler.request(2, 0, 3);
  EXPECT_EQ(scheduler.outstanding(), 3U);
  for (std::uint32_t n = 1; n <= 3; ++n) {
    ASSERT_TRUE(scheduler.wanted());
    const CreditScheduler::Grant grant = scheduler.grant();
    EXPECT_EQ(grant.leaf, 2U);
    EXPECT_EQ(grant.traffic_class, 0U);
    EXPECT_EQ(grant.credits, n) << "grants are totals since the start";
    EXPECT_EQ(scheduler.granted(2, 0), n);
  }
  EXPECT_FALSE(scheduler.wanted());
  EXPECT_EQ(scheduler.outstanding(), 0U);
}

TEST(CreditScheduler, RepeatedAndOvertakenRequestsDoNoHarm) {
  CreditScheduler scheduler(2, {weighted_once}, 4096);
  for (const std::uint32_t total : {5U, 5U, 2U, 0U, 4U, 5U}) scheduler.request(1, 0, total);
  EXPECT_EQ(scheduler.outstanding(), 5U);
  for (int n = 0; n < 5; ++n) scheduler.grant();
  EXPECT_FALSE(scheduler.wanted());
  for (const std::uint32_t total : {5U, 3U}) scheduler.request(1, 0, total);
  EXPECT_FALSE(scheduler.wanted()) << "all that was asked for is granted";
  scheduler.request(1, 0, 6);
  EXPECT_EQ(scheduler.outstanding(), 1U);
  EXPECT_EQ(scheduler.grant().credits, 6U);
}

TEST(CreditScheduler, ALostRequestIsRepairedByTheNext) {
  CreditScheduler scheduler(2, {weighted_once}, 4096);
  scheduler.request(0, 0, 9);  // 1 to 8 were lost
  EXPECT_EQ(scheduler.outstanding(), 9U);
}

TEST(CreditScheduler, RoundRobinAmongTheVoqsOfEverySet) {
  constexpr unsigned leaves = 6;
  for (unsigned members = 1; members < 1U << leaves; ++members) {
    CreditScheduler scheduler(leaves, {weighted_once}, 4096);
    std::vector<unsigned> waiting;
    for (unsigned leaf = 0; leaf < leaves; ++leaf) {
      if ((members >> leaf & 1) == 0) continue;
      waiting.push_back(leaf);
      scheduler.request(leaf, 0, 100);
    }
    for (int round = 0; round < 3; ++round) {
      std::vector<unsigned> granted;
      for (std::size_t n = 0; n < waiting.size(); ++n) granted.push_back(scheduler.grant().leaf);
      ASSERT_EQ(granted, waiting) << "set " << members << ", round " << round;
    }
  }
}

TEST(CreditScheduler, StrictClassesGoFirst) {
  CreditScheduler scheduler(3, {weighted_once, strict, strict}, 4096);
  for (unsigned c = 0; c < 3; ++c) {
    for (unsigned leaf = 0; leaf < 3; ++leaf) scheduler.request(leaf, c, 2);
  }
  std::vector<unsigned> classes;
  while (scheduler.wanted()) classes.push_back(scheduler.grant().traffic_class);
  EXPECT_EQ(classes, (std::vector<unsigned>{2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0}));
}

TEST(CreditScheduler, WeightedClassesShareByWeight) {
  const std::array<std::uint64_t, 3> weights{1, 3, 4};
  std::vector<TrafficClassConfig> classes;
  classes.reserve(weights.size());
  for (const std::uint64_t weight : weights) {
    classes.push_back({ClassScheduling::weighted, weight, true});
  }
  CreditScheduler scheduler(2, classes, 4096);
  for (unsigned c = 0; c < 3; ++c) {
    for (unsigned leaf = 0; leaf < 2; ++leaf) scheduler.request(leaf, c, 1000);
  }
  std::array<std::uint64_t, 3> granted{};
  for (int n = 0; n < 800; ++n) ++granted[scheduler.grant().traffic_class];
  for (unsigned c = 0; c < 3; ++c) {
    EXPECT_NEAR(static_cast<double>(granted[c]), 100.0 * static_cast<double>(weights[c]),
                static_cast<double>(weights[c]) + 1)
        << "within one round";
  }
}

TEST(CreditScheduler, SwarmKeepsItsAccounts) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Rng rng(seed, "credit_scheduler_test", "swarm");
    const unsigned leaves = 1 + rng.below(100);
    std::vector<TrafficClassConfig> classes(1 + rng.below(4));
    for (TrafficClassConfig& config : classes) {
      config.scheduling = rng.below(2) == 0 ? ClassScheduling::strict : ClassScheduling::weighted;
      config.weight = 1 + rng.below(8);
    }
    const auto count = static_cast<unsigned>(classes.size());
    CreditScheduler scheduler(leaves, classes, 4096);
    std::vector<std::uint32_t> requested(std::size_t{leaves} * count);
    std::vector<std::uint32_t> granted(requested.size());
    const auto total = [](const std::vector<std::uint32_t>& counts) {
      return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
    };
    for (int n = 0; n < 1500; ++n) {
      if (rng.below(2) == 0) {
        const unsigned leaf = rng.below(leaves);
        const unsigned c = rng.below(count);
        std::uint32_t& known = requested[std::size_t{c} * leaves + leaf];
        const std::uint32_t said = known + rng.below(4) - std::min(known, rng.below(2));
        scheduler.request(leaf, c, said);
        known = std::max(known, said);
      } else if (scheduler.wanted()) {
        const CreditScheduler::Grant grant = scheduler.grant();
        const std::size_t voq = std::size_t{grant.traffic_class} * leaves + grant.leaf;
        ASSERT_EQ(grant.credits, ++granted[voq]);
        ASSERT_LE(granted[voq], requested[voq]);
        ASSERT_EQ(scheduler.granted(grant.leaf, grant.traffic_class), granted[voq]);
        for (unsigned c = grant.traffic_class + 1; c < count; ++c) {
          if (classes[c].scheduling != ClassScheduling::strict) continue;
          for (unsigned leaf = 0; leaf < leaves; ++leaf) {
            const std::size_t other = std::size_t{c} * leaves + leaf;
            ASSERT_EQ(granted[other], requested[other]) << "a higher strict class waits";
          }
        }
      }
      ASSERT_EQ(scheduler.outstanding(), total(requested) - total(granted));
      ASSERT_EQ(scheduler.wanted(), scheduler.outstanding() != 0);
    }
  }
}

// Slices take turns, and the VOQs of each: 25/25/50 instead of 33/33/33.
TEST(CreditScheduler, SlicesShareThePortWhoeverIsInThem) {
  for (const unsigned slices : {1U, 2U}) {
    CreditScheduler scheduler(3, {weighted_once}, 4096, slices);
    std::array<unsigned, 3> grants{};
    for (unsigned leaf = 0; leaf < 3; ++leaf) scheduler.request(leaf, 0, 1200);
    for (int n = 0; n < 1200; ++n) ++grants.at(scheduler.grant().leaf);
    const std::array<unsigned, 3> per_port{400, 400, 400};
    const std::array<unsigned, 3> per_slice{300, 600, 300};
    EXPECT_EQ(grants, slices == 1 ? per_port : per_slice);
    while (scheduler.wanted()) ++grants.at(scheduler.grant().leaf);
    EXPECT_EQ(grants, (std::array<unsigned, 3>{1200, 1200, 1200})) << "all get what they asked for";
    EXPECT_EQ(scheduler.outstanding(), 0U);
  }
}

}  // namespace
}  // namespace heddle
