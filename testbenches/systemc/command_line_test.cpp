// The program as a user meets it: each command, each exit code, each kind of bad input.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "cosim/rtl_factory.h"
#include "vcd_reader.h"

namespace heddle {
namespace {

namespace fs = std::filesystem;

struct Result {
  int exit_code = -1;
  std::string output;  ///< standard output, with standard error unless the command redirects it
};

constexpr const char* small_scenario = R"(# Does the program work?
# Two hosts below one switch exchange a few packets.
name: small
workload: {pattern: permutation, message: 16 KiB}
fabric: {topology: single, hosts: 4}
variants:
  scheduled: {switch: scheduled}
  adaptive: {switch: adaptive, nic: {receive: out_of_order_placement}}
)";

class CommandLine : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(::testing::TempDir()) / ("command_line_" + std::to_string(getpid()));
    fs::create_directories(folder_);
    write("small.yaml", small_scenario);
  }
  void TearDown() override { fs::remove_all(folder_); }

  void write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name) << text;
  }
  std::string content(const std::string& name) const {
    std::ifstream input(folder_ / name);
    return {std::istreambuf_iterator<char>(input), {}};
  }

  /// Runs `heddle ARGUMENTS` by a shell in the test's own folder; `before` is shell text.
  Result heddle(const std::string& arguments, const std::string& before = "") const {
    const std::string command = "exec 2>&1; cd '" + folder_.string() + "' && " + before +
                                " exec " HEDDLE_BINARY " " + arguments;
    Result result;
    FILE* pipe = popen(command.c_str(), "r");
    if (pipe == nullptr) return result;
    std::array<char, 4096> chunk{};
    for (std::size_t n = 0; (n = std::fread(chunk.data(), 1, chunk.size(), pipe)) > 0;) {
      result.output.append(chunk.data(), n);
    }
    const int status = pclose(pipe);
    result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return result;
  }

  /// Bad input is one line that holds `part`, and exit code 2.
  void expect_bad(const std::string& arguments, const std::string& part) const {
    const Result result = heddle(arguments);
    EXPECT_EQ(result.exit_code, 2) << "heddle " << arguments << "\n" << result.output;
    EXPECT_NE(result.output.find(part), std::string::npos) << "heddle " << arguments << "\n"
                                                           << result.output << "lacks: " << part;
    EXPECT_EQ(std::count(result.output.begin(), result.output.end(), '\n'), 1) << result.output;
    EXPECT_EQ(result.output.rfind("heddle: ", 0), 0U) << result.output;
  }

  fs::path folder_;
};

TEST_F(CommandLine, ComparePrintsATableAndWritesResults) {
  const Result result = heddle("compare small.yaml");
  EXPECT_EQ(result.exit_code, 0) << result.output;
  EXPECT_NE(result.output.find("why is it slow"), std::string::npos) << result.output;
  EXPECT_NE(result.output.find("results/small/results.json"), std::string::npos) << result.output;
  const auto json = nlohmann::json::parse(content("results/small/results.json"));
  EXPECT_EQ(json.at("variants").size(), 2U);
  EXPECT_EQ(json.at("parameters").at("adaptive").at("nic").at("receive"), "out_of_order_placement");
}

TEST_F(CommandLine, JsonIsAllThereIsOnStandardOutput) {
  const Result result = heddle("compare small.yaml --json - --out out 2>/dev/null");
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.output, content("out/results.json"));
}

TEST_F(CommandLine, QuietIsQuiet) {
  const Result result = heddle("compare small.yaml --quiet");
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.output, "");
}

TEST_F(CommandLine, NoBannerBeforeOrAfter) {
  EXPECT_EQ(heddle("--version").output, "heddle 0.1.0\n");
  EXPECT_EQ(heddle("compare small.yaml 2>&1").output.find("SystemC"), std::string::npos);
}

TEST_F(CommandLine, RunTakesOneVariant) {
  expect_bad("run small.yaml", "choose one with --variant: scheduled, adaptive");
  expect_bad("run small.yaml --variant adaptiv", "did you mean 'adaptive'?");
  const Result result = heddle("run small.yaml --variant adaptive");
  EXPECT_EQ(result.exit_code, 0) << result.output;
  EXPECT_EQ(result.output.find("scheduled"), std::string::npos);
}

TEST_F(CommandLine, ValidateListAndExplain) {
  EXPECT_EQ(heddle("validate small.yaml").output,
            "small.yaml: valid; 2 variants: scheduled, adaptive\n");
  fs::create_directories(folder_ / "scenarios" / "topic");
  fs::copy_file(folder_ / "small.yaml", folder_ / "scenarios" / "topic" / "small.yaml");
  const std::string list = heddle("list").output;
  EXPECT_EQ(list.rfind("scenarios/topic/small.yaml\n    Does the program work?\n"
                       "    Two hosts below one switch exchange a few packets.\n\nPresets",
                       0),
            0U)
      << list;
  EXPECT_NE(list.find("adaptive.preset: sn4700"), std::string::npos) << list;
  EXPECT_NE(heddle("explain sn4700").output.find("60817392 B"), std::string::npos);
  EXPECT_NE(heddle("explain nic.mtu").output.find("4 KiB"), std::string::npos);
  EXPECT_EQ(heddle("explain").exit_code, 0);
  EXPECT_EQ(heddle("explain --markdown").exit_code, 0);
  EXPECT_EQ(heddle("explain --registers hbm nic").output.rfind("### nic\n", 0), 0U);
  expect_bad("explain nic.mut", "did you mean 'nic.mtu'?");
  expect_bad("explain --markdown nicc", "did you mean 'nic'?");
  expect_bad("explain --registers hbn", "did you mean 'hbm'?");
}

TEST_F(CommandLine, ValidateChecksEveryFile) {
  write("bad.yaml", "sed: 1\n");
  const Result result = heddle("validate none.yaml small.yaml bad.yaml");
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(result.output,
            "heddle: none.yaml: no such file\n"
            "small.yaml: valid; 2 variants: scheduled, adaptive\n"
            "heddle: bad.yaml:1:1: sed: unknown key; did you mean 'seed'?\n");
}

TEST_F(CommandLine, ExplanationsFitTheScreen) {
  std::istringstream lines(heddle("explain scheduled").output + heddle("explain messages").output);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100U) << line;
}

TEST_F(CommandLine, CalculatorsPrintTablesThatFitATerminal) {
  for (const char* command :
       {"headroom", "headroom --device sn5600", "credits", "credits --device jericho3_ai"}) {
    const Result result = heddle(command);
    EXPECT_EQ(result.exit_code, 0) << result.output;
    std::istringstream lines(result.output);
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80U) << line;
  }
  EXPECT_NE(heddle("headroom --rate '400 Gbps' --cable '300 m'").output.find(" 373760 "),
            std::string::npos);
  EXPECT_NE(heddle("credits --rate '400 Gbps' --delay '1 us'").output.find(" 155648 "),
            std::string::npos);
  expect_bad("headroom --rate 400", "--rate: '400' has no unit");
  expect_bad("headroom --rate ''", "--rate: '' does not start with a number");
  expect_bad("headroom --cable '5 m' --latency '25 ns'", "give one of them");
  expect_bad("headroom --device sn4600", "did you mean 'sn4700'?");
  expect_bad("headroom --cabel '5 m'", "did you mean '--cable'?");
  expect_bad("headroom --rate", "--rate needs a value");
  expect_bad("headroom 400", "400");
  expect_bad("credits --rate '1 Gbps' --rate '2 Gbps'", "may stand only once");
  expect_bad("credits --leaves many", "--leaves: expected a whole number");
}

TEST_F(CommandLine, BadArguments) {
  expect_bad("", "--help");
  expect_bad("comapre small.yaml", "unknown command 'comapre'; did you mean 'compare'?");
  expect_bad("compare", "file is required");
  expect_bad("compare small.yaml --quite", "unknown option '--quite'; did you mean '--quiet'?");
  expect_bad("compare small.yaml --sed=3", "did you mean '--se");
  expect_bad("compare small.yaml extra.yaml", "extra.yaml");
  expect_bad("compare small.yaml --set", "--set");
  expect_bad("compare small.yaml --set nic", "expected KEY=VALUE");
  expect_bad("compare small.yaml --seed many", "expected a whole number");
  expect_bad("compare small.yaml --seed=-1", "out of range");
  expect_bad("compare small.yaml --jobs 0", "--jobs");
  expect_bad("compare small.yaml --jobs", "--jobs needs a value");
  expect_bad("compare small.yaml --seed 1 --seed 2", "--seed may stand only once");
  expect_bad("compare small.yaml --json file", "'file' is not '-', standard output");
  expect_bad("compare small.yaml --out ''", "--out: names no folder");
  expect_bad("run small.yaml --variant scheduled --variant adaptive", "may stand only once");
}

TEST_F(CommandLine, BadCrossbars) {
  write("crossbar.yaml",
        "switch: crossbar\nfabric: {topology: single}\nworkload: {pattern: uniform}\n");
  expect_bad("validate crossbar.yaml --set fabric.topology=leaf_spine", "it needs 'single'");
  expect_bad("validate crossbar.yaml --set fabric.hosts=65", "a crossbar has up to 64 ports");
  expect_bad("validate crossbar.yaml --set workload.pattern=incast", "a crossbar has 'uniform'");
  expect_bad("validate crossbar.yaml --set crossbar.cell='49 B'", "takes less than a cycle");
  expect_bad("validate crossbar.yaml --set nic.mtu='4 KiB'", "applies only when switch is");
  expect_bad("validate crossbar.yaml --set crossbar.queueing=output --set crossbar.iterations=2",
             "applies only when");
  expect_bad("run crossbar.yaml --out out --trace nothing", "there is only crossbar");
  write("hosts.yaml", "fabric: {topology: single}\n");
  expect_bad("validate hosts.yaml --set workload.pattern=diagonal", "only 'switch: crossbar' has");
  expect_bad("validate hosts.yaml --set fabric.hosts=1", "1 hosts; valid is 2 to");
}

TEST_F(CommandLine, BadScenarios) {
  expect_bad("compare none.yaml", "none.yaml: no such file");
  expect_bad("compare .", "is a folder");
  expect_bad("validate small.yaml --set nic.mut='4 KiB'", "did you mean 'mtu'?");
  expect_bad("validate small.yaml --set nic.mtu='4 us'", "valid units are B, KB");
  expect_bad("validate small.yaml --set nic.mtu=4", "has no unit");
  expect_bad("validate small.yaml --set workload.message='-1 MiB'", "negative");
  expect_bad("validate small.yaml --set workload.message='99999999999 GiB'", "too large");
  expect_bad("validate small.yaml --set fabric.hosts=99999999", "valid is 1 to 65535");
  write("incast.yaml", "workload: {pattern: incast, senders: 16}\n");
  expect_bad("validate incast.yaml", "needs 17 hosts, but the fabric has 16");
  write("garbage.yaml", std::string("\x7f"
                                    "ELF\x01\x02\x00\x03",
                                    8));
  expect_bad("compare garbage.yaml", "is not a text file");
  write("newline.yaml", "\"two\\nlines\\e[31m\": 1\n");
  expect_bad("compare newline.yaml", "two\\x0alines\\x1b[31m: unknown key");
  ASSERT_EQ(mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  expect_bad("validate pipe", "pipe: is not a regular file");
  write("pipe.yaml", "workload: {file: pipe}\n");
  expect_bad("validate pipe.yaml", "pipe: is not a regular file");
  write("tabs.yaml", "nic:\n\tmtu: 4 KiB\n");
  expect_bad("compare tabs.yaml", "tabs.yaml:2:");
  write("deep.yaml", std::string(100'000, '['));
  expect_bad("compare deep.yaml", "deep.yaml:1:");
}

TEST_F(CommandLine, BadConnectionMatrices) {
  write("none.yaml", "workload: {file: none.cm}\n");
  expect_bad("compare none.yaml", "none.cm");
  write("cm.yaml", "workload: {file: w.cm}\nfabric: {leaves: 2, hosts_per_leaf: 2}\n");
  write("w.cm", "Nodes 4\nConnections 2\n0->1 id 1 start 0 size 4096\n1->2 id 2 star");
  expect_bad("compare cm.yaml", "w.cm:4");
  write("w.cm", "Nodes 4\nConnections 1\n0->1 id 1 trigger 9 size 4096\n");
  expect_bad("compare cm.yaml", "w.cm:3");
  write("w.cm", "Nodes 99\nConnections 1\n0->98 id 1 start 0 size 4096\n");
  expect_bad("compare cm.yaml", "the fabric has only 4 hosts");
  write("w.cm", "Nodes 4\nConnections 1\n0->7 id 1 start 0 size 4096\n");
  expect_bad("compare cm.yaml", "w.cm:3");
}

TEST_F(CommandLine, UnreadableFiles) {
  if (getuid() == 0) GTEST_SKIP() << "the superuser may read every file";
  fs::permissions(folder_ / "small.yaml", fs::perms::none);
  expect_bad("compare small.yaml", "small.yaml: cannot be read: Permission denied");
}

TEST_F(CommandLine, OutputThatCannotBeWritten) {
  expect_bad("compare small.yaml --out small.yaml/below", "cannot be made the output folder");
  expect_bad("compare small.yaml --out small.yaml", "cannot be made the output folder");
  expect_bad("compare small.yaml --out /proc/heddle", "cannot be made the output folder");
  expect_bad("explain > /dev/full", "standard output cannot be written");
}

// A limit on the size of files fails the writing of results as a full disk does.
TEST_F(CommandLine, AFullDiskLeavesTheOldResults) {
  ASSERT_EQ(heddle("compare small.yaml --quiet --out out").exit_code, 0);
  const std::string old = content("out/results.json");
  ASSERT_GT(old.size(), 1024U);
  const Result result = heddle("compare small.yaml --quiet --seed 2 --out out", "ulimit -f 1;");
  EXPECT_EQ(result.exit_code, 2) << result.output;
  EXPECT_NE(result.output.find("out/results.json: cannot be written"), std::string::npos)
      << result.output;
  EXPECT_EQ(content("out/results.json"), old);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_ / "out"), fs::directory_iterator()), 1);
}

/// The results without what depends on the speed of the machine.
nlohmann::ordered_json repeatable(const std::string& text) {
  auto json = nlohmann::ordered_json::parse(text);
  for (auto& variant : json.at("variants")) {
    variant.at("run").erase("wall_s");
    variant.at("run").erase("ns_per_frame_hop");
  }
  return json;
}

TEST_F(CommandLine, TwoRunsOfOneSeedAreEqualAndJobsDoNotMatter) {
  ASSERT_EQ(heddle("compare small.yaml --quiet --out one --jobs 1").exit_code, 0);
  ASSERT_EQ(heddle("compare small.yaml --quiet --out two --jobs 2").exit_code, 0);
  EXPECT_EQ(repeatable(content("one/results.json")).dump(),
            repeatable(content("two/results.json")).dump());
}

// The deadline passes long before the messages are through.
TEST_F(CommandLine, ADeadlineIsExitCodeFive) {
  const Result result =
      heddle("compare small.yaml --set workload.message='1 GiB' --set measure.deadline='20 us'");
  EXPECT_EQ(result.exit_code, 5) << result.output;
  EXPECT_EQ(nlohmann::json::parse(content("results/small/results.json")).at("variants").size(), 2U);
}

TEST_F(CommandLine, AnInterruptKeepsWhatIsFinished) {
  write("long.yaml",
        "measure: {deadline: 4 s}\nworkload: {pattern: permutation}\n"
        "fabric: {topology: single, hosts: 4}\nswitch: adaptive\nvariants:\n"
        "  short: {workload: {message: 4 KiB}, measure: {deadline: 1 ms}}\n"
        "  long: {workload: {message: 100 GB}}\n");
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    if (chdir(folder_.c_str()) == 0) {
      execl(HEDDLE_BINARY, "heddle", "compare", "long.yaml", "--quiet", "--jobs", "2", "--out",
            "out", nullptr);
    }
    std::_Exit(127);
  }
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  int status = 0;
  while (!fs::exists(folder_ / "out" / "results.json") && waitpid(child, &status, WNOHANG) == 0 &&
         std::chrono::steady_clock::now() < limit) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  ASSERT_TRUE(fs::exists(folder_ / "out" / "results.json"));
  kill(child, SIGINT);
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status)) << "signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), 130);
  const auto json = nlohmann::json::parse(content("out/results.json"));
  EXPECT_EQ(json.at("variants").size(), 1U);
  EXPECT_TRUE(json.at("variants").contains("short"));
}

/// Runs that are killed, at any time, and continued.
class Resume : public CommandLine {
 protected:
  static constexpr unsigned variants = 6;

  void SetUp() override {
    CommandLine::SetUp();
    std::string text =
        "name: six\nfabric: {topology: single, hosts: 4}\nworkload: {message: 4 MB}\nvariants:\n";
    for (unsigned v = 0; v < variants; ++v) {
      text += "  v" + std::to_string(v) + ": {switch: " + (v % 2 == 0 ? "scheduled" : "adaptive") +
              ", workload: {permutation: shift, shift: " + std::to_string(1 + v / 2) + "}}\n";
    }
    write("six.yaml", text);
  }

  /// Starts a program that `until` decides to kill by SIGKILL, unless it has ended before.
  void run_and_kill(const std::vector<std::string>& arguments,
                    const std::function<bool()>& until) const {
    std::vector<char*> words{const_cast<char*>("heddle")};
    for (const std::string& word : arguments) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      if (chdir(folder_.c_str()) == 0) execv(HEDDLE_BINARY, words.data());
      std::_Exit(127);
    }
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    int status = 0;
    pid_t ended = 0;
    while (!until() && ended == 0 && std::chrono::steady_clock::now() < limit) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      ended = waitpid(child, &status, WNOHANG);
    }
    if (ended != 0) return;
    kill(child, SIGKILL);
    ASSERT_EQ(waitpid(child, &status, 0), child);
  }

  std::size_t finished(const std::string& folder) const {
    const std::string text = content(folder + "/results.json");
    return text.empty() ? 0 : nlohmann::json::parse(text).at("variants").size();
  }

  /// Files that are neither results nor hidden.
  void expect_only_results(const std::string& folder) const {
    for (const auto& entry : fs::directory_iterator(folder_ / folder)) {
      const std::string name = entry.path().filename().string();
      EXPECT_TRUE(name == "results.json" || name.front() == '.') << name;
    }
  }

  /// Without the rows that depend on the speed of the machine, and the name of the folder.
  static std::string repeatable_table(const std::string& output) {
    std::istringstream lines(output);
    std::string text;
    for (std::string line; std::getline(lines, line);) {
      const bool figure = line.rfind("  real time", 0) == 0 ||
                          line.rfind("  per frame-hop", 0) == 0 || line.rfind("All ", 0) == 0;
      if (!figure) text += line + '\n';
    }
    return text;
  }
};

TEST_F(Resume, AKilledRunContinuesWhereverItWasKilled) {
  const Result whole = heddle("compare six.yaml --jobs 1 --out whole 2>/dev/null");
  ASSERT_EQ(whole.exit_code, 0);
  const std::string expected = repeatable(content("whole/results.json")).dump();
  for (std::size_t kept = 0; kept <= variants; ++kept) {
    const std::string out = "out" + std::to_string(kept);
    run_and_kill({"compare", "six.yaml", "--quiet", "--jobs", "1", "--out", out},
                 [&] { return fs::exists(folder_ / out) && finished(out) >= kept; });
    expect_only_results(out);
    const std::size_t found = finished(out);
    EXPECT_GE(found, kept);
    const Result resumed =
        heddle("compare six.yaml --resume --jobs 1 --out " + out + " 2>messages");
    EXPECT_EQ(resumed.exit_code, 0) << content("messages");
    EXPECT_EQ(repeatable(content(out + "/results.json")).dump(), expected);
    EXPECT_EQ(repeatable_table(resumed.output), repeatable_table(whole.output));
    for (std::size_t v = 0; v < variants; ++v) {
      const std::string line =
          "v" + std::to_string(v) + (v < found ? ": kept from the earlier run\n" : ": done\n");
      EXPECT_NE(content("messages").find(line), std::string::npos) << line << content("messages");
    }
  }
}

// Also when what continues is killed, with variants side by side, at no particular moment.
TEST_F(Resume, ARunThatIsKilledAgainAndAgainComesToItsEnd) {
  ASSERT_EQ(heddle("compare six.yaml --quiet --out whole").exit_code, 0);
  const std::string expected = repeatable(content("whole/results.json")).dump();
  std::size_t found = 0;
  for (unsigned attempt = 1; found < variants && attempt < 200; ++attempt) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(10 * attempt);
    run_and_kill({"compare", "six.yaml", "--resume", "--quiet", "--jobs", "2", "--out", "out"},
                 [&] { return std::chrono::steady_clock::now() >= end; });
    if (!fs::exists(folder_ / "out")) continue;
    expect_only_results("out");
    EXPECT_GE(finished("out"), found) << "nothing is lost";
    found = finished("out");
  }
  EXPECT_EQ(heddle("compare six.yaml --resume --quiet --out out").exit_code, 0);
  EXPECT_EQ(repeatable(content("out/results.json")).dump(), expected);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_ / "out"), fs::directory_iterator()), 1);
}

TEST_F(Resume, DamagedResultsAreNamedAndRunAgain) {
  ASSERT_EQ(heddle("compare small.yaml --quiet --out out").exit_code, 0);
  const std::string whole = content("out/results.json");
  write("out/results.json", whole.substr(0, whole.size() / 2));
  Result result = heddle("compare small.yaml --resume --quiet --out out");
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.output,
            "heddle: out/results.json: is damaged, or not by heddle 0.1.0; nothing of it is kept, "
            "all variants run again\n");
  EXPECT_EQ(repeatable(content("out/results.json")), repeatable(whole));
  auto changed = nlohmann::ordered_json::parse(whole);
  changed["variants"]["adaptive"]["latency_ns"]["p99"] = 1.0;
  write("out/results.json", changed.dump(2));
  result = heddle("compare small.yaml --resume --quiet --out out");
  EXPECT_EQ(result.output,
            "heddle: out/results.json: the results of 'adaptive' are damaged; it runs again\n");
  EXPECT_EQ(repeatable(content("out/results.json")), repeatable(whole));
}

TEST_F(Resume, OnlyWhatIsUnchangedIsKept) {
  ASSERT_EQ(heddle("compare small.yaml --quiet --out out").exit_code, 0);
  write("small.yaml",
        std::string(small_scenario) + "  spray: {switch: adaptive, nic: {mtu: 1 KiB}}\n");
  Result result = heddle("compare small.yaml --resume --out out 2>&1 >table");
  EXPECT_EQ(result.output,
            "scheduled: kept from the earlier run\nadaptive: kept from the earlier run\n"
            "spray: done\n");
  result = heddle("compare small.yaml --resume --seed 7 --jobs 1 --out out 2>&1 >table");
  EXPECT_EQ(result.output.find("kept"), std::string::npos) << result.output;
  EXPECT_NE(result.output.find("scheduled: its scenario has changed; runs again\n"),
            std::string::npos)
      << result.output;
  EXPECT_NE(heddle("compare --help").output.find("--resume"), std::string::npos);
  expect_bad("compare small.yaml --resume --trace '*'", "--trace");
  expect_bad("run small.yaml --variant spray --resume", "--resume");
}

// The waves of a killed run do not get their name, and do not stay for ever.
TEST_F(Resume, HalfWrittenWavesAreRemovedByTheNextRun) {
  write("long.yaml",
        "measure: {deadline: 4 s}\nworkload: {message: 100 GB}\nswitch: adaptive\n"
        "fabric: {topology: single, hosts: 4}\n");
  const auto halves = [&] {
    std::vector<fs::path> found;
    if (!fs::exists(folder_ / "out")) return found;
    for (const auto& entry : fs::directory_iterator(folder_ / "out")) {
      if (entry.path().filename().string().rfind(".adaptive.vcd.", 0) == 0) {
        found.push_back(entry.path());
      }
    }
    return found;
  };
  run_and_kill({"run", "long.yaml", "--quiet", "--out", "out", "--trace", "*"},
               [&] { return !halves().empty() && fs::file_size(halves().front()) > 100'000; });
  ASSERT_EQ(halves().size(), 1U);
  expect_only_results("out");
  // The simulation notices at its next report that nobody listens any more.
  const pid_t writer = std::stoi(halves().front().stem().extension().string().substr(1));
  for (int i = 0; i < 1000 && kill(writer, 0) == 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_EQ(heddle("compare small.yaml --resume --quiet --out out").exit_code, 0);
  EXPECT_TRUE(halves().empty());
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_ / "out"), fs::directory_iterator()), 1);
}

TEST_F(CommandLine, TracesARun) {
  const Result result = heddle(
      "run small.yaml --variant adaptive --quiet --out out --trace 'host*' --trace leaf0 "
      "--trace-window '100 ns..1.5 us'");
  EXPECT_EQ(result.exit_code, 0) << result.output;
  EXPECT_EQ(content("out/adaptive.vcd").rfind("$version heddle", 0), 0U);
  EXPECT_NE(content("out/adaptive.gtkw").find("heddle.leaf0."), std::string::npos);
  EXPECT_EQ(heddle("compare small.yaml --quiet --out both --trace leaf0").exit_code, 0);
  EXPECT_TRUE(fs::exists(folder_ / "both" / "adaptive.vcd"));
  EXPECT_TRUE(fs::exists(folder_ / "both" / "scheduled.vcd"));
}

// Bad requests are found before anything runs: earlier results stay.
TEST_F(CommandLine, BadTraces) {
  ASSERT_EQ(heddle("run small.yaml --variant adaptive --quiet --out out").exit_code, 0);
  const std::string old = content("out/results.json");
  const std::string run = "run small.yaml --variant adaptive --out out ";
  expect_bad(run + "--trace leef0", "matches no device and no link; did you mean 'leaf0'?");
  expect_bad(run + "--trace leaf0 --trace 'q*'", "--trace 'q*': matches no device and no link; ");
  expect_bad(run + "--trace-window '1 us..2 us'", "--trace-window requires --trace");
  const std::string window = run + "--trace '*' --trace-window ";
  expect_bad(window + "'2 us..1 us'", "must end later than it begins");
  expect_bad(window + "'2 us..2 us'", "must end later than it begins");
  expect_bad(window + "'2 us..2 s'", "must end by the deadline of 100 ms");
  expect_bad(window + "'2 us'", "expected two times, as in '2 us..5 us'");
  expect_bad(window + "'2..3'", "'2' has no unit");
  expect_bad(window + "'2 KiB..3 us'", "unknown unit 'KiB'");
  EXPECT_EQ(content("out/results.json"), old);
}

TEST_F(CommandLine, BadRtl) {
  const std::string run = "run small.yaml --variant adaptive --out out ";
  if (!has_rtl()) return expect_bad(run + "--rtl leaf0", "was built without Verilator");
  expect_bad(run + "--rtl leef0", "rtl: 'leef0': matches no switch; did you mean 'leaf0'?");
  expect_bad(run + "--rtl host0", "rtl: 'host0': matches no switch; ");
  expect_bad(run + "--set 'rtl={a: 1}'", "--set rtl={a: 1}: rtl: expected a single value");
  expect_bad(run + "--set 'rtl=[[leaf0]]'", "rtl: expected names");
  expect_bad("validate small.yaml --rtl spine0", "rtl: 'spine0': matches no switch");
  write("ring.yaml",
        "switch: torus\nfabric: {topology: torus, x: 4, y: 1}\ntorus: {flit: 1 B, header: 0 B}\n"
        "workload: {pattern: uniform, load: 0.1, duration: 1 us}\n");
  expect_bad("run ring.yaml --rtl router4",
             "rtl: 'router4': matches no router; did you mean 'router0'?");
  expect_bad("validate ring.yaml --rtl node0", "rtl: 'node0': matches no router");
  expect_bad("run ring.yaml --quiet --out out --rtl 'router[12]'", "rtl: router1 has room for ");
}

TEST_F(CommandLine, ASwitchInRtlHasTheSameResultAndWavesOfItsOwn) {
  if (!has_rtl()) GTEST_SKIP() << "this heddle was built without Verilator";
  const std::string hash = "--json - | grep result_hash";
  const std::string plain = heddle("compare small.yaml --quiet --out plain " + hash).output;
  const Result rtl = heddle(
      "compare small.yaml --quiet --out out --rtl leaf0 --trace leaf0 "
      "--trace-window '1 us..2 us' " +
      hash);
  EXPECT_EQ(rtl.output, plain);
  EXPECT_EQ(std::count(plain.begin(), plain.end(), '\n'), 2) << plain;
  for (const char* variant : {"adaptive", "scheduled"}) {
    const std::string waves = content(fmt::format("out/{}.leaf0.fst", variant));
    EXPECT_GT(waves.size(), 1000U) << variant;
    EXPECT_EQ(waves.front(), '\0') << "an FST file begins with a block of type 0, its header";
  }
}

TEST_F(CommandLine, AFullDiskLeavesNoWaves) {
  const Result result =
      heddle("run small.yaml --variant scheduled --quiet --out out --trace '*'", "ulimit -f 64;");
  EXPECT_EQ(result.exit_code, 2) << result.output;
  EXPECT_NE(result.output.find("out/scheduled.vcd: cannot be written"), std::string::npos)
      << result.output;
  for (const auto& entry : fs::directory_iterator(folder_ / "out")) {
    EXPECT_EQ(entry.path().filename(), "results.json");
  }
}

TEST_F(CommandLine, WaveWorstTellsTheStoryOfTheSlowestPacket) {
  ASSERT_EQ(heddle("compare small.yaml --quiet --out out --set workload.message='20 KiB' --seed 5")
                .exit_code,
            0);
  const auto json = nlohmann::json::parse(content("out/results.json"));
  fs::create_directories(folder_ / "elsewhere");
  for (const std::string variant : {"scheduled", "adaptive"}) {
    // From another folder: the results know where they were made.
    const Result result = heddle("wave worst ../out --quiet --variant " + variant, "cd elsewhere;");
    EXPECT_EQ(result.exit_code, 0) << result.output;
    EXPECT_EQ(result.output.rfind("small, " + variant + ", seed 5: the slowest packet\n", 0), 0U)
        << result.output;
    std::istringstream lines(result.output);
    double end = 0;
    double first = -1;
    for (std::string line; std::getline(lines, line);) {
      EXPECT_LE(line.size(), 80U) << line;
      if (line.find(" ns  ") == std::string::npos) continue;
      end = std::stod(line);
      if (first < 0) first = end;
    }
    const auto& slowest = json.at("variants").at(variant).at("slowest_packet");
    EXPECT_EQ(first, slowest.at("due_ns").get<double>());
    EXPECT_EQ(end - first, slowest.at("latency_ns").get<double>());
    const testing::Vcd waves = testing::read_vcd(folder_ / "out" / (variant + "-worst.vcd"));
    EXPECT_EQ(static_cast<double>(waves.begin_ps), first * 1000);
    EXPECT_EQ(static_cast<double>(waves.end_ps), end * 1000 + 1000) << "the last cycle included";
    EXPECT_NE(result.output.find("gtkwave ../out/" + variant + "-worst.gtkw"), std::string::npos)
        << result.output;
  }
}

TEST_F(CommandLine, WaveWorstNeedsAFinishedRunThatRepeatsItself) {
  ASSERT_EQ(heddle("compare small.yaml --quiet --out out").exit_code, 0);
  expect_bad("wave worst out --quiet", "choose one with --variant: scheduled, adaptive");
  expect_bad("wave worst out --quiet --variant adaptiv", "did you mean 'adaptive'?");
  expect_bad("wave best out", "'best' is not 'worst'");
  expect_bad("wave worst nothing", "no such file");
  expect_bad("wave worst small.yaml", "is no results.json");
  write("other.json", "{\"variants\": 3}");
  expect_bad("wave worst other.json", "is no results.json");
  auto json = nlohmann::ordered_json::parse(content("out/results.json"));
  json["variants"]["adaptive"]["run"]["result_hash"] = "0123456789abcdef";
  write("other.json", json.dump());
  expect_bad("wave worst other.json --quiet --variant adaptive", "does not repeat itself");
  auto none = json;
  none["variants"] = nlohmann::ordered_json::object();
  write("none.json", none.dump());
  expect_bad("wave worst none.json", "none.json: holds no finished run");
  json["variants"]["adaptive"].erase("slowest_packet");
  write("other.json", json.dump());
  expect_bad("wave worst other.json --variant adaptive", "no packet was delivered");
  write("small.yaml", std::string(small_scenario) + "seed: 9\n");
  expect_bad("wave worst out --variant adaptive", "small.yaml has changed since that run");
  fs::remove(folder_ / "small.yaml");
  expect_bad("wave worst out --variant adaptive", "small.yaml: no such file");
}

}  // namespace
}  // namespace heddle
