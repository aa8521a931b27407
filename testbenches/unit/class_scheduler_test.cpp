// Strict priority and deficit round robin: IEEE 802.1Q 8.6.8; Shreedhar and Varghese 1996.
#include "parts/class_scheduler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <vector>

#include "kernel/rng.h"

namespace heddle {
namespace {

constexpr TrafficClassConfig strict{ClassScheduling::strict, 1, true};

TrafficClassConfig weighted(std::uint64_t weight) {
  return {ClassScheduling::weighted, weight, true};
}

/// Serves once and checks that only eligible classes are asked for their length.
unsigned pick(ClassScheduler& scheduler, unsigned eligible, std::int64_t length) {
  return scheduler.pick(static_cast<std::uint8_t>(eligible), [&](unsigned c) {
    EXPECT_TRUE((eligible >> c & 1) != 0) << "class " << c << " has no unit";
    return length;
  });
}

TEST(ClassScheduler, HighestStrictClassFirstForEveryMixAndEverySet) {
  for (unsigned classes = 1; classes <= 6; ++classes) {
    for (unsigned kinds = 0; kinds < 1U << classes; ++kinds) {
      std::vector<TrafficClassConfig> configs;
      for (unsigned c = 0; c < classes; ++c) {
        configs.push_back((kinds >> c & 1) != 0 ? strict : weighted(1 + c));
      }
      ClassScheduler scheduler(configs, 100);
      for (unsigned eligible = 1; eligible < 1U << classes; ++eligible) {
        const unsigned c = pick(scheduler, eligible, 100);
        ASSERT_LT(c, classes);
        ASSERT_TRUE((eligible >> c & 1) != 0) << eligible;
        if ((eligible & kinds) == 0) continue;
        ASSERT_EQ(c, 31U - static_cast<unsigned>(__builtin_clz(eligible & kinds)))
            << "eligible " << eligible << ", strict " << kinds;
      }
    }
  }
}

TEST(ClassScheduler, EqualWeightsAndLengthsTakeTurns) {
  ClassScheduler scheduler({weighted(1), weighted(1), weighted(1)}, 64);
  std::array<unsigned, 3> served{};
  for (int n = 0; n < 300; ++n) {
    ++served[pick(scheduler, 7, 64)];
    for (const unsigned a : served) {
      for (const unsigned b : served) ASSERT_LE(a, b + 2);
    }
  }
}

/// Bytes served of classes that are all backlogged all the time, by weight.
void expect_fair(ClassScheduler& scheduler, const std::vector<std::uint64_t>& weights,
                 std::uint32_t quantum, Rng& rng) {
  std::vector<double> served(weights.size());
  std::vector<std::int64_t> next(weights.size());
  const auto eligible = static_cast<std::uint8_t>((1U << weights.size()) - 1);
  for (std::int64_t& length : next) length = 1 + rng.below(quantum);
  for (int n = 0; n < 3000; ++n) {
    const unsigned c = scheduler.pick(eligible, [&](unsigned of) { return next[of]; });
    served[c] += static_cast<double>(next[c]);
    next[c] = 1 + rng.below(quantum);
    for (unsigned i = 0; i < weights.size(); ++i) {
      for (unsigned j = 0; j < weights.size(); ++j) {
        // Theorem 1 of Shreedhar and Varghese: one quantum and a largest unit on either side.
        const double ahead = served[i] / static_cast<double>(weights[i]) -
                             served[j] / static_cast<double>(weights[j]);
        ASSERT_LE(std::abs(ahead), 3.0 * quantum) << "classes " << i << ", " << j << " at " << n;
      }
    }
  }
}

TEST(ClassScheduler, BytesFollowWeights) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Rng rng(seed, "class_scheduler_test", "weights");
    const unsigned classes = 2 + rng.below(5);
    const std::uint32_t quantum = 64 + rng.below(5000);
    std::vector<std::uint64_t> weights;
    std::vector<TrafficClassConfig> configs;
    for (unsigned c = 0; c < classes; ++c) {
      weights.push_back(1 + rng.below(16));
      configs.push_back(weighted(weights.back()));
    }
    ClassScheduler scheduler(configs, quantum);
    expect_fair(scheduler, weights, quantum, rng);
  }
}

TEST(ClassScheduler, TheGreatestWeightHolds) {
  Rng rng(1, "class_scheduler_test", "great");
  ClassScheduler scheduler({weighted(255), weighted(1)}, 9000);
  expect_fair(scheduler, {255, 1}, 9000, rng);
}

// A class that was silent or alone starts level with its rival: neither credit nor debt remains.
TEST(ClassScheduler, SilenceSavesNothing) {
  for (unsigned first = 0; first < 2; ++first) {
    ClassScheduler scheduler({weighted(1), weighted(1)}, 1000);
    for (int n = 0; n < 500; ++n) EXPECT_EQ(pick(scheduler, 1U << first, 1000), first);
    std::array<int, 2> served{};
    for (int n = 0; n < 100; ++n) {
      ++served[pick(scheduler, 3, 1000)];
      EXPECT_LE(std::abs(served[0] - served[1]), 2) << "after " << n;
    }
  }
}

// The deficit of a queue that runs empty is lost (Shreedhar and Varghese, figure 2).
TEST(ClassScheduler, AClassThatRanEmptyHasNoDeficit) {
  ClassScheduler scheduler({weighted(1), weighted(1), weighted(1)}, 1000);
  unsigned c = pick(scheduler, 7, 600);
  while (c != 0) c = pick(scheduler, 7, 600);  // earned 1,000, spent 600
  for (int n = 0; n < 6; ++n) EXPECT_NE(pick(scheduler, 6, 1000), 0U);
  std::int64_t next = 1000;  // of class 0, which comes back with units of 1,000 and 400 B
  std::vector<unsigned> served;
  for (int n = 0; n < 6; ++n) {
    served.push_back(
        scheduler.pick(7, [&](unsigned of) { return of == 0 ? next : std::int64_t{1000}; }));
    if (served.back() == 0) next = 400;
  }
  const auto first = std::find(served.begin(), served.end(), 0U);
  ASSERT_LT(first - served.begin(), 3) << "once per round";
  EXPECT_NE(*(first + 1), 0U) << "its quantum of 1,000 B is spent";
}

TEST(ClassScheduler, SwarmServesOnlyWhoIsThere) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Rng rng(seed, "class_scheduler_test", "swarm");
    const unsigned classes = 1 + rng.below(max_traffic_classes);
    std::vector<TrafficClassConfig> configs;
    for (unsigned c = 0; c < classes; ++c) {
      configs.push_back(rng.below(3) == 0 ? strict : weighted(1 + rng.below(255)));
    }
    ClassScheduler scheduler(configs, 9000);
    for (int n = 0; n < 1000; ++n) {
      const unsigned eligible = 1 + rng.below((1U << classes) - 1);
      const unsigned c = pick(scheduler, eligible, 1 + rng.below(9000));
      ASSERT_TRUE((eligible >> c & 1) != 0);
    }
  }
}

}  // namespace
}  // namespace heddle
