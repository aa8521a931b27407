// The droop throttle: its limit, the pace that it forces on passes, and the cycle in which it comes
// back; each rule tight, and the whole against a reference that remembers every working cycle.
#include "parts/droop_throttle.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "kernel/rng.h"

namespace heddle {
namespace {

constexpr Cycle us3 = 7200;  // 3 us at 2.4 GHz

ThrottleConfig half() { return {}; }

TEST(DroopThrottle, TheLimitRisesFromItsBeginToOne) {
  DroopThrottle throttle(half(), us3, us3);
  EXPECT_EQ(throttle.limit(0), 1) << "nothing has worked yet";
  throttle.pass(1000, 512);
  EXPECT_EQ(throttle.engagements(), 1U);
  EXPECT_DOUBLE_EQ(throttle.limit(1000), 0.5);
  EXPECT_DOUBLE_EQ(throttle.limit(1000 + us3 / 4), 0.625);
  EXPECT_DOUBLE_EQ(throttle.limit(1000 + us3 / 2), 0.75);
  EXPECT_DOUBLE_EQ(throttle.limit(1000 + us3 - 1), 1 - 0.5 / us3);
  EXPECT_EQ(throttle.limit(1000 + us3), 1);
}

/// ceil(cycles / (1/2 + 1/2 * after / ramp)) in whole numbers.
Cycle half_pace(Cycle cycles, Cycle after, Cycle ramp) {
  if (after >= ramp) return cycles;
  return (2 * cycles * ramp + ramp + after - 1) / (ramp + after);
}

TEST(DroopThrottle, APassOfCCyclesUnderTheLimitUKeepsTheNextForCByU) {
  DroopThrottle throttle(half(), us3, us3);
  const Cycle begin = 500;
  Cycle at = begin;
  unsigned passes = 0;
  for (; at < begin + us3; ++passes) {
    throttle.pass(at, 512);
    const Cycle next = at + half_pace(512, at - begin, us3);
    ASSERT_EQ(throttle.ready_at(), next) << "pass " << passes;
    at = next;
  }
  EXPECT_GE(passes * 512, us3 / 2) << "half of the ramp at least";
  EXPECT_LE((passes - 1) * 512, us3 * 3 / 4) << "three quarters, the mean of the limit, at most";
  throttle.pass(at, 512);
  EXPECT_EQ(throttle.ready_at(), at + 512) << "the ramp is over";
  EXPECT_EQ(throttle.engagements(), 1U);
}

TEST(DroopThrottle, TheFirstPassUnderTheFullLimitIsTight) {
  // One pass engages it; the pass behind it starts one cycle before the end of the ramp, or at it.
  ThrottleConfig config;
  config.threshold = 0;  // never again
  for (const Cycle early : {1U, 0U}) {
    DroopThrottle throttle(config, 1000, 1000);
    throttle.pass(0, 1);
    throttle.pass(1000 - early, 500);
    EXPECT_EQ(throttle.ready_at(), 1000 - early + (early == 1 ? 501 : 500));
  }
}

/// Works `cycles` in one pass long after the beginning, then again `gap` later.
std::uint64_t engagements(Cycle worked, Cycle window, double threshold) {
  ThrottleConfig config;
  config.threshold = threshold;
  DroopThrottle throttle(config, 1, window);
  throttle.pass(0, 1);
  throttle.pass(10 * window, worked);  // engages for the second time: the window was empty
  throttle.pass(11 * window, 1);       // the pass fills the first cycles of this window
  return throttle.engagements();
}

TEST(DroopThrottle, ItComesBackExactlyBelowTheThreshold) {
  EXPECT_EQ(engagements(500, 1000, 0.5), 2U) << "half of the window is enough";
  EXPECT_EQ(engagements(499, 1000, 0.5), 3U) << "a cycle less is not";
  EXPECT_EQ(engagements(300, 1000, 0.3), 2U);
  EXPECT_EQ(engagements(299, 1000, 0.3), 3U);
}

TEST(DroopThrottle, OnlyTheLastWindowCounts) {
  ThrottleConfig config;
  DroopThrottle throttle(config, 1, 1000);
  throttle.pass(0, 1);
  throttle.pass(5000, 800);  // 5000 to 5799; engages
  // Seen from 6300, the window begins at 5300: 500 cycles of it. From 6301 on they are 499.
  DroopThrottle later = throttle;
  throttle.pass(6300, 1);
  EXPECT_EQ(throttle.engagements(), 2U);
  later.pass(6301, 1);
  EXPECT_EQ(later.engagements(), 3U);
}

TEST(DroopThrottle, ItDoesNotComeBackInsideItsRamp) {
  ThrottleConfig config;
  DroopThrottle throttle(config, us3, us3);
  throttle.pass(0, 1);
  DroopThrottle at_end = throttle;
  throttle.pass(us3 - 1, 1);
  EXPECT_EQ(throttle.engagements(), 1U);
  at_end.pass(us3, 1);
  EXPECT_EQ(at_end.engagements(), 2U);
}

TEST(DroopThrottle, SwitchedOffItHoldsNobody) {
  ThrottleConfig config;
  config.enabled = false;
  DroopThrottle throttle(config, us3, us3);
  throttle.pass(100, 512);
  EXPECT_EQ(throttle.ready_at(), 0U);
  EXPECT_EQ(throttle.limit(100), 1);
  EXPECT_EQ(throttle.engagements(), 0U);
}

/// Remembers every cycle in which the array has worked.
struct Reference {
  ThrottleConfig config;
  Cycle ramp;
  Cycle window;
  std::vector<bool> works = {};
  bool engaged = false;
  Cycle since = 0;
  std::uint64_t engagements = 0;

  double worked(Cycle now) const {
    std::uint64_t sum = 0;
    for (Cycle at = now > window ? now - window : 0; at < now && at < works.size(); ++at) {
      sum += works[at] ? 1 : 0;
    }
    return static_cast<double>(sum);
  }
  void pass(Cycle start, Cycle cycles) {
    const bool idled = worked(start) < config.threshold * static_cast<double>(window);
    if (!engaged || (start >= since + ramp && idled)) {
      engaged = true;
      since = start;
      ++engagements;
    }
    works.resize(start + cycles, false);
    for (Cycle at = start; at < start + cycles; ++at) works[at] = true;
  }
};

TEST(DroopThrottle, RandomPassesAgreeWithAMemoryOfEveryCycle) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    Rng random(seed, "droop_throttle", "passes");
    ThrottleConfig config;
    config.initial = 0.05 + 0.9 * random.uniform();
    config.threshold = random.uniform();
    const Cycle ramp = 1 + random.below(3000);
    const Cycle window = 1 + random.below(3000);
    DroopThrottle throttle(config, ramp, window);
    Reference reference{config, ramp, window};
    Cycle at = random.below(100);
    for (int pass = 0; pass < 2000; ++pass) {
      const Cycle cycles = 1 + random.below(600);
      throttle.pass(at, cycles);
      reference.pass(at, cycles);
      ASSERT_EQ(throttle.engagements(), reference.engagements) << "seed " << seed << ", " << pass;
      ASSERT_GE(throttle.ready_at(), at + cycles) << "seed " << seed;
      const double limit = throttle.limit(at);
      const double paced = static_cast<double>(throttle.ready_at() - at);
      ASSERT_GE(paced * limit, static_cast<double>(cycles) * (1 - 1e-12)) << "seed " << seed;
      ASSERT_LT((paced - 1) * limit, static_cast<double>(cycles)) << "seed " << seed;
      at = throttle.ready_at();
      if (random.below(8) == 0) at += random.below(2000);
    }
  }
}

}  // namespace
}  // namespace heddle
