// Case 27: ring and torus collectives on an idle fabric against the closed forms of the field,
// within the latency of one step. With n ranks and a buffer of S bytes in L lanes that share no
// link, a lane's block is m = S / (n L) bytes and
//   reduce-scatter, all-gather   (n - 1) (latency + m / B)
//   all-reduce                 2 (n - 1) (latency + m / B)
//   broadcast                    (n - 1) latency + 2 (n - 1) m / B
//   by dimension               the sum over the rings along x, y and z, each with what the ones
//                              before have left of the data
// B counts headers: a packet of 512 B takes 17 flits of 32 B. The latency of a step adds up from
// the parameters.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "scenario_run.h"

namespace heddle::testing {
namespace {

constexpr double ring_rate = 125;     // bytes per ns: 1000 Gbps
constexpr double local_rate = 500;    // 4000 Gbps
constexpr double packet = 544;        // bytes on the wire
constexpr double latency = 250        // endpoint, out
                           + 5 + 20   // local link, router
                           + 50 + 20  // cable, router
                           + 2 + 5    // a packet's tail on the local link (whole cycles)
                           + 250      // endpoint, in
                           + 50;      // reduction
static_assert(packet / local_rate < 2);

double bytes_time(double payload) { return payload / 512 * packet / ring_rate; }

/// One ring's share of an operation, with blocks of `block` bytes in each lane.
double ring_time(const std::string& operation, double n, double block) {
  const double step = latency + bytes_time(block);
  if (operation == "all_reduce") return 2 * (n - 1) * step;
  if (operation == "broadcast") return (n - 1) * latency + 2 * (n - 1) * bytes_time(block);
  return (n - 1) * step;
}

struct Case {
  std::string operation;
  std::string algorithm;
  std::vector<unsigned> size;  ///< x, y, z
  unsigned lanes;
};

double closed_form(const Case& c, double bytes) {
  double nodes = 1;
  for (const unsigned n : c.size) nodes *= n;
  if (c.algorithm != "hierarchical") {
    return ring_time(c.operation, nodes, bytes / nodes / c.lanes);
  }
  double time = 0;
  double share = bytes;
  for (const unsigned n : c.size) {
    if (n == 1) continue;
    if (c.operation != "broadcast") share /= n;
    const double block = c.operation == "broadcast" ? share / n : share;
    time += ring_time(c.operation, n, block / c.lanes);
  }
  return time;
}

std::string scenario(const Case& c, std::uint64_t bytes) {
  return "switch: torus\n"
         "fabric: {topology: torus, x: " +
         std::to_string(c.size[0]) + ", y: " + std::to_string(c.size[1]) +
         ", z: " + std::to_string(c.size[2]) +
         "}\nworkload: {pattern: collective, operation: " + c.operation +
         ", algorithm: " + c.algorithm + ", message: " + std::to_string(bytes) + " B}\n";
}

TEST(Case27, CollectivesTakeTheirClosedFormsOnAnIdleTorus) {
  std::vector<Case> cases;
  for (const char* operation : {"all_reduce", "reduce_scatter", "all_gather", "broadcast"}) {
    cases.push_back({operation, "ring", {8, 1, 1}, 1});
    cases.push_back({operation, "ring", {4, 4, 1}, 1});
    cases.push_back({operation, "bidirectional_ring", {5, 1, 1}, 2});
    cases.push_back({operation, "bidirectional_ring", {4, 4, 1}, 2});
    cases.push_back({operation, "hamiltonian_rings", {4, 4, 1}, 4});
    cases.push_back({operation, "hamiltonian_rings", {3, 5, 1}, 4});
    cases.push_back({operation, "hierarchical", {6, 1, 1}, 2});
    cases.push_back({operation, "hierarchical", {4, 4, 1}, 2});
    cases.push_back({operation, "hierarchical", {4, 4, 4}, 2});
    cases.push_back({operation, "bidirectional_ring", {4, 4, 4}, 2});
  }
  double worst = 0;
  for (const Case& c : cases) {
    double nodes = 1;
    for (const unsigned n : c.size) nodes *= n;
    // Blocks of whole packets.
    for (const unsigned packets : {1U, 16U}) {
      const double bytes = nodes * c.lanes * 512 * packets;
      SCOPED_TRACE(scenario(c, static_cast<std::uint64_t>(bytes)));
      const ScenarioRun run = run_scenario(scenario(c, static_cast<std::uint64_t>(bytes)));
      ASSERT_EQ(run.exit_code, 0) << run.explanation;
      const double expected = closed_form(c, bytes);
      const double measured = run.number("collective.time_ns");
      EXPECT_NEAR(measured, expected, latency);
      EXPECT_NEAR(run.number("collective.bound_ns"), expected, latency) << "what the table prints";
      EXPECT_EQ(run.number("collective.repeated"), 0);
      worst = std::max(worst, std::abs(measured - expected) / latency);
    }
  }
  RecordProperty("largest_difference_in_step_latencies", std::to_string(worst));
}

/// Two rings on a server with 1 KiB of payload, 1,056 B on the wire, and blocks of 64 packets; a
/// chip's links carry 4 x 2,048 Gbps.
ScenarioRun two_rings(const std::string& local_gbps, const std::string& speedup) {
  return run_scenario(
      "switch: torus\nfabric: {preset: trainium2_server, clock: 1 GHz, local_link: {rate: " +
      local_gbps + " Gbps}}\ntorus: {payload: 1 KiB, read_speedup: " + speedup +
      "}\nworkload: {pattern: collective, algorithm: hamiltonian_rings, message: 4 MiB}\n");
}

// The closed form takes links to be full from a step's first byte to its last. A link, and the
// reading of a router's input, that is not followed at once loses the rest of a cycle. Where a
// packet takes 1.03 cycles of a chip's own link, and the four rings need all of it, that is lost
// for ever; where it takes one cycle, nothing is.
TEST(Case27, TwoRingsNeedLocalLinksThatTakePacketsInWholeCycles) {
  const double step = latency + 64 * 1056 / 256.0;
  EXPECT_NEAR(two_rings("8448", "1").number("collective.time_ns"), 30 * step, latency);
  const ScenarioRun tight = two_rings("8192", "1");
  const ScenarioRun read_faster = two_rings("8192", "2");
  EXPECT_NEAR(tight.number("collective.bound_ns"), 30 * step, latency);
  EXPECT_GT(tight.number("collective.time_ns"), 30 * step + 2 * latency);
  EXPECT_LT(read_faster.number("collective.time_ns"), tight.number("collective.time_ns"));
}

TEST(Case27, BandwidthsAreThoseOfTheConvention) {
  const Case c{"all_reduce", "bidirectional_ring", {4, 4, 1}, 2};
  const ScenarioRun run = run_scenario(scenario(c, 4 << 20));
  const double time = run.number("collective.time_ns");
  EXPECT_DOUBLE_EQ(run.number("collective.algbw_gbps"), (4 << 20) * 8.0 / time);
  EXPECT_DOUBLE_EQ(run.number("collective.busbw_gbps"), (4 << 20) * 8.0 / time * 30 / 16);
  // Both directions of a ring carry at most their rate, less headers.
  EXPECT_LT(run.number("collective.busbw_gbps"), 8 * 2 * ring_rate * 512 / packet);
}

}  // namespace
}  // namespace heddle::testing
