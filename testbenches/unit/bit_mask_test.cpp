// BitMask against a sorted set, with sizes around the word (64) and group (4,096) borders.
#include "kernel/bit_mask.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "kernel/rng.h"

namespace heddle {
namespace {

unsigned naive_next(const std::set<unsigned>& members, unsigned start, unsigned size) {
  const auto found = members.lower_bound(start);
  return found == members.end() ? size : *found;
}

unsigned naive_next_round(const std::set<unsigned>& members, unsigned start, unsigned size) {
  const unsigned found = naive_next(members, start, size);
  return found < size || members.empty() ? found : *members.begin();
}

std::vector<unsigned> listed(const BitMask& mask) {
  std::vector<unsigned> members;
  mask.for_each([&](unsigned i) { members.push_back(i); });
  return members;
}

void expect_equal(const BitMask& mask, const std::set<unsigned>& members) {
  EXPECT_EQ(listed(mask), std::vector<unsigned>(members.begin(), members.end()));
  EXPECT_EQ(mask.count(), members.size());
  EXPECT_EQ(mask.any(), !members.empty());
}

TEST(BitMask, EverySmallSetFindsItsMembersFromEveryStart) {
  for (unsigned size = 0; size <= 9; ++size) {
    for (unsigned bits = 0; bits < 1U << size; ++bits) {
      BitMask mask(size);
      std::set<unsigned> members;
      for (unsigned i = 0; i < size; ++i) {
        if ((bits >> i & 1) == 0) continue;
        mask.set(i);
        members.insert(i);
      }
      expect_equal(mask, members);
      for (unsigned start = 0; start <= size; ++start) {
        ASSERT_EQ(mask.next(start), naive_next(members, start, size)) << bits << " of " << size;
        ASSERT_EQ(mask.next_round(start), naive_next_round(members, start, size))
            << bits << " of " << size << " from " << start;
      }
    }
  }
}

TEST(BitMask, PairsAcrossWordAndGroupBorders) {
  const std::vector<unsigned> places{0,    1,    62,   63,   64,   65,   127,   128,   4030, 4031,
                                     4032, 4095, 4096, 4097, 8191, 8192, 12287, 12288, 12999};
  const unsigned size = 13000;
  for (const unsigned a : places) {
    for (const unsigned b : places) {
      BitMask mask(size);
      mask.set(a);
      mask.set(b);
      for (const unsigned start : places) {
        ASSERT_EQ(mask.next(start), naive_next({a, b}, start, size)) << a << ", " << b;
        ASSERT_EQ(mask.next_round(start), naive_next_round({a, b}, start, size)) << a << ", " << b;
      }
      mask.clear(a);
      mask.clear(b);
      ASSERT_FALSE(mask.any());
      ASSERT_EQ(mask.next(0), size);
    }
  }
}

TEST(BitMask, SwarmEqualsASet) {
  for (const unsigned size : {1U, 63U, 64U, 65U, 130U, 4095U, 4096U, 4097U, 9000U}) {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
      SCOPED_TRACE(testing::Message() << "size " << size << ", seed " << seed);
      Rng rng(seed, "bit_mask_test", "swarm");
      BitMask mask(size);
      std::set<unsigned> members;
      for (int step = 0; step < 1500; ++step) {
        const unsigned i = rng.below(size);
        const bool value = rng.below(2) == 0;
        switch (rng.below(8)) {
          case 0:
          case 1:
            mask.set(i);
            members.insert(i);
            break;
          case 2:
          case 3:
            mask.clear(i);
            members.erase(i);
            break;
          case 4:
            mask.assign(i, value);
            value ? static_cast<void>(members.insert(i)) : static_cast<void>(members.erase(i));
            break;
          case 5:
            ASSERT_EQ(mask.test(i), members.count(i) == 1);
            break;
          case 6:
            ASSERT_EQ(mask.next(i), naive_next(members, i, size));
            break;
          default:
            ASSERT_EQ(mask.next_round(i), naive_next_round(members, i, size));
        }
      }
      expect_equal(mask, members);
    }
  }
}

TEST(BitMask, TakeRemovesExactlyTheRange) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Rng rng(seed, "bit_mask_test", "take");
    const unsigned size = 1 + rng.below(5000);
    BitMask mask(size);
    std::set<unsigned> left;
    for (int n = 0; n < 200; ++n) {
      const unsigned i = rng.below(size);
      mask.set(i);
      left.insert(i);
    }
    const unsigned begin = rng.below(size);
    const unsigned end = begin + rng.below(size - begin + 1);
    std::vector<unsigned> expected;
    for (auto at = left.lower_bound(begin); at != left.end() && *at < end; at = left.erase(at)) {
      expected.push_back(*at);
    }
    std::vector<unsigned> taken;
    mask.take(begin, end, [&](unsigned i) {
      EXPECT_FALSE(mask.test(i)) << "f runs after the member is out of the set";
      taken.push_back(i);
    });
    EXPECT_EQ(taken, expected);
    expect_equal(mask, left);
  }
}

TEST(BitMask, TakeSeesWhatIsAddedBehindAndLeavesTheRest) {
  BitMask mask(10);
  mask.set(4);
  std::vector<unsigned> taken;
  mask.take(0, 8, [&](unsigned i) {
    taken.push_back(i);
    if (i == 4) {
      for (const unsigned added : {2U, 4U, 6U, 9U}) mask.set(added);
    }
  });
  EXPECT_EQ(taken, (std::vector<unsigned>{4, 6}));
  EXPECT_EQ(listed(mask), (std::vector<unsigned>{2, 4, 9}));
}

TEST(BitMask, ForEachAllowsClearingTheMember) {
  BitMask mask(300);
  mask.set_all();
  EXPECT_EQ(mask.count(), 300U);
  mask.for_each([&](unsigned i) {
    if (i % 2 == 0) mask.clear(i);
  });
  EXPECT_EQ(mask.count(), 150U);
  mask.for_each([](unsigned i) { EXPECT_EQ(i % 2, 1U); });
}

TEST(BitMask, SetAllStaysInside) {
  for (const unsigned size : {0U, 1U, 63U, 64U, 65U, 4096U, 4100U}) {
    BitMask mask(size);
    mask.set_all();
    EXPECT_EQ(mask.count(), size);
    EXPECT_EQ(mask.any(), size != 0);
  }
}

TEST(BitMask, GrowingKeepsTheMembersAndAddsNone) {
  BitMask mask;
  std::set<unsigned> members;
  unsigned last = 0;
  for (const unsigned size : {1U, 2U, 64U, 65U, 4096U, 4097U, 9000U}) {
    mask.resize(size);
    EXPECT_EQ(mask.size(), size);
    expect_equal(mask, members);
    for (const unsigned i : {last, size - 1}) {
      mask.set(i);
      members.insert(i);
    }
    last = size;
    expect_equal(mask, members);
    if (last == 9000U) break;
    mask.resize(last + 1);
  }
}

TEST(BitMask, AnySeesItsRangeAlone) {
  for (const unsigned size : {1U, 64U, 130U, 5000U}) {
    for (const unsigned member : {0U, size / 2, size - 1}) {
      BitMask mask(size);
      mask.set(member);
      EXPECT_TRUE(mask.any(member, member + 1));
      EXPECT_TRUE(mask.any(0, size));
      EXPECT_FALSE(mask.any(0, member)) << member << " of " << size;
      EXPECT_FALSE(mask.any(member + 1, size)) << member << " of " << size;
      EXPECT_FALSE(mask.any(member, member));
    }
  }
}

TEST(BitMask, ACopyIsIndependent) {
  for (const unsigned size : {10U, 5000U}) {
    BitMask one(size);
    one.set(3);
    BitMask two = one;
    two.set(size - 1);
    one = two;
    two.clear(3);
    expect_equal(one, {3, size - 1});
    expect_equal(two, {size - 1});
  }
}

}  // namespace
}  // namespace heddle
