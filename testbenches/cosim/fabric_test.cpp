// Fabrics of the library in which RTL takes the place of one switch, of a tier, and of all: every
// figure of the results is that of the all-C++ run, the hash over all frames and cycles included.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "engine/loader.h"
#include "long_tests.h"
#include "scenario_run.h"

namespace heddle::testing {
namespace {

struct Case {
  std::string name;
  std::string file;
  std::string variant;
  std::vector<std::string> sets;
  std::string message = "48 KiB";
};

void PrintTo(const Case& of, std::ostream* out) { *out << of.name; }

/// Without what no two runs have in common.
nlohmann::ordered_json comparable(ScenarioRun run) {
  for (const char* own : {"wall_s", "ns_per_frame_hop"}) run.results["run"].erase(own);
  return run.results;
}

nlohmann::ordered_json results_of(const Case& of, const std::string& message,
                                  const std::vector<std::string>& rtl) {
  LoadOptions options;
  options.sets = of.sets;
  options.sets.push_back("workload.message=" + message);
  options.variants = {of.variant};
  options.rtl = rtl;
  const std::string file = std::string(HEDDLE_SOURCE_DIR) + "/scenarios/" + of.file + ".yaml";
  const ScenarioRun run = run_scenario(load(file, options).at(0));
  EXPECT_EQ(run.exit_code, 0) << run.explanation;
  return comparable(run);
}

class Fabric : public ::testing::TestWithParam<Case> {
 protected:
  static void expect_same(const std::string& message) {
    const nlohmann::ordered_json model = results_of(GetParam(), message, {});
    for (const std::vector<std::string>& rtl :
         {std::vector<std::string>{"leaf0"}, {"spine*"}, {"leaf*", "spine*"}}) {
      const nlohmann::ordered_json twin = results_of(GetParam(), message, rtl);
      EXPECT_EQ(model["run"]["result_hash"], twin["run"]["result_hash"]);
      const nlohmann::ordered_json differences = nlohmann::ordered_json::diff(model, twin);
      EXPECT_TRUE(differences.empty())
          << GetParam().name << " with " << ::testing::PrintToString(rtl)
          << " in RTL: " << differences.size() << " figures differ, first "
          << differences.front().dump() << "\nreproduce: heddle run scenarios/" << GetParam().file
          << ".yaml --variant " << GetParam().variant << " --rtl '" << rtl.front() << "'";
    }
  }
};

TEST_P(Fabric, HasTheSameResultsInRtl) { expect_same(GetParam().message); }
TEST_P(Fabric, LongHasTheSameResultsInRtl) {
  HEDDLE_NEED_LONG();
  expect_same("1 MB");
}

// Everything in the library that fits the RTL, with all switches in RTL: failures, lossy classes,
// trimming, weights, flow arrivals.
TEST(FabricLibrary, LongHasTheSameResultsInRtl) {
  HEDDLE_NEED_LONG();
  unsigned compared = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::string(HEDDLE_SOURCE_DIR) + "/scenarios")) {
    if (entry.path().extension() != ".yaml") continue;
    std::vector<Scenario> scenarios;
    try {
      scenarios = load(entry.path());
    } catch (const InputError&) {
      continue;  // about a file that is no part of the project
    }
    for (Scenario& scenario : scenarios) {
      const ScenarioRun model = run_scenario(scenario);
      scenario.rtl = {"*"};
      const ScenarioRun twin = run_scenario(scenario);
      if (twin.explanation.rfind("rtl: ", 0) == 0) continue;  // it is larger than the RTL
      ++compared;
      EXPECT_EQ(model.exit_code, twin.exit_code) << twin.explanation;
      EXPECT_EQ(comparable(model), comparable(twin))
          << "reproduce: heddle run " << entry.path() << " --variant " << scenario.variant
          << " --rtl '*'";
    }
  }
  EXPECT_GT(compared, 90U);
}

const std::vector<std::string> four_by_four{"fabric.leaves=4", "fabric.spines=4",
                                            "fabric.hosts_per_leaf=4"};

std::vector<std::string> with(std::vector<std::string> sets) {
  sets.insert(sets.begin(), four_by_four.begin(), four_by_four.end());
  return sets;
}

INSTANTIATE_TEST_SUITE_P(
    Library, Fabric,
    ::testing::Values(
        Case{"incast_scheduled", "incast", "scheduled", with({"workload.senders=15"})},
        Case{"incast_adaptive", "incast", "adaptive", with({"workload.senders=15"})},
        Case{"incast_ecmp", "incast", "ecmp", with({"workload.senders=15"})},
        Case{"incast_shallow", "incast", "shallow", with({"workload.senders=15"}), "256 KiB"},
        Case{"permutation_scheduled", "permutation", "scheduled", four_by_four},
        Case{"permutation_adaptive", "permutation", "adaptive", four_by_four},
        Case{"permutation_spray", "permutation", "spray", four_by_four},
        Case{"permutation_flowlet", "permutation", "flowlet", four_by_four},
        Case{"permutation_ecmp", "permutation", "ecmp", four_by_four}),
    [](const auto& of) { return of.param.name; });

// Messages so long that packets are trimmed, senders are paused, and a link fails under way.
INSTANTIATE_TEST_SUITE_P(
    Hard, Fabric,
    ::testing::Values(Case{"trimming", "lossy", "trimming", {}, "256 KiB"},
                      Case{"drops", "lossy", "selective_repeat", {}, "128 KiB"},
                      Case{"pauses", "lossy", "pauses", {}, "128 KiB"},
                      Case{"marks", "dcqcn", "early_marks", {}, "128 KiB"},
                      Case{"detours", "failed_link", "spray", {}, "1 MB"},
                      Case{"withdrawals", "failed_link", "fast_news", {}, "1 MB"},
                      Case{"reachability", "failed_link", "scheduled", {}, "1 MB"},
                      Case{"slices", "credit_slices", "per_slice", {}, "128 KiB"}),
    [](const auto& of) { return of.param.name; });

}  // namespace
}  // namespace heddle::testing
