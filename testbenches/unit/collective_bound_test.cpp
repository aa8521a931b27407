// The bound of a collective against the closed forms of facts.md, written out.
#include "parts/collective_bound.h"

#include <gtest/gtest.h>

#include <string>

namespace heddle {
namespace {

using Operation = CollectiveOperation;
using Algorithm = CollectiveAlgorithm;

constexpr double per_word = 16;  // cycles
constexpr std::uint64_t part = 100;

TorusCost cost() {
  TorusCost cost;
  cost.ring = {{{0.25, 70}, {0.25, 70}, {0.25, 70}}};
  cost.local = {0, 25};
  cost.send_latency = 250;
  cost.arrive_latency = 250;
  cost.reduce_latency = 50;
  cost.wire_bytes = [](std::uint64_t words) { return static_cast<double>(words) * 64; };
  return cost;
}
constexpr double latency = 250 + 25 + 70 + 25 + 250 + 50;  // of one hop

double bound(Operation operation, Algorithm algorithm, const TorusSize& size) {
  return collective_bound(collective_schedule(operation, algorithm, size), part,
                          TorusShape(size.length), cost());
}

TEST(CollectiveBound, ARingTakesItsStepsTimesLatencyAndBytes) {
  for (const TorusSize& size : {TorusSize{{3, 1, 1}}, {{4, 4, 1}}, {{5, 3, 1}}, {{4, 4, 4}}}) {
    const double n = size.nodes();
    const double step = latency + part * per_word;
    for (const Algorithm algorithm : {Algorithm::ring, Algorithm::bidirectional_ring}) {
      EXPECT_DOUBLE_EQ(bound(Operation::all_reduce, algorithm, size), 2 * (n - 1) * step);
      EXPECT_DOUBLE_EQ(bound(Operation::reduce_scatter, algorithm, size), (n - 1) * step);
      EXPECT_DOUBLE_EQ(bound(Operation::all_gather, algorithm, size), (n - 1) * step);
      // n blocks, one behind the other, to the last of the ring.
      EXPECT_DOUBLE_EQ(bound(Operation::broadcast, algorithm, size),
                       (n - 1) * step + (n - 1) * part * per_word);
    }
  }
}

TEST(CollectiveBound, HamiltonianRingsAreARingWithAQuarterOfTheData) {
  EXPECT_DOUBLE_EQ(bound(Operation::all_reduce, Algorithm::hamiltonian_rings, {{4, 4, 1}}),
                   2 * 15 * (latency + part * per_word));
}

TEST(CollectiveBound, ByDimensionEveryRingHasWhatTheOnesBeforeHaveLeft) {
  // Reduce-scatter along x with all blocks, then y, then z; and back.
  const double b = part * per_word;
  EXPECT_DOUBLE_EQ(bound(Operation::all_reduce, Algorithm::hierarchical, {{4, 4, 4}}),
                   2 * (3 * (latency + 16 * b) + 3 * (latency + 4 * b) + 3 * (latency + b)));
  EXPECT_DOUBLE_EQ(bound(Operation::reduce_scatter, Algorithm::hierarchical, {{4, 3, 1}}),
                   3 * (latency + 3 * b) + 2 * (latency + b));
  // In a ring of two both directions share the link to the only neighbour.
  EXPECT_DOUBLE_EQ(bound(Operation::all_reduce, Algorithm::hierarchical, {{2, 1, 1}}),
                   2 * (latency + 2 * b));
}

TEST(CollectiveBound, ByPacketsTheLongerOfLatencyAndBytesCounts) {
  TorusCost c = cost();
  c.by_packets = true;
  c.packet_bytes = 64;
  const auto schedule = collective_schedule(Operation::all_reduce, Algorithm::ring, {{8, 1, 1}});
  const TorusShape shape({8, 1, 1});
  // Long steps: the link is never idle. Short ones: the first packet decides.
  EXPECT_NEAR(collective_bound(schedule, 1000, shape, c), 14 * 1000 * per_word + latency, 1);
  EXPECT_NEAR(collective_bound(schedule, 1, shape, c), 14 * (latency + per_word), 1);
}

TEST(CollectiveBound, AnAllToAllOfARingCountsTheHopsOnItsLinks) {
  // Distances 1, 2, 3 and back of a ring of 4: in step 2 two messages share each link one way.
  const double b = part * per_word;
  const double hop = 70;
  const double steps = (latency + b) + (latency + hop + 2 * b) + (latency + b);
  EXPECT_NEAR(bound(Operation::all_to_all, Algorithm::ring, {{4, 1, 1}}), steps, b);
}

TEST(CollectiveBound, BusFactorsAreThoseOfTheConvention) {
  EXPECT_DOUBLE_EQ(bus_factor(Operation::all_reduce, 16), 30.0 / 16);
  EXPECT_DOUBLE_EQ(bus_factor(Operation::all_gather, 16), 15.0 / 16);
  EXPECT_DOUBLE_EQ(bus_factor(Operation::reduce_scatter, 16), 15.0 / 16);
  EXPECT_DOUBLE_EQ(bus_factor(Operation::all_to_all, 4), 0.75);
  EXPECT_DOUBLE_EQ(bus_factor(Operation::broadcast, 64), 1);
}

}  // namespace
}  // namespace heddle
