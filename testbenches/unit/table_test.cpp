// The table: figures with units, within the width of a terminal.
#include "engine/table.h"

#include <gtest/gtest.h>

#include <sstream>

namespace heddle {
namespace {

nlohmann::ordered_json document(unsigned variants) {
  nlohmann::ordered_json results;
  results["packets"] = {{"injected", 1234567}, {"delivered", 1234567}, {"dropped", 0}};
  results["latency_ns"] = {{"mean", 1234.5}, {"p99", 45678.0}};
  results["latency_stage_ns"]["voq_queue"] = {{"mean", 812.0}, {"tail_share", 0.87}};
  results["latency_stage_ns"]["hbm"] = {{"mean", 0.0}, {"tail_share", 0.0}};
  results["buffers"]["total"]["ingress"]["peak_bytes"] = 3 * 1048576;
  results["buffers"]["total"]["hbm"]["peak_bytes"] = 0;
  results["run"] = {{"status", "done"}};
  nlohmann::ordered_json all{{"scenario", "test"}, {"seed", 5}};
  all["parameters"] = nlohmann::ordered_json::object();
  all["variants"] = nlohmann::ordered_json::object();
  for (unsigned i = 0; i < variants; ++i) all["variants"]["variant-" + std::to_string(i)] = results;
  return all;
}

std::string line_with(const std::string& text, const std::string& label) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.find(label) != std::string::npos) return line;
  }
  return "no line with " + label;
}

TEST(Table, ShowsFiguresWithUnits) {
  const std::string text = table(document(2), 80);
  EXPECT_EQ(text.substr(0, text.find('\n')), "test, seed 5");
  EXPECT_EQ(line_with(text, "injected"),
            "  injected                      1,234,567       1,234,567");
  EXPECT_NE(line_with(text, "p99").find("45.7 us"), std::string::npos);
  EXPECT_NE(line_with(text, "voq queue").find("812 ns  87 %"), std::string::npos);
  EXPECT_NE(line_with(text, "ingress").find("3.00 MiB"), std::string::npos);
}

TEST(Table, LeavesOutWhatIsAbsentOrZeroWithoutMeaning) {
  const std::string text = table(document(1), 80);
  EXPECT_EQ(text.find("hbm"), std::string::npos);
  EXPECT_EQ(text.find("messages"), std::string::npos) << "no figures of messages";
  EXPECT_NE(text.find("dropped"), std::string::npos) << "zero is the message here";
}

TEST(Table, ShowsLossOnlyWhereThereWasAny) {
  auto two = document(2);
  EXPECT_EQ(table(two, 80).find("retransmitted"), std::string::npos);
  two["variants"]["variant-0"]["packets"]["retransmitted"] = 17;
  two["variants"]["variant-0"]["packets"]["time_outs"] = 3;
  two["variants"]["variant-1"]["packets"]["retransmitted"] = 0;
  const std::string text = table(two, 80);
  EXPECT_EQ(line_with(text, "retransmitted"),
            "  retransmitted                        17               0");
  EXPECT_NE(line_with(text, "time-outs").find("3               -"), std::string::npos);
}

TEST(Table, NoMessageHasNoTime) {
  auto two = document(2);
  for (auto& [name, variant] : two["variants"].items()) {
    const bool none = name == "variant-0";
    variant["latency_ns"]["count"] = none ? 0 : 9;
    variant["messages"]["count"] = none ? 0 : 1;
    variant["messages"]["completion_ns"]["mean"] = none ? 0.0 : 2500.0;
    variant["messages"]["slowdown"]["mean"] = none ? 0.0 : 1.25;
  }
  const std::string text = table(two, 80);
  EXPECT_EQ(line_with(text, "completed"),
            "  completed                             0               1");
  EXPECT_EQ(line_with(text, "completion, mean"),
            "  completion, mean                      -         2.50 us");
  EXPECT_EQ(line_with(text, "slowdown, mean"),
            "  slowdown, mean                        -          1.25 x");
  EXPECT_EQ(line_with(text, "p99"), "  p99                                   -         45.7 us");
}

nlohmann::ordered_json with_events(unsigned variants, std::size_t events) {
  auto all = document(variants);
  for (auto& [name, variant] : all["variants"].items()) {
    for (std::size_t i = 0; i < events; ++i) {
      variant["events"][std::to_string(i)] = {
          {"at_ns", 20'000.0},     {"links", 2},
          {"frames_lost", 0},      {"recovered_after_ns", 91'000.0},
          {"bytes_resent", 49152}, {"gbps", {{"before", 1600.0}, {"after", 1200.0}}}};
      all["parameters"][name]["events"].push_back(
          {{"action", "fail"}, {"link", "leaf0.4-spine" + std::to_string(i) + ".0"}});
    }
  }
  return all;
}

TEST(Table, ShowsWhatEventsCost) {
  auto two = with_events(2, 2);
  two["variants"]["variant-0"]["events"]["1"]["noticed_after_ns"] = 5000.0;
  two["variants"]["variant-0"]["events"]["1"]["gbps"]["during"] = 800.0;
  const std::string text = table(two, 80);
  EXPECT_NE(text.find("event 0: fail leaf0.4-spine0.0\n"
                      "  at                              20.0 us         20.0 us\n"
                      "  links                                 2               2\n"
                      "  recovered after                 91.0 us         91.0 us\n"
                      "  frames lost                           0               0\n"
                      "  resent                         48.0 KiB        48.0 KiB\n"
                      "  throughput before             1600 Gbps       1600 Gbps\n"
                      "  after                         1200 Gbps       1200 Gbps\n"
                      "event 1: fail leaf0.4-spine1.0\n"),
            std::string::npos)
      << text;
  EXPECT_EQ(line_with(text, "noticed after"),
            "  noticed after                   5.00 us               -");
  EXPECT_EQ(line_with(text, "during"), "  during                         800 Gbps               -");
  EXPECT_EQ(table(document(2), 80).find("event"), std::string::npos);
}

TEST(Table, EventsThatDifferHaveNoCommonName) {
  auto two = with_events(2, 1);
  two["parameters"]["variant-1"]["events"][0]["action"] = "degrade";
  EXPECT_NE(table(two, 80).find("\nevent 0\n"), std::string::npos) << table(two, 80);
}

TEST(Table, ManyEventsAreCutShortAndLongNamesToo) {
  auto two = with_events(2, 15);
  two["parameters"]["variant-0"]["events"][3]["link"] = std::string(300, 'x');
  two["parameters"]["variant-1"]["events"][3]["link"] = std::string(300, 'x');
  const std::string text = table(two, 80);
  EXPECT_NE(text.find("event 11: "), std::string::npos) << text;
  EXPECT_EQ(text.find("event 12: "), std::string::npos) << text;
  EXPECT_NE(text.find("and 3 more events, in results.json\n"), std::string::npos) << text;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80U) << line;
}

TEST(Table, FitsTheTerminalWhateverTheNumberOfVariants) {
  for (const unsigned width : {80U, 100U, 120U}) {
    for (unsigned variants = 1; variants < 12; ++variants) {
      const std::string text = table(document(variants), width);
      std::istringstream lines(text);
      for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), width) << line;
      for (unsigned i = 0; i < variants; ++i) {
        EXPECT_NE(text.find("variant-" + std::to_string(i)), std::string::npos);
      }
    }
  }
}

TEST(Table, RoundsForPeople) {
  EXPECT_EQ(human_duration(0), "0 ns");
  EXPECT_EQ(human_duration(532), "532 ns");
  EXPECT_EQ(human_duration(1.5), "1.50 ns");
  EXPECT_EQ(human_duration(999.7), "1.00 us");
  EXPECT_EQ(human_duration(12'345), "12.3 us");
  EXPECT_EQ(human_duration(2e9), "2.00 s");
  EXPECT_EQ(human_duration(3e12), "3000 s");
  EXPECT_EQ(human_bytes(1536), "1.50 KiB");
  EXPECT_EQ(human_bytes(144), "144 B");
  EXPECT_EQ(human_count(0), "0");
  EXPECT_EQ(human_count(999), "999");
  EXPECT_EQ(human_count(1000), "1,000");
  EXPECT_EQ(human_count(-1234567), "-1,234,567");
}

}  // namespace
}  // namespace heddle
