#include "engine/workload.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "kernel/error.h"
#include "shared_inputs.h"

namespace heddle {
namespace {

const std::string data = std::string(HEDDLE_SOURCE_DIR) + "/testbenches/unit/data";

HostNetwork network(std::uint64_t hosts) {
  HostNetwork result;
  result.hosts = hosts;
  result.link = {50, 1, 4096, 66, 20};  // 400 Gbps at 1 GHz
  return result;
}

WorkloadConfig pattern(Pattern which) {
  WorkloadConfig config;
  config.pattern = which;
  config.message = 4096_B;
  return config;
}

WorkloadConfig file(const std::string& name) {
  WorkloadConfig config = pattern(Pattern::file);
  config.file = name;
  return config;
}

std::vector<Message> drain(TrafficSource& source) {
  std::vector<Message> messages;
  while (source.next_due() != never) messages.push_back(source.take());
  return messages;
}

std::vector<Message> drain(Workload& workload, std::uint64_t hosts) {
  std::vector<Message> messages;
  for (std::uint64_t host = 0; host < hosts; ++host) {
    for (const Message& m : drain(workload.source(static_cast<HostId>(host)))) {
      EXPECT_EQ(m.source, host);
      messages.push_back(m);
    }
  }
  std::sort(messages.begin(), messages.end(),
            [](const Message& a, const Message& b) { return a.id < b.id; });
  return messages;
}

std::string error_of(const std::vector<WorkloadConfig>& configs, std::uint64_t hosts) {
  try {
    const Workload workload(configs, network(hosts), 1, data);
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

TEST(Workload, IncastSpreadsTheSendersOfEachReceiver) {
  for (std::uint64_t hosts = 2; hosts <= 40; ++hosts) {
    for (std::uint64_t receivers = 1; receivers < hosts; ++receivers) {
      for (std::uint64_t senders = 1; (senders + 1) * receivers <= hosts; ++senders) {
        SCOPED_TRACE(std::to_string(senders) + " to " + std::to_string(receivers) + " of " +
                     std::to_string(hosts));
        WorkloadConfig config = pattern(Pattern::incast);
        config.senders = senders;
        config.receivers = receivers;
        Workload workload({config}, network(hosts), 1, ".");
        const auto sent = drain(workload, hosts);
        ASSERT_EQ(sent.size(), senders * receivers);
        ASSERT_EQ(workload.messages_total(), senders * receivers);
        std::set<HostId> sources;
        std::map<HostId, std::vector<HostId>> by_receiver;
        for (const Message& m : sent) {
          sources.insert(m.source);
          by_receiver[m.destination].push_back(m.source);
        }
        EXPECT_EQ(sources.size(), sent.size()) << "every sender sends once";
        EXPECT_EQ(by_receiver.size(), receivers);
        for (const auto& [receiver, from] : by_receiver) {
          EXPECT_EQ(sources.count(receiver), 0U) << "a receiver sends";
          EXPECT_EQ(from.size(), senders);
          // Neighbours are at most one share of the fabric apart, give or take the other roles.
          for (std::size_t i = 1; i < from.size(); ++i) {
            EXPECT_LE(from[i] - from[i - 1], hosts / senders + 1 + receivers);
          }
        }
      }
    }
  }
}

TEST(Workload, IncastOfTheDocumentedRule) {
  WorkloadConfig config = pattern(Pattern::incast);
  config.senders = 3;
  config.receivers = 2;
  config.start = 10'500_ps;
  config.traffic_class = 2;
  Workload workload({config}, network(16), 1, ".");
  // Receivers 0 and 8; the others are 1..7, 9..15, of which places 0, 2, 4, 7, 9 and 11.
  const auto sent = drain(workload, 16);
  std::vector<std::pair<int, int>> pairs;
  for (const Message& m : sent) {
    pairs.emplace_back(m.source, m.destination);
    EXPECT_EQ(m.due, 11U) << "10.5 cycles, rounded up";
    EXPECT_EQ(m.bytes, 4096U);
    EXPECT_EQ(m.traffic_class, 2);
  }
  EXPECT_EQ(pairs,
            (std::vector<std::pair<int, int>>{{1, 0}, {5, 0}, {11, 0}, {3, 8}, {9, 8}, {13, 8}}));
}

TEST(Workload, PermutationByShift) {
  WorkloadConfig config = pattern(Pattern::permutation);
  config.permutation = PermutationKind::shift;
  config.shift = 5;
  Workload workload({config}, network(8), 1, ".");
  const auto sent = drain(workload, 8);
  ASSERT_EQ(sent.size(), 8U);
  for (const Message& m : sent) EXPECT_EQ(m.destination, (m.source + 5) % 8);
}

// All 9 derangements of 4 hosts, each equally likely: chi-square with 8 degrees of freedom, above
// 26.1 with probability 0.001.
TEST(Workload, RandomPermutationIsUniformWithoutFixedPoints) {
  constexpr int seeds = 9000;
  std::map<std::vector<HostId>, int> counts;
  for (int seed = 0; seed < seeds; ++seed) {
    Workload workload({pattern(Pattern::permutation)}, network(4), static_cast<std::uint64_t>(seed),
                      ".");
    std::vector<HostId> to;
    for (const Message& m : drain(workload, 4)) {
      EXPECT_NE(m.source, m.destination);
      to.push_back(m.destination);
    }
    ASSERT_EQ(std::set<HostId>(to.begin(), to.end()).size(), 4U);
    ++counts[to];
  }
  ASSERT_EQ(counts.size(), 9U);
  double chi_square = 0;
  for (const auto& [to, count] : counts) chi_square += (count - 1000.) * (count - 1000.) / 1000;
  EXPECT_LT(chi_square, 26.1);
}

TEST(Workload, AllToAllRotates) {
  Workload workload({pattern(Pattern::all_to_all)}, network(5), 1, ".");
  EXPECT_EQ(workload.messages_total(), 20U);
  for (HostId host = 0; host < 5; ++host) {
    const auto sent = drain(workload.source(host));
    ASSERT_EQ(sent.size(), 4U);
    for (std::size_t i = 0; i < 4; ++i) {
      EXPECT_EQ(sent[i].destination, (host + i + 1) % 5);
      EXPECT_EQ(sent[i].id, std::size_t{4} * host + i);
    }
  }
}

TEST(Workload, EntriesRunSideBySideWithTheirOwnIds) {
  WorkloadConfig background = pattern(Pattern::uniform);
  background.duration = 10_us;
  WorkloadConfig incast = pattern(Pattern::incast);
  incast.senders = 3;
  WorkloadConfig bursts = pattern(Pattern::bursty);
  bursts.duration = 10_us;
  Workload workload({background, incast, pattern(Pattern::all_to_all), bursts}, network(4), 1, ".");
  EXPECT_EQ(workload.messages_total(), 15U);
  const auto sent = drain(workload, 4);
  ASSERT_GT(sent.size(), 200U);
  for (std::size_t i = 1; i < sent.size(); ++i) EXPECT_NE(sent[i].id, sent[i - 1].id);
  for (MessageId id = 0; id < 15; ++id) EXPECT_EQ(sent[id].id, id);
  for (MessageId id = 0; id < 3; ++id) EXPECT_EQ(sent[id].destination, 0) << "incast comes first";
  EXPECT_TRUE(workload.never_started().empty());
}

// Offered load of every open-loop pattern through the scenario's keys, 16 hosts, headers and
// framing included. Tolerances are 3.3 deviations, from the processes' variances.
TEST(Workload, OpenLoopPatternsOfferTheLoad) {
  struct Case {
    Pattern pattern;
    Arrivals arrivals;
    SizeDistribution sizes;
    Duration duration;
    double tolerance;
  };
  // Flows: a compound Poisson process; deviation / mean is sqrt(E[size^2]) / E[size] / sqrt(flows),
  // with sqrt(E[size^2]) / E[size] 2.4 for web search and 6.4 for Hadoop.
  const std::vector<Case> cases{{Pattern::uniform, Arrivals::bernoulli, {}, 1_ms, .005},
                                {Pattern::uniform, Arrivals::poisson, {}, 1_ms, .007},
                                {Pattern::bursty, {}, {}, 2_ms, .02},
                                {Pattern::flows, {}, SizeDistribution::web_search, 100_ms, .04},
                                {Pattern::flows, {}, SizeDistribution::hadoop, 20_ms, .05}};
  for (const Case& c : cases) {
    WorkloadConfig config = pattern(c.pattern);
    config.load = .6;
    config.arrivals = c.arrivals;
    config.sizes = c.sizes;
    config.duration = c.duration;
    const HostNetwork net = network(16);
    Workload workload({config}, net, 1, ".");
    EXPECT_EQ(workload.messages_total(), 0U);
    double bytes = 0;
    for (const Message& m : drain(workload, 16)) {
      bytes += static_cast<double>(net.link.wire_bytes(m.bytes));
    }
    const double capacity = 16. * 50 * static_cast<double>(c.duration.picoseconds) / 1000;
    EXPECT_NEAR(bytes / capacity, .6, .6 * c.tolerance) << static_cast<int>(c.pattern);
  }
}

TEST(Workload, ReadsAFileRelativeToTheScenario) {
  WorkloadConfig config = file("every_attribute.cm");
  config.start = 100_ns;
  HostNetwork net = network(10);
  net.period_ps = 800;
  Workload workload({config}, net, 1, data);
  EXPECT_EQ(workload.messages_total(), 8U);
  EXPECT_EQ(workload.source(0).next_due(), 125U);
  EXPECT_EQ(workload.source(2).next_due(), 129U) << "102,500 ps in cycles of 800 ps";
  EXPECT_EQ(workload.source(3).next_due(), 126U);
  EXPECT_EQ(workload.source(4).next_due(), never) << "waits";
  const Message m = workload.source(2).take();
  EXPECT_EQ(m.id, 1U);
  EXPECT_EQ(m.bytes, 2000U);
  EXPECT_EQ(m.destination, 1);
}

/// Lets the sources run with a network that sends each message at once and delivers it after
/// `flight` cycles; hosts act within a cycle in ascending or descending order. Returns (cycle, id)
/// of every start.
std::vector<std::pair<Cycle, MessageId>> play(Workload& workload, std::uint64_t hosts, Cycle flight,
                                              bool descending) {
  std::vector<std::pair<Cycle, MessageId>> started;
  std::multimap<Cycle, Message> arriving;
  workload.on_release(
      [&](HostId host, Cycle cycle) { EXPECT_EQ(workload.source(host).next_due(), cycle); });
  for (Cycle now = 0; now < 1000; ++now) {
    for (std::uint64_t i = 0; i < hosts; ++i) {
      const auto host = static_cast<HostId>(descending ? hosts - 1 - i : i);
      for (auto [it, end] = arriving.equal_range(now); it != end; ++it) {
        if (it->second.destination == host) workload.message_received(it->second, now);
      }
      while (workload.source(host).next_due() <= now) {
        const Message m = workload.source(host).take();
        started.emplace_back(now, m.id);
        arriving.emplace(now + flight, m);
        workload.message_sent(m, now);
      }
    }
  }
  std::sort(started.begin(), started.end());
  return started;
}

TEST(Workload, TriggersReleaseInTheNextCycle) {
  // Message 0 at 0, 2 at 1, 1 at 3 (2.5), 7 at 1. 0 sent releases 3 at 1, which fires the
  // multishot trigger 20 and so releases 5 at 2; 1 sent at 3 fires it again: 6 at 4. Received are 2
  // at 11 and 1 at 13: barrier, 4 at 14.
  const std::vector<std::pair<Cycle, MessageId>> expected{{0, 0}, {1, 2}, {1, 3}, {1, 7},
                                                          {2, 5}, {3, 1}, {4, 6}, {14, 4}};
  for (const bool descending : {false, true}) {
    Workload workload({file("every_attribute.cm")}, network(8), 1, data);
    EXPECT_EQ(workload.never_started().size(), 4U);
    EXPECT_EQ(play(workload, 8, 10, descending), expected);
    EXPECT_TRUE(workload.never_started().empty());
  }
}

TEST(Workload, EveryMessageOfATriggeredAllToAllStarts) {
  const auto path =
      heddle::testing::shared_file("inputs/connection_matrices/alltoall_serial_16n.cm");
  HEDDLE_NEED_SHARED(path);
  std::vector<std::pair<Cycle, MessageId>> first;
  for (const bool descending : {false, true}) {
    Workload workload({file(path.string())}, network(16), 1, ".");
    const auto started = play(workload, 16, 10, descending);
    EXPECT_EQ(started.size(), 240U);
    EXPECT_EQ(workload.messages_total(), 240U);
    EXPECT_EQ(started.front().first, 0U);
    EXPECT_EQ(started.back().first, 14U) << "chains of 15, one per cycle";
    if (!descending) first = started;
    EXPECT_EQ(started, first);
  }
}

TEST(Workload, ATriggerCycleIsReported) {
  Workload workload({file("trigger_cycle.cm")}, network(4), 1, data);
  EXPECT_EQ(play(workload, 4, 10, false).size(), 1U);
  EXPECT_EQ(workload.messages_total(), 3U);
  EXPECT_EQ(workload.never_started(),
            (std::vector<std::string>{
                "message 1 (0->1) waits for trigger 1, fired when message 2 (1->0) is received",
                "message 2 (1->0) waits for trigger 2, fired when message 1 (0->1) is sent"}));
}

TEST(Workload, ABarrierIsReportedWithWhatIsMissing) {
  Workload workload({file("every_attribute.cm")}, network(8), 1, data);
  workload.message_received(workload.source(3).take(), 50);
  const auto lines = workload.never_started();
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_EQ(lines[1],
            "message 4 (4->5) waits for trigger 30, fired when message 1 (2->1) is received");
  EXPECT_EQ(lines[2],
            "message 5 (5->6) waits for trigger 20, fired when message 1 (2->1) is sent, message 3 "
            "(4->5) is sent");
}

TEST(Workload, AMessageCannotFireTwice) {
  Workload workload({file("every_attribute.cm")}, network(8), 1, data);
  const Message m = workload.source(0).take();
  workload.message_received(m, 0);
  workload.message_sent(m, 0);
  EXPECT_EQ(workload.source(4).next_due(), 1U);
  EXPECT_THROW(workload.message_sent(m, 1), CheckFailure);
}

TEST(Workload, RefusesWhatDoesNotFit) {
  WorkloadConfig incast = pattern(Pattern::incast);
  incast.senders = 16;
  EXPECT_NE(error_of({incast}, 16).find("needs 17 hosts, but the fabric has 16"),
            std::string::npos);
  EXPECT_EQ(error_of({incast}, 17), "");
  incast.senders = 5;
  incast.receivers = 3;
  EXPECT_NE(error_of({incast}, 17).find("needs 18 hosts, but the fabric has 17"),
            std::string::npos);

  WorkloadConfig shift = pattern(Pattern::permutation);
  shift.permutation = PermutationKind::shift;
  shift.shift = 32;
  EXPECT_NE(error_of({shift}, 16).find("to itself"), std::string::npos);

  EXPECT_NE(error_of({file("every_attribute.cm")}, 7)
                .find("every_attribute.cm:2: the file has 8 nodes, but the fabric has only 7"),
            std::string::npos);
  EXPECT_NE(error_of({file("absent.cm")}, 8).find("no such file"), std::string::npos);
  EXPECT_NE(error_of({pattern(Pattern::all_to_all)}, 10'000).find("at most 67108864"),
            std::string::npos);
  EXPECT_NE(error_of({pattern(Pattern::uniform)}, 1).find("at least two hosts"), std::string::npos);

  WorkloadConfig flood = pattern(Pattern::uniform);
  flood.message = 1_B;
  flood.duration = 10_s;
  EXPECT_NE(error_of({flood}, 16).find("messages per host, but there are numbers for"),
            std::string::npos);
}

TEST(Workload, SeedsMatterAndRunsRepeat) {
  const auto times = [](std::uint64_t seed, std::uint64_t hosts) {
    WorkloadConfig config = pattern(Pattern::flows);
    config.sizes = SizeDistribution::hadoop;
    Workload workload({config}, network(hosts), seed, ".");
    std::vector<std::pair<Cycle, std::uint64_t>> result;
    for (const Message& m : drain(workload.source(3))) result.emplace_back(m.due, m.bytes);
    return result;
  };
  EXPECT_EQ(times(1, 8), times(1, 8));
  EXPECT_EQ(times(1, 8), times(1, 9)) << "another host moves no other";
  EXPECT_NE(times(1, 8), times(2, 8));
}

}  // namespace
}  // namespace heddle
