// Spraying: every link once per round, or each time independently.
#include "parts/spray_order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

namespace heddle {
namespace {

std::vector<unsigned> draw(SprayOrder& order, unsigned count) {
  std::vector<unsigned> drawn(count);
  for (unsigned& link : drawn) link = order.next();
  return drawn;
}

Lfsr stream(std::uint64_t seed, const char* leaf = "leaf0") {
  return Lfsr(Rng(seed, leaf, "spray").bits());
}

TEST(SprayOrder, RoundRobinTakesEveryLinkOncePerRound) {
  for (const unsigned links : {1U, 2U, 3U, 4U, 7U, 64U, 512U}) {
    SprayOrder order(SprayPolicy::round_robin, links, stream(links));
    for (int round = 0; round < 20; ++round) {
      const std::vector<unsigned> drawn = draw(order, links);
      EXPECT_EQ(std::set<unsigned>(drawn.begin(), drawn.end()).size(), links);
      EXPECT_LT(*std::max_element(drawn.begin(), drawn.end()), links);
    }
  }
}

// Each of the 24 orders of four links must come equally often: chi-square with 23 degrees of
// freedom exceeds 82 once in 10^7 times.
TEST(SprayOrder, EveryRoundIsDrawnAfresh) {
  SprayOrder order(SprayPolicy::round_robin, 4, stream(1));
  std::vector<double> counts(256);
  constexpr int rounds = 24'000;
  for (int round = 0; round < rounds; ++round) {
    std::size_t code = 0;
    for (const unsigned link : draw(order, 4)) code = code * 4 + link;
    ++counts[code];
  }
  double sum = 0;
  int seen = 0;
  for (const double count : counts) {
    if (count == 0) continue;
    ++seen;
    sum += (count - rounds / 24.0) * (count - rounds / 24.0) / (rounds / 24.0);
  }
  EXPECT_EQ(seen, 24);
  EXPECT_LT(sum, 82);
}

TEST(SprayOrder, SourcesDoNotFallIntoStep) {
  SprayOrder a(SprayPolicy::round_robin, 16, stream(1));
  SprayOrder b(SprayPolicy::round_robin, 16, stream(1, "leaf1"));
  const std::vector<unsigned> of_a = draw(a, 16'000);
  const std::vector<unsigned> of_b = draw(b, 16'000);
  int equal = 0;
  for (std::size_t i = 0; i < of_a.size(); ++i) equal += of_a[i] == of_b[i] ? 1 : 0;
  EXPECT_NEAR(equal, 1000, 5.5 * std::sqrt(1000.0));
}

TEST(SprayOrder, RandomDrawsIndependently) {
  constexpr unsigned links = 5;
  SprayOrder order(SprayPolicy::random, links, stream(2));
  // Pairs of successive draws: all 25 equally often; 24 degrees of freedom, once in 10^7: 84.
  std::vector<double> pairs(std::size_t{links} * links);
  constexpr int draws = 50'000;
  unsigned last = order.next();
  for (int n = 0; n < draws; ++n) {
    const unsigned link = order.next();
    ASSERT_LT(link, links);
    ++pairs[last * links + link];
    last = link;
  }
  double sum = 0;
  for (const double count : pairs) {
    sum += (count - draws / 25.0) * (count - draws / 25.0) / (draws / 25.0);
  }
  EXPECT_LT(sum, 84);
}

TEST(SprayOrder, TheSameStreamGivesTheSameOrder) {
  for (const SprayPolicy policy : {SprayPolicy::round_robin, SprayPolicy::random}) {
    SprayOrder a(policy, 9, stream(4));
    SprayOrder b(policy, 9, stream(4));
    EXPECT_EQ(draw(a, 500), draw(b, 500));
  }
}

}  // namespace
}  // namespace heddle
