// The keys of a leaf's external memory: what does not fit is rejected by name, what is left out
// follows from the fabric.
#include "switches/spill_config.h"

#include <gtest/gtest.h>

#include <string>

#include "engine/fabric_limits.h"
#include "engine/loader.h"
#include "kernel/error.h"

namespace heddle {
namespace {

Scenario with(const std::string& hbm) {
  return load_text(
             "fabric: {leaves: 2, hosts_per_leaf: 3, host_link: {rate: 200 Gbps}}\n"
             "scheduled: {spill: hbm, hbm: {" +
                 hbm + "}}\n",
             "test.yaml")
      .at(0);
}

std::string error_of(const std::string& hbm) {
  try {
    with(hbm);
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

TEST(SpillConfig, AutoFollowsTheRateOfTheHostPorts) {
  const SpillConfig hbm = without_auto(with("")).hbm;
  EXPECT_EQ(*hbm.dram_bound, 500_KiB);
  EXPECT_EQ(*hbm.recovery, 76'068_B);
  EXPECT_EQ(*hbm.rate, 180_Gbps) << "30 % of three ports";
}

TEST(SpillConfig, RecoveryFollowsAChosenThreshold) {
  const SpillConfig hbm = without_auto(with("dram_bound: 875 B")).hbm;
  EXPECT_EQ(*hbm.dram_bound, 875_B);
  EXPECT_EQ(*hbm.recovery, 130_B);
}

TEST(SpillConfig, WhatDoesNotFitIsRejectedByItsKey) {
  const std::pair<const char*, const char*> cases[] = {
      {"dram_bound: 10 KB, recovery: 11 KB", "scheduled.hbm.recovery: 11 KB is above dram_bound"},
      {"read_buffer: 4 KB", "scheduled.hbm.read_buffer: 4 KB does not hold a packet of 4158 B"},
      {"read_buffer: 64 MiB", "scheduled.hbm.read_buffer: 64 MiB is not below scheduled.buffer"},
      {"stripe: 96 B", "scheduled.hbm.stripe: 96 bytes are no multiple of burst, 64"},
      {"row: 320 B", "scheduled.hbm.row: 320 bytes are no multiple of stripe, 256"},
      {"precharge: 47 ns", "scheduled.hbm.precharge: is not below row_cycle"},
      {"refresh: 2 us", "scheduled.hbm.refresh_interval: leaves too little time"},
      {"channel_rate: 1234567891 bps", "scheduled.hbm.channel_rate: "},
  };
  for (const auto& [keys, message] : cases) {
    EXPECT_NE(error_of(keys).find(message), std::string::npos) << error_of(keys);
  }
  EXPECT_EQ(error_of("channels: 3, banks: 5, capacity: 123457 B"), "no error");
}

}  // namespace
}  // namespace heddle
