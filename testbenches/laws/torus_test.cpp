// Laws of a torus: whatever its size, rates and traffic, every packet arrives, no room is lost, and
// nobody waits for ever; unless the datelines are taken away, and then it is said who waits for
// whom.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "engine/loader.h"
#include "engine/statistics.h"
#include "kernel/error.h"
#include "long_tests.h"
#include "random_torus.h"
#include "scenario_run.h"

namespace heddle::testing {
namespace {

constexpr unsigned cpu_limit_s = 30;

std::string reproduce(const std::string& yaml) { return "\nreproduce: `heddle run` on\n" + yaml; }

// --- deadlock -----------------------------------------------------------------------------------

/// A ring of eight, buffers of one packet, all nodes send all the time.
std::string tight_ring(bool dateline) {
  return fmt::format(
      "switch: torus\n"
      "workload: {{pattern: uniform, load: 1, message: 512 B, duration: 20 us}}\n"
      "fabric: {{topology: torus, x: 8, y: 1, local_link: {{rate: 1000 Gbps, latency: 5 ns}}}}\n"
      "torus: {{lanes: 1, buffer: 544 B, dateline: {}}}\n",
      dateline);
}

TEST(TorusLaws, WithoutDatelinesARingDeadlocksAndSaysWhoWaitsForWhom) {
  const ScenarioRun run = run_scenario(tight_ring(false));
  ASSERT_EQ(run.exit_code, 4) << run.explanation;
  EXPECT_NE(run.explanation.find("deadlock"), std::string::npos) << run.explanation;
  // One of the two directions is a closed circle; every queue waits for the next router's.
  unsigned circles = 0;
  for (const char* port : {"xp", "xm"}) {
    unsigned lines = 0;
    for (unsigned node = 0; node < 8; ++node) {
      const unsigned next = port == std::string("xm") ? (node + 1) % 8 : (node + 7) % 8;
      const std::string line =
          fmt::format("router{}.{} channel 0 -> router{}.{} channel 0", node, port, next, port);
      if (run.explanation.find(line) != std::string::npos) ++lines;
    }
    EXPECT_TRUE(lines == 0 || lines == 8) << run.explanation;
    if (lines == 8) ++circles;
  }
  EXPECT_EQ(circles, 1U) << run.explanation;
  EXPECT_GT(run.number("packets.in_flight"), 0);
}

TEST(TorusLaws, WithDatelinesTheSameRingRuns) {
  const ScenarioRun run = run_scenario(tight_ring(true));
  EXPECT_EQ(run.exit_code, 0) << run.explanation;
  EXPECT_EQ(run.number("packets.delivered"), run.number("packets.injected"));
}

// --- failures -----------------------------------------------------------------------------------

const std::string ring_of_eight =
    "switch: torus\n"
    "fabric: {topology: torus, x: 8, y: 2, local_link: {rate: 1000 Gbps, latency: 5 ns}}\n"
    "torus: {detection_delay: 1 us}\n";

TEST(TorusLaws, AFailureCostsWhatIsSentBeforeItIsKnown) {
  const ScenarioRun run =
      run_scenario(ring_of_eight +
                   "workload: {pattern: uniform, load: 0.2, message: 512 B, duration: 40 us}\n"
                   "events: [{at: 10 us, action: fail, link: router0.xp-router1.xm},\n"
                   "         {at: 25 us, action: restore, link: router1.xm-router0.xp}]\n");
  ASSERT_EQ(run.exit_code, 0) << run.explanation;
  const double lost = run.number("packets.dropped_by_reason.link");
  EXPECT_GT(lost, 0);
  EXPECT_EQ(run.number("events.0.packets_lost"), lost) << "none before, none after";
  EXPECT_EQ(run.number("events.1.packets_lost"), 0);
  EXPECT_EQ(run.number("events.0.noticed_after_ns"), 1000);
  EXPECT_EQ(run.number("events.1.noticed_after_ns"), 1000);
  EXPECT_EQ(run.number("packets.injected"),
            run.number("packets.delivered") + run.number("packets.dropped"));
  // Sixteen nodes at .2 of 1 Tbps; each direction of the cable carries an eighth of a ring's
  // traffic of 8 nodes: a fifth of its rate, for a microsecond and the time of flight.
  EXPECT_LT(lost, 2 * 0.25 * 1100 * 125 / 544);
}

/// Known from the start, a failed link loses nothing, and all goes the other way round.
TEST(TorusLaws, AroundALinkThatIsKnownToHaveFailedNothingIsLost) {
  const std::string known =
      "switch: torus\n"
      "fabric: {topology: torus, x: 8, y: 2, local_link: {rate: 1000 Gbps, latency: 5 ns}}\n"
      "torus: {detection_delay: 0 ns}\n"
      "workload: {pattern: uniform, load: 0.1, message: 512 B, start: 1 us, duration: 40 us}\n";
  const ScenarioRun whole = run_scenario(known);
  const ScenarioRun failed =
      run_scenario(known + "events: {at: 0 ns, action: fail, link: router3.xp-router4.xm}\n");
  ASSERT_EQ(failed.exit_code, 0) << failed.explanation;
  EXPECT_EQ(failed.number("packets.dropped"), 0);
  EXPECT_EQ(failed.number("packets.delivered"), whole.number("packets.delivered"));
  // In one of the two rings of eight, the pairs whose shorter way leads across the cable go round:
  // d links become 8 - d.
  EXPECT_GT(failed.number("torus.hops"), whole.number("torus.hops") + 0.3);
  EXPECT_FALSE(failed.results["links"].contains("router3.xp-router4.xm"));
  EXPECT_FALSE(failed.results["links"].contains("router4.xm-router3.xp"));
}

TEST(TorusLaws, TwoFailuresInARingPartIt) {
  const ScenarioRun run = run_scenario(
      ring_of_eight +
      "workload: {pattern: uniform, load: 0.1, message: 512 B, start: 5 us, duration: 20 us}\n"
      "events: [{at: 1 us, action: fail, link: router0.xp-router1.xm},\n"
      "         {at: 1 us, action: fail, link: router3.xp-router4.xm}]\n");
  ASSERT_EQ(run.exit_code, 0) << run.explanation;
  EXPECT_GT(run.number("packets.dropped_by_reason.unreachable"), 0);
  EXPECT_EQ(run.number("packets.dropped_by_reason.link"), 0);
  EXPECT_EQ(run.number("packets.injected"),
            run.number("packets.delivered") + run.number("packets.dropped"));
}

TEST(TorusLaws, ASlowLinkSlowsWhatCrossesIt) {
  const std::string text =
      ring_of_eight + "workload: {pattern: uniform, load: 0.1, message: 512 B, duration: 40 us}\n";
  const ScenarioRun whole = run_scenario(text);
  const ScenarioRun slow = run_scenario(
      text + "events: {at: 0 ns, action: degrade, link: router3.xp-router4.xm, rate: 250 Gbps}\n");
  ASSERT_EQ(slow.exit_code, 0) << slow.explanation;
  EXPECT_EQ(slow.number("packets.dropped"), 0);
  EXPECT_GT(slow.number("latency_ns.mean"), whole.number("latency_ns.mean"));
  EXPECT_EQ(slow.number("torus.hops"), whole.number("torus.hops")) << "routes stay";
}

TEST(TorusLaws, WhatCannotHappenToALinkIsRefused) {
  const auto error_of = [](const std::string& event) {
    try {
      load_text(ring_of_eight + "workload: {pattern: uniform}\nevents: {at: 1 us, " + event + "}\n",
                "test");
    } catch (const InputError& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  EXPECT_NE(error_of("action: corrupt, link: '*', bit_error_ratio: 1e-6").find("not corrupted"),
            std::string::npos);
  EXPECT_NE(error_of("action: fail, link: router0.xp-router1.xm, one_way: true")
                .find("fails in both directions"),
            std::string::npos);
  EXPECT_NE(error_of("action: fail, link: router0.xp-router2.xm").find("did you mean"),
            std::string::npos);
  EXPECT_NE(error_of("action: fail, link: node0-router0.local").find("no link is called"),
            std::string::npos)
      << "a node's own link does not fail";
}

// --- the swarm ----------------------------------------------------------------------------------

void expect_same(const std::string& yaml, const RunOptions& options, const ScenarioRun& plain) {
  const ScenarioRun run = run_scenario(yaml, options, cpu_limit_s);
  ASSERT_EQ(run.exit_code, 0) << run.explanation;
  EXPECT_EQ(run.hash(), plain.hash());
}

void expect_laws(std::uint64_t seed) {
  const RandomTorus drawn = random_torus(seed);
  SCOPED_TRACE("HEDDLE_SWARM_SEED=" + std::to_string(seed) +
               " build/laws_tests --gtest_filter=TorusSwarmSeed.*" + reproduce(drawn.yaml));
  try {
    load_text(drawn.yaml, "swarm");
  } catch (const InputError& error) {
    const std::string sentence = error.what();  // both events on one cable
    EXPECT_TRUE(drawn.fails && sentence.find("down already") != std::string::npos) << sentence;
    return;
  }
  const ScenarioRun run = run_scenario(drawn.yaml, {}, cpu_limit_s);
  ASSERT_EQ(run.exit_code, 0) << run.explanation;
  EXPECT_EQ(run.number("packets.injected"),
            run.number("packets.delivered") + run.number("packets.dropped"));
  EXPECT_EQ(run.number("packets.in_flight"), 0);
  if (!drawn.fails) {
    EXPECT_EQ(run.number("packets.dropped"), 0);
  }
  EXPECT_NO_THROW(check_declared(run.results));
  RunOptions shuffled;
  shuffled.shuffle_devices = true;
  expect_same(drawn.yaml, shuffled, run);
  if (seed % 5 != 0) return;
  RunOptions awake;
  awake.wake_every_cycle = true;
  expect_same(drawn.yaml, awake, run);
}

class TorusSwarm : public ::testing::TestWithParam<std::uint64_t> {};
TEST_P(TorusSwarm, DrainsAndConserves) {
  for (std::uint64_t i = 0; i < 10; ++i) expect_laws(10 * GetParam() + i);
}
INSTANTIATE_TEST_SUITE_P(Tens, TorusSwarm, ::testing::Range<std::uint64_t>(0, 6));

class LongTorusSwarm : public ::testing::TestWithParam<std::uint64_t> {};
TEST_P(LongTorusSwarm, DrainsAndConserves) {
  HEDDLE_NEED_LONG();
  for (std::uint64_t i = 0; i < 250; ++i) expect_laws(100 + 250 * GetParam() + i);
}
INSTANTIATE_TEST_SUITE_P(Parts, LongTorusSwarm, ::testing::Range<std::uint64_t>(0, 4));

TEST(TorusSwarmSeed, DrainsAndConserves) {
  const char* seed = std::getenv("HEDDLE_SWARM_SEED");
  expect_laws(seed == nullptr ? 0 : std::stoull(seed));
}

}  // namespace
}  // namespace heddle::testing
