// Collectives and remote memory on a torus under failures and in any order of devices: random
// scenarios, each of which must end well, with checked data, and the same in every order.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "engine/loader.h"
#include "kernel/error.h"
#include "kernel/rng.h"
#include "long_tests.h"
#include "scenario_run.h"

namespace heddle::testing {
namespace {

// --- links that fail and slow down --------------------------------------------------------------

const std::string server = "switch: torus\nfabric: {topology: torus, x: 4, y: 4}\n";
const std::string all_reduce =
    server + "workload: {pattern: collective, message: 1 MiB, algorithm: ";

TEST(TorusWork, ACollectiveOutlivesAFailedLink) {
  for (const char* algorithm :
       {"ring}", "bidirectional_ring}", "hamiltonian_rings}", "hierarchical}"}) {
    SCOPED_TRACE(algorithm);
    const ScenarioRun whole = run_scenario(all_reduce + algorithm + "\n");
    ASSERT_EQ(whole.exit_code, 0) << whole.explanation;
    const ScenarioRun failed =
        run_scenario(all_reduce + algorithm +
                     "\nevents: {at: 10 us, action: fail, link: router0.xp-router1.xm}\n");
    ASSERT_EQ(failed.exit_code, 0) << failed.explanation;
    EXPECT_EQ(failed.number("collective.completed"), 1);
    EXPECT_GT(failed.number("collective.repeated"), 0) << "something was on the link";
    EXPECT_GT(failed.number("collective.time_ns"), whole.number("collective.time_ns"));
  }
}

TEST(TorusWork, OneSlowLinkSlowsTheRingDownToItsRate) {
  const ScenarioRun whole = run_scenario(all_reduce + "ring}\n");
  const ScenarioRun slow = run_scenario(
      all_reduce +
      "ring}\nevents: {at: 0 ns, action: degrade, link: router0.xp-router1.xm, rate: 250 Gbps}\n");
  ASSERT_EQ(slow.exit_code, 0) << slow.explanation;
  EXPECT_EQ(slow.number("collective.repeated"), 0);
  // That link is never idle again: it passes a block in each of the 30 steps, four times as slowly,
  // and only its own latency is added to that.
  const double latency = 652;
  const double bytes = whole.number("collective.time_ns") / 30 - latency;
  EXPECT_NEAR(slow.number("collective.time_ns"), 30 * 4 * bytes + latency, latency);
}

TEST(TorusWork, RemoteAccessesOutliveAFailedLink) {
  for (const char* pattern : {"remote_read", "remote_write"}) {
    const ScenarioRun run = run_scenario(
        server + "workload: {pattern: " + pattern +
        ", distance: one_hop, accesses: 300, outstanding: 16, message: 2 KiB}\n"
        "events: {at: 10 us, action: flap, link: router0.xp-router1.xm, down: 30 us, times: 2, "
        "period: 150 us}\n");
    ASSERT_EQ(run.exit_code, 0) << run.explanation;
    EXPECT_EQ(run.number("remote.latency_ns.count"), 16 * 300);
    EXPECT_GT(run.number("remote.repeated"), 0);
    EXPECT_EQ(run.number("remote.errors"), 0);
  }
}

TEST(TorusWork, WhoCannotBeReachedIsAnsweredWithAnError) {
  const ScenarioRun run = run_scenario(
      "switch: torus\nfabric: {topology: torus, x: 2, y: 1}\n"
      "workload: {pattern: remote_read, accesses: 3, initiators: 1}\n"
      "endpoint: {time_out: 20 us, repeats: 2}\n"
      "events: {at: 1 us, action: fail, link: '*'}\n");
  ASSERT_EQ(run.exit_code, 0) << run.explanation;
  EXPECT_EQ(run.number("remote.errors"), 3) << "and the run ends";
}

// --- random work --------------------------------------------------------------------------------

template <class... Texts>
std::string one_of(Rng& rng, Texts... texts) {
  const std::string all[] = {texts...};
  return all[rng.below(sizeof...(texts))];
}

std::string number(std::uint64_t value) { return std::to_string(value); }

std::string random_torus(Rng& rng) {
  const auto size = [&] { return number(1 + rng.below(4)); };
  const std::string z = size();
  const std::string z_link = "z_link: {rate: " + one_of(rng, "333 Gbps", "1 Tbps") +
                             ", latency: " + number(1 + rng.below(300)) + " ns}, ";
  return "switch: torus\nfabric: {topology: torus, x: " + number(2 + rng.below(3)) +
         ", y: " + size() + ", z: " + z +
         ", x_link: {rate: " + one_of(rng, "500 Gbps", "1000 Gbps", "2 Tbps") + "}, " +
         (z == "1" ? "" : z_link) + "local_link: {rate: " + one_of(rng, "1 Tbps", "2 Tbps") +
         "}}\n" + "torus: {lanes: " + number(1 + rng.below(3)) +
         ", payload: " + one_of(rng, "256 B", "512 B", "1 KiB") +
         ", router_latency: " + number(rng.below(60)) +
         " ns, buffer: " + one_of(rng, "auto", "1200 B", "3 KiB") +
         ", detection_delay: " + one_of(rng, "1 us", "10 us") + "}\n" +
         "endpoint: {latency: " + number(rng.below(300)) +
         " ns, reduce_latency: " + number(rng.below(100)) +
         " ns, forwarding: " + one_of(rng, "whole_steps", "packets") +
         ", outstanding: " + one_of(rng, "1", "3", "64") +
         ", service: " + one_of(rng, "1", "2", "64") + ", time_out: 40 us, repeats: 100}\n" +
         "accelerator: {memory: {stacks: " + one_of(rng, "1", "3") +
         ", stack: {channels: 2, banks: 4, queue: 4}}}\n";
}

std::string random_work(Rng& rng) {
  if (rng.below(2) == 0) {
    return "workload: {pattern: collective, operation: " +
           one_of(rng, "all_reduce", "reduce_scatter", "all_gather", "all_to_all", "broadcast") +
           ", algorithm: " +
           one_of(rng, "ring", "bidirectional_ring", "hamiltonian_rings", "hierarchical") +
           ", message: " + number(16'384 + rng.below(200'000)) +
           " B, repetitions: " + number(1 + rng.below(3)) + "}\n";
  }
  return "workload: {pattern: " + one_of(rng, "remote_read", "remote_write") +
         ", distance: " + one_of(rng, "own", "one_hop", "farthest", "random") +
         ", message: " + number(1 + rng.below(5000)) +
         " B, accesses: " + number(1 + rng.below(40)) +
         ", outstanding: " + number(1 + rng.below(20)) + ", mix: " + one_of(rng, "0", "0.4") +
         "}\n";
}

std::string random_events(Rng& rng) {
  if (rng.below(2) == 0) return "";
  return "events: {at: " + number(1 + rng.below(10)) + " us, action: flap, link: '" +
         one_of(rng, "router0.xp-*", "router1.x*", "router0.*") +
         "', down: " + number(1 + rng.below(40)) +
         " us, period: 120 us, times: " + number(1 + rng.below(2)) + "}\n";
}

/// Whether the scenario of the seed is a legal one.
bool run_seed(std::uint64_t seed) {
  Rng rng(seed, "test", "torus work");
  const std::string yaml =
      "seed: " + number(seed) + "\n" + random_torus(rng) + random_work(rng) + random_events(rng);
  SCOPED_TRACE("seed " + number(seed) + " of TorusWork\n" + yaml);
  try {
    load_text(yaml, "test.yaml");
  } catch (const InputError&) {
    return false;  // an algorithm that the torus has no rings for, or a link that it has not
  }
  const ScenarioRun plain = run_scenario(yaml);
  EXPECT_EQ(plain.exit_code, 0) << plain.explanation;
  RunOptions shuffled;
  shuffled.shuffle_devices = true;
  EXPECT_EQ(run_scenario(yaml, shuffled).hash(), plain.hash()) << "the order of devices matters";
  if (seed % 5 != 0) return true;
  RunOptions restless;
  restless.wake_every_cycle = true;
  EXPECT_EQ(run_scenario(yaml, restless).hash(), plain.hash()) << "idle-skipping matters";
  return true;
}

TEST(TorusWork, RandomWorkEndsWellInAnyOrder) {
  unsigned legal = 0;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) legal += run_seed(seed) ? 1 : 0;
  EXPECT_GE(legal, 30U);
}

TEST(TorusWork, LongRandomWorkEndsWellInAnyOrder) {
  HEDDLE_NEED_LONG();
  for (std::uint64_t seed = 1000; seed < 3000; ++seed) run_seed(seed);
}

// --- what does not fit --------------------------------------------------------------------------

std::string rejection(const std::string& yaml) {
  try {
    load_text(yaml, "test.yaml");
  } catch (const InputError& error) {
    return error.what();
  }
  return "none";
}

TEST(TorusWork, WhatDoesNotFitIsRejectedInOneSentence) {
  const auto has = [](const std::string& yaml, const std::string& sentence) {
    EXPECT_NE(rejection(yaml).find(sentence), std::string::npos) << rejection(yaml);
  };
  has("switch: torus\nfabric: {topology: torus, x: 4, y: 3}\n"
      "workload: {pattern: collective, algorithm: hamiltonian_rings}\n",
      "hamiltonian_rings needs a torus of two dimensions");
  has(server + "workload: {pattern: collective, message: 1000 B}\n",
      "1000 B are less than 64 B for each of 16 ranks and 2 rings");
  has(server + "workload: {pattern: collective, ranks: 17}\n", "17 ranks are more than the 16");
  has(server + "workload: {pattern: collective, ranks: 8, algorithm: hierarchical}\n",
      "hierarchical needs all 16 nodes");
  has(server + "workload: {pattern: collective, operation: all_to_all, algorithm: hierarchical}\n",
      "all_to_all is a pairwise exchange");
  has(server + "workload: {pattern: collective}\ntorus: {payload: 32 B}\n", "torus.payload");
  has("switch: torus\nfabric: {topology: torus, x: 1, y: 1}\nworkload: {pattern: collective}\n",
      "a collective needs at least 2 ranks");
  has("switch: torus\nfabric: {topology: torus, x: 1, y: 1}\nworkload: {pattern: remote_read}\n",
      "'own' memory only");
  has(server + "workload: {pattern: remote_read, initiators: 17}\n", "workload.initiators");
  has("workload: {pattern: collective}\n", "only the chips of 'switch: torus'");
}

}  // namespace
}  // namespace heddle::testing
