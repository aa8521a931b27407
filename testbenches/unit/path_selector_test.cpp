// The choice among equal-cost ports, policy by policy.
#include "parts/path_selector.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <set>
#include <vector>

namespace heddle {
namespace {

const std::vector<std::vector<std::uint16_t>> groups{{7}, {2, 3, 4, 5}, {0, 1}};

PathSelector selector(PathSelector::Rules rules, const char* device = "leaf0") {
  return PathSelector(rules, groups, Rng(1, device, "path"));
}

PathSelector selector(Routing routing) {
  PathSelector::Rules rules;
  rules.routing = routing;
  return selector(rules);
}

Frame frame_of(unsigned source, unsigned destination, std::uint32_t flow) {
  Frame frame;
  frame.source = static_cast<std::uint16_t>(source);
  frame.destination = static_cast<std::uint16_t>(destination);
  frame.flow = flow;
  return frame;
}

using Grades = std::vector<std::uint8_t>;  // by port
const Grades no_load(9);

/// Chi-square of how often the four ports of group 1 were chosen; 3 degrees of freedom exceed 35
/// once in 10^7 times.
void expect_uniform(const std::map<unsigned, int>& counts) {
  int total = 0;
  for (const auto& [port, count] : counts) total += count;
  double sum = 0;
  for (const std::uint16_t port : groups[1]) {
    const double difference = (counts.count(port) != 0 ? counts.at(port) : 0) - total / 4.0;
    sum += difference * difference / (total / 4.0);
  }
  EXPECT_LT(sum, 35) << testing::PrintToString(counts);
}

TEST(PathSelector, EveryPolicyStaysInItsGroup) {
  for (const Routing routing :
       {Routing::ecmp, Routing::flowlet, Routing::adaptive, Routing::spray}) {
    PathSelector chooser = selector(routing);
    std::vector<std::set<unsigned>> used(groups.size());
    for (Cycle now = 1; now < 4000; ++now) {
      for (unsigned group = 0; group < groups.size(); ++group) {
        const Frame frame = frame_of(static_cast<unsigned>(now % 50), 60, group);
        used[group].insert(chooser.choose(group, frame, now, no_load));
      }
    }
    for (unsigned group = 0; group < groups.size(); ++group) {
      EXPECT_EQ(used[group], std::set<unsigned>(groups[group].begin(), groups[group].end()))
          << "policy " << static_cast<int>(routing);
    }
  }
}

TEST(PathSelector, EcmpKeepsAFlowOnItsPort) {
  PathSelector chooser = selector(Routing::ecmp);
  for (unsigned flow = 0; flow < 100; ++flow) {
    Frame frame = frame_of(flow % 7, flow % 11, flow);
    const unsigned port = chooser.choose(1, frame, 0, no_load);
    for (std::uint32_t n = 1; n < 10; ++n) {
      frame.sequence = n;  // what differs between packets of a flow must not matter
      frame.wire_bytes = static_cast<std::uint16_t>(100 + n);
      frame.flags = frame_flag::last;
      frame.packet = n;
      EXPECT_EQ(chooser.choose(1, frame, Cycle{n} * 10'000, no_load), port);
    }
  }
}

TEST(PathSelector, EcmpSpreadsFlowsEvenly) {
  // In each of the three fields alone, as in a network where only that one varies.
  for (int field = 0; field < 3; ++field) {
    PathSelector chooser = selector(Routing::ecmp);
    std::map<unsigned, int> counts;
    for (unsigned n = 0; n < 8000; ++n) {
      const Frame frame = frame_of(field == 0 ? n : 1, field == 1 ? n : 2, field == 2 ? n : 3);
      ++counts[chooser.choose(1, frame, 0, no_load)];
    }
    SCOPED_TRACE(testing::Message() << "field " << field);
    expect_uniform(counts);
  }
}

TEST(PathSelector, EcmpDiffersBetweenSwitches) {
  PathSelector::Rules rules;
  rules.routing = Routing::ecmp;
  PathSelector a = selector(rules, "leaf0");
  PathSelector b = selector(rules, "leaf1");
  int equal = 0;
  constexpr int flows = 4000;
  for (unsigned n = 0; n < flows; ++n) {
    const Frame frame = frame_of(n, n + 1, n);
    EXPECT_EQ(a.flow_hash(frame), selector(rules, "leaf0").flow_hash(frame));
    equal += a.choose(1, frame, 0, no_load) == b.choose(1, frame, 0, no_load) ? 1 : 0;
  }
  EXPECT_NEAR(equal, flows / 4.0, 5.5 * std::sqrt(flows * 3 / 16.0))
      << "every tier would make the same choice";
}

TEST(PathSelector, AFlowletHoldsThroughGapsBelowTheLimit) {
  PathSelector::Rules rules;
  rules.routing = Routing::flowlet;
  rules.flowlet_gap_cycles = 100;
  for (unsigned flow = 0; flow < 50; ++flow) {
    PathSelector chooser = selector(rules);
    const Frame frame = frame_of(flow, 1, flow);
    Cycle now = flow;
    const unsigned port = chooser.choose(1, frame, now, no_load);
    for (int n = 0; n < 50; ++n) {
      now += 99;  // silent for 99 cycles: blocked at t - 1
      ASSERT_EQ(chooser.choose(1, frame, now, no_load), port);
    }
  }
}

TEST(PathSelector, AFlowletMayMoveAtTheGap) {
  PathSelector::Rules rules;
  rules.routing = Routing::flowlet;
  rules.flowlet_gap_cycles = 100;
  PathSelector chooser = selector(rules);
  const Frame frame = frame_of(3, 1, 9);
  std::map<unsigned, int> counts;
  for (Cycle n = 0; n < 8000; ++n) ++counts[chooser.choose(1, frame, n * 100, no_load)];
  expect_uniform(counts);
}

TEST(PathSelector, AdaptiveTakesTheLowestGrade) {
  PathSelector chooser = selector(Routing::adaptive);
  Rng rng(1, "path_selector_test", "loads");
  for (int n = 0; n < 5000; ++n) {
    Grades grades(9);
    for (std::uint8_t& grade : grades) grade = static_cast<std::uint8_t>(rng.below(8));
    const unsigned chosen = chooser.choose(1, frame_of(1, 2, 3), 0, grades);
    for (const std::uint16_t port : groups[1]) ASSERT_LE(grades[chosen], grades[port]);
  }
}

// Every pattern of two grades over the four ports: uniform among the lowest, none of the others.
TEST(PathSelector, AdaptiveIsUniformAmongEquals) {
  for (unsigned pattern = 0; pattern < 16; ++pattern) {
    PathSelector chooser = selector(Routing::adaptive);
    Grades grades(9);
    std::set<unsigned> lowest;
    for (unsigned i = 0; i < 4; ++i) {
      grades[groups[1][i]] = (pattern >> i & 1) != 0 ? 5 : 2;
      if ((pattern >> i & 1) == 0 || pattern == 15) lowest.insert(groups[1][i]);
    }
    std::map<unsigned, int> counts;
    constexpr int draws = 6000;
    for (int n = 0; n < draws; ++n) ++counts[chooser.choose(1, frame_of(1, 2, 3), 0, grades)];
    const double expected = draws / static_cast<double>(lowest.size());
    double sum = 0;
    for (const auto& [port, count] : counts) {
      ASSERT_EQ(lowest.count(port), 1U) << "pattern " << pattern;
      sum += (count - expected) * (count - expected) / expected;
    }
    EXPECT_EQ(counts.size(), lowest.size());
    EXPECT_LT(sum, 35) << "pattern " << pattern;
  }
}

TEST(PathSelector, SprayTakesEveryPortOfEachGroupOncePerRound) {
  PathSelector::Rules rules;
  rules.routing = Routing::spray;
  rules.spray = SprayPolicy::round_robin;
  PathSelector chooser = selector(rules);
  for (int round = 0; round < 50; ++round) {
    std::set<unsigned> of_one;
    std::set<unsigned> of_two;
    for (unsigned n = 0; n < 4; ++n) {
      of_one.insert(chooser.choose(1, frame_of(1, 2, 3), 0, no_load));
      if (n % 2 == 0) of_two.insert(chooser.choose(2, frame_of(1, 2, 3), 0, no_load));
    }
    EXPECT_EQ(of_one.size(), 4U);
    EXPECT_EQ(of_two.size(), 2U) << "groups spray independently";
  }
  rules.spray = SprayPolicy::random;
  PathSelector random = selector(rules);
  std::map<unsigned, int> counts;
  for (int n = 0; n < 8000; ++n) ++counts[random.choose(1, frame_of(1, 2, 3), 0, no_load)];
  expect_uniform(counts);
}

}  // namespace
}  // namespace heddle
