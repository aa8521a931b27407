// The random streams: the published generator, independent keys, unbiased draws.
#include "kernel/rng.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <set>
#include <string>
#include <type_traits>
#include <vector>

namespace heddle {
namespace {

using State = std::array<std::uint64_t, 4>;
static_assert(sizeof(Rng) == sizeof(State) && std::is_trivially_copyable_v<Rng>);

Rng with_state(const State& state) {
  Rng rng(0, "", "");
  std::memcpy(static_cast<void*>(&rng), state.data(), sizeof state);
  return rng;
}

State state_of(const Rng& rng) {
  State state;
  std::memcpy(state.data(), static_cast<const void*>(&rng), sizeof state);
  return state;
}

/// Pearson's statistic of counts that should be equal.
double chi_square(const std::vector<std::uint64_t>& counts) {
  double total = 0;
  for (const std::uint64_t count : counts) total += static_cast<double>(count);
  const double expected = total / static_cast<double>(counts.size());
  double sum = 0;
  for (const std::uint64_t count : counts) {
    const double difference = static_cast<double>(count) - expected;
    sum += difference * difference / expected;
  }
  return sum;
}

/// Upper bound of chi-square with `freedom` degrees, passed once in about 10^7 draws (Wilson and
/// Hilferty's approximation at 5.2 standard deviations).
double chi_square_bound(std::size_t freedom) {
  const double f = static_cast<double>(freedom);
  const double root = 1 - 2 / (9 * f) + 5.2 * std::sqrt(2 / (9 * f));
  return f * root * root * root;
}

// Reference values of the rand_xoshiro package (Rust) for Xoshiro256StarStar seeded 1, 2, 3, 4.
TEST(Rng, IsXoshiro256StarStar) {
  Rng rng = with_state({1, 2, 3, 4});
  for (const std::uint64_t expected :
       {std::uint64_t{11520}, std::uint64_t{0}, std::uint64_t{1509978240},
        std::uint64_t{1215971899390074240}, std::uint64_t{1216172134540287360},
        std::uint64_t{607988272756665600}, std::uint64_t{16172922978634559625U},
        std::uint64_t{8476171486693032832}, std::uint64_t{10595114339597558777U},
        std::uint64_t{2904607092377533576}}) {
    EXPECT_EQ(rng.bits(), expected);
  }
}

/// A linear map of the generator's 256 bits: image of each unit vector.
using Map = std::vector<State>;

State image_of(const Map& map, const State& state) {
  State image{};
  for (unsigned bit = 0; bit < 256; ++bit) {
    if ((state[bit / 64] >> (bit % 64) & 1) == 0) continue;
    for (unsigned word = 0; word < 4; ++word) image[word] ^= map[bit][word];
  }
  return image;
}

// The generator's step is linear over GF(2), so its 2^128th power is 128 squarings of one matrix.
TEST(Rng, JumpEquals2To128Draws) {
  Map map;
  for (unsigned bit = 0; bit < 256; ++bit) {
    State unit{};
    unit[bit / 64] = std::uint64_t{1} << (bit % 64);
    Rng rng = with_state(unit);
    rng.bits();
    map.push_back(state_of(rng));
  }
  for (int squaring = 0; squaring < 128; ++squaring) {
    Map square;
    for (const State& column : map) square.push_back(image_of(map, column));
    map = std::move(square);
  }
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Rng rng(seed, "host0", "jump");
    const State expected = image_of(map, state_of(rng));
    rng.jump();
    EXPECT_EQ(state_of(rng), expected) << "seed " << seed;
  }
}

TEST(Rng, TheKeyIsSeedPathAndPurpose) {
  EXPECT_EQ(state_of(Rng(7, "leaf3", "spray")), state_of(Rng(7, "leaf3", "spray")));
  std::set<State> streams;
  unsigned keys = 0;
  for (const std::uint64_t seed : {0U, 1U, 2U, 3U, 100U}) {
    for (const char* path : {"", "a", "b", "ab", "leaf1", "leaf2", "leaf11", "1", "2"}) {
      for (const char* purpose : {"", "a", "b", "ab", "spray", "path", "1", "2", "11"}) {
        streams.insert(state_of(Rng(seed, path, purpose)));
        ++keys;
      }
    }
  }
  EXPECT_EQ(streams.size(), keys) << "two keys share a stream";
}

TEST(Rng, StreamsOfNeighbouringKeysAreIndependent) {
  // Xor of two independent uniform words is uniform: half of its bits are set, each with the same
  // probability. Neighbours in seed and in path.
  for (int kind = 0; kind < 2; ++kind) {
    std::array<unsigned, 64> ones{};
    constexpr unsigned pairs = 2000;
    for (unsigned n = 0; n < pairs; ++n) {
      Rng a(kind == 0 ? n : 1, kind == 0 ? "leaf" : "leaf" + std::to_string(n), "x");
      Rng b(kind == 0 ? n + 1 : 1, kind == 0 ? "leaf" : "leaf" + std::to_string(n + 1), "x");
      const std::uint64_t difference = a.bits() ^ b.bits();
      for (unsigned bit = 0; bit < 64; ++bit) ones[bit] += (difference >> bit & 1) != 0 ? 1U : 0U;
    }
    for (unsigned bit = 0; bit < 64; ++bit) {
      EXPECT_NEAR(ones[bit], pairs / 2.0, 5.5 * std::sqrt(pairs / 4.0)) << "bit " << bit;
    }
  }
}

TEST(Rng, BelowIsUniform) {
  for (const std::uint32_t bound : {1U, 2U, 3U, 5U, 6U, 7U, 10U, 64U, 100U}) {
    Rng rng(bound, "rng_test", "below");
    std::vector<std::uint64_t> counts(bound);
    for (int n = 0; n < 100'000; ++n) {
      const std::uint32_t drawn = rng.below(bound);
      ASSERT_LT(drawn, bound);
      ++counts[drawn];
    }
    if (bound == 1) continue;
    EXPECT_LT(chi_square(counts), chi_square_bound(bound - 1)) << "bound " << bound;
  }
}

// With 3 * 2^30 values, scaling 32 bits without rejection draws every third value twice as often.
TEST(Rng, BelowIsUnbiasedForLargeBounds) {
  Rng rng(3, "rng_test", "bias");
  const std::uint32_t bound = 3U << 30;
  std::vector<std::uint64_t> residues(3);
  std::vector<std::uint64_t> thirds(3);
  for (int n = 0; n < 100'000; ++n) {
    const std::uint32_t drawn = rng.below(bound);
    ASSERT_LT(drawn, bound);
    ++residues[drawn % 3];
    ++thirds[drawn >> 30];
  }
  EXPECT_LT(chi_square(residues), chi_square_bound(2));
  EXPECT_LT(chi_square(thirds), chi_square_bound(2));
}

TEST(Rng, UniformFillsTheUnitInterval) {
  Rng rng(1, "rng_test", "uniform");
  std::vector<std::uint64_t> counts(64);
  for (int n = 0; n < 200'000; ++n) {
    const double drawn = rng.uniform();
    ASSERT_GE(drawn, 0);
    ASSERT_LT(drawn, 1);
    ASSERT_EQ(drawn * 0x1p53, std::floor(drawn * 0x1p53)) << "more than 53 bits";
    ++counts[static_cast<std::size_t>(drawn * 64)];
  }
  EXPECT_LT(chi_square(counts), chi_square_bound(63));
}

TEST(Rng, UniformNeverReachesOne) {
  // The largest 64 bits give the largest result: state[1] such that the output is all ones.
  // rotate(s * 5, 7) * 9 = 2^64 - 1 is solved by the inverses of 9 and 5 modulo 2^64.
  const std::uint64_t inverse_of_9 = 0x8e38e38e38e38e39;
  const std::uint64_t inverse_of_5 = 0xcccccccccccccccd;
  const std::uint64_t rotated = ~std::uint64_t{0} * inverse_of_9;
  const std::uint64_t s1 = ((rotated >> 7) | (rotated << 57)) * inverse_of_5;
  ASSERT_EQ(with_state({1, s1, 1, 1}).bits(), ~std::uint64_t{0});
  Rng rng = with_state({1, s1, 1, 1});
  EXPECT_LT(rng.uniform(), 1.0);
  rng = with_state({1, s1, 1, 1});
  EXPECT_TRUE(std::isfinite(rng.exponential(1)));
}

// Kolmogorov and Smirnov: the largest distance between the drawn and the true distribution of n
// values exceeds 2.9 / sqrt(n) once in 10^7 experiments.
TEST(Rng, ExponentialHasItsDistribution) {
  for (const double mean : {0.25, 1.0, 1000.0}) {
    Rng rng(9, "rng_test", "exponential");
    std::vector<double> drawn(50'000);
    for (double& value : drawn) {
      value = rng.exponential(mean);
      ASSERT_GE(value, 0);
    }
    std::sort(drawn.begin(), drawn.end());
    const double n = static_cast<double>(drawn.size());
    double distance = 0;
    for (std::size_t i = 0; i < drawn.size(); ++i) {
      const double below = static_cast<double>(i) / n;
      const double truth = 1 - std::exp(-drawn[i] / mean);
      distance = std::max({distance, std::abs(truth - below), std::abs(truth - below - 1 / n)});
    }
    EXPECT_LT(distance, 2.9 / std::sqrt(n)) << "mean " << mean;
  }
}

}  // namespace
}  // namespace heddle
