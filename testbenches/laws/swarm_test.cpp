// A swarm of random legal scenarios, each of which must obey every law. A failure prints the seed
// and the scenario; to run one seed alone:
//
//   HEDDLE_SWARM_SEED=N build/laws_tests --gtest_filter='SwarmSeed.*'
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

#include "engine/loader.h"
#include "engine/statistics.h"
#include "kernel/error.h"
#include "laws/random_scenario.h"
#include "long_tests.h"
#include "scenario_run.h"

namespace heddle::testing {
namespace {

using Json = nlohmann::ordered_json;

constexpr unsigned cpu_limit_s = 30;  // a run takes a fraction of a second

std::string reproduce(std::uint64_t seed, const std::string& yaml) {
  return "reproduce: HEDDLE_SWARM_SEED=" + std::to_string(seed) +
         " build/laws_tests --gtest_filter=SwarmSeed.*, or `heddle run` (also with "
         "--shuffle-devices) on\n" +
         yaml;
}

bool all_lossless(const Scenario& scenario) {
  return std::all_of(scenario.classes.begin(), scenario.classes.end(),
                     [](const TrafficClassConfig& c) { return c.lossless; });
}

bool automatic_headroom(const Scenario& scenario) {
  if (scenario.switch_kind == SwitchKind::crossbar) return false;  // full queues drop
  return scenario.switch_kind == SwitchKind::scheduled ? !scenario.scheduled.headroom
                                                       : !scenario.adaptive.memory.headroom;
}

/// What two runs of one seed have in common: everything but the speed of the machine.
std::string comparable(Json results) {
  results["run"].erase("wall_s");
  results["run"].erase("ns_per_frame_hop");
  return results.dump();
}

void expect_packets_conserved(const ScenarioRun& run) {
  const Json& packets = run.results.at("packets");
  const auto count = [&](const char* what) { return packets.at(what).get<std::uint64_t>(); };
  EXPECT_EQ(count("injected"),
            count("delivered") + count("discarded") + count("dropped") + count("in_flight"));
  if (run.exit_code == 0) {
    EXPECT_EQ(count("in_flight"), 0U);
  }
}

void expect_times_add_up(const ScenarioRun& run) {
  const Json& latency = run.results.at("latency_ns");
  double stages = 0;
  for (const Json& stage : run.results.at("latency_stage_ns")) {
    stages += stage.at("mean").get<double>();
  }
  const double mean = latency.at("mean").get<double>();
  EXPECT_NEAR(stages, mean, 1e-6 * std::max(1.0, mean));
  EXPECT_LE(mean, latency.at("max").get<double>() * (1 + 1e-9));
  if (!run.results.contains("links")) return;  // a crossbar has none
  for (const Json& link : run.results.at("links")) {
    EXPECT_LE(link.at("utilization").get<double>(), 1 + 1e-9);
  }
}

bool never_drops(const Scenario& scenario) {
  return all_lossless(scenario) && automatic_headroom(scenario) && scenario.events.empty();
}

void expect_what_the_fabric_promises(const Scenario& scenario, const ScenarioRun& run) {
  if (never_drops(scenario)) {
    EXPECT_EQ(run.number("packets.dropped"), 0);
  }
  if (scenario.switch_kind == SwitchKind::scheduled && run.number("packets.dropped") == 0) {
    EXPECT_EQ(run.number("reordering.ratio"), 0);
  }
}

/// Time-outs may hide that a fabric is stuck. Without their help, a fabric that drops nothing, and
/// whose hosts nobody slows down, is never silent for long.
void expect_not_stuck(Json tree) {
  if (tree["nic"].value("receive", "") != "unreliable_datagram") {
    tree["nic"]["retransmission_timeout"] = "30 ms";
  }
  tree["measure"]["watchdog"] = "31 ms";
  tree["measure"]["deadline"] = "100 ms";
  SCOPED_TRACE("stuck, with a longer time-out:\n" + spell(tree));
  const ScenarioRun run = run_scenario(spell(tree), {}, cpu_limit_s);
  EXPECT_TRUE(run.exit_code == 0 || run.exit_code == 5) << run.explanation;
}

void expect_same(const Json& tree, const ScenarioRun& plain, const RunOptions& options) {
  const ScenarioRun other = run_scenario(spell(tree), options, cpu_limit_s);
  EXPECT_EQ(other.exit_code, plain.exit_code) << other.explanation;
  if (other.results.is_null()) return;
  EXPECT_EQ(other.hash(), plain.hash());
  EXPECT_EQ(comparable(other.results), comparable(plain.results));
}

/// Those that the deadline has made illegal, and those after them.
void drop_late_events(Json& tree) {
  while (tree.contains("events") && !tree["events"].empty()) {
    try {
      load_text(spell(tree), "swarm");
      return;
    } catch (const InputError&) {
      tree["events"].erase(tree["events"].size() - 1);
    }
  }
}

/// Waking every device in every cycle takes long: the first 20,000 cycles decide.
void expect_idle_skipping_exact(Json tree) {
  const Scenario scenario = load_text(spell(tree), "swarm").at(0);
  const std::uint64_t hertz = scenario.fabric.clock.hertz;
  tree["measure"]["deadline"] = std::to_string(20'000 * (1'000'000'000'000 / hertz)) + " ps";
  tree["measure"].erase("warmup");
  for (Json& group : tree["workload"]) group.erase("start");
  drop_late_events(tree);
  SCOPED_TRACE("with --no-idle-skip, and so much shorter:\n" + spell(tree));
  RunOptions awake;
  awake.wake_every_cycle = true;
  const ScenarioRun plain = run_scenario(spell(tree), {}, cpu_limit_s);
  ASSERT_FALSE(plain.results.is_null()) << plain.explanation;
  expect_same(tree, plain, awake);
}

void expect_laws(std::uint64_t seed) {
  const RandomScenario drawn = random_scenario(seed);
  const std::string yaml = drawn.spell();
  SCOPED_TRACE(reproduce(seed, yaml));
  try {
    const Scenario scenario = load_text(yaml, "swarm").at(0);
    const ScenarioRun run = run_scenario(yaml, {}, cpu_limit_s);
    const bool ended = run.exit_code == 0 || run.exit_code == 4 || run.exit_code == 5;
    ASSERT_TRUE(ended) << "exit code " << run.exit_code << ": " << run.explanation;
    expect_packets_conserved(run);
    expect_times_add_up(run);
    expect_what_the_fabric_promises(scenario, run);
    EXPECT_NO_THROW(check_declared(run.results));
    const bool unhindered =
        never_drops(scenario) && scenario.nic.congestion_control == CongestionControl::none;
    if (run.exit_code != 0 && unhindered) expect_not_stuck(drawn.tree);
    RunOptions shuffled;
    shuffled.shuffle_devices = true;
    expect_same(drawn.tree, run, shuffled);
    if (seed % 10 == 0) expect_idle_skipping_exact(drawn.tree);
  } catch (const InputError& error) {
    ADD_FAILURE() << "not legal: " << error.what();
  }
  if (!::testing::Test::HasFailure()) drawn.remove_matrices();
}

void expect_laws_of_all(std::uint64_t first, std::uint64_t count) {
  for (std::uint64_t seed = first; seed < first + count; ++seed) expect_laws(seed);
}

class Swarm : public ::testing::TestWithParam<std::uint64_t> {};
TEST_P(Swarm, ObeysTheLaws) { expect_laws_of_all(10 * GetParam(), 10); }
INSTANTIATE_TEST_SUITE_P(Tens, Swarm, ::testing::Range<std::uint64_t>(0, 10));

class LongSwarm : public ::testing::TestWithParam<std::uint64_t> {};
TEST_P(LongSwarm, ObeysTheLaws) {
  HEDDLE_NEED_LONG();
  expect_laws_of_all(100 + 500 * GetParam(), 500);
}
INSTANTIATE_TEST_SUITE_P(FiveHundreds, LongSwarm, ::testing::Range<std::uint64_t>(0, 8));

TEST(SwarmSeed, ObeysTheLaws) {
  const char* seed = std::getenv("HEDDLE_SWARM_SEED");
  expect_laws(seed == nullptr ? 0 : std::stoull(seed));
}

}  // namespace
}  // namespace heddle::testing
