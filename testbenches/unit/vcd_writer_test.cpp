// The dump is what IEEE 1364-2005, clause 18, says, whole or not there.
#include "engine/vcd_writer.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <iterator>

#include "engine/gtkwave_save.h"
#include "kernel/error.h"
#include "vcd_reader.h"

namespace heddle::testing {
namespace {

namespace fs = std::filesystem;

class VcdFile : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(::testing::TempDir()) / ("vcd_writer_" + std::to_string(getpid()));
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  fs::path file() const { return folder_ / "x.vcd"; }
  std::string content() const {
    std::ifstream input(file());
    return {std::istreambuf_iterator<char>(input), {}};
  }

  fs::path folder_;
};

TEST_F(VcdFile, IsTheTextOfTheStandard) {
  VcdWriter vcd(file(), "a test");
  vcd.open_scope("top");
  const auto flag = vcd.add("flag", 1);
  vcd.open_scope("inner");
  const auto count = vcd.add("count", 8);
  const auto tick = vcd.add_event("tick");
  vcd.close_scope();
  vcd.close_scope();
  vcd.begin(1000);
  vcd.release(count);
  vcd.at(2000);
  vcd.happen(tick);
  vcd.set(count, 5);
  vcd.set(flag, 1);
  vcd.at(3000);
  vcd.set(flag, 0);
  vcd.set(flag, 1);  // of several values at one time the last one counts
  vcd.at(4000);
  vcd.set(flag, 0);
  vcd.keep(5000);
  EXPECT_EQ(content(),
            "$version heddle 0.1.0 $end\n"
            "$comment a test $end\n"
            "$timescale 1 ps $end\n"
            "$scope module top $end\n"
            "$var wire 1 ! flag $end\n"
            "$scope module inner $end\n"
            "$var wire 8 \" count [7:0] $end\n"
            "$var event 1 # tick $end\n"
            "$upscope $end\n"
            "$upscope $end\n"
            "$enddefinitions $end\n"
            "#1000\n"
            "$dumpvars\n"
            "0!\n"
            "bz \"\n"
            "$end\n"
            "#2000\n"
            "1!\n"
            "b101 \"\n"
            "1#\n"
            "#4000\n"
            "0!\n"
            "#5000\n");
  EXPECT_TRUE(vcd.lives(flag));
  EXPECT_TRUE(vcd.lives(tick));
}

TEST_F(VcdFile, ChangesAtTheFirstTimeAreInitialValues) {
  VcdWriter vcd(file(), "");
  const auto a = vcd.add("a", 4);
  const auto tick = vcd.add_event("tick");
  const auto idle = vcd.add("idle", 4);
  vcd.begin(0);
  vcd.set(a, 3);
  vcd.at(0);
  vcd.set(a, 12);
  vcd.happen(tick);
  vcd.keep(7);
  const Vcd waves = read_vcd(file());
  EXPECT_EQ(waves["a"].changes, (std::map<std::uint64_t, std::string>{{0, "1100"}}));
  EXPECT_EQ(waves["tick"].changes.size(), 1U);
  EXPECT_EQ(waves.end_ps, 7U);
  EXPECT_TRUE(vcd.lives(a));
  EXPECT_FALSE(vcd.lives(idle));
}

// 94 characters stand for the first 94 signals, two for the next 8,836.
TEST_F(VcdFile, CodesOfManySignalsDiffer) {
  VcdWriter vcd(file(), "");
  std::vector<VcdWriter::Signal> all;
  for (unsigned i = 0; i < 10'000; ++i) all.push_back(vcd.add("s" + std::to_string(i), 16));
  vcd.begin(0);
  for (unsigned i = 0; i < 10'000; ++i) vcd.set(all[i], i);
  vcd.keep(1);
  const Vcd waves = read_vcd(file());
  ASSERT_EQ(waves.signals.size(), 10'000U);
  for (unsigned i = 0; i < 10'000; ++i) {
    EXPECT_EQ(waves["s" + std::to_string(i)].number_at(0), i);
  }
  EXPECT_EQ(waves["s93"].code, "~");
  EXPECT_EQ(waves["s94"].code.size(), 2U);
}

TEST_F(VcdFile, TheOrderOfCallsWithinATimeDoesNotMatter) {
  std::string texts[2];
  for (const bool reversed : {false, true}) {
    VcdWriter vcd(file(), "");
    const auto a = vcd.add("a", 4);
    const auto b = vcd.add("b", 4);
    vcd.begin(0);
    vcd.at(5);
    vcd.set(reversed ? b : a, reversed ? 2 : 1);
    vcd.set(reversed ? a : b, reversed ? 1 : 2);
    vcd.keep(6);
    texts[reversed ? 1 : 0] = content();
  }
  EXPECT_EQ(texts[0], texts[1]);
}

TEST_F(VcdFile, TimeDoesNotRunBackwards) {
  VcdWriter vcd(file(), "");
  const auto a = vcd.add("a", 4);
  vcd.begin(10);
  vcd.at(20);
  EXPECT_THROW(vcd.at(19), CheckFailure);
  vcd.set(a, 1);
  vcd.keep(15);  // the run ended before the last change that was written
  EXPECT_EQ(read_vcd(file()).end_ps, 20U);
}

TEST_F(VcdFile, IsNotThereUntilItIsWhole) {
  {
    VcdWriter vcd(file(), "");
    vcd.begin(0);
    EXPECT_FALSE(fs::exists(file()));
  }
  EXPECT_TRUE(fs::is_empty(folder_));
}

// A limit on the size of files fails a write half-way, as a full disk does.
TEST_F(VcdFile, AFullDiskLeavesNothing) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{100'000, 100'000};
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) std::_Exit(9);
    try {
      VcdWriter vcd(file(), "");
      const auto a = vcd.add("a", 64);
      vcd.begin(0);
      for (std::uint64_t t = 1; t < 100'000; ++t) {
        vcd.at(t);
        vcd.set(a, t);
      }
      vcd.keep(100'000);
    } catch (const InputError&) {
      std::_Exit(2);
    }
    std::_Exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 2);
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(VcdFile, TheReaderRejectsWhatIsWrong) {
  const std::string header =
      "$timescale 1 ps $end\n$scope module m $end\n$var wire 2 ! a [1:0] $end\n$upscope $end\n"
      "$enddefinitions $end\n";
  EXPECT_EQ(parse_vcd(header + "#0\n$dumpvars\nb10 !\n$end\n")["m.a"].number_at(0), 2U);
  for (const char* body :
       {"#0\n", "#0\n$dumpvars\nb1 !\n$end\n#0\n", "#0\n$dumpvars\nb1 !\n$end\n#5\nb1 \"\n",
        "#0\n$dumpvars\nb101 !\n$end\n", "#0\n$dumpvars\nb2 !\n$end\n", "b1 !\n#0\n"}) {
    EXPECT_THROW(parse_vcd(header + body), std::runtime_error) << body;
  }
}

TEST(GtkwaveSave, NamesTheDumpAndGroupsSignals) {
  GtkwaveSave save;
  save.open_group("leaf0");
  save.show("heddle.leaf0.valid", 1, WaveFormat::bit);
  save.show("heddle.leaf0.kind", 48, WaveFormat::text);
  save.close_group("leaf0");
  const std::string text = save.text("/tmp/x/a.vcd", 1000, 951'000);
  EXPECT_EQ(text.rfind("[dumpfile] \"/tmp/x/a.vcd\"\n[savefile] \"/tmp/x/a.gtkw\"\n", 0), 0U);
  EXPECT_NE(text.find("[timestart] 1000\n"), std::string::npos);
  EXPECT_NE(text.find("*-17.609640 -1\n"), std::string::npos) << text;  // log2 of 200 ns in ps
  EXPECT_NE(text.find("@800200\n-leaf0\n@28\nheddle.leaf0.valid\n@820\nheddle.leaf0.kind[47:0]\n"
                      "@1000200\n-leaf0\n"),
            std::string::npos)
      << text;
}

}  // namespace
}  // namespace heddle::testing
