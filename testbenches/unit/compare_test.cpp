// Variants as processes: whatever becomes of one, the others' results are kept.
#include "engine/compare.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <stdexcept>

#include "engine/loader.h"
#include "kernel/error.h"

namespace heddle {
namespace {

namespace fs = std::filesystem;

class Compare : public testing::Test {
 protected:
  void SetUp() override {
    options_.folder = fs::path(testing::TempDir()) / ("compare_" + std::to_string(getpid()));
    options_.quiet = true;
    options_.reproduce = [](const std::string& label) { return "heddle run x --variant " + label; };
    fs::create_directories(options_.folder);
  }
  void TearDown() override { fs::remove_all(options_.folder); }

  nlohmann::ordered_json on_disk() const {
    std::ifstream input(options_.folder / "results.json");
    return nlohmann::ordered_json::parse(input);
  }

  static RunOutcome good(const Scenario& scenario) {
    RunOutcome outcome;
    outcome.results["name"] = scenario.variant;
    return outcome;
  }

  CompareOptions options_;
  std::vector<Scenario> scenarios_ = load_text("variants: {a: {}, b: {}, c: {}}", "test.yaml");
};

TEST_F(Compare, KeepsTheOrderOfTheFileWhateverEndsFirst) {
  for (const unsigned jobs : {1U, 2U, 3U}) {
    options_.jobs = jobs;
    const Comparison comparison =
        compare(scenarios_, options_, [](const Scenario& scenario, const RunOptions&) {
          usleep(scenario.variant == "a" ? 100'000 : 1'000);
          return good(scenario);
        });
    EXPECT_EQ(comparison.exit_code, 0);
    EXPECT_TRUE(comparison.failures.empty());
    std::string order;
    for (const auto& [name, results] : comparison.document.at("variants").items()) {
      order += name;
      EXPECT_EQ(results.at("name"), name);
    }
    EXPECT_EQ(order, "abc") << "with " << jobs << " jobs";
    EXPECT_EQ(on_disk(), comparison.document);
  }
}

TEST_F(Compare, ADeadProcessTakesOnlyItsVariantAlong) {
  const Comparison comparison =
      compare(scenarios_, options_, [](const Scenario& scenario, const RunOptions&) {
        if (scenario.variant == "b") kill(getpid(), SIGKILL);
        return good(scenario);
      });
  EXPECT_EQ(comparison.exit_code, exit_check_failed);
  ASSERT_EQ(comparison.failures.size(), 1U);
  EXPECT_EQ(comparison.failures[0].variant, "b");
  EXPECT_NE(comparison.failures[0].explanation.find("signal 9"), std::string::npos);
  EXPECT_EQ(on_disk().at("variants").size(), 2U);
  EXPECT_EQ(on_disk().at("failures").at("b").at("exit_code"), exit_check_failed);
}

TEST_F(Compare, EveryKindOfEndHasItsExitCode) {
  const Comparison comparison =
      compare(scenarios_, options_, [](const Scenario& scenario, const RunOptions& run) {
        if (scenario.variant == "a") throw CheckFailure("repeat with: " + run.reproduce);
        if (scenario.variant == "b") throw InputError("no such file");
        RunOutcome outcome = good(scenario);
        outcome.status = RunStatus::deadline;
        outcome.explanation = "3 packets in flight";
        return outcome;
      });
  EXPECT_EQ(comparison.exit_code, exit_check_failed);
  ASSERT_EQ(comparison.failures.size(), 3U);
  EXPECT_EQ(comparison.failures[0].exit_code, exit_check_failed);
  EXPECT_EQ(comparison.failures[0].explanation, "repeat with: heddle run x --variant a");
  EXPECT_EQ(comparison.failures[1].exit_code, exit_bad_input);
  EXPECT_EQ(comparison.failures[2].exit_code, 5);
  EXPECT_EQ(comparison.document.at("variants").size(), 1U) << "a deadline has results";
}

TEST_F(Compare, UnexpectedErrorsDoNotEscape) {
  const Comparison comparison =
      compare(scenarios_, options_, [](const Scenario& scenario, const RunOptions&) -> RunOutcome {
        if (scenario.variant == "a") throw std::bad_alloc();
        if (scenario.variant == "b") throw 42;
        throw std::logic_error("strange");
      });
  EXPECT_EQ(comparison.exit_code, exit_check_failed);
  EXPECT_EQ(comparison.failures[0].exit_code, exit_bad_input);
  EXPECT_EQ(comparison.failures[2].explanation, "unexpected error: strange");
}

// Also when a result is larger than a pipe holds.
TEST_F(Compare, AnInterruptKeepsWhatIsFinished) {
  options_.jobs = 2;
  const fs::path finished = options_.folder / "results.json";
  const Comparison comparison =
      compare(scenarios_, options_, [&](const Scenario& scenario, const RunOptions& run) {
        RunOutcome outcome = good(scenario);
        if (scenario.variant == "a") {
          outcome.results["large"] = std::string(1'000'000, 'x');
          return outcome;
        }
        while (!fs::exists(finished)) usleep(1'000);
        kill(getppid(), SIGINT);
        while (run.progress({1.0, 1, 1.0})) usleep(1'000);
        return outcome;
      });
  EXPECT_EQ(comparison.exit_code, exit_interrupted);
  EXPECT_EQ(comparison.document.at("variants").size(), 1U);
  EXPECT_EQ(on_disk().at("variants").at("a").at("large").get<std::string>().size(), 1'000'000U);
  EXPECT_EQ(comparison.failures.size(), 2U);
}

TEST_F(Compare, AnInterruptBeforeTheFirstEndKeepsTheResultsOfAnEarlierRun) {
  std::ofstream(options_.folder / "results.json") << R"({"variants": {"old": 1}})";
  const Comparison comparison =
      compare(scenarios_, options_, [](const Scenario& scenario, const RunOptions& run) {
        kill(getppid(), SIGINT);
        while (run.progress({1.0, 1, 1.0})) usleep(1'000);
        return good(scenario);
      });
  EXPECT_EQ(comparison.exit_code, exit_interrupted);
  EXPECT_EQ(on_disk().at("variants").size(), 1U);
  EXPECT_TRUE(on_disk().at("variants").contains("old"));
}

TEST_F(Compare, ResultsThatCannotBeWrittenAreReported) {
  options_.folder /= "gone";
  const Comparison comparison =
      compare(scenarios_, options_,
              [](const Scenario& scenario, const RunOptions&) { return good(scenario); });
  EXPECT_EQ(comparison.exit_code, exit_bad_input);
  EXPECT_NE(comparison.unsaved.find("cannot be written"), std::string::npos);
  EXPECT_EQ(comparison.document.at("variants").size(), 3U) << "still there for the table";
  options_.folder = options_.folder.parent_path();
}

TEST(ExitCode, TheWorstOneCounts) {
  EXPECT_EQ(worst(0, 5), 5);
  EXPECT_EQ(worst(5, 4), 4);
  EXPECT_EQ(worst(4, 3), 3);
  EXPECT_EQ(worst(2, 4), 2);
  EXPECT_EQ(worst(2, 3), 3);
  EXPECT_EQ(worst(0, 0), 0);
  EXPECT_EQ(worst(3, 130), 130);
}

}  // namespace
}  // namespace heddle
