// results.json is whole or not there.
#include "engine/result_file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "kernel/error.h"

namespace heddle {
namespace {

namespace fs = std::filesystem;

class ResultFile : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / ("result_file_" + std::to_string(getpid()));
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string content(const fs::path& file) const {
    std::ifstream input(file);
    return {std::istreambuf_iterator<char>(input), {}};
  }
  std::ptrdiff_t files() const {
    return std::distance(fs::directory_iterator(folder_), fs::directory_iterator());
  }

  fs::path folder_;
};

TEST_F(ResultFile, ReplacesTheOldFileWhole) {
  write_atomically(folder_ / "results.json", std::string(100'000, 'a'));
  write_atomically(folder_ / "results.json", "b");
  EXPECT_EQ(content(folder_ / "results.json"), "b");
  EXPECT_EQ(files(), 1);
}

// A limit on the size of files fails a write half-way, as a full disk does.
TEST_F(ResultFile, AFullDiskLeavesTheOldFileAndNothingElse) {
  write_atomically(folder_ / "results.json", "old");
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{4096, 4096};
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) std::_Exit(9);
    try {
      write_atomically(folder_ / "results.json", std::string(10'000, 'x'));
    } catch (const InputError& error) {
      std::_Exit(std::string(error.what()).find("results.json: cannot be written: ") !=
                         std::string::npos
                     ? 2
                     : 8);
    }
    std::_Exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 2);
  EXPECT_EQ(content(folder_ / "results.json"), "old");
  EXPECT_EQ(files(), 1);
}

// A process that was killed while it wrote leaves a hidden file; one that still writes needs it.
TEST_F(ResultFile, WhatKilledProcessesLeftIsRemoved) {
  const pid_t gone = fork();
  ASSERT_GE(gone, 0);
  if (gone == 0) std::_Exit(0);
  ASSERT_EQ(waitpid(gone, nullptr, 0), gone);
  const auto name = [](const std::string& final_name, pid_t pid) {
    return "." + final_name + "." + std::to_string(pid) + ".tmp";
  };
  const std::vector<std::string> leftovers{name("results.json", gone), name("scheduled.vcd", gone),
                                           name("scheduled-worst.gtkw", gone),
                                           name("results.json", getpid())};
  const std::vector<std::string> others{name("results.json", getppid()),
                                        name("scheduled.vcd", getppid()),
                                        name("notes.txt", gone),
                                        name("other.json", gone),
                                        ".results.json.tmp",
                                        ".results.json.12x.tmp",
                                        ".results.json.-1.tmp",
                                        ".results.json.0.tmp",
                                        "results.json." + std::to_string(gone) + ".tmp",
                                        "results.json",
                                        ".tmp"};
  for (const auto& file : leftovers) std::ofstream(folder_ / file) << "half";
  for (const auto& file : others) std::ofstream(folder_ / file) << "whole";
  prepare_folder(folder_);
  for (const auto& file : leftovers) EXPECT_FALSE(fs::exists(folder_ / file)) << file;
  for (const auto& file : others) EXPECT_EQ(content(folder_ / file), "whole") << file;
  EXPECT_EQ(files(), static_cast<std::ptrdiff_t>(others.size()));
}

TEST_F(ResultFile, AFolderThatCannotBeWrittenIsFoundEarly) {
  prepare_folder(folder_ / "a" / "b");
  EXPECT_TRUE(fs::is_directory(folder_ / "a" / "b"));
  EXPECT_TRUE(fs::is_empty(folder_ / "a" / "b"));
  std::ofstream(folder_ / "file") << "x";
  EXPECT_THROW(prepare_folder(folder_ / "file"), InputError);
  EXPECT_THROW(prepare_folder(folder_ / "file" / "below"), InputError);
  EXPECT_THROW(write_atomically(folder_ / "none" / "results.json", "x"), InputError);
  EXPECT_THROW(write_atomically(folder_ / "a", "x"), InputError) << "a folder has that name";
}

}  // namespace
}  // namespace heddle
