// Scheduled leaf: requests, grants, cells and packets, each in its cycle; then whole fabrics.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "leaf_bench.h"
#include "scenario_run.h"

namespace heddle::testing {
namespace {

using Bench = LeafBench;
using Cycles = std::vector<Cycle>;

// --- ingress half
// ---------------------------------------------------------------------------------

TEST(ScheduledLeafTiming, TheRequestLeavesIngressLatencyAfterTheLastByte) {
  for (const Cycle ingress : {1U, 30U, 200U}) {
    for (const unsigned bytes : {84U, 1000U, 4178U}) {
      in_child([=] {
        Bench bench(latencies(ingress, 10));
        bench.host(0).send(100, data_packet(0, 2, static_cast<std::uint16_t>(bytes)));
        const Cycle joined = 100 + (bytes + 49) / 50 + cable + ingress;
        bench.run(joined - 1);
        EXPECT_TRUE(bench.fabric().started().empty());
        bench.run(joined + 1000);
        ASSERT_EQ(bench.fabric().started().size(), 1U);
        EXPECT_EQ(bench.fabric().started()[0].at, joined);
        EXPECT_EQ(bench.fabric().started()[0].frame.kind, FrameKind::voq_status);
        EXPECT_EQ(bench.fabric().started()[0].frame.sequence, (bytes - 20 + 4095) / 4096)
            << "credits for what is stored";
      });
    }
  }
}

TEST(ScheduledLeafTiming, CellsLeaveInTheCycleOfTheCredit) {
  for (const Cycle egress : {1U, 30U, 200U}) {
    in_child([=] {
      Bench bench(latencies(20, egress));
      bench.host(0).send(100, data_packet(0, 2, 276));  // 256 B stored: one cell
      bench.fabric().send(500, control(FrameKind::credit, 0, 1));
      const Cycle credited = 500 + 1 + cable + egress;  // 16 B, then the leaf's own pipeline
      bench.run(credited - 1);
      EXPECT_TRUE(bench.fabric().starts(FrameKind::cell).empty());
      bench.run(credited + 100);
      EXPECT_EQ(bench.fabric().starts(FrameKind::cell), Cycles{credited});
    });
  }
}

TEST(ScheduledLeafTiming, CellsFollowAtLinkRate) {
  in_child([] {
    Bench bench(latencies(20, 10));
    bench.host(0).send(100, data_packet(0, 2, 1044));  // 1,024 B stored: four cells of 272 B
    bench.fabric().send(500, control(FrameKind::credit, 0, 1));
    bench.run(1000);
    EXPECT_EQ(bench.fabric().starts(FrameKind::voq_status), Cycles{148}) << "21 + 7 + 20 later";
    // 5.44 cycles each
    EXPECT_EQ(bench.fabric().starts(FrameKind::cell), (Cycles{518, 524, 529, 535}));
  });
}

TEST(ScheduledLeafTiming, AVoqOverdrawsByOnePacketAndThenWaits) {
  in_child([] {
    Bench bench(latencies(20, 10));
    for (Cycle n = 0; n < 3; ++n) bench.host(0).send(100 + 90 * n, data_packet(0, 2, 4178));
    bench.fabric().send(1000, control(FrameKind::credit, 0, 1));
    bench.fabric().send(2000, control(FrameKind::credit, 0, 2));
    bench.run(1999);
    EXPECT_EQ(bench.fabric().starts(FrameKind::cell).size(), 17U) << "4,158 B with 4,096 of credit";
    bench.run(3000);
    // Packets are packed as the credit comes: the second one starts a cell of its own.
    EXPECT_EQ(bench.fabric().starts(FrameKind::cell).size(), 34U);
  });
}

TEST(ScheduledLeafTiming, TheElementStopsCellsAtOnceAndRequestsNever) {
  // The credit would start a cell at 518; a flow control frame skips the pipeline.
  for (const Cycle arrival : {517U, 518U, 519U}) {
    in_child([=] {
      Bench bench(latencies(20, 10));
      bench.host(0).send(100, data_packet(0, 2, 276));
      bench.host(1).send(700, data_packet(1, 3, 276));
      bench.fabric().send(500, control(FrameKind::credit, 0, 1));
      Frame stop;
      stop.kind = FrameKind::flow_control;
      stop.flags = frame_flag::off;
      stop.wire_bytes = 16;
      bench.fabric().send(arrival - cable - 1, stop);
      bench.run(2000);
      EXPECT_EQ(bench.fabric().starts(FrameKind::cell).size(), arrival <= 518 ? 0U : 1U)
          << "stop at " << arrival;
      EXPECT_EQ(bench.fabric().starts(FrameKind::voq_status).size(), 2U);
    });
  }
}

TEST(ScheduledLeafTiming, TheWatchdogRepeatsARequestThatNobodyAnswers) {
  in_child([] {
    ScheduledConfig config = latencies(20, 10);
    config.credit_watchdog = 5_us;
    Bench bench(config);
    bench.host(0).send(100, data_packet(0, 2, 276));  // joins at 133
    bench.run(133 + 4999);
    ASSERT_EQ(bench.fabric().started().size(), 1U);
    bench.run(133 + 5000);
    ASSERT_EQ(bench.fabric().started().size(), 2U);
    const Seen& again = bench.fabric().started()[1];
    EXPECT_EQ(again.at, 5133U);
    EXPECT_EQ(again.frame.kind, FrameKind::voq_status);
    EXPECT_TRUE(again.frame.has(frame_flag::again));
    EXPECT_EQ(again.frame.sequence, 1U);
  });
}

// --- egress half
// ----------------------------------------------------------------------------------

TEST(ScheduledLeafTiming, AGrantLeavesInTheCycleOfTheRequest) {
  for (const Cycle egress : {1U, 30U, 200U}) {
    in_child([=] {
      Bench bench(latencies(20, egress));
      bench.fabric().send(500, control(FrameKind::voq_status, 1, 1));
      bench.run(2000);
      EXPECT_EQ(bench.fabric().starts(FrameKind::credit), Cycles{500 + 1 + cable + egress});
    });
  }
}

TEST(ScheduledLeafTiming, GrantsFollowAtPortRateAndSpeedUp) {
  for (const double speedup : {1.0, 1.05, 2.0}) {
    in_child([=] {
      ScheduledConfig config = latencies(20, 10);
      config.credit_speedup = speedup;
      Bench bench(config);
      bench.fabric().send(500, control(FrameKind::voq_status, 1, 40));
      bench.run(10'000);
      const Cycles grants = bench.fabric().starts(FrameKind::credit);
      ASSERT_EQ(grants.size(), 40U);
      for (std::size_t n = 0; n < grants.size(); ++n) {
        // One per 4,096 B at 50 B per cycle times the speed-up, never early.
        const double exact = static_cast<double>(n) * 4096 / (50 * speedup);
        EXPECT_EQ(grants[n], 518 + static_cast<Cycle>(std::ceil(exact - 1e-6))) << "grant " << n;
      }
    });
  }
}

/// A cell from leaf 1 that ends a packet of `stored` bytes for host 0.
Frame last_cell(Bench& bench, std::uint32_t sequence, unsigned stored, Cycle at) {
  Frame packet = data_packet(2, 0, static_cast<std::uint16_t>(stored + 20));
  packet.packet = bench.packets().acquire();
  bench.packets()[packet.packet].frame = packet;
  bench.packets()[packet.packet].due = at;
  Frame cell;
  cell.kind = FrameKind::cell;
  cell.source = 1;
  cell.destination = 0;
  cell.sequence = sequence;
  cell.payload_bytes = static_cast<std::uint16_t>(stored);
  cell.wire_bytes = static_cast<std::uint16_t>(stored + 16);
  cell.packet = packet.packet;
  return cell;
}

TEST(ScheduledLeafTiming, APacketIsCompleteEgressLatencyAfterItsLastCell) {
  for (const Cycle egress : {1U, 30U, 200U}) {
    in_child([=] {
      Bench bench(latencies(20, egress));
      bench.fabric().send(500, last_cell(bench, 0, 256, 500));
      bench.run(2000);
      EXPECT_EQ(bench.host(0).starts(FrameKind::packet), Cycles{500 + 6 + cable + egress});
    });
  }
}

TEST(ScheduledLeafTiming, ALaterCellWaitsForTheEarlierOne) {
  in_child([] {
    Bench bench(latencies(20, 10));
    bench.fabric().send(500, last_cell(bench, 1, 134, 500));
    bench.fabric().send(800, last_cell(bench, 0, 134, 800));
    bench.run(2000);
    const Cycle complete = 800 + 3 + cable + 10;
    // 154 B take 3.08 cycles.
    EXPECT_EQ(bench.host(0).starts(FrameKind::packet), (Cycles{complete, complete + 4}));
  });
}

TEST(ScheduledLeafTiming, AFullEgressPortGrantsNothingUntilItDrains) {
  in_child([] {
    ScheduledConfig config = latencies(20, 10);
    config.egress_threshold = 1024_B;
    Bench bench(config);
    // Six packets of 256 B stored (276 B of link time) wait while the host has paused the class.
    bench.host(0).send(400, pause_frame(0, true));
    for (std::uint32_t n = 0; n < 6; ++n) {
      bench.fabric().send(500 + 7 * n, last_cell(bench, n, 256, 500 + 7 * n));
    }
    bench.fabric().send(600, control(FrameKind::voq_status, 0, 1));
    bench.host(0).send(1000 - cable - 2, pause_frame(0, false));
    bench.run(999);
    EXPECT_TRUE(bench.fabric().starts(FrameKind::credit).empty());
    bench.run(2000);
    const Cycles grants = bench.fabric().starts(FrameKind::credit);
    ASSERT_EQ(grants.size(), 1U);
    // 1,656 B wait; 5.52 cycles each from 1000 on; below 1,024 B when three have left, after
    // 1016.56.
    EXPECT_GE(grants[0], 1017U);
    EXPECT_LE(grants[0], 1018U);
  });
}

// --- whole fabrics: one message of one packet, cycle by cycle
// -------------------------------------

struct Path {
  std::uint64_t payload = 100;
  std::uint64_t transmit = 100;
  std::uint64_t receive = 100;
  std::uint64_t ingress = 200;
  std::uint64_t egress = 200;
  std::uint64_t element = 150;
  std::uint64_t host_gbps = 400;
  std::uint64_t host_latency = 50;
  std::uint64_t fabric_gbps = 400;
  std::uint64_t fabric_latency = 300;
};

/// Between two leaves (one element), or in a chassis with the same internal links.
std::string scenario(const Path& path, bool chassis) {
  const auto number = [](std::uint64_t n) { return std::to_string(n); };
  const std::string rate = number(path.fabric_gbps) + " Gbps";
  const std::string latency = number(path.fabric_latency) + " ns";
  std::string text =
      "name: timing\nswitch: scheduled\n"
      "workload: {pattern: incast, senders: 1, receivers: 1, message: " +
      number(path.payload) +
      " B}\n"
      "nic: {transmit_latency: " +
      number(path.transmit) + " ns, receive_latency: " + number(path.receive) +
      " ns}\n"
      "fabric:\n"
      "  host_link: {rate: " +
      number(path.host_gbps) + " Gbps, latency: " + number(path.host_latency) + " ns}\n";
  text += chassis ? "  topology: single\n  hosts: 2\n"
                  : "  topology: leaf_spine\n  leaves: 2\n  spines: 1\n  hosts_per_leaf: 1\n"
                    "  fabric_link: {rate: " +
                        rate + ", latency: " + latency + "}\n";
  text += "scheduled:\n  ingress_latency: " + number(path.ingress) +
          " ns\n  egress_latency: " + number(path.egress) +
          " ns\n  element_latency: " + number(path.element) + " ns\n";
  if (chassis) {
    text += "  chassis: {line_cards: 2, fabric_elements: 1, internal_rate: " + rate +
            ", internal_latency: " + latency + "}\n";
  }
  return text;
}

std::uint64_t wire(std::uint64_t bytes, std::uint64_t gbps) {
  return (bytes * 8 + gbps - 1) / gbps;
}

/// A frame of `bytes` from leaf to leaf, as far as the cycle in which the leaf acts on it.
std::uint64_t across(const Path& path, std::uint64_t bytes) {
  return 2 * (wire(bytes, path.fabric_gbps) + path.fabric_latency) + path.element + path.egress;
}

/// Host to host for a packet that fits one cell, from its first byte on.
std::uint64_t travel(const Path& path, std::uint64_t bytes) {
  const std::uint64_t on_host = wire(bytes, path.host_gbps) + path.host_latency;
  const std::uint64_t cell = bytes - 20 + 16;   // no preamble and gap inside, a cell header
  return on_host + path.ingress +               // into the VOQ
         across(path, 16) + across(path, 16) +  // request and credit
         across(path, cell) +                   // the cell
         on_host + path.receive;
}

void expect_exact(const Path& path) {
  for (const bool chassis : {false, true}) {
    const std::string text = scenario(path, chassis);
    const ScenarioRun run = run_scenario(text);
    ASSERT_EQ(run.exit_code, 0) << run.explanation << text;
    const std::uint64_t latency = path.transmit + travel(path, path.payload + 62 + 20);
    EXPECT_EQ(run.number("latency_ns.count"), 1);
    EXPECT_EQ(run.number("latency_ns.max"), static_cast<double>(latency)) << text;
    // The acknowledgement starts in the cycle of the delivery; its arrival ends the run.
    EXPECT_EQ(run.number("run.cycles"), static_cast<double>(latency + travel(path, 86))) << text;
  }
}

TEST(ScheduledFabricTiming, OnePacketOfOneCellTakesItsCyclesByHand) {
  Path path;
  expect_exact(path);
  path.payload = 1;
  expect_exact(path);
  path.payload = 194;  // 256 B with headers: a full cell
  expect_exact(path);
  path = {150, 37, 91, 123, 77, 55, 400, 17, 400, 211};
  expect_exact(path);
  path = {150, 1, 1, 1, 1, 1, 100, 1, 200, 10};
  expect_exact(path);
  path = {150, 20, 30, 40, 50, 60, 200, 70, 800, 80};
  expect_exact(path);
}

// From the defaults: 100; 4 + 50 (182 B); 200; status and credit 2 * (1 + 300) + 150 + 200 each;
// cell of 178 B 2 * (4 + 300) + 150 + 200; 4 + 50; 100.
TEST(ScheduledFabricTiming, TheDefaultsInNanoseconds) {
  const ScenarioRun run = run_scenario(scenario({}, false));
  EXPECT_EQ(run.number("latency_ns.max"), 100 + 54 + 200 + 2 * 952 + 958 + 54 + 100);
  EXPECT_EQ(run.number("latency_stage_ns.credit_wait.mean"), 2 * 952);
  EXPECT_EQ(run.number("latency_stage_ns.pipeline.mean"), 100 + 200 + 150 + 200 + 100);
  EXPECT_EQ(run.number("latency_stage_ns.propagation.mean"), 50 + 300 + 300 + 50);
  EXPECT_EQ(run.number("latency_stage_ns.serialization.mean"), 4 + 4 + 4 + 4);
}

/// A link of 50 B per cycle, by its contract: exact, the fraction of a cycle carried when frames
/// follow at once, at most one start per cycle.
class NaiveLink {
 public:
  /// Sends a frame that is there in cycle `from`; the cycle after its last byte.
  std::uint64_t send(std::uint64_t from, std::uint64_t bytes) {
    const std::uint64_t start = std::max(from, ready_);
    const bool follows = end_ + 50 > start * 50;
    end_ = (follows ? end_ : start * 50) + bytes;
    ready_ = std::max(start + 1, (end_ + 49) / 50);
    return ready_;
  }

 private:
  std::uint64_t ready_ = 0;
  std::uint64_t end_ = 0;  ///< in byte times, 50 to a cycle
};

// A packet of several cells over one path: the leaf sends them back to back, the element stores
// each; the last one completes the packet.
TEST(ScheduledFabricTiming, CellsOfAPacketFollowOneAnother) {
  for (const std::uint64_t payload : {195U, 300U, 450U, 500U, 1024U, 2000U, 4000U, 4034U, 4096U}) {
    Path path;
    path.payload = payload;
    const ScenarioRun run = run_scenario(scenario(path, false));
    const std::uint64_t on_host = wire(payload + 82, 400) + path.host_latency;
    const std::uint64_t credited = path.transmit + on_host + path.ingress + 2 * across(path, 16);
    NaiveLink up;
    NaiveLink down;
    std::uint64_t complete = 0;
    for (std::uint64_t left = payload + 62; left > 0;) {
      const std::uint64_t bytes = std::min<std::uint64_t>(left, 256);
      left -= bytes;
      const std::uint64_t at_element =
          up.send(credited, bytes + 16) + path.fabric_latency + path.element;
      complete = down.send(at_element, bytes + 16) + path.fabric_latency + path.egress;
    }
    EXPECT_EQ(run.number("latency_ns.max"), static_cast<double>(complete + on_host + path.receive))
        << payload << " B";
  }
}

// Between two hosts of one leaf everything passes the loops inside: a cell of 272 B per cycle, 50
// ns.
TEST(ScheduledFabricTiming, WithinALeaf) {
  const std::string text =
      "name: inside\nswitch: scheduled\n"
      "workload: {pattern: incast, senders: 1, receivers: 1, message: 100 B}\n"
      "fabric: {topology: leaf_spine, leaves: 1, spines: 1, hosts_per_leaf: 2}\n";
  const ScenarioRun run = run_scenario(text);
  ASSERT_EQ(run.exit_code, 0) << run.explanation;
  const auto across_leaf = [](std::uint64_t bytes) { return wire(bytes, 2176) + 50 + 200; };
  EXPECT_EQ(run.number("latency_ns.max"), static_cast<double>(100 + 54 + 200 + 2 * across_leaf(16) +
                                                              across_leaf(178) + 54 + 100));
}

}  // namespace
}  // namespace heddle::testing
