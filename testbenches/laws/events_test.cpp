// Events of a scenario: links fail, return, slow down and flip bits in a running fabric.
#include <gtest/gtest.h>

#include <string>

#include "engine/loader.h"
#include "kernel/error.h"
#include "scenario_run.h"

namespace heddle::testing {
namespace {

const std::string adaptive =
    "switch: adaptive\nrouting: spray\n"
    "fabric: {leaves: 2, spines: 4, hosts_per_leaf: 4}\n"
    "workload: {pattern: permutation, permutation: shift, shift: 4, message: 2 MB}\n"
    "nic: {receive: out_of_order_placement, retransmission_timeout: 50 us}\n";

ScenarioRun expect_done(const std::string& yaml) {
  ScenarioRun run = run_scenario(yaml);
  EXPECT_EQ(run.exit_code, 0) << run.explanation << "\nreproduce: heddle run on\n" << yaml;
  return run;
}

std::string error_of(const std::string& yaml) {
  try {
    load_text(yaml, "test.yaml", {});
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

// Each leaf has two hosts' worth of uplinks to spare, so all that a failure costs is what it loses.
TEST(Events, NothingIsLostOnceTheFailureIsNoticed) {
  const ScenarioRun run =
      expect_done(adaptive +
                  "adaptive: {detection_delay: 5 us, withdrawal_delay: 10 us}\n"
                  "events:\n"
                  "  - {at: 10 us, action: fail, link: leaf0.4-spine0.0}\n"
                  "  - {at: 30 us, action: corrupt, link: leaf0.5-spine1.0, bit_error_ratio: 0}\n");
  EXPECT_EQ(run.number("events.0.noticed_after_ns"), 5000);
  EXPECT_GT(run.number("events.0.packets_lost"), 0);
  EXPECT_EQ(run.number("events.1.packets_lost"), 0) << "the second event only divides the time";
  // Until the other leaf knows, the spine has no way to hosts 0 to 3.
  EXPECT_GT(run.number("packets.dropped_by_reason.unreachable"), 0);
  EXPECT_EQ(run.number("packets.retransmitted"), run.number("packets.dropped"));
  // The earliest time-out repeats what was lost first; the last repeated packet ends its message.
  EXPECT_GT(run.number("events.1.recovered_after_ns"), 50'000 - 20'000);
  EXPECT_LE(run.number("events.1.recovered_after_ns") + 30'000,
            run.number("messages.completion_ns.max"));
  EXPECT_EQ(run.number("messages.count"), 8);
  // One time-out of each host finds all that it lost, and that is repeated in a burst.
  EXPECT_LE(run.number("packets.time_outs"), 8);
  EXPECT_LT(run.number("messages.completion_ns.max"), 10'000 + 50'000 + 20'000);
}

// Four hosts fill four uplinks. With three, their leaf sends three quarters, the other leaf all.
TEST(Events, TheRateFollowsTheLinks) {
  const ScenarioRun run = run_scenario(
      "switch: adaptive\nrouting: spray\nfabric: {leaves: 2, spines: 4, hosts_per_leaf: 4}\n"
      "workload: {pattern: permutation, permutation: shift, shift: 4, message: 20 MB}\n"
      "nic: {receive: unreliable_datagram}\n"
      "adaptive: {detection_delay: 5 us, spray: round_robin}\n"
      "events:\n"
      "  - {at: 50 us, action: fail, link: leaf0.4-spine0.0, one_way: true}\n"
      "  - {at: 150 us, action: restore, link: leaf0.4-spine0.0, one_way: true}\n"
      "measure: {deadline: 250 us}\n");
  EXPECT_EQ(run.exit_code, 5) << run.explanation;
  const double payload = 4096.0 / 4174;  // of the bytes on the wire
  EXPECT_NEAR(run.number("events.0.gbps.after"), (1600 + 1200) * payload, 30);
  // What waits at the three links comes between packets that the fourth now carries at once, so for
  // a while some receivers are sent more than they can take.
  EXPECT_GT(run.number("events.1.gbps.after"), 0.95 * (1600 + 1600) * payload);
  EXPECT_LE(run.number("events.1.gbps.after"), (1600 + 1600) * payload);
}

TEST(Events, ADegradedHostLinkCarriesItsRate) {
  const ScenarioRun run = expect_done(
      "switch: adaptive\nfabric: {topology: single, hosts: 4}\n"
      "workload: {pattern: incast, senders: 3, message: 4 MB}\n"
      "events: {at: 20 us, action: degrade, link: leaf0-host0, one_way: true, rate: 100 Gbps}\n"
      "nic: {retransmission_timeout: 10 ms}\n");
  // 4,096 of 4,178 bytes on the wire are payload; the last part of the run is as fast as the link.
  EXPECT_NEAR(run.number("events.0.gbps.after"), 100 * 4096.0 / 4178, 1);
}

class EventsByReceiveMode : public ::testing::TestWithParam<std::string> {};

// Bits flip for the whole run on all links: each transport brings every message home.
TEST_P(EventsByReceiveMode, WhatIsLostIsRepeated) {
  const ScenarioRun run = expect_done(
      "switch: adaptive\nrouting: ecmp\nfabric: {leaves: 2, spines: 2, hosts_per_leaf: 2}\n"
      "workload: {pattern: permutation, permutation: shift, shift: 2, message: 2 MB}\n"
      "nic: {retransmission_timeout: 50 us, receive: " +
      GetParam() +
      "}\n"
      "events: {at: 1 us, action: corrupt, link: '*', bit_error_ratio: 0.0000003}\n");
  EXPECT_EQ(run.number("messages.count"), 4);
  EXPECT_GT(run.number("packets.dropped_by_reason.link"), 0);
  EXPECT_GE(run.number("packets.retransmitted"), run.number("packets.dropped_by_reason.link"));
}

INSTANTIATE_TEST_SUITE_P(Modes, EventsByReceiveMode,
                         ::testing::Values("go_back_n", "selective_repeat",
                                           "out_of_order_placement"));

// Packets are placed and sprayed over links of which two lose some of them at any time: order alone
// never makes a packet be sent twice, only its loss or that of an answer.
TEST(Events, OfSprayedPacketsOnlyTheLostAreRepeated) {
  for (unsigned seed = 1; seed <= 8; ++seed) {
    const ScenarioRun run = expect_done(
        adaptive + "seed: " + std::to_string(seed) +
        "\nevents:\n"
        "  - {at: 1 us, action: corrupt, link: leaf0.4-spine0.0, bit_error_ratio: 1e-6}\n"
        "  - {at: 2 us, action: corrupt, link: leaf1.6-spine2.1, bit_error_ratio: 1e-5}\n");
    const double lost = run.number("packets.dropped");
    const double time_outs = run.number("packets.time_outs");
    EXPECT_EQ(run.number("messages.count"), 8);
    EXPECT_GT(run.number("reordering.ratio"), 0);
    EXPECT_GT(lost, 200);
    EXPECT_GE(run.number("packets.retransmitted"), lost);
    EXPECT_LE(run.number("packets.retransmitted"), lost + time_outs) << "one question each";
    EXPECT_LE(run.number("packets.discarded"), time_outs);
    EXPECT_LT(time_outs, lost / 8) << "a time-out brings back all that was lost before it";
  }
}

TEST(Events, AFlapThatNobodyNoticesCostsWhatItLoses) {
  const ScenarioRun run = expect_done(
      adaptive +
      "adaptive: {detection_delay: 5 us}\n"
      "events: {at: 10 us, action: flap, link: leaf0.4-spine0.0, down: 1 us, period: 10 us,\n"
      "         times: 3}\n");
  EXPECT_GT(run.number("packets.dropped_by_reason.link"), 0);
  EXPECT_EQ(run.number("packets.dropped_by_reason.unreachable"), 0);
  EXPECT_FALSE(run.results.at("events").at("0").contains("noticed_after_ns"));
}

// --- the scheduled fabric
// ------------------------------------------------------------------------------------

const std::string scheduled =
    "switch: scheduled\nfabric: {leaves: 2, spines: 4, hosts_per_leaf: 4}\n"
    "workload: {pattern: permutation, permutation: shift, shift: 4, message: 20 MB}\n"
    "nic: {receive: unreliable_datagram}\n";

// Case 18. All uplinks are full, and half of leaf 0's fail. Reachability frames start each 44.8 us;
// elements hear the last one before the failure 1 + 300 + 150 cycles after 89.6 us (start, flight,
// pipeline), find the link silent 100 us later, and tell leaf 1 within 1 + 300 + 200 cycles: that
// is the last that changes. A hello may start behind a cell of 6 cycles.
TEST(Case18, HalfTheLinksFail) {
  const ScenarioRun run =
      run_scenario(scheduled +
                   "events:\n"  // the first and the last only divide the time
                   "  - {at: 20 us, action: corrupt, link: '*', bit_error_ratio: 0}\n"
                   "  - {at: 100 us, action: fail, link: 'leaf0.*-spine[01].*'}\n"
                   "  - {at: 230 us, action: corrupt, link: '*', bit_error_ratio: 0}\n"
                   "measure: {deadline: 380 us}\n");
  EXPECT_EQ(run.exit_code, 5) << run.explanation;
  const double silent = 1 + 2 * 44'800 + (1 + 300 + 150);  // + 100 us, - 100 us
  EXPECT_GE(run.number("events.1.noticed_after_ns"), silent + 1 + 300 + 200);
  EXPECT_LE(run.number("events.1.noticed_after_ns"), silent + 1 + 300 + 200 + 2 * 6);
  EXPECT_GT(run.number("events.1.packets_lost"), 0);
  // Later only hellos are lost: both ends of two cables send at 268.8, 313.6 and 358.4 us.
  EXPECT_EQ(run.number("events.2.packets_lost"), 0);
  EXPECT_EQ(run.number("events.2.frames_lost"), 2 * 2 * 3);
  EXPECT_NEAR(run.number("events.2.gbps.after") / run.number("events.1.gbps.before"), 0.5, 0.01);
}

TEST(Events, TheScheduledFabricTakesLinksBack) {
  const ScenarioRun run = run_scenario(
      scheduled +
      "events:\n"
      "  - {at: 100 us, action: flap, link: leaf0.4-spine0.0, down: 150 us, period: 400 us}\n"
      "  - {at: 350 us, action: corrupt, link: '*', bit_error_ratio: 0}\n"
      "measure: {deadline: 450 us}\n");
  EXPECT_EQ(run.exit_code, 5) << run.explanation;
  EXPECT_GT(run.number("events.1.gbps.after"), 0.9 * run.number("events.0.gbps.before"));
}

TEST(Events, TheScheduledFabricRepairsWhatBitErrorsBreak) {
  for (const std::string receive : {"go_back_n", "selective_repeat", "out_of_order_placement"}) {
    for (const std::string segmentation : {"packed", "unpacked"}) {
      SCOPED_TRACE(receive + ", " + segmentation);
      const ScenarioRun run = expect_done(
          "switch: scheduled\nfabric: {leaves: 3, spines: 3, hosts_per_leaf: 2}\n"
          "scheduled: {segmentation: " +
          segmentation +
          "}\n"
          "workload: {pattern: all_to_all, message: 300 KB}\n"
          "nic: {mtu: 1 KiB, retransmission_timeout: 200 us, receive: " +
          receive +
          "}\n"
          "events: {at: 1 us, action: corrupt, link: 'leaf*-spine*', bit_error_ratio: "
          "0.0000005}\n");
      EXPECT_EQ(run.number("messages.count"), 30);
      EXPECT_GT(run.number("packets.dropped_by_reason.incomplete"), 0);
    }
  }
}

TEST(Events, OrderOfDevicesDoesNotMatter) {
  const std::string yaml =
      adaptive +
      "events:\n"
      "  - {at: 10 us, action: flap, link: 'leaf?.*-spine1.*', down: 15 us, period: 25 us,\n"
      "     times: 2}\n"
      "  - {at: 12 us, action: corrupt, link: '*', bit_error_ratio: 0.000001}\n"
      "  - {at: 14 us, action: degrade, link: host3-leaf0, rate: 123.4 Gbps}\n";
  RunOptions shuffled;
  shuffled.shuffle_devices = true;
  RunOptions awake;
  awake.wake_every_cycle = true;
  std::string other = yaml;
  other.replace(other.find("switch: adaptive"), 16, "switch: scheduled");
  other.erase(other.find("routing: spray\n"), 15);
  for (const std::string& text : {yaml, other}) {
    const std::string hash = expect_done(text).hash();
    EXPECT_EQ(run_scenario(text, shuffled).hash(), hash) << text;
    EXPECT_EQ(run_scenario(text, awake).hash(), hash) << text;
  }
}

// The first words of all elements are lost, so each leaf must notice by itself that it hears none:
// in the cycle of its watchdog, whatever else it is woken for.
TEST(Events, ALinkThatWasNeverHeardIsNoticedByTheWatchdog) {
  const std::string yaml =
      "switch: scheduled\nfabric: {leaves: 2, spines: 2, hosts_per_leaf: 2}\n"
      "workload: {pattern: permutation, permutation: shift, shift: 2, message: 100 KB,\n"
      "           start: 5 us}\n"
      "scheduled: {reachability_period: 5 us, reachability_watchdog: 20 us}\n"
      "nic: {retransmission_timeout: 30 us}\n"
      "events: {at: 100 ns, action: fail, link: 'leaf*-spine0.*'}\n";
  const ScenarioRun run = expect_done(yaml);
  EXPECT_EQ(run.number("events.0.noticed_after_ns"), 20'000 - 100);
  RunOptions awake;
  awake.wake_every_cycle = true;
  EXPECT_EQ(run_scenario(yaml, awake).hash(), run.hash());
}

TEST(Events, WhatCannotHappenIsRefused) {
  const auto with = [](const std::string& events) { return error_of(adaptive + events); };
  const auto contains = [](const std::string& text, const std::string& part) {
    EXPECT_NE(text.find(part), std::string::npos) << "in: " << text;
  };
  contains(with("events: {at: 1 us, link: leaf0.4-spine0.1}"),
           "events.0.link: no link is called 'leaf0.4-spine0.1'; did you mean 'leaf0.4-spine0.0'?");
  contains(with("events: {at: 1 us}"), "events.0.link: no link is called ''");
  contains(with("events: {at: 1 s, link: host0-leaf0}"),
           "events.0.at: 1 s is not before the deadline of the run, 100 ms");
  contains(with("events: {at: 1 us, action: restore, link: host0-leaf0}"),
           "events.0: 'host0-leaf0' has not failed before 1 us");
  contains(with("events: [{at: 2 us, link: host0-leaf0}, {at: 1 us, link: host0-leaf0}]"),
           "events.0: 'host0-leaf0' is down already at 2 us");
  contains(with("events: {at: 1 us, action: flap, link: host0-leaf0, down: 3 us, period: 2 us}"),
           "events.0.down: 3 us is not below the period, 2 us");
  contains(with("events: {at: 1 us, action: flap, link: host0-leaf0, period: 1 s, times: 2}"),
           "events.0.times: the last failure");
  contains(with("events: {at: 1 us, action: degrade, link: 'leaf0.*', rate: 500 Gbps}"),
           "events.0.rate: 500 Gbps is above the rate of ");
  contains(error_of("scheduled: {reachability_watchdog: 40 us}\n"
                    "events: {at: 1 us, link: host0-leaf0}\n"),
           "scheduled.reachability_watchdog: 40 us is not above reachability_period, 44.8 us");
  contains(with("events: {at: 1 us, action: fail, link: host0-leaf0, rate: 1 Gbps}"),
           "applies only when");
  contains(with("events: {at: 1 us, action: break, link: host0-leaf0}"), "events");
}

}  // namespace
}  // namespace heddle::testing
