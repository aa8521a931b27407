// A DRAM channel: every rule tight, against numbers worked out by hand from the published cycles;
// then the controller: its choices, and random streams before an independent judge.
#include "parts/dram_timing.h"

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <set>
#include <vector>

#include "dram_rules.h"
#include "kernel/error.h"
#include "kernel/rng.h"
#include "parts/dram_map.h"
#include "parts/dram_scheduler.h"

namespace heddle {
namespace {

using testing::DramJudge;
using testing::jericho2_timing;

constexpr Cycle far_away = 1'000'000;

DramChannel quiet_channel(unsigned banks = 16) { return {jericho2_timing(), banks, far_away}; }

/// `command` is illegal in cycle `at - 1` and legal in `at`.
void expect_tight(const DramChannel& channel, Cycle at,
                  const std::function<void(DramChannel&, Cycle)>& command) {
  if (at > 0) {
    DramChannel early = channel;
    EXPECT_THROW(command(early, at - 1), CheckFailure) << "one cycle before " << at;
  }
  DramChannel in_time = channel;
  EXPECT_NO_THROW(command(in_time, at)) << "in cycle " << at;
}

const auto activate_bank = [](unsigned bank) {
  return [=](DramChannel& c, Cycle at) { c.activate(bank, 9, at); };
};
const auto close_bank = [](unsigned bank) {
  return [=](DramChannel& c, Cycle at) { c.precharge(bank, at); };
};
const auto read_bank = [](unsigned bank) {
  return [=](DramChannel& c, Cycle at) { c.column(bank, false, 8, at); };
};
const auto write_bank = [](unsigned bank) {
  return [=](DramChannel& c, Cycle at) { c.column(bank, true, 8, at); };
};

TEST(DramChannel, AnActivatedBankIsReadAndWrittenAfterItsDelays) {
  DramChannel channel = quiet_channel();
  channel.activate(3, 7, 100);
  EXPECT_EQ(channel.open_row(3), 7U);
  expect_tight(channel, 116, read_bank(3));   // tRCDrd 16
  expect_tight(channel, 114, write_bank(3));  // tRCDwr 14
}

TEST(DramChannel, ABankStaysOpenForItsActiveTime) {
  DramChannel channel = quiet_channel();
  channel.activate(3, 7, 100);
  expect_tight(channel, 131, close_bank(3));  // tRAS = tRC 47 - tRP 16
}

TEST(DramChannel, ABankIsActivatedAgainAfterItsRowCycle) {
  DramChannel channel = quiet_channel();
  channel.activate(3, 7, 100);
  channel.precharge(3, 131);
  expect_tight(channel, 147, activate_bank(3));  // tRC 47
}

TEST(DramChannel, ALatePrechargeDelaysTheActivation) {
  DramChannel channel = quiet_channel();
  channel.activate(3, 7, 100);
  channel.precharge(3, 200);
  expect_tight(channel, 216, activate_bank(3));  // tRP 16
}

TEST(DramChannel, NoFiveActivationsWithinTheirWindow) {
  DramChannel channel = quiet_channel();
  for (const Cycle at : {100U, 101U, 105U, 106U}) {
    channel.activate(static_cast<unsigned>(at - 100), 1, at);
  }
  expect_tight(channel, 116, activate_bank(8));  // tFAW 16
  channel.activate(8, 1, 116);
  expect_tight(channel, 117, activate_bank(9));  // the window has moved on to 101
}

TEST(DramChannel, OneRowCommandPerCycle) {
  DramChannel channel = quiet_channel();
  channel.activate(0, 1, 100);
  expect_tight(channel, 101, activate_bank(1));
}

TEST(DramChannel, ReadsFollowEachOtherWithoutAGap) {
  DramChannel channel = quiet_channel();
  channel.activate(0, 1, 100);
  channel.activate(1, 1, 101);
  EXPECT_EQ(channel.column(0, false, 8, 120), 120U + 22 + 8);
  expect_tight(channel, 128, read_bank(1));
}

TEST(DramChannel, WritesFollowEachOtherWithoutAGap) {
  DramChannel channel = quiet_channel();
  channel.activate(0, 1, 100);
  channel.activate(1, 1, 101);
  EXPECT_EQ(channel.column(0, true, 8, 120), 120U + 7 + 8);
  expect_tight(channel, 128, write_bank(1));
}

TEST(DramChannel, AReadWaitsForTheWriteBefore) {
  DramChannel channel = quiet_channel();
  channel.activate(0, 1, 100);
  channel.activate(1, 1, 101);
  channel.column(0, true, 8, 120);           // data end at 135
  expect_tight(channel, 143, read_bank(1));  // tWTR 8
}

TEST(DramChannel, AWriteWaitsForTheReadBefore) {
  DramChannel channel = quiet_channel();
  channel.activate(0, 1, 100);
  channel.activate(1, 1, 101);
  channel.column(0, false, 8, 120);           // data end at 150
  expect_tight(channel, 145, write_bank(1));  // its data at 152, two cycles later
}

TEST(DramChannel, AReadBankClosesAfterItsLastColumnCommand) {
  DramChannel channel = quiet_channel();
  channel.activate(0, 1, 100);
  channel.column(0, false, 8, 140);           // commands at 140, 142, 144, 146
  expect_tight(channel, 152, close_bank(0));  // tRTP 6
}

TEST(DramChannel, AWrittenBankClosesAfterItsRecovery) {
  DramChannel channel = quiet_channel();
  channel.activate(0, 1, 100);
  channel.column(0, true, 8, 140);            // data end at 155
  expect_tight(channel, 171, close_bank(0));  // tWR 16
}

TEST(DramChannel, CommandsNeedTheRightStateOfTheBank) {
  DramChannel channel = quiet_channel();
  EXPECT_THROW(channel.precharge(0, 100), CheckFailure);
  EXPECT_THROW(channel.column(0, false, 8, 100), CheckFailure);
  channel.activate(0, 1, 100);
  EXPECT_THROW(channel.activate(0, 2, 1000), CheckFailure);
}

TEST(DramChannel, ARefreshClosesTheChannelForItsTime) {
  DramChannel channel(jericho2_timing(), 16, 3900);
  channel.activate(0, 1, 100);
  channel.refresh_until(3899);
  EXPECT_EQ(channel.open_row(0), 1U);
  channel.refresh_until(3900);  // closes bank 0 at 3900, refreshes at 3916
  EXPECT_EQ(channel.open_row(0), no_row);
  expect_tight(channel, 3916 + 260, activate_bank(0));
  expect_tight(channel, 3916 + 260, activate_bank(5));
  EXPECT_EQ(channel.refresh_due(), 7800U);
}

TEST(DramChannel, ARefreshWaitsForTheBanks) {
  DramChannel channel(jericho2_timing(), 16, 3900);
  channel.activate(0, 1, 3890);
  channel.refresh_until(3900);  // tRAS: closed at 3921, refresh at 3937
  expect_tight(channel, 3937 + 260, activate_bank(1));
}

TEST(DramChannel, AClosedChannelRefreshesWhenDue) {
  DramChannel channel(jericho2_timing(), 16, 3900);
  channel.refresh_until(3900);
  expect_tight(channel, 3900 + 260, activate_bank(1));
}

TEST(DramChannel, CatchingUpIsTheSameAsBeingThere) {
  DramChannel late(jericho2_timing(), 16, 3900);
  DramChannel present = late;
  DramJudge of_late(jericho2_timing());
  DramJudge of_present(jericho2_timing());
  late.attach(&of_late);
  present.attach(&of_present);
  late.activate(2, 5, 3895);
  present.activate(2, 5, 3895);
  for (Cycle now = 3896; now <= 20'000; ++now) present.refresh_until(now);
  late.refresh_until(20'000);
  EXPECT_EQ(of_late.events(), of_present.events());
  EXPECT_EQ(late.refreshes(20'000), 5U);
  of_late.judge();
}

// --- the address map
// ------------------------------------------------------------------------------

TEST(DramMap, EveryStripeHasAPlaceOfItsOwn) {
  DramConfig config;
  config.channels = 4;
  config.banks = 8;
  config.row = 1024_B;
  config.capacity = 1_MiB;
  const DramMap map(config);
  std::map<std::tuple<unsigned, unsigned, std::uint32_t>, int> stripes;
  for (std::uint64_t address = 0; address < 1 << 20; address += 256) {
    const DramPlace place = map.place(address);
    EXPECT_LT(place.channel, 4U);
    EXPECT_LT(place.bank, 8U);
    ++stripes[{place.channel, place.bank, place.row}];
    EXPECT_EQ(map.stripe_end(address + 13), address + 256);
  }
  EXPECT_EQ(stripes.size(), (1U << 20) / 1024);
  for (const auto& [place, count] : stripes) EXPECT_EQ(count, 4) << "stripes of a row";
}

TEST(DramMap, NoPowerOfTwoKeepsToOneChannelOrBank) {
  const DramMap map{DramConfig{}};
  for (unsigned shift = 8; shift < 28; ++shift) {
    std::set<unsigned> channels;
    std::set<unsigned> banks;
    for (std::uint64_t i = 0; i < 256; ++i) {
      channels.insert(map.place(i << shift).channel);
      banks.insert(map.place(i << shift).bank);
    }
    EXPECT_GE(channels.size(), 8U) << "stride of 2^" << shift;
    if (shift >= 12) {
      EXPECT_GE(banks.size(), 8U) << "stride of 2^" << shift;
    }
  }
}

TEST(DramConfig, RejectsSizesThatDoNotFit) {
  EXPECT_NO_THROW(DramConfig{}.check());
  DramConfig config;
  config.stripe = 100_B;
  EXPECT_THROW(config.check(), InputError);
  config = {};
  config.row = 1000_B;
  EXPECT_THROW(config.check(), InputError);
  config = {};
  config.precharge = 47_ns;
  EXPECT_THROW(config.check(), InputError);
  config = {};
  config.refresh = 1900_ns;
  EXPECT_THROW(config.check(), InputError);
}

// --- the controller
// -------------------------------------------------------------------------------

constexpr DramScheduler::Policy policy{32, 16, 16, 16};

DramAccess access(unsigned bank, std::uint32_t row, std::uint32_t tag) {
  DramAccess a{};
  a.row = row;
  a.bank = static_cast<std::uint16_t>(bank);
  a.data_cycles = 8;
  a.tag = tag;
  return a;
}

struct Served {
  std::uint32_t tag;
  Cycle end;
};

/// One controller, run until it is idle.
class Controller {
 public:
  explicit Controller(const DramScheduler::Policy& of = policy, Cycle first_refresh = far_away)
      : judge_(jericho2_timing()), scheduler_(jericho2_timing(), 16, first_refresh, of) {
    scheduler_.attach(&judge_);
  }

  void push(bool write, const DramAccess& a) { scheduler_.push(write, a); }
  DramScheduler& scheduler() { return scheduler_; }
  const DramJudge& judge() const { return judge_; }

  /// Returns when it wants to come back.
  Cycle advance(Cycle now) {
    return scheduler_.advance(now, [this](std::uint32_t tag, Cycle end) {
      served.push_back({tag, end});
    });
  }
  void drain(Cycle now) {
    while (now != never) now = advance(now);
  }
  std::vector<std::uint32_t> order() const {
    std::vector<std::uint32_t> tags;
    for (const Served& s : served) tags.push_back(s.tag);
    return tags;
  }

  std::vector<Served> served;

 private:
  DramJudge judge_;
  DramScheduler scheduler_;
};

TEST(DramScheduler, LatenciesOfAMissAHitAndAConflict) {
  Controller c;
  c.push(false, access(0, 1, 0));
  c.drain(1000);
  EXPECT_EQ(c.served.back().end, 1000U + 16 + 22 + 8) << "tRCDrd, read latency, data";
  c.push(false, access(0, 1, 1));
  c.drain(2000);
  EXPECT_EQ(c.served.back().end, 2000U + 22 + 8) << "the row is open";
  c.push(false, access(0, 2, 2));
  c.drain(3000);
  EXPECT_EQ(c.served.back().end, 3000U + 16 + 16 + 22 + 8) << "tRP, tRCDrd, read latency, data";
  c.push(true, access(1, 1, 3));
  c.drain(4000);
  EXPECT_EQ(c.served.back().end, 4000U + 14 + 7 + 8) << "tRCDwr, write latency, data";
  EXPECT_EQ(c.scheduler().counts().row_hits, 1U);
  EXPECT_EQ(c.scheduler().counts().row_misses, 3U);
}

TEST(DramScheduler, ARefreshDelaysAnAccess) {
  Controller c(policy, 3900);
  c.push(false, access(0, 1, 0));
  c.drain(3900);
  EXPECT_EQ(c.served.back().end, 3900U + 260 + 16 + 22 + 8);
  c.push(false, access(0, 1, 1));
  c.drain(7799);  // in time: the row is still open
  EXPECT_EQ(c.served.back().end, 7799U + 22 + 8);
}

TEST(DramScheduler, RowHitsGoFirst) {
  Controller c;
  c.push(false, access(0, 1, 0));
  c.push(false, access(0, 2, 1));
  c.push(false, access(0, 1, 2));
  c.drain(1000);
  EXPECT_EQ(c.order(), (std::vector<std::uint32_t>{0, 2, 1}));
}

TEST(DramScheduler, TheWindowBoundsWhoMayGoFirst) {
  Controller c({32, 2, 16, 16});
  c.push(false, access(0, 1, 0));
  c.push(false, access(0, 2, 1));
  c.push(false, access(0, 3, 2));
  c.push(false, access(0, 1, 3));  // the third in line while the row is open
  c.drain(1000);
  EXPECT_EQ(c.order(), (std::vector<std::uint32_t>{0, 1, 2, 3}));
}

TEST(DramScheduler, NobodyIsOvertakenForEver) {
  for (const std::uint32_t limit : {0U, 1U, 5U}) {
    Controller c({32, 16, 16, limit});
    c.push(false, access(0, 1, 0));
    c.push(false, access(0, 2, 1));
    for (std::uint32_t tag = 2; tag < 12; ++tag) c.push(false, access(0, 1, tag));
    c.drain(1000);
    EXPECT_EQ(c.served[1 + limit].tag, 1U) << "limit " << limit;
  }
}

TEST(DramScheduler, DirectionsTakeTurnsInBatches) {
  Controller c({32, 16, 4, 16});
  for (std::uint32_t tag = 0; tag < 10; ++tag) {
    c.push(false, access(0, 1, tag));
    c.push(true, access(1, 1, 100 + tag));
  }
  c.drain(1000);
  EXPECT_EQ(c.order(), (std::vector<std::uint32_t>{0, 1, 2,   3,   100, 101, 102, 103, 4,   5,
                                                   6, 7, 104, 105, 106, 107, 8,   9,   108, 109}));
  EXPECT_EQ(c.scheduler().counts().turns, 5U);
  c.judge().judge();
}

TEST(DramScheduler, BanksWorkSideBySide) {
  Controller c;
  for (std::uint32_t tag = 0; tag < 16; ++tag) c.push(false, access(tag, 1, tag));
  c.drain(1000);
  // Four activations in 16 cycles feed two accesses' worth of data bus: data flow without a gap.
  EXPECT_EQ(c.served.back().end, 1000U + 16 + 22 + 16 * 8);
}

struct Script {
  Cycle at;
  bool write;
  DramAccess what;
};

std::vector<Script> random_script(std::uint64_t seed, unsigned accesses) {
  Rng rng(seed, "dram_timing_test", "script");
  std::vector<Script> script;
  Cycle at = 0;
  for (unsigned tag = 0; tag < accesses; ++tag) {
    if (rng.below(40) == 0) at += rng.below(9000);  // silence, with refreshes in it
    at += rng.below(14);
    DramAccess a = access(rng.below(seed % 2 == 0 ? 16 : 3), rng.below(4), tag);
    a.data_cycles = 2 * (1 + rng.below(4));
    script.push_back({at, rng.below(100) < 50 + seed % 3 * 20, a});
  }
  return script;
}

/// Accesses wait outside while their queue is full.
void play(Controller& c, const std::vector<Script>& script, bool every_cycle) {
  std::size_t next = 0;
  Cycle wanted = never;
  for (Cycle now = 0; next < script.size() || !c.scheduler().idle(); ++now) {
    bool pushed = false;
    while (next < script.size() && script[next].at <= now &&
           !c.scheduler().full(script[next].write)) {
      c.push(script[next].write, script[next].what);
      ++next;
      pushed = true;
    }
    if (pushed || every_cycle || now == wanted) wanted = c.advance(now);
  }
}

TEST(DramScheduler, RandomStreamsKeepEveryRuleAndServeEachAccessOnce) {
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    Controller c({8 + static_cast<std::uint32_t>(seed), 8, 1 + static_cast<std::uint32_t>(seed), 4},
                 700);
    const std::vector<Script> script = random_script(seed, 3000);
    play(c, script, false);
    c.judge().judge();
    std::set<std::uint32_t> tags;
    for (const Served& s : c.served) tags.insert(s.tag);
    EXPECT_EQ(tags.size(), script.size());
    EXPECT_EQ(c.served.size(), script.size());
    EXPECT_GT(c.judge().count(DramCommand::refresh), 5U);
    EXPECT_EQ(c.scheduler().counts().row_hits + c.scheduler().counts().row_misses, script.size());
    EXPECT_FALSE(::testing::Test::HasFailure()) << "seed " << seed;
  }
}

/// Whether a judge with other rules than the channel's finds fault with a random stream.
bool objects(Cycle DramTiming::*rule, std::uint64_t seed = 1) {
  DramTiming stricter = jericho2_timing();
  stricter.*rule += 1;
  DramJudge strict(stricter);
  DramScheduler scheduler(jericho2_timing(), 16, 700, policy);
  scheduler.attach(&strict);
  ::testing::TestPartResultArray faults;
  const ::testing::ScopedFakeTestPartResultReporter reporter(
      ::testing::ScopedFakeTestPartResultReporter::INTERCEPT_ONLY_CURRENT_THREAD, &faults);
  Cycle now = 0;
  for (const Script& s : random_script(seed, 1500)) {
    while (scheduler.full(s.write)) {
      now = std::max(now + 1, scheduler.advance(now, [](std::uint32_t, Cycle) {}));
    }
    scheduler.push(s.write, s.what);
  }
  while (now != never) now = scheduler.advance(now, [](std::uint32_t, Cycle) {});
  strict.judge();
  return faults.size() > 0;
}

// Each rule is used to the cycle, and the judge knows each of them.
TEST(DramScheduler, AJudgeOfOneCycleMoreObjects) {
  EXPECT_TRUE(objects(&DramTiming::activate_to_read));
  EXPECT_TRUE(objects(&DramTiming::activate_to_write));
  EXPECT_TRUE(objects(&DramTiming::precharge));
  EXPECT_TRUE(objects(&DramTiming::row_cycle));
  EXPECT_TRUE(objects(&DramTiming::four_activates, 2)) << "with sixteen banks instead of three";
  EXPECT_TRUE(objects(&DramTiming::read_to_precharge));
  EXPECT_TRUE(objects(&DramTiming::write_recovery));
  EXPECT_TRUE(objects(&DramTiming::write_to_read));
  EXPECT_TRUE(objects(&DramTiming::read_to_write));
  EXPECT_TRUE(objects(&DramTiming::refresh));
}

TEST(DramScheduler, ComingBackWhenToldIsTheSameAsComingInEveryCycle) {
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    const std::vector<Script> script = random_script(seed, 1500);
    Controller told(policy, 700);
    Controller always(policy, 700);
    play(told, script, false);
    play(always, script, true);
    EXPECT_EQ(told.judge().events(), always.judge().events()) << "seed " << seed;
  }
}

}  // namespace
}  // namespace heddle
