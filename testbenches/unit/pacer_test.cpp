// The pacer: one event every cycles / events cycles, exact, and nothing saved up.
#include "kernel/pacer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "kernel/rng.h"

namespace heddle {
namespace {

std::uint64_t ceil_divide(std::uint64_t a, std::uint64_t b) { return (a + b - 1) / b; }

TEST(Pacer, EventNIsDueAtExactlyNIntervals) {
  for (std::uint64_t cycles = 1; cycles <= 30; ++cycles) {
    for (std::uint64_t events = 1; events <= 30; ++events) {
      Pacer pacer(cycles, events);
      for (std::uint64_t n = 0; n < 200; ++n) {
        ASSERT_EQ(pacer.due(), ceil_divide(n * cycles, events)) << cycles << " / " << events;
        pacer.spend(pacer.due());
      }
    }
  }
}

// A credit of 4,096 B at 400 Gb/s + 5 %: 4096 / 52.5 cycles.
TEST(Pacer, LongRunsDoNotDrift) {
  const std::uint64_t cycles = 4096ULL * 1'000'000;
  const std::uint64_t events = 50ULL * 1'050'000;
  Pacer pacer(cycles, events);
  for (std::uint64_t n = 0; n < 1'000'000; ++n) pacer.spend(pacer.due());
  __extension__ using Wide = unsigned __int128;
  const Wide exact = static_cast<Wide>(1'000'000) * cycles;
  EXPECT_EQ(pacer.due(), static_cast<std::uint64_t>((exact + events - 1) / events));
}

TEST(Pacer, NothingIsSavedUpWhileNobodyAsks) {
  for (std::uint64_t cycles = 1; cycles <= 12; ++cycles) {
    for (std::uint64_t events = 1; events <= 12; ++events) {
      for (std::uint64_t late = 1; late <= 20; ++late) {
        Pacer pacer(cycles, events);
        pacer.spend(0);
        Cycle now = pacer.due() + late;
        pacer.spend(now);
        for (std::uint64_t n = 1; n <= 20; ++n) {
          ASSERT_EQ(pacer.due(), now + ceil_divide(n * cycles, events))
              << cycles << " / " << events << ", " << late << " late";
          pacer.spend(pacer.due());
        }
      }
    }
  }
}

// In any span of time at most span / interval + 1 events, however the caller asks.
TEST(Pacer, SwarmNeverExceedsTheRate) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Rng rng(seed, "pacer_test", "swarm");
    const std::uint64_t cycles = 1 + rng.below(100);
    const std::uint64_t events = 1 + rng.below(100);
    Pacer pacer(cycles, events);
    std::vector<Cycle> times;
    Cycle now = 0;
    for (int n = 0; n < 200; ++n) {
      now = std::max(now, pacer.due()) + (rng.below(3) == 0 ? rng.below(10) : 0);
      pacer.spend(now);
      times.push_back(now);
    }
    for (std::size_t i = 0; i < times.size(); ++i) {
      for (std::size_t j = i + 1; j < times.size(); ++j) {
        // The fraction carried may bring event j forward by less than one cycle.
        ASSERT_GT((times[j] - times[i] + 1) * events, (j - i) * cycles) << i << ".." << j;
      }
    }
  }
}

}  // namespace
}  // namespace heddle
