// Tori in which RTL takes the place of one router, of several, and of all.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "cosim/rtl_run.h"
#include "engine/loader.h"
#include "long_tests.h"
#include "random_torus.h"

namespace heddle::testing {
namespace {

struct Case {
  std::string name;
  std::string yaml;
  std::vector<Names> rtl;
  std::string happens = "run.frame_hops";  ///< a figure that must not be 0
  int exit_code = 0;
};

void PrintTo(const Case& of, std::ostream* out) { *out << of.name; }

ScenarioRun run_of(const std::string& yaml, const Names& rtl, const RunOptions& options = {}) {
  LoadOptions load_options;
  load_options.rtl = rtl;
  return run_scenario(load_text(yaml, "scenario of this test", load_options).at(0), options);
}

std::string where(const std::string& yaml, const Names& rtl) {
  return fmt::format("`heddle run --rtl '{}'` on\n{}", fmt::join(rtl, "' --rtl '"), yaml);
}

class TorusFabric : public ::testing::TestWithParam<Case> {};

TEST_P(TorusFabric, HasTheSameResultsInRtl) {
  const ScenarioRun model = run_of(GetParam().yaml, {});
  EXPECT_EQ(model.exit_code, GetParam().exit_code) << model.explanation;
  EXPECT_GT(model.number(GetParam().happens), 0) << GetParam().happens;
  for (const Names& rtl : GetParam().rtl) {
    expect_same(model, run_of(GetParam().yaml, rtl), where(GetParam().yaml, rtl));
  }
}

std::string torus(const std::string& sizes, const std::string& work) {
  return fmt::format("switch: torus\nfabric: {{topology: torus, {}}}\n{}", sizes, work);
}

const std::string ring = "x: 5, y: 1";
const std::string square = "x: 4, y: 3";
const std::string box = "x: 3, y: 2, z: 4, y_link: {rate: 533 Gbps, latency: 7 ns}";
const std::vector<Names> one_and_all{{"router1"}, {"router0", "router2", "router[34]"}, {"*"}};

std::string uniform(const std::string& load, const std::string& rest = "") {
  return fmt::format(
      "workload: {{pattern: uniform, load: {}, message: 700 B, duration: 4 us, to_itself: "
      "true}}\n{}",
      load, rest);
}

INSTANTIATE_TEST_SUITE_P(
    Uniform, TorusFabric,
    ::testing::Values(
        Case{"alone", torus("x: 1, y: 1", uniform("0.5")), {{"router0"}}},
        Case{"ring", torus(ring, uniform("0.4")), one_and_all},
        Case{"ring_of_two", torus("x: 1, y: 2", uniform("0.3")), {{"router1"}, {"*"}}},
        Case{"square", torus(square, uniform("0.2")), one_and_all},
        Case{"box", torus(box, uniform("0.1")), one_and_all},
        Case{"saturated",
             torus(square, uniform("1", "torus: {buffer: 2 KiB, read_speedup: 1.5}\n")),
             one_and_all},
        Case{"lanes", torus(square, uniform("0.5", "torus: {lanes: 8, flit: 48 B}\n")), {{"*"}}},
        Case{"uneven_clock",
             torus("x: 3, y: 3, clock: 2.4 GHz, local_link: {rate: 777 Gbps, latency: 3 ns}",
                   uniform("0.4")),
             one_and_all}),
    [](const auto& of) { return of.param.name; });

std::string collective(const std::string& how) {
  return "workload: {pattern: collective, message: 20 KiB, " + how + "}\n";
}
std::string remote(const std::string& how) {
  return "workload: {pattern: remote_" + how + ", accesses: 60, outstanding: 8}\n";
}

INSTANTIATE_TEST_SUITE_P(
    Work, TorusFabric,
    ::testing::Values(
        Case{"all_reduce",
             torus(ring, collective("operation: all_reduce, algorithm: bidirectional_ring")),
             one_and_all},
        Case{"all_gather",
             torus(square, collective("operation: all_gather, algorithm: hierarchical")),
             one_and_all},
        Case{"broadcast", torus(box, collective("operation: broadcast, algorithm: ring")),
             one_and_all},
        Case{"reads",
             torus(square, remote("read, message: 3 KiB, distance: random, initiators: 12")),
             one_and_all},
        Case{"writes",
             torus(box, remote("write, message: 600 B, distance: farthest, initiators: 5")),
             one_and_all}),
    [](const auto& of) { return of.param.name; });

const std::string lost_on_link = "packets.dropped_by_reason.link";
const std::string unreachable = "packets.dropped_by_reason.unreachable";

std::string events(const std::string& list) {
  return "torus: {detection_delay: 500 ns}\nevents: [" + list + "]\n";
}

// A cable fails under way, is routed around, and returns; two failures part a ring, so that packets
// are dropped in front of the routers; links slow down and are as fast as before.
INSTANTIATE_TEST_SUITE_P(
    Events, TorusFabric,
    ::testing::Values(
        Case{"failed",
             torus(square, uniform("0.3", events("{at: 1 us, action: fail, link: router1.xp-*}"))),
             one_and_all, lost_on_link},
        Case{"known_before",
             torus(ring, uniform("0.3",
                                 "torus: {detection_delay: 0 ns}\nevents: {at: 0 ns, action: "
                                 "fail, link: router1.xp-router2.xm}\n")),
             one_and_all},
        Case{"returns",
             torus(square,
                   uniform("0.5", events("{at: 1 us, action: fail, link: router1.xp-*}, {at: "
                                         "2 us, action: restore, link: router1.xp-*}"))),
             one_and_all, lost_on_link},
        Case{"parted",
             torus(ring, uniform("0.5", events("{at: 1 us, action: fail, link: router1.xp-*}, {at: "
                                               "1500 ns, action: fail, link: router4.xp-*}"))),
             one_and_all, unreachable},
        Case{
            "flaps",
            torus(box, uniform("0.3", events("{at: 500 ns, action: flap, down: 300 ns, period: 700 "
                                             "ns, times: 4, link: 'router1.*p-*'}"))),
            one_and_all, lost_on_link},
        Case{"slows_down",
             torus(square,
                   uniform("0.6", events("{at: 500 ns, action: degrade, rate: 60 Gbps, link: "
                                         "'router1.*'}, {at: 2 us, action: degrade, rate: 1 Tbps, "
                                         "link: 'router1.*'}"))),
             one_and_all}),
    [](const auto& of) { return of.param.name; });

// Buffers of one packet and no datelines: the circle of waits is told as the model tells it.
INSTANTIATE_TEST_SUITE_P(
    Deadlock, TorusFabric,
    ::testing::Values(Case{
        "ring_without_datelines",
        "switch: torus\n"
        "workload: {pattern: uniform, load: 1, message: 512 B, duration: 20 us}\n"
        "fabric: {topology: torus, x: 8, y: 1, local_link: {rate: 1000 Gbps, latency: 5 ns}}\n"
        "torus: {lanes: 1, buffer: 544 B, dateline: false}\n"
        "measure: {watchdog: 20 us}\n",
        one_and_all, "packets.in_flight", 4}),
    [](const auto& of) { return of.param.name; });

/// The order in which devices run does not matter with RTL among them, nor who sleeps.
TEST(TorusFabricOrder, DoesNotMatterInRtl) {
  const std::string yaml = torus(
      square,
      uniform("0.5", events("{at: 1 us, action: fail, link: router1.xp-*}, {at: 2 us, action: "
                            "restore, link: router1.xp-*}")));
  const ScenarioRun model = run_of(yaml, {});
  RunOptions shuffled;
  shuffled.shuffle_devices = true;
  expect_same(model, run_of(yaml, {"*"}, shuffled), "--shuffle-devices, " + where(yaml, {"*"}));
  RunOptions awake;
  awake.wake_every_cycle = true;
  expect_same(model, run_of(yaml, {"*"}, awake), "--no-idle-skip, " + where(yaml, {"*"}));
}

TEST(TorusFabricSizes, ABufferBeyondTheRtlIsRefused) {
  const std::string yaml = torus(ring, uniform("0.1", "torus: {flit: 16 B, buffer: 1 MB}\n"));
  const ScenarioRun run = run_of(yaml, {"router3"});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_EQ(run.explanation.rfind("rtl: router3 has room for 62500 packets", 0), 0U)
      << run.explanation;
  EXPECT_EQ(run.explanation.find('\n'), std::string::npos) << run.explanation;
  EXPECT_EQ(run_of(yaml, {}).exit_code, 0);
}

// --- the library --------------------------------------------------------------------------------

/// Collectives, remote memory, failures and chips of the library, with all routers in RTL.
TEST(TorusLibrary, LongHasTheSameResultsInRtl) {
  HEDDLE_NEED_LONG();
  unsigned compared = 0;
  for (const char* folder : {"torus", "accelerator"}) {
    for (const auto& entry : std::filesystem::directory_iterator(std::string(HEDDLE_SOURCE_DIR) +
                                                                 "/scenarios/" + folder)) {
      if (entry.path().extension() != ".yaml") continue;
      for (Scenario& scenario : load(entry.path())) {
        const ScenarioRun model = run_scenario(scenario);
        if (model.number("run.frame_hops") > 2e6) continue;  // minutes in RTL
        scenario.rtl = {"*"};
        const ScenarioRun twin = run_scenario(scenario);
        ++compared;
        expect_same(model, twin,
                    fmt::format("heddle run {} --variant {} --rtl '*'", entry.path().string(),
                                scenario.variant));
      }
    }
  }
  EXPECT_GT(compared, 20U);
}

// --- the swarm ----------------------------------------------------------------------------------

/// Tori of a few routers, every second one with all in RTL; whether it was within the RTL's sizes.
bool compare_random(std::uint64_t seed) {
  const RandomTorus drawn = random_torus(seed, 9, 15'000);
  const Names rtl{seed % 2 == 0 ? "*" : "router[0257]"};
  SCOPED_TRACE("HEDDLE_SWARM_SEED=" + std::to_string(seed) +
               " build/cosim_tests --gtest_filter=TorusFabricSeed.*");
  try {
    load_text(drawn.yaml, "swarm");
  } catch (const InputError&) {
    return false;  // both events on one cable
  }
  const ScenarioRun twin = run_of(drawn.yaml, rtl);
  if (twin.explanation.rfind("rtl: ", 0) == 0) return false;
  const ScenarioRun model = run_of(drawn.yaml, {});
  EXPECT_EQ(model.exit_code, 0) << model.explanation;
  expect_same(model, twin, where(drawn.yaml, rtl));
  return true;
}

void compare_random(std::uint64_t first, unsigned seeds) {
  unsigned compared = 0;
  for (std::uint64_t seed = first; seed < first + seeds; ++seed) {
    compared += compare_random(seed) ? 1 : 0;
  }
  EXPECT_GT(compared, seeds / 2);
}

TEST(TorusFabricSwarm, HasTheSameResultsInRtl) { compare_random(0, 10); }
TEST(TorusFabricSwarm, LongHasTheSameResultsInRtl) {
  HEDDLE_NEED_LONG();
  compare_random(100, 500);
}
TEST(TorusFabricSeed, HasTheSameResultsInRtl) {
  const char* seed = std::getenv("HEDDLE_SWARM_SEED");
  compare_random(seed == nullptr ? 0 : std::stoull(seed));
}

}  // namespace
}  // namespace heddle::testing
