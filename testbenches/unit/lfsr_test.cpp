// The random numbers of hardware.
#include "parts/lfsr.h"

#include <gtest/gtest.h>

#include <vector>

namespace heddle {
namespace {

// Marsaglia (2003), page 4: the triple 13, 7, 17 begun at 88172645463325252.
TEST(Lfsr, IsMarsagliasXorshift64) {
  Lfsr lfsr(88172645463325252U);
  EXPECT_EQ(lfsr.bits(), 8748534153485358512U);
}

TEST(Lfsr, ZeroIsNoState) {
  Lfsr lfsr(0);
  EXPECT_NE(lfsr.bits(), 0U);
}

// Each step is one linear map of the state: what hardware builds from exclusive-ors alone.
TEST(Lfsr, StepsAreLinear) {
  Rng rng(1, "lfsr", "linear");
  for (int n = 0; n < 1000; ++n) {
    const std::uint64_t a = rng.bits() | 1;
    const std::uint64_t b = rng.bits() & ~std::uint64_t{1};
    EXPECT_EQ(Lfsr(a).bits() ^ Lfsr(b).bits(), Lfsr(a ^ b).bits());
  }
}

// Chi-square over 10 values: 9 degrees of freedom exceed 52 once in 10^7 times.
TEST(Lfsr, BelowIsUniform) {
  Lfsr lfsr(4);
  std::vector<double> counts(10);
  for (int n = 0; n < 100'000; ++n) ++counts[lfsr.below(10)];
  double sum = 0;
  for (const double count : counts) sum += (count - 10'000) * (count - 10'000) / 10'000;
  EXPECT_LT(sum, 52);
}

}  // namespace
}  // namespace heddle
