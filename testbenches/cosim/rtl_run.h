// Runs in which RTL takes the place of some devices, against those of the models alone: every
// figure of the results is the same, the hash over all frames and cycles included.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "scenario_run.h"

namespace heddle::testing {

/// Without what no two runs have in common.
inline nlohmann::ordered_json comparable(const ScenarioRun& run) {
  nlohmann::ordered_json results = run.results;
  if (results.contains("run")) {
    for (const char* own : {"wall_s", "ns_per_frame_hop"}) results["run"].erase(own);
  }
  return results;
}

/// `where`: which run it is, and how to repeat it.
inline void expect_same(const ScenarioRun& model, const ScenarioRun& twin,
                        const std::string& where) {
  EXPECT_EQ(model.exit_code, twin.exit_code) << where << "\n" << twin.explanation;
  EXPECT_EQ(model.explanation, twin.explanation) << where;
  const auto differences = nlohmann::ordered_json::diff(comparable(model), comparable(twin));
  EXPECT_TRUE(differences.empty()) << where << ": " << differences.size()
                                   << " figures differ, first " << differences.front().dump();
}

}  // namespace heddle::testing
