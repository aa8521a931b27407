// The account of an engine's cycles: each has one cause, in the order in which they are booked.
#include "parts/cycle_account.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "kernel/rng.h"

namespace heddle {
namespace {

TEST(CycleAccount, EachCycleHasTheCauseThatWasBookedFirst) {
  CycleAccount account;
  account.book(CycleCause::busy, 10);
  account.book(CycleCause::dma, 10);  // nothing is left for it
  account.book(CycleCause::hbm, 7);   // nor for one that ends before
  account.book(CycleCause::idle, 12);
  EXPECT_EQ(account.cycles(CycleCause::busy), 10U);
  EXPECT_EQ(account.cycles(CycleCause::dma), 0U);
  EXPECT_EQ(account.cycles(CycleCause::hbm), 0U);
  EXPECT_EQ(account.cycles(CycleCause::idle), 2U);
  EXPECT_EQ(account.booked_until(), 12U);
  EXPECT_EQ(account.total(), 12U);
}

TEST(CycleAccount, TheSumIsCheckedToTheCycle) {
  CycleAccount account;
  EXPECT_NO_THROW(account.verify(0));
  account.book(CycleCause::tensor, 100);
  EXPECT_THROW(account.verify(99), CheckFailure);
  EXPECT_NO_THROW(account.verify(100));
  EXPECT_THROW(account.verify(101), CheckFailure);
}

TEST(CycleAccount, BeforeACycleIsWhatWasBookedUpToIt) {
  CycleAccount account;
  account.book(CycleCause::dma, 10);
  account.book(CycleCause::busy, 50);
  const CycleAccount cut = account.before(30, CycleCause::busy);
  EXPECT_EQ(cut.cycles(CycleCause::dma), 10U);
  EXPECT_EQ(cut.cycles(CycleCause::busy), 20U);
  EXPECT_NO_THROW(cut.verify(30));
  EXPECT_NO_THROW(account.before(50, CycleCause::busy).verify(50));
  EXPECT_NO_THROW(account.before(70, CycleCause::busy).verify(50)) << "nothing is made up";
}

TEST(CycleAccount, RandomBookingsAgreeWithALabelPerCycle) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    Rng random(seed, "cycle_account", "bookings");
    CycleAccount account;
    std::vector<unsigned> label;
    for (int booking = 0; booking < 200; ++booking) {
      const unsigned cause = random.below(cycle_cause_count);
      const Cycle until = label.size() + random.below(40);
      account.book(static_cast<CycleCause>(cause), until > 15 ? until - 15 : 0);
      if (until > 15 && until - 15 > label.size()) label.resize(until - 15, cause);
      account.verify(label.size());
    }
    for (unsigned cause = 0; cause < cycle_cause_count; ++cause) {
      Cycle cycles = 0;
      for (const unsigned of : label) cycles += of == cause ? 1 : 0;
      EXPECT_EQ(account.cycles(static_cast<CycleCause>(cause)), cycles) << "seed " << seed;
    }
  }
}

TEST(CycleAccount, EveryCauseHasANameOfItsOwn) {
  const std::set<std::string> names(cycle_cause_names.begin(), cycle_cause_names.end());
  EXPECT_EQ(names.size(), std::size_t{cycle_cause_count});
  EXPECT_STREQ(cycle_cause_names[static_cast<unsigned>(CycleCause::idle)], "idle");
  EXPECT_STREQ(cycle_cause_names[static_cast<unsigned>(CycleCause::hbm)], "hbm");
}

}  // namespace
}  // namespace heddle
