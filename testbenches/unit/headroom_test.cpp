// `heddle headroom`: what it prints against the vendor's tables, and its options.
#include "engine/headroom.h"

#include <gtest/gtest.h>

#include <map>

#include "kernel/error.h"
#include "shared_inputs.h"
#include "table_text.h"

namespace heddle {
namespace {

using testing::Words;

std::string error_of(const HeadroomOptions& options) {
  try {
    return "no error: " + headroom_table(options);
  } catch (const InputError& error) {
    return error.what();
  }
}

#define EXPECT_CONTAINS(text, part) \
  EXPECT_NE(std::string(text).find(part), std::string::npos) << "in: " << (text)

/// "10 Gbps  5 m  25.3 ns  52224  19456  32768  228": the rows that the command prints.
std::vector<Words> printed(const HeadroomOptions& options) {
  std::vector<Words> rows;
  for (const Words& words : testing::words_of(headroom_table(options))) {
    if (words.size() == 10 && words[5].back() == 's') rows.push_back(words);
  }
  return rows;
}

TEST(Case10HeadroomCommand, PrintsTheVendorTable) {
  const auto path = testing::shared_file("reference/vectors/pfc_headroom_sn4700.csv");
  HEDDLE_NEED_SHARED(path);
  const std::vector<Words> expected = testing::read_csv(path);
  const std::vector<Words> rows = printed({});
  ASSERT_EQ(expected.size(), 21U);
  ASSERT_EQ(rows.size(), expected.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Words& row = rows[i];
    const Words columns{row[0] + "000", row[2], row[6], row[7], row[8]};
    EXPECT_EQ(columns, Words(expected[i].begin() + 1, expected[i].begin() + 6));
    EXPECT_EQ(row[1] + row[3], "Gbpsm");
    EXPECT_EQ(std::stoul(row[9]), (std::stoul(row[8]) + 143) / 144) << "cells of xoff";
  }
}

// Column xoff of SN5600's table, cables of 5, 40 and 300 m: sonic-buildimage,
// device/mellanox/x86_64-nvidia_sn5600-r0/ACS-SN5600/pg_profile_lookup.ini.
TEST(HeadroomCommand, EqualsTheVendorsXoffOfTheSn5600) {
  const std::map<std::string, std::vector<std::string>> vendor{
      {"10", {"45056", "46080", "56320"}},     {"25", {"48128", "52224", "76800"}},
      {"40", {"57344", "62464", "101376"}},    {"50", {"63488", "69632", "118784"}},
      {"100", {"113664", "126976", "225280"}}, {"200", {"131072", "157696", "355328"}},
      {"400", {"231424", "283648", "677888"}}, {"800", {"257024", "362496", "1150976"}}};
  std::map<std::string, std::vector<std::string>> ours;
  HeadroomOptions options;
  options.device = "sn5600";
  for (const Words& row : printed(options)) ours[row[0]].push_back(row[8]);
  EXPECT_EQ(ours, vendor);
}

TEST(HeadroomCommand, OptionsReplaceWhatTheDeviceSays) {
  HeadroomOptions options;
  options.rate = "100 Gbps";
  options.cable = "40 m";
  ASSERT_EQ(printed(options).size(), 1U);
  EXPECT_EQ(printed(options)[0][8], "44032");
  options.cable.reset();
  options.latency = "202.02 ns";  // 40 m at 1.98e8 m/s
  EXPECT_EQ(printed(options)[0][8], "44032");
  EXPECT_EQ(printed(options)[0][2], "40");
  options.pipeline = "10 KiB";
  EXPECT_EQ(printed(options)[0][7], "10240");
  options.cell = "288 B";  // 1024 + 4.5 * (9216 + 5050.5 + 819.2 + 3891.2), up to whole KiB
  EXPECT_EQ(printed(options)[0][8], "87040");
  options.cell = "64 B";  // 1024 + 128/65 * 18976.9
  EXPECT_EQ(printed(options)[0][8], "38912");
  options.cell.reset();
  options.peer = "0 B";  // 1024 + 2.25 * (9216 + 5050.5 + 819.2)
  EXPECT_EQ(printed(options)[0][8], "35840");
  options.peer = "quanta";  // 394 * 64 B more
  EXPECT_EQ(printed(options)[0][8], "92160");
}

TEST(HeadroomCommand, RejectsBadOptionsWithOneSentence) {
  const auto with = [](OptionText HeadroomOptions::*option, const char* text) {
    HeadroomOptions options;
    options.*option = text;
    return error_of(options);
  };
  EXPECT_CONTAINS(with(&HeadroomOptions::rate, "fast"), "--rate: 'fast' does not start");
  EXPECT_CONTAINS(with(&HeadroomOptions::rate, "400"), "--rate: '400' has no unit");
  EXPECT_CONTAINS(with(&HeadroomOptions::rate, "1 bps"), "valid is 100 Mbps to 10 Tbps");
  EXPECT_CONTAINS(with(&HeadroomOptions::rate, "800 Gbps"), "fastest port of sn4700 has, 400 Gbps");
  EXPECT_CONTAINS(with(&HeadroomOptions::cable, "40 ft"), "valid units are mm, m, km");
  EXPECT_CONTAINS(with(&HeadroomOptions::cable, "-1 m"), "negative");
  EXPECT_CONTAINS(with(&HeadroomOptions::cable, "101 km"), "valid is 0 mm to 100 km");
  EXPECT_CONTAINS(with(&HeadroomOptions::latency, "2 ms"), "--latency: '2 ms' is out of range");
  EXPECT_CONTAINS(with(&HeadroomOptions::cell, "0 B"), "valid is 16 B to 16 KiB");
  EXPECT_CONTAINS(with(&HeadroomOptions::pipeline, "2 GiB"), "--pipeline");
  EXPECT_CONTAINS(with(&HeadroomOptions::peer, "quantum"), "--peer");
  EXPECT_CONTAINS(with(&HeadroomOptions::device, "sn560"), "did you mean 'sn5600'?");
  EXPECT_CONTAINS(with(&HeadroomOptions::device, "jericho3_ai"), "valid are sn4700, sn5600");
  HeadroomOptions both;
  both.cable = "5 m";
  both.latency = "25 ns";
  EXPECT_CONTAINS(error_of(both), "give one of them");
  HeadroomOptions unnamed;
  unnamed.rate = "300 Gbps";
  unnamed.peer = "quanta";
  EXPECT_CONTAINS(error_of(unnamed), "no pause quanta are known for 300 Gbps");
}

}  // namespace
}  // namespace heddle
