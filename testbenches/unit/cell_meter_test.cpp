#include "parts/cell_meter.h"

#include <gtest/gtest.h>

#include <cmath>

#include "kernel/rng.h"

namespace heddle {
namespace {

// Tables of the t distribution, 97.5 %.
TEST(BatchMeans, StudentsFactorIsThatOfTheTables) {
  EXPECT_NEAR(student_t(5), 2.5706, 0.005);
  EXPECT_NEAR(student_t(9), 2.2622, 0.001);
  EXPECT_NEAR(student_t(19), 2.0930, 0.0005);
  EXPECT_NEAR(student_t(29), 2.0452, 0.0005);
  EXPECT_NEAR(student_t(1000), 1.9623, 0.0005);
}

// What "95 %" means: so many of many intervals hold the true mean.
TEST(BatchMeans, NineteenIntervalsOfTwentyHoldTheMean) {
  Rng rng(1, "test", "batches");
  unsigned held = 0;
  constexpr unsigned trials = 4000;
  for (unsigned trial = 0; trial < trials; ++trial) {
    BatchMeans means;
    for (unsigned batch = 0; batch < BatchMeans::batches; ++batch) {
      for (unsigned n = 0; n < 20; ++n) means.add(batch, rng.below(101), 1);
    }
    const Estimate estimate = means.estimate();
    held += std::abs(estimate.mean - 50) <= estimate.half_width ? 1 : 0;
  }
  EXPECT_NEAR(held / static_cast<double>(trials), 0.95, 0.012);
}

TEST(BatchMeans, OneBatchHasNoInterval) {
  BatchMeans means;
  EXPECT_EQ(means.estimate().mean, 0);
  means.add(3, 10, 4);
  EXPECT_EQ(means.estimate().mean, 2.5);
  EXPECT_EQ(means.estimate().half_width, 0);
}

TEST(CellMeter, CountsWhatArrivedAndLeftWithinTheWindow) {
  CellMeter meter({10, 70}, WaitPlaces::both);
  meter.departed(9, 10, 10);  // came too early: carried, but no wait
  meter.end_slot(10, 2);
  meter.departed(10, 12, 15);
  meter.departed(12, 12, 15);
  meter.end_slot(15, 1);
  meter.departed(20, 62, 69);
  meter.end_slot(69, 0);
  meter.departed(69, 69, 70);  // left too late
  meter.end_slot(70, 5);
  EXPECT_EQ(meter.waits().count(), 3U);
  EXPECT_EQ(meter.waits().maximum(), 49U);
  EXPECT_DOUBLE_EQ(meter.waits().mean(), (5 + 3 + 49) / 3.0);
  EXPECT_DOUBLE_EQ(meter.mean_wait().mean, meter.waits().mean());
  EXPECT_DOUBLE_EQ(meter.waits_at_inputs().mean(), (2 + 0 + 42) / 3.0);
  EXPECT_DOUBLE_EQ(meter.waits_at_outputs().mean(), (3 + 3 + 7) / 3.0);
  EXPECT_DOUBLE_EQ(meter.tail_share_of_inputs(), 42 / 49.0);
  EXPECT_DOUBLE_EQ(meter.offered(100), 3 / 60.0);
  EXPECT_DOUBLE_EQ(meter.carried(100).mean, 4 / 60.0);
  EXPECT_DOUBLE_EQ(meter.carried(40).mean, 4 / 30.0) << "a run that ends early has fewer slots";
}

// A switch in which cells wait at one place only has nothing to divide.
TEST(CellMeter, TheOnlyPlaceHasTheWholeWait) {
  for (const WaitPlaces place : {WaitPlaces::inputs, WaitPlaces::outputs}) {
    CellMeter meter({1, 100}, place);
    meter.departed(1, place == WaitPlaces::inputs ? 6 : 1, 6);
    meter.end_slot(6, 1);
    const bool inputs = place == WaitPlaces::inputs;
    EXPECT_EQ(meter.waits_at_inputs().count(), inputs ? 1U : 0U);
    EXPECT_EQ(meter.waits_at_outputs().count(), inputs ? 0U : 1U);
    EXPECT_EQ(meter.tail_share_of_inputs(), inputs ? 1 : 0);
  }
}

// 30 batches, the last one longer: 2 cells in each slot are exactly that, whatever the length.
TEST(CellMeter, ASteadyRateHasNoSpread) {
  for (const std::uint32_t slots : {7U, 30U, 100U, 599U}) {
    CellMeter meter({1, 1 + slots});
    for (std::uint32_t slot = 1; slot <= slots; ++slot) {
      meter.departed(slot, slot, slot);
      meter.departed(slot, slot, slot);
      meter.end_slot(slot, 2);
    }
    EXPECT_DOUBLE_EQ(meter.carried(1 + slots).mean, 2) << slots;
    EXPECT_DOUBLE_EQ(meter.carried(1 + slots).half_width, 0) << slots;
  }
}

}  // namespace
}  // namespace heddle
