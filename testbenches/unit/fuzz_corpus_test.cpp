// Everything that a fuzzer starts from, or has ever found, keeps the properties that it looks for.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>

#include "fuzz/text_properties.h"

namespace heddle::testing {
namespace {

namespace fs = std::filesystem;

std::string read(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

template <class Check>
void check_files(const fs::path& folder, const std::string& extension, Check check) {
  unsigned files = 0;
  for (const auto& entry : fs::directory_iterator(fs::path(HEDDLE_SOURCE_DIR) / folder)) {
    if (!extension.empty() && entry.path().extension() != extension) continue;
    EXPECT_NO_THROW(check(read(entry.path()))) << entry.path();
    ++files;
  }
  EXPECT_GT(files, 0U) << folder;
}

TEST(FuzzCorpus, ScenariosAreAcceptedOrRejectedInPlace) {
  check_files("testbenches/fuzz/corpus/scenario", "", check_scenario_text);
  check_files("scenarios", ".yaml", check_scenario_text);
}

TEST(FuzzCorpus, MatricesAreAcceptedOrRejectedInPlace) {
  check_files("testbenches/fuzz/corpus/connection_matrix", "", check_matrix_text);
}

TEST(FuzzCorpus, LayerTablesAreAcceptedOrRejectedInPlace) {
  check_files("testbenches/fuzz/corpus/layer_table", "", check_layer_text);
}

TEST(FuzzCorpus, KernelsAreAcceptedOrRejectedInPlace) {
  check_files("testbenches/fuzz/corpus/kernel", "", check_kernel_text);
  check_files("scenarios/kernels", ".kernel", check_kernel_text);
}

// Each of these once took minutes, or passed as text.
TEST(FuzzCorpus, WhatIsTooLargeIsRejectedAtOnce) {
  const auto folder = fs::path(HEDDLE_SOURCE_DIR) / "testbenches/fuzz/corpus/scenario";
  for (const auto& [file, sentence] : {std::pair{"many_keys", "more than 1000 keys"},
                                       {"many_variants", "more than 1000 keys"},
                                       {"many_groups", "more than 1000 elements"},
                                       {"long_key", "a key of 300 bytes"},
                                       {"long_value", "a value of 5000 bytes"},
                                       {"most_links", "1073741824 cables"},
                                       {"most_hosts", "16777216 cables"},
                                       {"overlong_utf8", "UTF-8"},
                                       {"surrogate_utf8", "UTF-8"},
                                       {"beyond_unicode", "UTF-8"}}) {
    try {
      load_text(read(folder / file), file);
      ADD_FAILURE() << file << " is accepted";
    } catch (const InputError& error) {
      EXPECT_NE(std::string(error.what()).find(sentence), std::string::npos) << error.what();
    }
  }
}

// A property that nothing can break would find nothing.
TEST(FuzzCorpus, PropertiesCanBeBroken) {
  EXPECT_THROW(demand_place("a: 1\n", "f", "f: a: is wrong"), std::logic_error);
  EXPECT_THROW(demand_place("a: 1\n", "f", "f:9:1: a: is wrong"), std::logic_error);
  EXPECT_THROW(demand_place("a: 1\n", "f", "a: is wrong"), std::logic_error);
  EXPECT_NO_THROW(demand_place("a: 1\n", "f", "f:1:1: a: is wrong"));
  EXPECT_NO_THROW(demand_place("a: 1\n", "f", "f: b: is wrong"));
}

}  // namespace
}  // namespace heddle::testing
