// The cycle calendar: who is woken, when, why, and that nobody else is.
#include "kernel/clock.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "device_bench.h"
#include "kernel/rng.h"

namespace heddle::testing {
namespace {

using Wakes = std::map<Cycle, std::set<unsigned>>;  // reasons by cycle

/// Notes every cycle in which it runs, and the reasons; then does what the test wants.
class Sleeper : public BareDevice {
 public:
  Sleeper(const char* name, Clock& clock, unsigned reasons, std::vector<unsigned>& order)
      : BareDevice(name, clock, reasons), order_(order) {}

  void ask(unsigned reason, Cycle at) {
    wake(reason, at);
    wanted_[at].insert(reason);
  }
  void then(std::function<void(Sleeper&, Cycle)> action) { action_ = std::move(action); }

  const Wakes& woken() const { return woken_; }
  const Wakes& wanted() const { return wanted_; }

 private:
  void cycle() override {
    EXPECT_EQ(woken_.count(now()), 0U) << "twice in cycle " << now();
    EXPECT_EQ(
        sc_core::sc_time_stamp(),
        sc_core::sc_time(static_cast<double>(now() * clock_.options().period_ps), sc_core::SC_PS));
    due_.take(0, due_.size(), [&](unsigned reason) { woken_[now()].insert(reason); });
    order_.push_back(id());
    if (action_) action_(*this, now());
  }

  std::vector<unsigned>& order_;
  std::function<void(Sleeper&, Cycle)> action_;
  Wakes woken_;
  Wakes wanted_;
};

class Dormitory {
 public:
  explicit Dormitory(unsigned sleepers, const ClockOptions& options = {}, unsigned reasons = 4)
      : bench_(options) {
    for (unsigned n = 0; n < sleepers; ++n) {
      const std::string name = "sleeper" + std::to_string(n);
      sleepers_.push_back(std::make_unique<Sleeper>(name.c_str(), bench_.clock(), reasons, order_));
    }
  }
  Workbench& bench() { return bench_; }
  Clock& clock() { return bench_.clock(); }
  Sleeper& operator[](unsigned n) { return *sleepers_[n]; }
  const std::vector<std::unique_ptr<Sleeper>>& all() const { return sleepers_; }
  const std::vector<unsigned>& order() const { return order_; }

 private:
  std::vector<unsigned> order_;
  Workbench bench_;
  std::vector<std::unique_ptr<Sleeper>> sleepers_;
};

// 2.4 GHz is three cycles in 1,250 ps: each begins in its own whole picosecond, and none is lost.
TEST(Clock, APeriodMayBeAFractionOfPicoseconds) {
  in_child([] {
    ClockOptions options;
    options.period_ps = 1250;
    options.period_cycles = 3;
    const Clock clock("clock", options);
    EXPECT_EQ(clock.time_of(1), sc_core::sc_time(416, sc_core::SC_PS));
    EXPECT_EQ(clock.time_of(2), sc_core::sc_time(833, sc_core::SC_PS));
    EXPECT_EQ(clock.time_of(2'400'000'000), sc_core::sc_time(1, sc_core::SC_SEC));
    EXPECT_EQ(clock.cycles(1250_ps), 3U);
    EXPECT_EQ(clock.cycles(1251_ps), 4U);
    for (Cycle cycle = 1; cycle < 1000; ++cycle) {
      const sc_core::sc_time begin = clock.time_of(cycle);
      EXPECT_EQ(clock.first_cycle_after(begin), cycle + 1);
      EXPECT_EQ(clock.first_cycle_after(begin - sc_core::sc_time(1, sc_core::SC_PS)), cycle);
    }
  });
}

TEST(Clock, CyclesCoverADuration) {
  in_child([] {
    ClockOptions options;
    options.period_ps = 1500;
    const Clock clock("clock", options);
    EXPECT_EQ(clock.cycles(0_ns), 0U);
    EXPECT_EQ(clock.cycles(1_ps), 1U);
    EXPECT_EQ(clock.cycles(1500_ps), 1U);
    EXPECT_EQ(clock.cycles(1501_ps), 2U);
    EXPECT_EQ(clock.cycles(3_us), 2000U);
    EXPECT_EQ(clock.now(), 0U);
    EXPECT_EQ(clock.next_cycle(), never);
  });
}

TEST(Clock, WakesWhoAskedInTheCycleAndForTheReason) {
  in_child([] {
    Dormitory all(3);
    all[0].ask(2, 5);
    all[2].ask(0, 5);
    all[2].ask(3, 5);
    all[2].ask(1, 9);
    EXPECT_EQ(all.clock().next_cycle(), 5U);
    all.bench().run(4);
    for (const auto& sleeper : all.all()) EXPECT_TRUE(sleeper->woken().empty());
    all.bench().run(5);
    EXPECT_EQ(all[0].woken(), (Wakes{{5, {2}}}));
    EXPECT_EQ(all[2].woken(), (Wakes{{5, {0, 3}}}));
    EXPECT_EQ(all.clock().next_cycle(), 9U);
    all.bench().run(20);
    EXPECT_EQ(all[2].woken(), all[2].wanted());
    EXPECT_TRUE(all[1].woken().empty());
    EXPECT_EQ(all.clock().next_cycle(), never);
  });
}

TEST(Clock, AskingTwiceChangesNothing) {
  in_child([] {
    Dormitory all(1);
    for (int n = 0; n < 100; ++n) {
      all[0].ask(1, 7);
      all[0].ask(1, 9000);
    }
    all.bench().run(10'000);
    EXPECT_EQ(all[0].woken(), (Wakes{{7, {1}}, {9000, {1}}}));
  });
}

// The calendar holds 4,096 cycles in a wheel; timers go beyond it.
TEST(Clock, FarWakesComeInTheirCycle) {
  in_child([] {
    Dormitory all(2);
    const std::vector<Cycle> cycles{1,    63,   64,   4094,   4095,    4096,      4097,
                                    4160, 8191, 8192, 12'288, 100'000, 4'096'000, 10'000'000};
    for (const Cycle at : cycles) all[0].ask(at % 4, at);
    all[1].then([](Sleeper& self, Cycle now) {  // each from the last: the wheel has turned
      if (now < 60'000) self.ask(0, now + 4095 + now % 3);
    });
    all[1].ask(0, 1);
    all.bench().run(10'000'001);
    EXPECT_EQ(all[0].woken(), all[0].wanted());
    EXPECT_EQ(all[1].woken(), all[1].wanted());
  });
}

TEST(Clock, SilenceIsJumpedOver) {
  in_child([] {
    Dormitory all(1);
    const Cycle far = 3'600'000'000'000;  // an hour of simulated time at 1 GHz
    all[0].ask(0, far);
    const auto deltas = sc_core::sc_delta_count();
    all.bench().run(far);
    EXPECT_EQ(all[0].woken(), (Wakes{{far, {0}}}));
    EXPECT_LT(sc_core::sc_delta_count() - deltas, 20U) << "cycles without work cost something";
  });
}

TEST(Clock, ACycleThatIsOverIsAnError) {
  in_child([] {
    Dormitory all(1);
    all[0].then([](Sleeper& self, Cycle now) {
      EXPECT_THROW(self.ask(0, now), CheckFailure);
      EXPECT_THROW(self.ask(0, now - 1), CheckFailure);
      EXPECT_NO_THROW(self.ask(1, now + 1));
    });
    all[0].ask(0, 10);
    all.bench().run(10);
    EXPECT_EQ(all[0].woken().size(), 1U);
  });
}

TEST(Clock, SwarmWakesEverybodyWhenTheyAsked) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    in_child([seed] {
      SCOPED_TRACE(::testing::Message() << "seed " << seed);
      ClockOptions options;
      options.period_ps = 1 + seed * 137;
      options.seed = seed;
      options.shuffle_devices = seed % 2 == 0;
      Dormitory all(40, options);
      Rng rng(seed, "clock_test", "swarm");
      const auto chain = [&rng](Sleeper& self, Cycle now) {
        for (std::uint32_t n = rng.below(3); n > 0 && now < 60'000; --n) {
          const Cycle reach = rng.below(4) == 0 ? 20'000 : rng.below(2) == 0 ? 5000 : 20;
          self.ask(rng.below(4), now + 1 + rng.below(static_cast<std::uint32_t>(reach)));
        }
      };
      for (const auto& sleeper : all.all()) {
        sleeper->then(chain);
        for (int n = 0; n < 10; ++n) sleeper->ask(rng.below(4), 1 + rng.below(20'000));
      }
      all.bench().run(100'000);
      for (const auto& sleeper : all.all()) ASSERT_EQ(sleeper->woken(), sleeper->wanted());
    });
  }
}

TEST(Clock, EveryCycleWakesEverybodyForEveryReason) {
  in_child([] {
    ClockOptions options;
    options.wake_every_cycle = true;
    Dormitory all(3, options);
    all[1].ask(0, 50);
    EXPECT_EQ(all.clock().next_cycle(), 1U);
    all.bench().run(200);
    for (const auto& sleeper : all.all()) {
      EXPECT_EQ(sleeper->woken().size(), 200U);
      for (const auto& [cycle, reasons] : sleeper->woken()) {
        EXPECT_EQ(reasons, (std::set<unsigned>{0, 1, 2, 3})) << "cycle " << cycle;
      }
    }
  });
}

TEST(Clock, ShufflingChangesTheOrderOfDevicesOnly) {
  in_child([] {
    ClockOptions options;
    options.shuffle_devices = true;
    Dormitory all(10, options);
    for (Cycle cycle = 1; cycle <= 50; ++cycle) {
      for (const auto& sleeper : all.all()) sleeper->ask(0, cycle);
    }
    all.bench().run(60);
    ASSERT_EQ(all.order().size(), 500U);
    std::set<std::vector<unsigned>> orders;
    for (std::size_t begin = 0; begin < 500; begin += 10) {
      std::vector<unsigned> order(all.order().begin() + static_cast<std::ptrdiff_t>(begin),
                                  all.order().begin() + static_cast<std::ptrdiff_t>(begin + 10));
      orders.insert(order);
      std::sort(order.begin(), order.end());
      for (unsigned n = 0; n < 10; ++n) ASSERT_EQ(order[n], n) << "once per cycle";
    }
    EXPECT_GT(orders.size(), 45U) << "of 3,628,800 orders, 50 drawn";
  });
}

TEST(Clock, NoDeviceRunsAfterAFailure) {
  in_child([] {
    Dormitory all(5);
    for (const auto& sleeper : all.all()) {
      sleeper->then([](Sleeper&, Cycle) { throw CheckFailure("each"); });
      sleeper->ask(0, 30);
    }
    EXPECT_THROW(all.bench().run(100), CheckFailure);
    EXPECT_EQ(all.order().size(), 1U) << "not even in the same cycle";
  });
}

TEST(Clock, TheFirstFailureEndsTheRunAndSaysWhere) {
  in_child([] {
    ClockOptions options;
    options.seed = 4711;
    options.reproduce = "heddle run this";
    Dormitory all(2, options);
    all[0].then([](Sleeper&, Cycle now) {
      if (now == 30) throw CheckFailure("the sky fell");
    });
    all[0].ask(0, 30);
    all[0].ask(0, 31);
    all[1].ask(0, 40);
    try {
      all.bench().run(100);
      ADD_FAILURE() << "the failure is lost";
    } catch (const CheckFailure& failure) {
      const std::string text = failure.what();
      for (const char* part : {"the sky fell", "30", "sleeper0", "4711", "heddle run this"}) {
        EXPECT_NE(text.find(part), std::string::npos) << part << " is not in: " << text;
      }
    }
    EXPECT_TRUE(all[1].woken().empty()) << "nothing runs after a failure";
    EXPECT_EQ(all[0].woken().count(31), 0U);
  });
}

/// Notes who ran in which cycle, until it has seen enough.
class Watcher : public CycleObserver {
 public:
  explicit Watcher(Cycle fails) : fails_(fails) {}

  std::map<Cycle, std::set<std::uint32_t>> seen;

 private:
  void cycle_ended(Cycle now, const std::vector<Device*>& ran) override {
    for (const Device* device : ran) seen[now].insert(device->id());
    if (now == fails_) throw InputError("the disk is full");
  }
  Cycle fails_;
};

TEST(Clock, AnObserverSeesWhoRanAndMayEndTheRun) {
  in_child([] {
    Dormitory all(3);
    all[0].ask(0, 10);
    all[2].ask(0, 10);
    all[1].ask(0, 25);
    all[1].ask(0, 30);
    all[1].ask(0, 40);
    Watcher watcher(30);
    all.bench().clock().observe(&watcher);
    EXPECT_THROW(all.bench().run(100), InputError);
    EXPECT_EQ(watcher.seen,
              (std::map<Cycle, std::set<std::uint32_t>>{{10, {0, 2}}, {25, {1}}, {30, {1}}}));
    EXPECT_EQ(all[1].woken().count(40), 0U);
  });
}

}  // namespace
}  // namespace heddle::testing
