// Variants as processes: whatever becomes of one, the others' results are kept.
#include "engine/compare.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

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

/// Which variants a simulation was asked for, as letters in a file: it is another process.
class Resume : public Compare {
 protected:
  void SetUp() override {
    Compare::SetUp();
    options_.resume = true;
    options_.jobs = 1;
    options_.warn = [this](const std::string& sentence) { warnings_.push_back(sentence); };
  }

  Comparison run(const Simulate& ending = good_end) {
    fs::remove(options_.folder / "ran");
    return compare(scenarios_, options_, [&](const Scenario& scenario, const RunOptions& run) {
      std::ofstream(options_.folder / "ran", std::ios::app) << scenario.variant;
      return ending(scenario, run);
    });
  }
  /// As if nothing had been there.
  Comparison run_alone(const Simulate& ending = good_end) {
    options_.resume = false;
    Comparison comparison = run(ending);
    options_.resume = true;
    return comparison;
  }
  std::string ran() const { return text_of("ran"); }
  std::string text_of(const char* file) const {
    std::ifstream input(options_.folder / file);
    return {std::istreambuf_iterator<char>(input), {}};
  }
  void replace(const std::string& text) const {
    std::ofstream(options_.folder / "results.json") << text;
  }

  static RunOutcome good_end(const Scenario& scenario, const RunOptions&) {
    RunOutcome outcome = good(scenario);
    outcome.results["ratio"] = 0.1 + static_cast<double>(scenario.seed) / 3;
    outcome.results["run"] = {{"frame_hops", 7}, {"wall_s", 0.25}};
    return outcome;
  }
  static RunOutcome deadline_for_b(const Scenario& scenario, const RunOptions& run) {
    RunOutcome outcome = good_end(scenario, run);
    if (scenario.variant != "b") return outcome;
    outcome.status = RunStatus::deadline;
    outcome.explanation = "3 packets in flight";
    return outcome;
  }

  std::vector<std::string> warnings_;
};

TEST_F(Resume, KeepsWhatIsFinishedAndEndsWithTheSameBytes) {
  for (const char* killed_in : {"a", "b", "c", ""}) {
    run_alone(deadline_for_b);
    const std::string whole = text_of("results.json");
    fs::remove(options_.folder / "results.json");
    // Killed with the variant running: no later one has begun.
    run_alone([&](const Scenario& scenario, const RunOptions& run) {
      if (*killed_in != 0 && scenario.variant >= killed_in) {
        kill(getppid(), SIGINT);
        while (run.progress({1.0, 1, 1.0})) usleep(1'000);
      }
      return deadline_for_b(scenario, run);
    });
    const Comparison comparison = run(deadline_for_b);
    EXPECT_EQ(ran(), *killed_in == 0 ? "" : std::string("abc").substr(*killed_in - 'a'));
    EXPECT_EQ(text_of("results.json"), whole) << "killed in " << killed_in;
    EXPECT_EQ(comparison.exit_code, 5) << "the deadline of b is kept";
    ASSERT_EQ(comparison.failures.size(), 1U);
    EXPECT_EQ(comparison.failures[0].explanation, "3 packets in flight");
  }
  EXPECT_TRUE(warnings_.empty());
}

TEST_F(Resume, AChangedScenarioRunsAgain) {
  run();
  EXPECT_EQ(ran(), "abc");
  scenarios_ = load_text("variants: {a: {}, b: {nic: {mtu: 2 KiB}}, c: {}, d: {}}", "test.yaml");
  run();
  EXPECT_EQ(ran(), "bd");
  EXPECT_EQ(on_disk().at("variants").size(), 4U);
  scenarios_ = load_text("name: other\nvariants: {d: {}, a: {}}", "test.yaml");
  run();
  EXPECT_EQ(ran(), "") << "neither name nor order change results";
  EXPECT_EQ(on_disk().at("variants").begin().key(), "d");
  scenarios_ = load_text("seed: 2\nvariants: {d: {}, a: {}}", "test.yaml");
  run();
  EXPECT_EQ(ran(), "da");
  EXPECT_TRUE(warnings_.empty());
}

TEST_F(Resume, AChangedWorkloadFileRunsAgain) {
  const std::string matrix = (options_.folder / "w.cm").string();
  const auto write = [&](const char* bytes) {
    std::ofstream(matrix) << "Nodes 2\nConnections 1\n0->1 id 1 start 0 size " << bytes << "\n";
  };
  write("4096");
  scenarios_ = load_text("workload: {file: '" + matrix + "'}", "test.yaml");
  run();
  run();
  EXPECT_EQ(text_of("ran"), "") << "the variant has no name, but did not run";
  EXPECT_FALSE(fs::exists(options_.folder / "ran"));
  write("4097");
  run();
  EXPECT_TRUE(fs::exists(options_.folder / "ran"));
}

TEST_F(Resume, AFailedVariantRunsAgain) {
  run([](const Scenario& scenario, const RunOptions& run) {
    if (scenario.variant == "a") throw CheckFailure("broken");
    if (scenario.variant == "b") kill(getpid(), SIGKILL);
    return good_end(scenario, run);
  });
  EXPECT_EQ(run().exit_code, 0);
  EXPECT_EQ(ran(), "ab");
}

TEST_F(Resume, DamageIsNamedAndRunsAgain) {
  run();
  const std::string whole = text_of("results.json");
  const std::string file = (options_.folder / "results.json").string();
  const auto json = nlohmann::ordered_json::parse(whole);
  for (const std::string& text :
       {std::string(), whole.substr(0, whole.size() / 2), std::string("[1, 2]"),
        std::string("{\"variants\": {}}"), std::string("{\"variants\": 3, \"failures\": {}}")}) {
    replace(text);
    warnings_.clear();
    run();
    EXPECT_EQ(ran(), "abc");
    EXPECT_EQ(text_of("results.json"), whole);
    ASSERT_EQ(warnings_.size(), 1U);
    EXPECT_EQ(warnings_[0].rfind(file + ": is damaged, or not by heddle", 0), 0U) << warnings_[0];
  }
  for (const char* part : {"/variants/b/ratio", "/variants/b/run/frame_hops", "/variants/b",
                           "/fingerprints/b/results", "/fingerprints/b", "/variants/b/name"}) {
    auto damaged = json;
    damaged[nlohmann::ordered_json::json_pointer(part)] = 99;
    replace(damaged.dump());
    warnings_.clear();
    run();
    EXPECT_EQ(ran(), "b") << part;
    EXPECT_EQ(text_of("results.json"), whole);
    ASSERT_EQ(warnings_.size(), 1U);
    EXPECT_EQ(warnings_[0], file + ": the results of 'b' are damaged; it runs again") << part;
  }
  auto slower = json;
  slower["variants"]["b"]["run"]["wall_s"] = 99;
  replace(slower.dump());
  warnings_.clear();
  run();
  EXPECT_EQ(ran(), "") << "how long a run took is no result";
  EXPECT_TRUE(warnings_.empty());
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
