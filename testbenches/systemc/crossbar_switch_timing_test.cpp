// The crossbar in time: when slots begin, that a cell can leave in the slot of its arrival, what
// the speed-ups allow, and what its registers say.
#include <gtest/gtest.h>

#include "device_bench.h"
#include "kernel/csr.h"
#include "switches/crossbar_switch.h"

namespace heddle::testing {
namespace {

constexpr SlotWindow whole{1, 1000};

/// Full load unless said otherwise; a slot is a cycle.
CrossbarPlace place(unsigned ports, CellPattern pattern = CellPattern::uniform) {
  return {ports, {1, 1}, {pattern, 1, 1}, whole, whole};
}

TEST(CrossbarTiming, SlotsBeginWhereTheCellTimeSays) {
  in_child([] {
    Workbench bench;
    CrossbarConfig config;
    CrossbarPlace alone = place(1);
    alone.slot = SlotTime::of(64_B, {50, 1});  // 1.28 cycles
    CrossbarSwitch& crossbar = *new CrossbarSwitch("crossbar", bench.environment(), alone, config);
    bench.run(1);
    EXPECT_EQ(crossbar.departed(), 0U) << "slot 1 begins after 1.28 cycles";
    bench.run(2);
    EXPECT_EQ(crossbar.departed(), 1U);
    bench.run(127);
    EXPECT_EQ(crossbar.departed(), 99U);
    bench.run(128);
    EXPECT_EQ(crossbar.departed(), 100U) << "slot 100 begins in cycle 128";
    EXPECT_EQ(crossbar.meter().waits().maximum(), 0U) << "nobody to wait for";
  });
}

TEST(CrossbarTiming, ArrivalsEndWithTheirWindow) {
  in_child([] {
    Workbench bench;
    CrossbarConfig config;
    CrossbarPlace late = place(4);
    late.arrivals = {10, 13};
    CrossbarSwitch& crossbar = *new CrossbarSwitch("crossbar", bench.environment(), late, config);
    bench.run(9);
    EXPECT_EQ(crossbar.arrived(), 0U);
    bench.run(10);
    EXPECT_EQ(crossbar.arrived(), 4U);
    EXPECT_GE(crossbar.departed(), 1U) << "in the slot of its arrival";
    bench.run(11);
    EXPECT_FALSE(crossbar.idle());
    bench.run(100);
    EXPECT_EQ(crossbar.arrived(), 12U);
    EXPECT_EQ(crossbar.departed(), 12U);
    EXPECT_TRUE(crossbar.idle());
    crossbar.verify(true);
  });
}

/// Cells at inputs, at outputs, and gone, after one slot in which 64 have come.
void after_one_slot(std::uint64_t input_speedup, std::uint64_t output_speedup,
                    const std::function<void(std::uint64_t, std::uint64_t, std::uint64_t)>& judge) {
  in_child([&] {
    Workbench bench;
    CrossbarConfig config;
    config.iterations = 64;
    config.input_speedup = input_speedup;
    config.output_speedup = output_speedup;
    CrossbarSwitch& crossbar =
        *new CrossbarSwitch("crossbar", bench.environment(), place(64), config);
    bench.run(1);
    const auto cells = [&](unsigned view) {
      return crossbar.buffers()[view].occupancy->level() / config.cell.value;
    };
    judge(cells(0), cells(1), crossbar.departed());
  });
}

// In the first slot an input has one cell, so only the outputs' speed-up can matter.
TEST(CrossbarTiming, SpeedupsBoundWhatAPortDoesInASlot) {
  after_one_slot(1, 1, [](auto at_inputs, auto at_outputs, auto gone) {
    EXPECT_GT(at_inputs, 0U);
    EXPECT_EQ(at_outputs, 0U);
    EXPECT_EQ(at_inputs + gone, 64U);
  });
  after_one_slot(64, 1, [](auto at_inputs, auto at_outputs, auto gone) {
    EXPECT_GT(at_inputs, 0U);
    EXPECT_EQ(at_outputs, 0U);
    EXPECT_EQ(at_inputs + gone, 64U);
  });
  after_one_slot(1, 64, [](auto at_inputs, auto at_outputs, auto gone) {
    EXPECT_EQ(at_inputs, 0U);
    EXPECT_EQ(at_outputs + gone, 64U);
  });
}

TEST(CrossbarTiming, AFullQueueDropsAndAFullOutputTakesNone) {
  in_child([] {
    Workbench bench;
    CrossbarConfig config;
    config.queue_cells = 2;
    config.output_speedup = 8;
    CrossbarSwitch& crossbar =
        *new CrossbarSwitch("crossbar", bench.environment(), place(8), config);
    bench.run(999);
    for (const BufferView& view : crossbar.buffers()) {
      if (view.queue.rfind("output", 0) != 0 || view.whole) continue;
      EXPECT_EQ(view.occupancy->peak_bytes(), 2 * 64U) << view.queue;
    }
    EXPECT_GT(crossbar.dropped(), 0U);
    EXPECT_EQ(crossbar.arrived(), 8 * 999U);
    EXPECT_EQ(crossbar.arrived(), crossbar.departed() + crossbar.dropped() + crossbar.held());
    crossbar.verify(false);
  });
}

TEST(CrossbarTiming, RegistersSayWhatItCounts) {
  in_child([] {
    Workbench bench;
    CrossbarConfig config;
    CrossbarSwitch& crossbar =
        *new CrossbarSwitch("crossbar", bench.environment(), place(4), config);
    const RegisterMap& map = crossbar.csr().map();
    const auto read = [&map](std::uint64_t address) {
      const RegisterMap::Found found = map.find(address);
      return found.declared->read(found.index);
    };
    bench.run(50);
    EXPECT_EQ(read(0x00), 6U) << "kind";
    EXPECT_EQ(read(0x08), 4U) << "ports";
    EXPECT_EQ(read(0x100), 1U) << "queueing: voq";
    EXPECT_EQ(read(0x108), 4U) << "iterations";
    EXPECT_EQ(read(0x200), 50U) << "slot";
    EXPECT_EQ(read(0x208), crossbar.arrived());
    EXPECT_EQ(read(0x210), crossbar.departed());
    EXPECT_EQ(read(0x218), 0U) << "dropped";
  });
}

}  // namespace
}  // namespace heddle::testing
