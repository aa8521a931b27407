// Reassembly puts every permutation of cells back in order, once each, and no later than it can.
#include "parts/reassembler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "kernel/rng.h"

namespace heddle {
namespace {

Frame cell(std::uint32_t sequence) {
  Frame frame;
  frame.kind = FrameKind::cell;
  frame.sequence = sequence;
  frame.packet = sequence * 7;  // something of the cell itself must come out again
  return frame;
}

/// Feeds cells in `order`; after each arrival exactly the longest complete beginning is out.
void check_order(const std::vector<std::uint32_t>& order, std::uint32_t window) {
  Reassembler reassembler(3, window);
  std::vector<bool> arrived(order.size());
  std::uint32_t out = 0;
  for (std::size_t n = 0; n < order.size(); ++n) {
    reassembler.arrive(1, cell(order[n]), [&](const Frame& next) {
      EXPECT_EQ(next.sequence, out);
      EXPECT_EQ(next.packet, out * 7);
      ++out;
    });
    arrived[order[n]] = true;
    const auto gap = std::find(arrived.begin(), arrived.end(), false);
    ASSERT_EQ(out, static_cast<std::uint32_t>(gap - arrived.begin())) << "after arrival " << n;
    ASSERT_EQ(reassembler.expected(1), out);
    ASSERT_EQ(reassembler.held(1), n + 1 - out);
    ASSERT_EQ(reassembler.held(), n + 1 - out);
    ASSERT_EQ(reassembler.held(0), 0U);
  }
}

TEST(Reassembler, EveryPermutationOfSevenCells) {
  for (std::uint32_t cells = 1; cells <= 7; ++cells) {
    std::vector<std::uint32_t> order(cells);
    std::iota(order.begin(), order.end(), 0U);
    do {
      check_order(order, cells);
      ASSERT_FALSE(testing::Test::HasFailure()) << testing::PrintToString(order);
    } while (std::next_permutation(order.begin(), order.end()));
  }
}

TEST(Reassembler, LongShufflesGrowTheMemory) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Rng rng(seed, "reassembler_test", "shuffle");
    std::vector<std::uint32_t> order(1 + rng.below(1500));
    std::iota(order.begin(), order.end(), 0U);
    const std::uint32_t reach = 1 + rng.below(300);
    for (std::uint32_t i = 0; i < order.size(); ++i) {
      const auto last = static_cast<std::uint32_t>(order.size()) - 1;
      std::swap(order[i], order[std::min(last, i + rng.below(reach))]);
    }
    check_order(order, 1U << 20);
  }
}

TEST(Reassembler, TheWindowIsExact) {
  for (const std::uint32_t window : {1U, 2U, 8U, 100U}) {
    Reassembler reassembler(1, window);
    const auto ignore = [](const Frame&) {};
    EXPECT_THROW(reassembler.arrive(0, cell(window), ignore), CheckFailure);
    EXPECT_NO_THROW(reassembler.arrive(0, cell(window - 1), ignore));
    if (window == 1) continue;
    reassembler.arrive(0, cell(0), ignore);
    EXPECT_EQ(reassembler.expected(0), window == 2 ? 2U : 1U);
  }
}

TEST(Reassembler, ACellThatComesTwiceIsAnError) {
  Reassembler reassembler(1, 100);
  const auto ignore = [](const Frame&) {};
  reassembler.arrive(0, cell(2), ignore);
  EXPECT_THROW(reassembler.arrive(0, cell(2), ignore), CheckFailure) << "while it waits";
  reassembler.arrive(0, cell(0), ignore);
  EXPECT_THROW(reassembler.arrive(0, cell(0), ignore), CheckFailure) << "after it went out";
}

TEST(Reassembler, SourcesAreIndependent) {
  Rng rng(1, "reassembler_test", "sources");
  constexpr unsigned sources = 5;
  constexpr std::uint32_t cells = 200;
  Reassembler reassembler(sources, 1000);
  EXPECT_EQ(reassembler.sources(), sources);
  std::vector<std::vector<std::uint32_t>> orders(sources, std::vector<std::uint32_t>(cells));
  for (auto& order : orders) {
    std::iota(order.begin(), order.end(), 0U);
    for (std::uint32_t i = cells; i > 1; --i) std::swap(order[i - 1], order[rng.below(i)]);
  }
  std::vector<std::uint32_t> out(sources);
  for (std::uint32_t n = 0; n < cells; ++n) {
    for (unsigned s = 0; s < sources; ++s) {
      reassembler.arrive(s, cell(orders[s][n]),
                         [&](const Frame& next) { EXPECT_EQ(next.sequence, out[s]++); });
    }
  }
  EXPECT_EQ(out, std::vector<std::uint32_t>(sources, cells));
  EXPECT_EQ(reassembler.held(), 0U);
}

}  // namespace
}  // namespace heddle
