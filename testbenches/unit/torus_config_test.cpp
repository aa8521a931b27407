// Scenarios of a torus: what does not fit is refused with the key and the reason; sizes of buffers
// and the clock follow from the rest.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "engine/loader.h"
#include "engine/torus_fabric.h"
#include "kernel/error.h"

namespace heddle {
namespace {

const std::string plain =
    "switch: torus\nfabric: {topology: torus}\nworkload: {pattern: uniform}\n";

std::string error_of(const std::string& text, const std::vector<std::string>& sets = {}) {
  LoadOptions options;
  options.sets = sets;
  try {
    load_text(text, "test.yaml", options);
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

void expect_refused(const std::vector<std::string>& sets, const std::string& sentence) {
  EXPECT_NE(error_of(plain, sets).find(sentence), std::string::npos)
      << sets.front() << ": " << error_of(plain, sets);
}

TEST(TorusConfig, WhatDoesNotFitIsRefused) {
  EXPECT_EQ(error_of(plain), "no error");
  expect_refused({"fabric.topology=leaf_spine"}, "'switch: torus' needs 'torus'");
  EXPECT_NE(error_of("fabric: {topology: torus}\n").find("'torus' needs 'switch: torus'"),
            std::string::npos);
  expect_refused({"fabric.x=64", "fabric.y=65"}, "fabric.y");
  expect_refused({"fabric.x=64", "fabric.y=64", "fabric.z=2"},
                 "64 x 64 x 2 has 8192 nodes; valid is up to 4096");
  expect_refused({"workload.pattern=incast"}, "workload.pattern: a torus has 'uniform'");
  expect_refused({"workload.pattern=bursty"}, "workload.pattern: a torus has 'uniform'");
  expect_refused({"workload.arrivals=poisson"}, "applies only when switch is");
  expect_refused({"workload.start=1 s"}, "workload.start: 1 s is not before the deadline");
  expect_refused({"nic.mtu=1 KiB"}, "applies only when switch is");
  expect_refused({"fabric.leaves=2"}, "applies only when topology is leaf_spine");
  expect_refused({"fabric.host_link.rate=1 Gbps"}, "applies only when switch is");
  expect_refused({"torus.buffer=512 B"}, "torus.buffer: 16 flits do not hold a packet of 17 flits");
  expect_refused({"torus.flit=4 KiB", "torus.payload=62 KB"}, "65536 B on the wire");
  expect_refused({"fabric.x_link.rate=5 Tbps"},
                 "fabric.x_link.rate: a link starts one packet of 544 B per cycle at most");
  expect_refused({"fabric.local_link.rate=5 Tbps"}, "fabric.local_link.rate: a link starts one");
  expect_refused({"fabric.clock=999999937 Hz"}, "take a rounder frequency");
  expect_refused({"fabric.preset=trainium3"}, "is not a valid choice");
  EXPECT_NE(error_of("switch: adaptive\nfabric: {preset: trainium2_server}\n").find("fabric."),
            std::string::npos);
}

TEST(TorusConfig, RingsOfOneNodeHaveNoLinks) {
  expect_refused({"fabric.z_link.rate=90 Gbps"},
                 "fabric.z_link: applies only when z is 2 to 64; here it is 1");
  EXPECT_EQ(error_of(plain, {"fabric.z=2", "fabric.z_link.rate=90 Gbps"}), "no error");
  EXPECT_EQ(error_of("switch: torus\nworkload: {pattern: uniform}\n"
                     "fabric: {preset: trainium2_ultraserver, z: 1}\n"),
            "no error")
      << "a preset's links are not the scenario's";
}

TEST(TorusConfig, ClocksAreExact) {
  FabricConfig fabric;
  fabric.clock = Frequency{2'400'000'000};
  const ClockOptions clock = torus_clock(fabric);
  EXPECT_EQ(clock.period_ps, 1250U);
  EXPECT_EQ(clock.period_cycles, 3U);
}

/// Room for what a link carries while a packet goes there and its credit comes back, and three
/// packets: 50 ns each way, 20 ns in the router and a cycle at 125 B per cycle, in flits of 32 B.
TEST(TorusConfig, AutomaticBuffersCoverTheRoundTrip) {
  const TorusConfig torus;
  const LinkConfig link{1000_Gbps, 50_ns};
  EXPECT_EQ(torus_buffer_flits(torus, link, {}), (121 * 125 + 31) / 32 + 3 * 17);
  TorusConfig fixed;
  fixed.buffer = 1_KiB;
  EXPECT_EQ(torus_buffer_flits(fixed, link, {}), 32U);
}

TEST(TorusConfig, PartsHaveNames) {
  Scenario scenario = load_text(plain, "test.yaml").at(0);
  scenario.fabric.x = 2;
  scenario.fabric.y = 1;
  const std::vector<std::string> names = torus_part_names(scenario, draw(scenario));
  EXPECT_EQ(names.size(), 2U + 2U + 2 * 4U + 2 * 4U);
  for (const char* name :
       {"node1", "router0", "router0.xp-router1.xm", "router1.xm-router0.xp",
        "router1.credit_xm-router0.xp", "router0.xm-router1.xp", "node0-router0.local",
        "router0.credit_local-node0", "node0.credit-router0.local"}) {
    EXPECT_NE(std::find(names.begin(), names.end(), name), names.end()) << name;
  }
}

}  // namespace
}  // namespace heddle
