// Legal scenarios at the edges of the models, each of which has once broken a check, stalled or
// given a wrong figure: bursts of credits, tiny packets in large cells, windows smaller than the
// acknowledgement interval, trimmed headers, long silences.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <string>

#include "engine/statistics.h"
#include "kernel/error.h"
#include "scenario_run.h"

namespace heddle::testing {
namespace {

ScenarioRun expect_done(const std::string& yaml) {
  ScenarioRun run = run_scenario(yaml);
  EXPECT_EQ(run.exit_code, 0) << run.explanation << "\nreproduce: heddle run on\n" << yaml;
  return run;
}

/// A connection matrix of lines "source->destination bytes", all starting at 0.
class MatrixFile {
 public:
  explicit MatrixFile(unsigned nodes) : nodes_(nodes) {}

  void add(unsigned source, unsigned destination, std::uint64_t bytes) {
    lines_ += std::to_string(source) + "->" + std::to_string(destination) + " id " +
              std::to_string(++count_) + " start 0 size " + std::to_string(bytes) + "\n";
  }
  /// `workload: {file: ...}` for what was added.
  std::string workload(const std::string& name) const {
    const std::string path = ::testing::TempDir() + name + ".cm";
    std::ofstream(path) << "Nodes " << nodes_ << "\nConnections " << count_ << "\n" << lines_;
    return "workload: {file: '" + path + "'}\n";
  }

 private:
  unsigned nodes_;
  unsigned count_ = 0;
  std::string lines_;
};

// Two VOQs are granted what their leaves' full uplinks keep them from sending: 14 MB for one port,
// while 31 other hosts of each leaf send four times what the fabric carries.
TEST(HardScenario, ABlockedVoqDoesNotSaveUpCredits) {
  constexpr unsigned hosts = 32;
  MatrixFile matrix(5 * hosts);
  for (const unsigned leaf : {1U, 2U}) {
    matrix.add(leaf * hosts, 0, 14'000'000);
    for (unsigned h = 1; h < hosts; ++h) {
      matrix.add(leaf * hosts + h, (leaf + 2) * hosts + h, 4'700'000);
    }
  }
  const ScenarioRun run = expect_done(matrix.workload("blocked_voq") +
                                      "switch: scheduled\n"
                                      "fabric: {leaves: 5, spines: 2, hosts_per_leaf: 32,\n"
                                      "         host_link: {rate: 100 Gbps, latency: 50 ns}}\n");
  EXPECT_LT(run.number("buffers.leaf0.egress.peak_bytes"), 1e6);
}

// Uplinks full of packets going up, whose memory the packets coming down need: with one class and
// little memory every leaf is xoff on both sides.
TEST(HardScenario, UpAndDownDoNotWaitForEachOther) {
  expect_done(
      "workload: {pattern: uniform, message: 256 B, load: 0.9, duration: 50 us}\n"
      "switch: adaptive\nrouting: ecmp\n"
      "fabric: {leaves: 4, spines: 4, hosts_per_leaf: 4, links_per_spine: 2,\n"
      "         host_link: {rate: 800 Gbps, latency: 500 ns},\n"
      "         fabric_link: {rate: 100 Gbps, latency: 300 ns}}\n"
      "adaptive: {memory: {buffer: 2 MB}}\nclasses: [{lossless: true}]\n"
      "nic: {receive: go_back_n, retransmission_timeout: 30 ms}\n");
}

TEST(HardScenario, HostsOfOneLeafReachEachOtherAtLineRate) {
  const std::string text =
      "workload: {pattern: permutation, permutation: shift, shift: 1, message: 1 MB}\n"
      "fabric: {leaves: 2, hosts_per_leaf: 16, spines: 16}\n";
  const double scheduled = expect_done(text + "switch: scheduled\n").number("throughput.gbps");
  const double adaptive = expect_done(text + "switch: adaptive\n").number("throughput.gbps");
  EXPECT_GT(scheduled, 0.95 * adaptive);
}

TEST(HardScenario, HeadroomHoldsTheSmallestPacketsInLargeCells) {
  MatrixFile matrix(4);
  for (unsigned n = 0; n < 20'000; ++n) {
    for (const unsigned source : {1U, 2U, 3U}) matrix.add(source, 0, 1);
  }
  const std::string workload = matrix.workload("smallest_packets");
  expect_done(workload +
              "switch: scheduled\nscheduled: {buffer: 2 MiB, chassis: {line_cards: 1}}\n"
              "fabric: {topology: single, hosts: 4, host_link: {latency: 500 ns}}\n");
  expect_done(workload +
              "switch: adaptive\nadaptive: {memory: {buffer: 4 MiB, cell: 1024 B}}\n"
              "fabric: {topology: single, hosts: 4}\n");
}

const std::string trimming =
    "workload: {pattern: incast, senders: 15, receivers: 1, message: 300 KB}\n"
    "switch: adaptive\nfabric: {topology: single, hosts: 16}\n"
    "classes: [{lossless: false}, {scheduling: strict}]\n";

TEST(HardScenario, TrimmedHeadersAreLossyInALosslessClass) {
  expect_done(trimming +
              "adaptive: {trimming: true, memory: {buffer: 4 MB}}\n"
              "nic: {receive: selective_repeat, mtu: 256 B}\n");
}

TEST(HardScenario, ATrimmedPacketIsSentAgainOnce) {
  for (const char* receive : {"selective_repeat", "out_of_order_placement"}) {
    const ScenarioRun run = expect_done(trimming +
                                        "adaptive: {trimming: true, memory: {buffer: 3 MB}}\n"
                                        "nic: {receive: " +
                                        receive + "}\n");
    EXPECT_GT(run.number("packets.trimmed"), 0);
    EXPECT_EQ(run.number("packets.dropped"), 0);
    EXPECT_EQ(run.number("packets.retransmitted"), run.number("packets.trimmed")) << receive;
  }
}

TEST(HardScenario, SilenceBeforeTheFirstMessageIsNotAStall) {
  const std::string fabric = "switch: adaptive\nfabric: {topology: single, hosts: 4}\n";
  const ScenarioRun late =
      expect_done(fabric + "workload: {pattern: permutation, message: 1 MB, start: 60 ms}\n");
  const ScenarioRun at_once =
      expect_done(fabric + "workload: {pattern: permutation, message: 1 MB}\n");
  EXPECT_NEAR(late.number("throughput.gbps"), at_once.number("throughput.gbps"), 1e-6);
}

TEST(HardScenario, ANoProgressRunEndsInTheSameCycleWithoutIdleSkipping) {
  const std::string starving =
      "workload: {pattern: incast, senders: 3, message: 1 MB}\nswitch: adaptive\n"
      "fabric: {topology: single, hosts: 4}\n"
      "adaptive: {memory: {xoff: 0 B, headroom: 0 B}}\n"
      "nic: {retransmission_timeout: 1 ms}\nmeasure: {watchdog: 2 ms}\n";
  RunOptions every_cycle;
  every_cycle.wake_every_cycle = true;
  const ScenarioRun skipping = run_scenario(starving);
  const ScenarioRun plodding = run_scenario(starving, every_cycle);
  EXPECT_EQ(skipping.exit_code, 4) << skipping.explanation;
  EXPECT_EQ(plodding.exit_code, 4);
  EXPECT_EQ(skipping.hash(), plodding.hash());
  EXPECT_EQ(skipping.explanation, plodding.explanation);
}

TEST(HardScenario, AWindowBelowTheAcknowledgementIntervalKeepsMoving) {
  for (const char* kind : {"scheduled", "adaptive"}) {
    for (const char* receive : {"go_back_n", "selective_repeat", "out_of_order_placement"}) {
      const ScenarioRun run = expect_done(
          "workload: {pattern: permutation, message: 1 MB}\nfabric: {topology: single, hosts: 4}\n"
          "switch: " +
          std::string(kind) + "\nnic: {window: 32 KiB, receive: " + receive + "}\n");
      EXPECT_EQ(run.number("packets.time_outs"), 0) << kind << ' ' << receive;
      EXPECT_GT(run.number("throughput.gbps"), 100) << kind << ' ' << receive;
    }
  }
}

TEST(HardScenario, DatagramsHaveNoWindow) {
  const ScenarioRun run = expect_done(
      "workload: {pattern: permutation, permutation: shift, shift: 1, message: 64 MB}\n"
      "switch: adaptive\nfabric: {topology: single, hosts: 2}\n"
      "nic: {receive: unreliable_datagram}\n");
  EXPECT_GT(run.number("throughput.gbps"), 700);
}

TEST(HardScenario, AnUnroundSpeedUpIsMet) {
  const ScenarioRun run = expect_done(
      "workload: {pattern: permutation, permutation: shift, shift: 1, message: 20 MB}\n"
      "switch: scheduled\nscheduled: {credit_speedup: 0.500003}\n"
      "fabric: {topology: single, hosts: 4, host_link: {rate: 400.000001 Gbps}}\n");
  // Four hosts at 400 Gbps, half of it granted; 4,096 of 4,158 stored bytes are payload.
  EXPECT_NEAR(run.number("throughput.gbps"), 4 * 400 * 0.5 * 4096 / 4158, 10);
}

TEST(HardScenario, WarmUpLeavesNoHoleInTheOrderOfDatagrams) {
  const ScenarioRun run = expect_done(
      "workload: {pattern: uniform, load: 0.5, message: 4 KiB, duration: 40 us}\n"
      "switch: scheduled\nfabric: {leaves: 2, spines: 2, hosts_per_leaf: 4}\n"
      "nic: {receive: unreliable_datagram}\nmeasure: {warmup: 20 us}\n");
  EXPECT_EQ(run.number("reordering.buffer_density"), 0) << "a scheduled fabric keeps the order";
}

TEST(HardScenario, APacketIsMarkedOnce) {
  const ScenarioRun run = expect_done(
      "workload: {pattern: permutation, permutation: shift, shift: 4, message: 1 MB}\n"
      "switch: adaptive\nrouting: spray\nfabric: {leaves: 4, spines: 2, hosts_per_leaf: 4}\n"
      "adaptive: {ecn: {kmin: 0 B, kmax: 0 B}}\nnic: {receive: out_of_order_placement}\n");
  EXPECT_GT(run.number("packets.marked"), 0);
  EXPECT_LE(run.number("packets.marked"), run.number("packets.delivered"));
}

// Weights of classes are shares of bytes, also where the packets of one are 26 times as long.
TEST(HardScenario, ClassesOfANicShareBytes) {
  const ScenarioRun run = run_scenario(
      "workload:\n"
      "  - {pattern: bursty, load: 1, burst: 1000000, message: 64 B, duration: 100 us}\n"
      "  - {pattern: bursty, load: 1, burst: 1000000, message: 4 KiB, duration: 100 us,\n"
      "     traffic_class: 1}\n"
      "switch: adaptive\nfabric: {topology: single, hosts: 2}\n"
      "classes: [{weight: 1}, {weight: 1}, {scheduling: strict}]\n"
      "nic: {receive: unreliable_datagram}\nmeasure: {deadline: 100 us}\n");
  ASSERT_EQ(run.exit_code, 5) << run.explanation;
  // Half of 5 MB per host each: packets of 154 B and of 4,186 B on the wire, payload 64 and 4,096.
  const double half = 100e-6 * 400e9 / 8 / 2;
  const double payload = 2 * half * (64.0 / 154 + 4096.0 / 4186);
  EXPECT_NEAR(run.number("throughput.gbps"), payload * 8 / 100e-6 * 1e-9, 30);
}

// A queue pair's number is 16 bits wide; messages to another host use up its generations.
TEST(HardScenario, AQueuePairServesMoreMessagesThanItHasGenerations) {
  MatrixFile matrix(3);
  matrix.add(0, 1, 1);
  for (unsigned n = 0; n < 33'000; ++n) matrix.add(0, 2, 1);
  const ScenarioRun run = expect_done(matrix.workload("generations") +
                                      "switch: adaptive\nfabric: {topology: single, hosts: 3}\n");
  EXPECT_EQ(run.number("messages.count"), 33'001);
}

void expect_rejected(const std::string& yaml, const std::string& key) {
  try {
    run_scenario(yaml);
    ADD_FAILURE() << "accepted:\n" << yaml;
  } catch (const InputError& error) {
    EXPECT_NE(std::string(error.what()).find(key), std::string::npos) << error.what();
  }
}

TEST(HardScenario, WhatCannotBeBuiltIsRejectedWithItsKey) {
  expect_rejected("nic: {retransmission_timeout: 67 ms}\n", "measure.watchdog");
  expect_rejected("fabric: {clock: 10 GHz}\nmeasure: {deadline: 1 s}\n", "measure.deadline");
  expect_rejected("fabric: {clock: 1.35 GHz}\n", "fabric.clock");
  expect_rejected("fabric: {fabric_link: {rate: 2400 Gbps, latency: 10 ns}}\n",
                  "fabric.fabric_link.rate");
  expect_rejected("switch: adaptive\nadaptive: {memory: {buffer: 1 KiB}}\n",
                  "adaptive.memory.buffer");
  expect_rejected("scheduled: {buffer: 100 KB}\n", "scheduled.buffer");
  expect_rejected(
      "switch: adaptive\nfabric: {leaves: 2, hosts_per_leaf: 1, spines: 1030, links_per_spine: 64}"
      "\nadaptive: {memory: {buffer: 60 GB}}\n",
      "ports");
}

// Pauses to four hosts crawl at 100 Mbps while the hosts send at 1.6 Tbps: what they overrun is a
// drop, not a defect.
TEST(HardScenario, PausesOnADegradedLinkComeTooLate) {
  const ScenarioRun run = expect_done(
      "switch: adaptive\n"
      "workload: {pattern: incast, senders: 4, message: 4 MB}\n"
      "fabric: {topology: single, hosts: 5, host_link: {rate: 1.6 Tbps, latency: 50 ns}}\n"
      "adaptive: {memory: {buffer: 4 MB}}\n"
      "nic: {receive: unreliable_datagram}\n"
      "events: {at: 100 ns, action: degrade, link: 'leaf0-host[1-4]', one_way: true,\n"
      "         rate: 100 Mbps}\n");
  EXPECT_GT(run.number("packets.dropped_by_reason.headroom"), 0);
}

// A switch that cuts through from a cable that has become slow waits for whole packets: the last
// byte arrives when the cable has carried it.
TEST(HardScenario, NobodyIsFasterThanTheDegradedCable) {
  const ScenarioRun run = expect_done(
      "switch: adaptive\n"
      "workload: {pattern: permutation, permutation: shift, shift: 1, message: 4 KiB, start: 1 "
      "us}\n"
      "fabric: {topology: single, hosts: 2, host_link: {rate: 400 Gbps, latency: 50 ns}}\n"
      "events: {at: 0 ns, action: degrade, link: host0-leaf0, one_way: true, rate: 1 Gbps}\n");
  EXPECT_GE(run.number("messages.completion_ns.max"), 4096 * 8);
}

// The only packet starts on a link that has failed: it is gone at once, its memory 33 us later.
TEST(HardScenario, ALostPacketLeavesItsMemoryWhenItsLastByteWouldHaveLeft) {
  const ScenarioRun run = expect_done(
      "switch: scheduled\nworkload: {pattern: incast, message: 4 KiB}\n"
      "fabric: {topology: single, hosts: 4, host_link: {rate: 1 Gbps}}\n"
      "nic: {receive: unreliable_datagram}\n"
      "events: {at: 20 us, action: fail, link: leaf0-host0, one_way: true}\n");
  EXPECT_EQ(run.number("packets.dropped_by_reason.link"), 1);
}

// The first cells of the only packet have come when all links to their leaf fail, and no later cell
// ever shows that the rest is missing.
TEST(HardScenario, PiecesOfALostPacketMayStay) {
  const ScenarioRun run = expect_done(
      "switch: scheduled\nworkload: {pattern: incast, message: 4 KiB}\n"
      "fabric: {leaves: 2, spines: 2, hosts_per_leaf: 1, fabric_link: {rate: 10 Gbps}}\n"
      "nic: {receive: unreliable_datagram}\n"
      "events: {at: 3.2 us, action: fail, link: 'leaf*-spine*', one_way: true}\n");
  EXPECT_EQ(run.number("packets.dropped"), 1);
}

// Two packets overdraw a credit of 7 KB. Each later credit is owed less the overdraft, down to less
// than a packet: what is owed then cannot come without another credit, and there is no other VOQ.
TEST(HardScenario, OverdraftsDoNotAddUpToADeadlock) {
  expect_done(
      "switch: scheduled\nworkload: {pattern: incast, message: 1 MB}\nclasses: [{}]\n"
      "fabric: {topology: single, hosts: 2, host_link: {rate: 1 Gbps, latency: 10 ns}}\n"
      "scheduled: {credit: 7 KB, egress_threshold: 5 MB, chassis: {line_cards: 1}}\n"
      "nic: {receive: unreliable_datagram}\n");
}

// The run is over before its event.
TEST(HardScenario, AnEventThatNeverCame) {
  const ScenarioRun run = expect_done(
      "switch: adaptive\n"
      "workload: {pattern: permutation, message: 1 KiB}\nfabric: {topology: single, hosts: 2}\n"
      "events: {at: 1 ms, action: fail, link: host0-leaf0}\n");
  EXPECT_TRUE(run.results.at("events").is_object());
  EXPECT_NO_THROW(check_declared(run.results));
}

std::string error_of(const std::string& yaml) {
  const ScenarioRun run = run_scenario(yaml);
  EXPECT_EQ(run.exit_code, 2) << run.explanation;
  return run.explanation;
}

// What a host cannot keep apart is the workload's fault, and its key is named.
TEST(HardScenario, TooManyOpenMessagesNameTheKeyThatMakesThem) {
  const std::string two_hosts = "switch: adaptive\nfabric: {topology: single, hosts: 2}\n";
  MatrixFile matrix(2);
  for (unsigned n = 0; n < 65'536; ++n) matrix.add(0, 1, 1);
  expect_done(two_hosts + matrix.workload("just_enough"));
  matrix.add(0, 1, 1);
  EXPECT_EQ(
      error_of(two_hosts + matrix.workload("too_many")),
      "scenario of this test: workload.file: host0 has over 65,536 messages open after 100 ns; " +
          ::testing::TempDir() + "too_many.cm starts too many at a time");
  // Half of what four hosts send crosses links of a thousandth of their rate.
  const std::string error = error_of(
      "switch: adaptive\nfabric: {leaves: 2, spines: 1, hosts_per_leaf: 2,\n"
      "  host_link: {rate: 400 Gbps}, fabric_link: {rate: 400 Mbps}}\n"
      "workload: [{message: 1 KiB},\n"
      "  {pattern: uniform, load: 0.9, message: 64 B, duration: 1 ms}]\n");
  EXPECT_NE(error.find("scenario of this test: workload.1.load: host"), std::string::npos) << error;
  EXPECT_NE(error.find("0.9 is more than the fabric carries"), std::string::npos) << error;
}

}  // namespace
}  // namespace heddle::testing
