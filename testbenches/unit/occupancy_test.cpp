// The occupancy statistics against a list of levels, one per cycle.
#include "kernel/occupancy.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "kernel/rng.h"

namespace heddle {
namespace {

template <unsigned SubBits>
void check_scale() {
  using Scale = LogScale<SubBits>;
  const unsigned buckets = Scale::buckets(40);
  for (std::uint64_t value = 0; value < Scale::steps; ++value) {
    ASSERT_EQ(Scale::ceiling(Scale::bucket(value)), value) << "exact below 2^SubBits";
  }
  // Buckets meet: the value after a bucket's ceiling opens the next one, up to 2^40 - 1.
  for (unsigned bucket = 0; bucket + 1 < buckets; ++bucket) {
    const std::uint64_t ceiling = Scale::ceiling(bucket);
    ASSERT_EQ(Scale::bucket(ceiling), bucket);
    ASSERT_EQ(Scale::bucket(ceiling + 1), bucket + 1);
    const std::uint64_t width = Scale::ceiling(bucket + 1) - ceiling;
    ASSERT_LE(width * Scale::steps, ceiling + 1 + (ceiling < Scale::steps ? Scale::steps : 0))
        << "2^SubBits steps per octave";
  }
  ASSERT_EQ(Scale::ceiling(buckets - 1), (std::uint64_t{1} << 40) - 1);
}

TEST(LogScale, BucketsCoverEveryValueOnce) {
  check_scale<2>();
  check_scale<4>();
  check_scale<8>();
}

// The histogram looks at one cycle in 256. Where levels last for whole multiples of 256 cycles it
// is exact.
constexpr Cycle block = Occupancy::sample_cycles;

TEST(Occupancy, ByHand) {
  Occupancy queue;
  queue.add(10, 2 * block);     // blocks 0, 1: empty
  queue.add(4, 5 * block);      // blocks 2, 3, 4: 10 B
  queue.remove(14, 6 * block);  // block 5: 14 B
  const Cycle end = 8 * block;
  EXPECT_EQ(queue.level(), 0U);
  EXPECT_EQ(queue.peak_bytes(), 14U);
  EXPECT_DOUBLE_EQ(queue.mean_bytes(end), (3 * 10 + 14) / 8.0);
  EXPECT_EQ(queue.quantile_bytes(0.5, end), 0U);
  EXPECT_EQ(queue.quantile_bytes(0.51, end), 10U);
  EXPECT_EQ(queue.quantile_bytes(7.0 / 8, end), 10U);
  EXPECT_EQ(queue.quantile_bytes(0.9, end), 14U);
  EXPECT_EQ(queue.mean_bytes(0), 0);
}

TEST(Occupancy, TheLastLevelLastsUntilTheEnd) {
  Occupancy queue;
  queue.add(8, 10 * block);
  EXPECT_DOUBLE_EQ(queue.mean_bytes(20 * block), 4.0);
  EXPECT_DOUBLE_EQ(queue.mean_bytes(40 * block), 6.0);
  EXPECT_EQ(queue.quantile_bytes(0.5, 20 * block), 0U);
  EXPECT_EQ(queue.quantile_bytes(0.5, 40 * block), 8U);
}

TEST(Occupancy, ALevelWithinACycleCountsOnlyAsPeak) {
  for (const Cycle now : {Cycle{3}, block - 1, block, block + 1}) {
    Occupancy queue;
    queue.add(100, now);
    queue.remove(100, now);
    EXPECT_EQ(queue.peak_bytes(), 100U);
    EXPECT_EQ(queue.mean_bytes(10 * block), 0);
    EXPECT_EQ(queue.quantile_bytes(1, 10 * block), 0U);
  }
}

TEST(Occupancy, MeanAndPeakMissNothing) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Rng rng(seed, "occupancy_test", "mean");
    Occupancy queue;
    std::uint64_t level = 0;
    std::uint64_t peak = 0;
    double sum = 0;
    const Cycle end = 1000;
    for (Cycle now = 0; now < end; ++now) {
      for (std::uint32_t changes = rng.below(3); changes > 0; --changes) {
        const bool joins = rng.below(2) == 0;
        const std::uint64_t bytes =
            rng.below(joins ? 10'000U : static_cast<std::uint32_t>(level) + 1);
        joins ? queue.add(bytes, now) : queue.remove(bytes, now);
        level = joins ? level + bytes : level - bytes;
        peak = std::max(peak, level);
      }
      sum += static_cast<double>(level);
    }
    EXPECT_EQ(queue.level(), level);
    EXPECT_EQ(queue.peak_bytes(), peak);
    EXPECT_NEAR(queue.mean_bytes(end), sum / static_cast<double>(end), 1e-9 * sum);
  }
}

TEST(Occupancy, QuantilesEqualASortedListOfLevels) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Rng rng(seed, "occupancy_test", "quantiles");
    const std::uint32_t largest = 1U << (1 + rng.below(30));
    Occupancy queue;
    std::vector<std::uint64_t> levels;
    constexpr std::size_t blocks = 500;
    for (Cycle b = 0; b < blocks; ++b) {
      levels.push_back(rng.below(largest));
      queue.remove(queue.level(), b * block);
      queue.add(levels.back(), b * block);
    }
    std::sort(levels.begin(), levels.end());
    for (const std::size_t rank : {1U, 5U, 50U, 250U, 450U, 495U, 499U, 500U}) {
      const std::uint64_t exact = levels[rank - 1];
      const std::uint64_t shown = queue.quantile_bytes(
          static_cast<double>(rank) / static_cast<double>(blocks), blocks * block);
      EXPECT_GE(shown, exact);
      EXPECT_LE(shown * 16, exact * 17) << "to 1/16";
      EXPECT_LE(shown, queue.peak_bytes());
      EXPECT_TRUE(exact >= 16 || shown == exact) << "exact below 16";
    }
  }
}

}  // namespace
}  // namespace heddle
