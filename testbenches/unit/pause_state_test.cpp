// Pause by class against a count of cycles.
#include "parts/pause_state.h"

#include <gtest/gtest.h>

#include <array>

#include "kernel/rng.h"

namespace heddle {
namespace {

TEST(PauseState, CountsFromStopToRestart) {
  PauseState pause;
  EXPECT_EQ(pause.mask(), 0U);
  pause.set(3, true, 10);
  EXPECT_EQ(pause.mask(), 1U << 3);
  EXPECT_EQ(pause.total(3, 10), 0U);
  EXPECT_EQ(pause.total(3, 17), 7U) << "so far, while it lasts";
  pause.set(3, false, 20);
  EXPECT_EQ(pause.mask(), 0U);
  EXPECT_EQ(pause.total(3, 100), 10U);
  pause.set(3, true, 50);
  EXPECT_EQ(pause.total(3, 51), 11U);
  EXPECT_EQ(pause.total(2, 51), 0U);
}

TEST(PauseState, RefreshingAPauseChangesNothing) {
  PauseState pause;
  pause.set(0, false, 5);
  EXPECT_EQ(pause.total(0, 9), 0U);
  pause.set(0, true, 10);
  pause.set(0, true, 15);
  pause.set(0, false, 30);
  pause.set(0, false, 35);
  EXPECT_EQ(pause.total(0, 40), 20U);
}

TEST(PauseState, SwarmEqualsACountOfCycles) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Rng rng(seed, "pause_state_test", "swarm");
    PauseState pause;
    std::array<bool, max_traffic_classes> off{};
    std::array<Cycle, max_traffic_classes> cycles{};
    for (Cycle now = 0; now < 1000; ++now) {
      for (unsigned c = 0; c < max_traffic_classes; ++c) {
        ASSERT_EQ(pause.total(c, now), cycles[c]) << "class " << c << ", cycle " << now;
        if (rng.below(10) == 0) {
          off[c] = rng.below(2) == 0;
          pause.set(c, off[c], now);
        }
        ASSERT_EQ((pause.mask() >> c & 1) != 0, off[c]);
        if (off[c]) ++cycles[c];
      }
    }
  }
}

}  // namespace
}  // namespace heddle
