#include "engine/size_distribution.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "kernel/rng.h"

namespace heddle {
namespace {

const std::vector<SizeDistribution> all{SizeDistribution::web_search, SizeDistribution::hadoop};

TEST(SizeDistribution, TablesAreCumulativeDistributions) {
  for (const SizeDistribution name : all) {
    const SizeTable& table = size_table(name);
    EXPECT_EQ(table.front().probability, 0);
    EXPECT_EQ(table.back().probability, 1);
    for (std::size_t i = 1; i < table.size(); ++i) {
      EXPECT_LT(table[i - 1].bytes, table[i].bytes);
      EXPECT_LT(table[i - 1].probability, table[i].probability);
    }
  }
}

// The averages that HPCC's generator (custom_rand.py, getAvg: half the sum of neighbouring sizes
// times the step of probability) gives for the same tables. Rounding up to bytes adds 1/2.
TEST(SizeDistribution, MeanIsThatOfThePublishedTables) {
  EXPECT_NEAR(mean_pieces(size_table(SizeDistribution::web_search), 1), 1'711'250 + .5, 1e-6);
  EXPECT_NEAR(mean_pieces(size_table(SizeDistribution::hadoop), 1), 120'420.75 + .5, 1e-6);
}

// The same by going through a million equal steps of probability.
TEST(SizeDistribution, MeansAgreeWithNumericalIntegration) {
  for (const SizeDistribution name : all) {
    for (const std::uint64_t unit : {1, 64, 1000, 4096}) {
      constexpr int steps = 1'000'000;
      double sum = 0;
      for (int i = 0; i < steps; ++i) {
        const std::uint64_t bytes = size_at(size_table(name), (i + .5) / steps);
        const std::uint64_t pieces = (bytes + unit - 1) / unit;
        sum += static_cast<double>(pieces);
      }
      EXPECT_NEAR(mean_pieces(size_table(name), unit) / (sum / steps), 1, 1e-5) << unit;
    }
  }
}

TEST(SizeDistribution, QuantilesAreThePointsOfTheTable) {
  for (const SizeDistribution name : all) {
    const SizeTable& table = size_table(name);
    for (std::size_t i = 1; i + 1 < table.size(); ++i) {
      EXPECT_NEAR(static_cast<double>(size_at(table, table[i].probability)),
                  static_cast<double>(table[i].bytes), 1);
      const double middle = (table[i - 1].probability + table[i].probability) / 2;
      EXPECT_NEAR(static_cast<double>(size_at(table, middle)),
                  static_cast<double>(table[i - 1].bytes + table[i].bytes) / 2, 1);
    }
    EXPECT_EQ(size_at(table, 0), 1U) << "no empty message";
    EXPECT_LE(size_at(table, std::nextafter(1.0, 0.0)), table.back().bytes);
  }
}

// Kolmogorov-Smirnov distance of 100,000 draws: above 1.95/sqrt(n) with probability 0.001.
TEST(SizeDistribution, DrawsFollowTheTable) {
  constexpr int draws = 100'000;
  for (const SizeDistribution name : all) {
    const SizeTable& table = size_table(name);
    Rng rng(1, "test", "sizes");
    std::vector<int> at_most(table.size());
    for (int i = 0; i < draws; ++i) {
      const std::uint64_t bytes = size_at(table, rng.uniform());
      for (std::size_t p = 0; p < table.size(); ++p) at_most[p] += bytes <= table[p].bytes ? 1 : 0;
    }
    for (std::size_t p = 0; p < table.size(); ++p) {
      EXPECT_NEAR(static_cast<double>(at_most[p]) / draws, table[p].probability,
                  1.95 / std::sqrt(draws))
          << table[p].bytes;
    }
  }
}

TEST(SizeDistribution, WireBytesCountEveryPacket) {
  HostLink link;
  link.mtu = 1000;
  link.header_bytes = 60;
  link.framing_bytes = 20;
  const SizeTable table{{0, 0}, {1000, .5}, {3000, 1}};
  // Half the messages are one packet, a quarter two, a quarter three.
  EXPECT_DOUBLE_EQ(mean_pieces(table, 1000), .5 * 1 + .25 * 2 + .25 * 3);
  EXPECT_DOUBLE_EQ(mean_wire_bytes(table, link), 250 + 1000 + .5 + 1.75 * 80);
  EXPECT_EQ(link.wire_bytes(1), 81U);
  EXPECT_EQ(link.wire_bytes(1000), 1080U);
  EXPECT_EQ(link.wire_bytes(1001), 1161U);
}

}  // namespace
}  // namespace heddle
