// Laws that every variant of every scenario in the library must obey: nothing is lost, runs repeat,
// the seed matters, the order of devices does not, and neither does skipping idle cycles.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "engine/child_process.h"
#include "engine/document.h"
#include "engine/loader.h"
#include "engine/quantity.h"
#include "engine/statistics.h"

namespace heddle {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

struct Member {
  std::string file;     // below scenarios/
  std::string variant;  // empty: it has none

  friend void PrintTo(const Member& member, std::ostream* out) {
    *out << member.file << " " << member.variant;
  }
};

fs::path path_of(const std::string& file) {
  return fs::path(HEDDLE_SOURCE_DIR) / "scenarios" / file;
}

/// Every test is a process and makes this list: names are enough for it.
std::vector<Member> members_of(const std::string& file) {
  const Node document = read_document(path_of(file));
  const Node* variants = document.find("variants");
  if (variants == nullptr) return {{file, ""}};
  std::vector<Member> members;
  for (const Node& variant : variants->children) members.push_back({file, variant.key});
  return members;
}

std::vector<Member> library() {
  std::vector<std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(path_of(""))) {
    if (entry.path().extension() == ".yaml") {
      files.push_back(entry.path().lexically_relative(path_of("")).string());
    }
  }
  std::sort(files.begin(), files.end());
  std::vector<Member> members;
  for (const std::string& file : files) {
    for (const Member& member : members_of(file)) members.push_back(member);
  }
  return members;
}

/// A scenario about a file that is no part of the project.
bool needs_shared_input(const std::string& file) {
  std::ifstream input(path_of(file));
  std::stringstream text;
  text << input.rdbuf();
  return text.str().find("../../shared/") != std::string::npos;
}

/// Chips compute: their laws are checked in the run.
bool computes(const Scenario& scenario) { return is_program(scenario.workload.front().pattern); }

/// Chips compute or talk as they are told.
bool nothing_is_random(const Scenario& scenario) {
  return scenario.workload.front().pattern >= Pattern::collective;
}

bool lossless(const Scenario& scenario) {
  return std::all_of(scenario.classes.begin(), scenario.classes.end(),
                     [](const TrafficClassConfig& c) { return c.lossless; });
}

struct Result {
  int exit_code = 0;
  std::string explanation;
  Json results;

  std::string hash() const { return results.at("run").at("result_hash"); }
  std::uint64_t packets(const std::string& what) const { return results.at("packets").at(what); }
};

Result run(const Scenario& scenario, const RunOptions& options = {}) {
  ChildProcess child(scenario, options, simulate, {});
  while (child.receive([](const Progress&) {})) {
  }
  ChildProcess::End end = child.end();
  Result result{end.exit_code, end.explanation, {}};
  if (end.outcome) {
    result.exit_code = static_cast<int>(end.outcome->status);
    result.explanation = end.outcome->explanation;
    result.results = std::move(end.outcome->results);
  }
  return result;
}

/// What two runs of one seed have in common: everything but the speed of the machine.
std::string comparable(Json results) {
  results["run"].erase("wall_s");
  results["run"].erase("ns_per_frame_hop");
  return results.dump();
}

class Library : public ::testing::TestWithParam<Member> {
 protected:
  void SetUp() override {
    const Member& member = GetParam();
    LoadOptions options;
    if (!member.variant.empty()) options.variants = {member.variant};
    try {
      scenario_ = load(path_of(member.file), options).at(0);
    } catch (const InputError& error) {
      if (!needs_shared_input(member.file)) throw;
      GTEST_SKIP() << "an input is not here: " << error.what();
    }
  }

  /// The command that repeats a run of this test.
  std::string command(const std::string& more = "") const {
    return "reproduce: heddle run scenarios/" + GetParam().file + " --variant " +
           GetParam().variant + more;
  }

  void expect_no_loss(const Result& result) const {
    EXPECT_EQ(result.packets("in_flight"), 0) << command();
    EXPECT_EQ(result.packets("injected"),
              result.packets("delivered") + result.packets("discarded") + result.packets("dropped"))
        << command();
    const bool own_memory = scenario_.workload.front().distance == RemoteDistance::own;
    EXPECT_GE(result.packets("delivered"), own_memory ? 0U : 1U) << command();
    if (!lossless(scenario_)) return;
    const Json& reasons = result.results.at("packets").at("dropped_by_reason");
    std::uint64_t failures = 0;
    for (const char* reason : {"link", "unreachable", "incomplete"}) {
      if (!scenario_.events.empty()) failures += reasons.value(reason, std::uint64_t{0});
    }
    EXPECT_EQ(result.packets("dropped"), failures) << command();
  }

  Scenario scenario_;
};

TEST_P(Library, EndsRepeatsAndLosesNothing) {
  const Result first = run(scenario_);
  ASSERT_EQ(first.exit_code, 0) << first.explanation << "\n" << command();
  EXPECT_NO_THROW(check_declared(first.results)) << command();
  if (!computes(scenario_)) expect_no_loss(first);
  EXPECT_EQ(comparable(run(scenario_).results), comparable(first.results)) << command();
  if (nothing_is_random(scenario_)) return;
  scenario_.seed += 1;
  EXPECT_NE(run(scenario_).hash(), first.hash())
      << command(" --seed N, with " + std::to_string(scenario_.seed - 1) + " and with " +
                 std::to_string(scenario_.seed));
}

/// The first part of the run decides: waking every device in every cycle takes long.
TEST_P(Library, OrderAndIdleSkippingDoNotMatter) {
  const bool large = scenario_.fabric.host_count() > 64;
  const Duration part = computes(scenario_) ? 10_us : large ? 25_us : 120_us;
  scenario_.measure.deadline = std::min(scenario_.measure.deadline, part);
  scenario_.measure.warmup = std::min(scenario_.measure.warmup, 5_us);
  const std::string shortened =
      " --set measure.deadline='" + print_quantity(part) + "'" +
      (scenario_.measure.warmup.picoseconds == 0 ? "" : " --set measure.warmup='5 us'");

  RunOptions shuffled;
  shuffled.shuffle_devices = true;
  RunOptions awake;
  awake.wake_every_cycle = true;
  const Result plain = run(scenario_);
  ASSERT_FALSE(plain.results.is_null()) << plain.explanation << "\n" << command(shortened);
  EXPECT_EQ(comparable(run(scenario_, shuffled).results), comparable(plain.results))
      << command(shortened + " --shuffle-devices");
  EXPECT_EQ(comparable(run(scenario_, awake).results), comparable(plain.results))
      << command(shortened + " --no-idle-skip");
}

std::string name_of(const ::testing::TestParamInfo<Member>& info) {
  std::string name = info.param.file.substr(0, info.param.file.rfind('.')) + "_" +
                     (info.param.variant.empty() ? "plain" : info.param.variant);
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Case29, Library, ::testing::ValuesIn(library()), name_of);

}  // namespace
}  // namespace heddle
