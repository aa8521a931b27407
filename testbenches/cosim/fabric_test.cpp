// Fabrics of the library in which RTL takes the place of one switch, of a tier, and of all.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "cosim/rtl_run.h"
#include "engine/loader.h"
#include "long_tests.h"

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

ScenarioRun run_of(const Case& of, const std::string& message,
                   const std::vector<std::string>& rtl) {
  LoadOptions options;
  options.sets = of.sets;
  options.sets.push_back("workload.message=" + message);
  options.variants = {of.variant};
  options.rtl = rtl;
  const std::string file = std::string(HEDDLE_SOURCE_DIR) + "/scenarios/" + of.file + ".yaml";
  return run_scenario(load(file, options).at(0));
}

class Fabric : public ::testing::TestWithParam<Case> {
 protected:
  static void compare(const std::string& message) {
    const ScenarioRun model = run_of(GetParam(), message, {});
    EXPECT_EQ(model.exit_code, 0) << model.explanation;
    for (const std::vector<std::string>& rtl :
         {std::vector<std::string>{"leaf0"}, {"spine*"}, {"leaf*", "spine*"}}) {
      expect_same(model, run_of(GetParam(), message, rtl),
                  fmt::format("heddle run scenarios/{}.yaml --variant {} --rtl '{}' --set '{}' "
                              "--set workload.message='{}'",
                              GetParam().file, GetParam().variant, fmt::join(rtl, "' --rtl '"),
                              fmt::join(GetParam().sets, "' --set '"), message));
    }
  }
};

TEST_P(Fabric, HasTheSameResultsInRtl) { compare(GetParam().message); }
TEST_P(Fabric, LongHasTheSameResultsInRtl) {
  HEDDLE_NEED_LONG();
  compare("1 MB");
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
      expect_same(model, twin,
                  fmt::format("heddle run {} --variant {} --rtl '*'", entry.path().string(),
                              scenario.variant));
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
