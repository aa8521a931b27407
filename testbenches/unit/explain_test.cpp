// `heddle explain`: declarations reach the reader.
#include "engine/explain.h"

#include <gtest/gtest.h>

#include <sstream>

#include "engine/statistics.h"
#include "kernel/error.h"
#include "kernel/packet.h"

namespace heddle {
namespace {

std::string error_of(const std::string& key) {
  try {
    return explain(key);
  } catch (const InputError& error) {
    return error.what();
  }
}

#define EXPECT_CONTAINS(text, part) \
  EXPECT_NE(std::string(text).find(part), std::string::npos) << "in: " << (text)

TEST(Explain, ShowsAParameterWhole) {
  const std::string credit = explain("scheduled.credit");
  EXPECT_CONTAINS(credit, "scheduled.credit\n");
  EXPECT_CONTAINS(credit, "4 KiB");
  EXPECT_CONTAINS(credit, "64 B to 65.535 KB");
  EXPECT_CONTAINS(credit, "switch is scheduled");
  EXPECT_CONTAINS(credit, "OpenBCM");
  EXPECT_CONTAINS(explain("nic.receive"), "selective_repeat");
  EXPECT_CONTAINS(explain("workload.load"), "workload.pattern is uniform");
  EXPECT_CONTAINS(explain("scheduled.headroom"), "auto");
  EXPECT_CONTAINS(explain("seed"), "random");
}

TEST(Explain, ShowsSectionsAndStatistics) {
  EXPECT_CONTAINS(explain("fabric.host_link"), "latency");
  EXPECT_CONTAINS(explain("latency_ns.p99"), "unit     ns");
  EXPECT_CONTAINS(explain("links.leaf0-spine1.utilization"), "links.*.utilization");
  EXPECT_CONTAINS(explain("messages.slowdown"), "messages.slowdown.p99");
  EXPECT_CONTAINS(explain_overview(), "fabric.host_link");
}

TEST(Explain, ShowsPresets) {
  EXPECT_CONTAINS(explain("sn5600"), "158229504 B");
  EXPECT_CONTAINS(explain("sn5600"), "sonic-buildimage");
  EXPECT_CONTAINS(explain("adaptive.preset"), "one of none, sn4700, sn5600");
  EXPECT_CONTAINS(explain_overview(), "jericho3_ai");
  EXPECT_CONTAINS(explain_markdown({}), "### Preset jericho2c_plus");
  EXPECT_CONTAINS(error_of("sn560"), "did you mean 'sn5600'?");
}

TEST(Explain, WrapsUnderTheLastColumn) {
  EXPECT_EQ(wrapped("key  some words to wrap\nshort\n", 14),
            "key  some\n     words to\n     wrap\nshort\n");
  EXPECT_EQ(wrapped("  onewordthatistoolong for it", 10), "  onewordthatistoolong\n  for it\n");
  EXPECT_EQ(wrapped("longlonglong  a b", 10), "longlonglong\n     a b\n") << "at most half-way";
  EXPECT_EQ(wrapped("", 80), "");
  for (const Statistic& statistic : statistics()) {
    std::istringstream lines(wrapped(explain(statistic.path), 80));
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80U) << line;
  }
}

TEST(Explain, OffersTheNearestName) {
  EXPECT_CONTAINS(error_of("nic.recieve"), "did you mean 'nic.receive'?");
  EXPECT_CONTAINS(error_of("receive"), "did you mean 'nic.receive'?");
  EXPECT_CONTAINS(error_of("latency_ns.p98"), "did you mean 'latency_ns.p9");
  EXPECT_CONTAINS(error_of("qwertyuiop"), "'heddle explain' lists them all");
}

TEST(Explain, MarkdownHoldsEveryStatisticAndNoBrokenRow) {
  const std::string text = explain_markdown({});
  for (const Statistic& statistic : statistics()) {
    EXPECT_CONTAINS(text, "| `" + statistic.path + "` |");
  }
  EXPECT_CONTAINS(text, "| `credit` | 4 KiB |");
}

TEST(Explain, MarkdownOfWhatWasNamedIsAPartOfAll) {
  const std::string all = explain_markdown({});
  std::string parts;
  for (const char* name : {"scenario", "scheduled", "nic.dcqcn", "sn4700", "statistics"}) {
    const std::string part = explain_markdown({name});
    EXPECT_CONTAINS(all, part);
    EXPECT_EQ(part.find("### "), 0U);
    EXPECT_EQ(part.find("\n### "), std::string::npos) << "one table";
    parts += (parts.empty() ? "" : "\n") + part;
  }
  EXPECT_EQ(explain_markdown({"statistics", "sn4700", "nic.dcqcn", "scheduled", "scenario"}), parts)
      << "in the order of all";
  EXPECT_EQ(explain_markdown({"scheduled.credit", "scheduled.xoff_cells"}).find("credit_speedup"),
            std::string::npos);
  EXPECT_CONTAINS(explain_markdown({"scheduled.credit"}), "| `credit` | 4 KiB |");
  EXPECT_THROW(explain_markdown({"scheduld"}), InputError);
}

TEST(Statistics, EveryStageIsDeclaredOnce) { EXPECT_EQ(stage_texts().size(), stage_count); }

TEST(Statistics, FindsLeavesWithoutADeclaration) {
  nlohmann::ordered_json results;
  results["packets"]["injected"] = 1;
  results["buffers"]["leaf.0"]["voq"]["peak_bytes"] = 1;
  results["reordering"]["density"] = {{"0", 1.0}};
  results["latency_stage_ns"]["paused"]["tail_share"] = 0.5;
  EXPECT_NO_THROW(check_declared(results));
  results["packets"]["injceted"] = 1;
  EXPECT_THROW(check_declared(results), CheckFailure);
}

}  // namespace
}  // namespace heddle
