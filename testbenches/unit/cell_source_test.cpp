#include "parts/cell_source.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace heddle {
namespace {

TEST(BernoulliMask, HappensAsOftenAsItsProbabilitySaysAtEveryPlaceAlone) {
  constexpr unsigned draws = 100'000;
  for (const double p : {0.0, 0.001, 0.25, 0.3, 0.9, 0.999, 1.0}) {
    Rng rng(1, "test", "mask");
    const BernoulliMask mask(p);
    double all = 0;
    double pairs = 0;  // of neighbours
    for (unsigned i = 0; i < draws; ++i) {
      const PortMask drawn = mask.draw(rng);
      all += count_ports(drawn);
      pairs += count_ports(drawn & (drawn >> 1));
    }
    const double sigma = std::sqrt(p * (1 - p) / (64.0 * draws));
    EXPECT_NEAR(all / (64.0 * draws), p, 4 * sigma) << p;
    EXPECT_NEAR(pairs / (63.0 * draws), p * p, 10 * sigma) << p;
  }
}

struct Counts {
  double cells = 0;
  std::vector<double> to;  ///< by distance from the input's number
  std::vector<double> bursts;
};

Counts count(unsigned ports, const CellTraffic& traffic, unsigned slots) {
  CellSource source(ports, traffic, 1, "test");
  Counts counts;
  counts.to.resize(ports);
  for (unsigned slot = 0; slot < slots; ++slot) {
    for_each_port(source.next_slot(), [&](unsigned input) {
      ASSERT_LT(input, ports);
      ++counts.cells;
      ++counts.to[(source.destination(input) + ports - input) % ports];
    });
  }
  return counts;
}

double chi_square(const Counts& counts, const std::vector<double>& shares) {
  double sum = 0;
  for (std::size_t k = 0; k < shares.size(); ++k) {
    const double expected = counts.cells * shares[k];
    if (expected == 0) {
      EXPECT_EQ(counts.to[k], 0);
      continue;
    }
    sum += (counts.to[k] - expected) * (counts.to[k] - expected) / expected;
  }
  return sum;
}

TEST(CellSource, UniformCellsGoToEveryOutputAlike) {
  const Counts counts = count(8, {CellPattern::uniform, 0.7, 1}, 50'000);
  EXPECT_NEAR(counts.cells / (8 * 50'000.0), 0.7, 0.003);
  EXPECT_LT(chi_square(counts, std::vector<double>(8, 1.0 / 8)), 24.32);  // 0.1 %, 7 degrees
}

TEST(CellSource, DiagonalCellsGoToTwoOutputs) {
  const Counts counts = count(16, {CellPattern::diagonal, 0.5, 1}, 50'000);
  std::vector<double> shares(16);
  shares[0] = 2.0 / 3;
  shares[1] = 1.0 / 3;
  EXPECT_LT(chi_square(counts, shares), 10.83);  // 0.1 %, 1 degree of freedom
}

TEST(CellSource, LogDiagonalCellsHalveFromOutputToOutput) {
  const Counts counts = count(4, {CellPattern::log_diagonal, 0.5, 1}, 50'000);
  EXPECT_LT(chi_square(counts, {8.0 / 15, 4.0 / 15, 2.0 / 15, 1.0 / 15}), 16.27);
}

// Bursts are back to back, so a burst ends where the next slot has no cell or another output, or
// the same again by chance; with 64 outputs that is rare enough to be told apart.
TEST(CellSource, BurstsHaveTheirMeanLengthAndTheLoadIsMet) {
  constexpr unsigned slots = 400'000;
  constexpr unsigned ports = 64;
  for (const double burst : {2.0, 10.0}) {
    CellSource source(ports, {CellPattern::uniform, 0.6, burst}, 1, "test");
    std::vector<unsigned> last(ports, ports);
    double cells = 0;
    double bursts = 0;
    double first_slot = 0;
    for (unsigned slot = 0; slot < slots; ++slot) {
      const PortMask arriving = source.next_slot();
      if (slot == 0) first_slot = count_ports(arriving);
      for (unsigned input = 0; input < ports; ++input) {
        if ((arriving >> input & 1) == 0) {
          last[input] = ports;
          continue;
        }
        const unsigned output = source.destination(input);
        bursts += output != last[input] ? 1 : 0;
        ++cells;
        last[input] = output;
      }
    }
    EXPECT_NEAR(cells / (1.0 * slots * ports), 0.6, 0.003) << burst;
    EXPECT_NEAR(cells / bursts, burst, 0.02 * burst) << burst;
    EXPECT_NEAR(first_slot / ports, 0.6, 0.25) << "the first slot is like any other";
  }
}

TEST(CellSource, FullLoadHasACellInEverySlot) {
  for (const double burst : {1.0, 5.0}) {
    EXPECT_EQ(count(3, {CellPattern::uniform, 1, burst}, 1000).cells, 3000) << burst;
  }
}

}  // namespace
}  // namespace heddle
