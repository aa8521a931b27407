// Case 20: the rate of a queue pair under scripted notifications, by the published rules.
#include "parts/dcqcn.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <string>

#include "kernel/rng.h"

namespace heddle {
namespace {

constexpr double tolerance = 1e-12;  // relative
constexpr Cycle us = 1000;           // at one cycle per nanosecond

#define EXPECT_SAME(actual, expected) EXPECT_NEAR(actual, expected, tolerance* std::abs(expected))

#define ASSERT_SAME(actual, expected) ASSERT_NEAR(actual, expected, tolerance* std::abs(expected))

/// 400 Gbps at 1 GHz: 50 bytes per cycle, steps 16 times those of 25 Gbps.
const DcqcnRules& rules_400g() {
  static const DcqcnRules rules(DcqcnConfig{}, 400_Gbps, 1_ns);
  return rules;
}

TEST(DcqcnRules, ConvertsToCyclesAndBytesPerCycle) {
  const DcqcnRules& rules = rules_400g();
  EXPECT_SAME(rules.line_rate, 50.0);
  EXPECT_SAME(rules.minimum_rate, 0.0125);
  EXPECT_SAME(rules.additive_increase, 0.01);  // 80 Mbps
  EXPECT_SAME(rules.hyper_increase, 0.1);      // 800 Mbps
  EXPECT_EQ(rules.alpha_cycles, 55 * us);
  EXPECT_EQ(rules.decrease_cycles, 50 * us);
  EXPECT_EQ(rules.increase_cycles, 55 * us);
  EXPECT_EQ(rules.cnp_cycles, 50 * us);
  const DcqcnRules odd(DcqcnConfig{}, 400_Gbps, Duration{833});
  EXPECT_EQ(odd.alpha_cycles, 66'027U) << "55 us of 833 ps, rounded up";
}

TEST(Dcqcn, FitsOneAndAHalfCacheLines) { EXPECT_LE(sizeof(Dcqcn), 96U); }

TEST(Case20DcqcnTrace, StartsAtLineRateAndStaysThere) {
  Dcqcn pair(rules_400g());
  pair.on_sent(100'000'000);
  pair.advance(1'000'000 * us);
  EXPECT_EQ(pair.rate(), 50.0);
  EXPECT_EQ(pair.alpha(), 1.0);
}

TEST(Case20DcqcnTrace, FirstNotificationHalvesTheRate) {
  Dcqcn pair(rules_400g());
  pair.on_cnp(1'000 * us);
  EXPECT_SAME(pair.rate(), 25.0);
  EXPECT_SAME(pair.target_rate(), 50.0);
  EXPECT_SAME(pair.alpha(), 1.0);  // (1-g)*1 + g
}

TEST(Case20DcqcnTrace, FastRecoveryIsFiveRoundsThenAdditive) {
  Dcqcn pair(rules_400g());
  pair.on_cnp(0);
  pair.on_cnp(50 * us);  // target 25, rate 12.5
  EXPECT_SAME(pair.target_rate(), 25.0);
  EXPECT_SAME(pair.rate(), 12.5);
  const double recovery[] = {18.75, 21.875, 23.4375, 24.21875, 24.609375};
  for (int round = 0; round < 5; ++round) {
    const Cycle due = 50 * us + static_cast<Cycle>(round + 1) * 55 * us;
    const double before = pair.rate();
    pair.advance(due - 1);
    EXPECT_EQ(pair.rate(), before) << "early in round " << round;
    pair.advance(due);
    EXPECT_SAME(pair.rate(), recovery[round]);
    EXPECT_SAME(pair.target_rate(), 25.0);
  }
  pair.advance(50 * us + 6 * (55 * us));
  EXPECT_SAME(pair.target_rate(), 25.01);
  EXPECT_SAME(pair.rate(), 24.8096875);  // (24.609375 + 25.01) / 2
  pair.advance(50 * us + 7 * (55 * us));
  EXPECT_SAME(pair.target_rate(), 25.02);  // the timer alone never reaches hyper increase
  EXPECT_SAME(pair.rate(), 24.91484375);
}

TEST(Case20DcqcnTrace, BytesCountRoundsOfTheirOwn) {
  Dcqcn pair(rules_400g());
  pair.on_cnp(0);
  pair.on_cnp(50 * us);
  pair.on_sent(9'999'999);
  EXPECT_SAME(pair.rate(), 12.5);
  pair.on_sent(1);
  EXPECT_SAME(pair.rate(), 18.75);
  pair.on_sent(40'000'000);  // four more rounds at once
  EXPECT_SAME(pair.rate(), 24.609375);
  pair.advance(105 * us);  // the first round by timer, but the bytes are at F: still recovery
  EXPECT_SAME(pair.target_rate(), 25.0);
  EXPECT_SAME(pair.rate(), 24.8046875);
  pair.on_sent(10'000'000);  // sixth round by bytes
  EXPECT_SAME(pair.target_rate(), 25.01);
}

TEST(Case20DcqcnTrace, HyperIncreaseNeedsTimerAndBytes) {
  Dcqcn pair(rules_400g());
  pair.on_cnp(0);
  pair.on_cnp(50 * us);
  pair.on_sent(60'000'000);  // five rounds of recovery, one additive
  EXPECT_SAME(pair.target_rate(), 25.01);
  for (Cycle round = 1; round <= 5; ++round) pair.advance(50 * us + round * 55 * us);
  EXPECT_SAME(pair.target_rate(), 25.06);  // five rounds by timer, all additive: min is F
  pair.advance(50 * us + 6 * (55 * us));
  EXPECT_SAME(pair.target_rate(), 25.16);  // min(T, B) = 6 > F
  pair.on_sent(10'000'000);
  EXPECT_SAME(pair.target_rate(), 25.26);
}

TEST(Case20DcqcnTrace, AlphaDecaysWithoutNotification) {
  Dcqcn pair(rules_400g());
  pair.on_cnp(0);
  pair.advance(55 * us - 1);
  EXPECT_EQ(pair.alpha(), 1.0);
  pair.advance(55 * us);
  EXPECT_SAME(pair.alpha(), 255.0 / 256);
  pair.advance(10 * (55 * us));
  const double alpha = std::pow(255.0 / 256, 10);
  EXPECT_SAME(pair.alpha(), alpha);
  const double before = pair.rate();
  pair.on_cnp(10 * (55 * us) + 1);
  EXPECT_SAME(pair.rate(), before * (1 - alpha / 2));
  EXPECT_SAME(pair.target_rate(), before);
  EXPECT_SAME(pair.alpha(), alpha * 255 / 256 + 1.0 / 256);
}

TEST(Case20DcqcnTrace, OneCutPerDecreaseInterval) {
  Dcqcn pair(rules_400g());
  pair.on_cnp(0);
  pair.on_cnp(10 * us);
  pair.on_cnp(20 * us);
  pair.advance(50 * us - 1);
  EXPECT_SAME(pair.rate(), 25.0);
  pair.advance(50 * us);  // the two that waited are one cut
  EXPECT_SAME(pair.rate(), 12.5);
  pair.advance(104 * us);
  EXPECT_SAME(pair.rate(), 12.5);
  pair.advance(105 * us);  // the timer started again at the cut
  EXPECT_SAME(pair.rate(), 18.75);
}

TEST(Case20DcqcnTrace, NeverFallsBelowTheMinimumNorRisesAboveTheLine) {
  Dcqcn pair(rules_400g());
  for (Cycle n = 0; n < 100; ++n) pair.on_cnp(n * 50 * us);
  EXPECT_EQ(pair.rate(), rules_400g().minimum_rate);
  EXPECT_EQ(pair.target_rate(), rules_400g().minimum_rate);
  for (Cycle n = 0; n < 2'000; ++n) {
    pair.advance(99 * (50 * us) + n * 55 * us);
    pair.on_sent(10'000'000);
  }
  EXPECT_EQ(pair.target_rate(), 50.0);
  EXPECT_SAME(pair.rate(), 50.0);
}

/// The rules once more, with a counter per timer and no shortcut: what each cycle does.
class CycleByCycle {
 public:
  explicit CycleByCycle(const DcqcnRules& rules) : r_(rules), current_(rules.line_rate) {
    target_ = current_;
  }

  void begin_cycle() {
    if (!limited_) return;
    ++since_cut_;
    ++alpha_clock_;
    ++increase_clock_;
    if (waiting_ && since_cut_ == r_.decrease_cycles) {
      reduce();
      return;
    }
    if (alpha_clock_ == r_.alpha_cycles) {
      alpha_clock_ = 0;
      alpha_ = (1 - r_.gain) * alpha_;  // equation 2
    }
    if (increase_clock_ == r_.increase_cycles) {
      increase_clock_ = 0;
      t_ += 1;
      raise();
    }
  }

  void notification() {
    if (limited_ && since_cut_ < r_.decrease_cycles) {
      waiting_ = true;
    } else {
      reduce();
    }
  }

  void byte_sent(std::uint64_t bytes) {
    for (; limited_ && bytes > 0; --bytes) {
      if (++byte_clock_ < r_.byte_counter) continue;
      byte_clock_ = 0;
      b_ += 1;
      raise();
    }
  }

  double current() const { return current_; }
  double target() const { return target_; }
  double alpha() const { return alpha_; }

 private:
  void reduce() {  // equation 1
    target_ = current_;
    current_ = current_ * (1 - alpha_ / 2);
    if (current_ < r_.minimum_rate) current_ = r_.minimum_rate;
    alpha_ = (1 - r_.gain) * alpha_ + r_.gain;
    limited_ = true;
    waiting_ = false;
    t_ = b_ = 0;
    since_cut_ = alpha_clock_ = increase_clock_ = byte_clock_ = 0;
  }

  void raise() {  // equations 3 and 4
    const std::uint64_t f = r_.fast_recovery_rounds;
    const bool timer_in_recovery = t_ <= f;
    const bool bytes_in_recovery = b_ <= f;
    if (!timer_in_recovery && !bytes_in_recovery) {
      target_ += r_.hyper_increase;
    } else if (!timer_in_recovery || !bytes_in_recovery) {
      target_ += r_.additive_increase;
    }
    if (target_ > r_.line_rate) target_ = r_.line_rate;
    current_ = 0.5 * (target_ + current_);
  }

  const DcqcnRules& r_;
  double current_;
  double target_;
  double alpha_ = 1;
  bool limited_ = false;
  bool waiting_ = false;
  Cycle since_cut_ = 0;
  Cycle alpha_clock_ = 0;
  Cycle increase_clock_ = 0;
  std::uint64_t byte_clock_ = 0;
  std::uint64_t t_ = 0;
  std::uint64_t b_ = 0;
};

std::uint64_t swarm_seed() {
  const char* given = std::getenv("HEDDLE_SWARM_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : 20;
}

/// A short-timed configuration, so that every stage and every tie between timers occurs.
DcqcnRules random_rules(Rng& rng) {
  DcqcnConfig config;
  config.alpha_timer = Duration{1000 * std::uint64_t{1 + rng.below(60)}};
  config.decrease_interval = Duration{1000 * std::uint64_t{1 + rng.below(60)}};
  config.increase_timer = Duration{1000 * std::uint64_t{1 + rng.below(60)}};
  config.byte_counter = Bytes{64 + rng.below(4000)};
  config.gain = 1.0 / (1 + rng.below(256));
  config.fast_recovery_rounds = rng.below(7);
  config.additive_increase = Rate{1'000'000 * std::uint64_t{1 + rng.below(1000)}};
  config.hyper_increase = Rate{10'000'000 * std::uint64_t{1 + rng.below(1000)}};
  return DcqcnRules(config, 400_Gbps, 1_ns);
}

TEST(Case20DcqcnTrace, SwarmEqualsCycleByCycle) {
  const std::uint64_t seed = swarm_seed();
  for (std::uint64_t round = 0; round < 200; ++round) {
    SCOPED_TRACE("HEDDLE_SWARM_SEED=" + std::to_string(seed) + ", round " + std::to_string(round));
    Rng rng(seed, "dcqcn_test", std::to_string(round));
    const DcqcnRules rules = random_rules(rng);
    Dcqcn lazy(rules);
    CycleByCycle reference(rules);
    const std::uint32_t cnp_every = 20 + rng.below(400);
    const std::uint32_t look_every = 1 + rng.below(50);
    for (Cycle now = 0; now < 4'000; ++now) {
      reference.begin_cycle();
      if (rng.below(cnp_every) == 0) {
        reference.notification();
        lazy.on_cnp(now);
      }
      if (rng.below(look_every) != 0) continue;
      const std::uint64_t bytes = rng.below(1500);
      lazy.advance(now);
      lazy.on_sent(bytes);
      reference.byte_sent(bytes);
      ASSERT_SAME(lazy.rate(), reference.current());
      ASSERT_SAME(lazy.target_rate(), reference.target());
      ASSERT_SAME(lazy.alpha(), reference.alpha());
    }
  }
}

TEST(CnpLimiter, OneNotificationPerInterval) {
  CnpLimiter limiter;
  EXPECT_TRUE(limiter.on_marked(rules_400g(), 3));
  EXPECT_FALSE(limiter.on_marked(rules_400g(), 3));
  EXPECT_FALSE(limiter.on_marked(rules_400g(), 3 + 50 * us - 1));
  EXPECT_TRUE(limiter.on_marked(rules_400g(), 3 + 50 * us));
  EXPECT_FALSE(limiter.on_marked(rules_400g(), 3 + 50 * us + 1));
  EXPECT_TRUE(limiter.on_marked(rules_400g(), 1'000 * us));
}

TEST(DcqcnConfig, DeclaresEachParameterWithItsSource) {
  DcqcnConfig config;
  const Section section = describe(config);
  ASSERT_EQ(section.fields.size(), 10U);
  for (const Field& field : section.fields) {
    EXPECT_FALSE(field.what.empty()) << field.key;
    EXPECT_FALSE(field.source.empty()) << field.key;
  }
}

}  // namespace
}  // namespace heddle
