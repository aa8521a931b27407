#include "endpoints/traffic_source.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include "kernel/error.h"

namespace heddle {
namespace {

// 425 bytes every 32 cycles: 106.25 Gbps at 1 GHz.
HostLink odd_link() {
  HostLink link;
  link.rate_bytes = 425;
  link.rate_cycles = 32;
  link.mtu = 4096;
  link.header_bytes = 66;
  link.framing_bytes = 20;
  return link;
}

GeneratorConfig stream(ArrivalProcess process, double load, std::uint64_t bytes, Cycle stop) {
  GeneratorConfig config;
  config.process = process;
  config.load = load;
  config.bytes = bytes;
  config.mean_wire_bytes = static_cast<double>(odd_link().wire_bytes(bytes));
  config.stop = stop;
  return config;
}

Message message(MessageId id, Cycle due) {
  Message result;
  result.id = id;
  result.due = due;
  result.bytes = 1;
  return result;
}

std::vector<Message> drain(MessageGenerator generator) {
  std::vector<Message> messages;
  while (generator.next().due != never) {
    messages.push_back(generator.next());
    generator.advance();
  }
  return messages;
}

std::vector<Message> drain(TrafficSource source) {
  std::vector<Message> messages;
  while (source.next_due() != never) {
    const Cycle due = source.next_due();
    messages.push_back(source.take());
    EXPECT_EQ(messages.back().due, due);
  }
  return messages;
}

/// Messages of one host in a fabric of `hosts`.
std::vector<Message> messages(const GeneratorConfig& config, HostId host, std::uint64_t hosts,
                              std::uint64_t seed = 1) {
  return drain(MessageGenerator(config, odd_link(), host, {0, 1, hosts}, 0, seed));
}

/// Share of the link's bytes that the messages take in `cycles`.
double offered(const std::vector<Message>& sent, Cycle cycles) {
  double bytes = 0;
  for (const Message& m : sent) bytes += static_cast<double>(odd_link().wire_bytes(m.bytes));
  return bytes * 32 / 425 / static_cast<double>(cycles);
}

TEST(TrafficSource, AnEmptySourceNeverSends) {
  TrafficSource source;
  EXPECT_EQ(source.next_due(), never);
  EXPECT_THROW(source.take(), CheckFailure);
  EXPECT_LE(sizeof(TrafficSource), 128U);
}

TEST(TrafficSource, TakesByDueCycleThenId) {
  TrafficSource source({message(4, 10), message(1, 20), message(0, 20), message(2, 5)}, {});
  EXPECT_EQ(source.next_due(), 5U);
  EXPECT_EQ(source.take().id, 2U);
  source.release(message(7, 20));
  source.release(message(3, 10));
  source.release(message(6, 9));
  std::vector<MessageId> order;
  for (const Message& m : drain(source)) order.push_back(m.id);
  EXPECT_EQ(order, (std::vector<MessageId>{6, 3, 4, 0, 1, 7}));
}

TEST(TrafficSource, ReleaseWakesASilentSource) {
  TrafficSource source({message(0, 3)}, {});
  source.take();
  EXPECT_EQ(source.next_due(), never);
  source.release(message(1, 50));
  EXPECT_EQ(source.next_due(), 50U);
  source.release(message(2, 40));
  EXPECT_EQ(source.next_due(), 40U);
  EXPECT_EQ(source.take().id, 2U);
  EXPECT_EQ(source.next_due(), 50U);
}

TEST(TrafficSource, MergesGeneratorsIntoOneOrderedStream) {
  constexpr Cycle stop = 1'000'000;
  const IdSpace ids{3, 2, 8};
  const auto first = stream(ArrivalProcess::poisson, .3, 1000, stop);
  auto second = stream(ArrivalProcess::bursty, .2, 500, stop);
  second.burst = 4;
  second.workload = 1;
  std::vector<MessageGenerator> generators;
  generators.emplace_back(first, odd_link(), HostId{5}, ids, 0, 1);
  generators.emplace_back(second, odd_link(), HostId{5}, ids, 1, 1);
  std::vector<Message> expected{message(0, 7), message(1, 500'000), message(2, stop)};
  const TrafficSource source(expected, generators);
  for (const MessageGenerator& generator : generators) {
    for (const Message& m : drain(generator)) expected.push_back(m);
  }
  std::sort(expected.begin(), expected.end(), [](const Message& a, const Message& b) {
    return a.due != b.due ? a.due < b.due : a.id < b.id;
  });
  const std::vector<Message> merged = drain(source);
  ASSERT_EQ(merged.size(), expected.size());
  ASSERT_GT(merged.size(), 5000U);
  for (std::size_t i = 0; i < merged.size(); ++i) EXPECT_EQ(merged[i].id, expected[i].id) << i;
}

TEST(MessageGenerator, IdsAreUniqueAmongHostsAndGenerators) {
  constexpr std::uint64_t hosts = 5;
  const IdSpace ids{100, 2, hosts};
  std::set<MessageId> seen;
  std::size_t count = 0;
  for (HostId host = 0; host < hosts; ++host) {
    for (std::uint64_t position = 0; position < 2; ++position) {
      auto config = stream(ArrivalProcess::poisson, .5, 100, 100'000);
      config.workload = static_cast<std::uint32_t>(position);
      for (const Message& m : drain(MessageGenerator(config, odd_link(), host, ids, position, 1))) {
        EXPECT_EQ((m.id - 100) % 10, position * hosts + host) << "the documented scheme";
        EXPECT_GE(m.id, 100U);
        seen.insert(m.id);
        ++count;
      }
    }
  }
  EXPECT_EQ(seen.size(), count);
  EXPECT_GT(count, 10'000U);
}

TEST(MessageGenerator, RunningOutOfIdsIsAnInputError) {
  const auto config = stream(ArrivalProcess::bernoulli, 1, 100, never / 2);
  MessageGenerator generator(config, odd_link(), 1, {0xffff'ffff - 5, 1, 2}, 0, 1);
  EXPECT_EQ(generator.next().id, 0xffff'ffff - 4);
  generator.advance();
  generator.advance();
  EXPECT_EQ(generator.next().id, 0xffff'ffff);
  EXPECT_THROW(generator.advance(), InputError);
}

TEST(MessageGenerator, KeepsToItsTimeAndHost) {
  for (const auto process :
       {ArrivalProcess::bernoulli, ArrivalProcess::poisson, ArrivalProcess::bursty}) {
    auto config = stream(process, .8, 700, 40'000);
    config.start = 30'000;
    config.traffic_class = 3;
    const auto sent = messages(config, 2, 4);
    ASSERT_GT(sent.size(), 50U);
    Cycle last = config.start;
    for (std::size_t i = 0; i < sent.size(); ++i) {
      EXPECT_LT(sent[i].due, 40'000U);
      EXPECT_EQ(sent[i].source, 2);
      EXPECT_NE(sent[i].destination, 2);
      EXPECT_LT(sent[i].destination, 4);
      EXPECT_EQ(sent[i].traffic_class, 3);
      EXPECT_EQ(sent[i].bytes, 700U);
      EXPECT_GE(sent[i].due, last);
      last = sent[i].due;
    }
    config.stop = config.start;
    EXPECT_TRUE(messages(config, 2, 4).empty());
  }
}

// At load 1 a message starts in every slot: message n at ceil(n * wire_bytes * 32 / 425), to the
// cycle after a hundred thousand of them.
TEST(MessageGenerator, SlotsDoNotDrift) {
  const std::uint64_t wire = odd_link().wire_bytes(777);
  for (const auto process : {ArrivalProcess::bernoulli, ArrivalProcess::bursty}) {
    auto config = stream(process, 1, 777, 10'000'000);
    config.burst = 8;
    const auto sent = messages(config, 0, 4);
    ASSERT_GT(sent.size(), 100'000U);
    for (std::uint64_t n = 0; n < sent.size(); ++n) {
      ASSERT_EQ(sent[n].due, (n * wire * 32 + 424) / 425) << n;
    }
  }
}

TEST(MessageGenerator, BernoulliStartsInSlotsOnly) {
  auto config = stream(ArrivalProcess::bernoulli, .6, 777, 10'000'000);
  const std::uint64_t wire = odd_link().wire_bytes(777);
  const auto sent = messages(config, 1, 4);
  std::uint64_t slot = 0;
  for (const Message& m : sent) {
    while ((slot * wire * 32 + 424) / 425 < m.due) ++slot;
    ASSERT_EQ((slot * wire * 32 + 424) / 425, m.due);
  }
}

// The number of messages is binomial (Bernoulli) or Poisson, so its deviation is known; 3.3
// deviations are exceeded with probability 0.001.
TEST(MessageGenerator, OffersItsLoad) {
  constexpr Cycle cycles = 50'000'000;
  for (const double load : {.05, .3, .6, .95, 1.0}) {
    const double slots =
        static_cast<double>(cycles) * 425 / 32 / static_cast<double>(odd_link().wire_bytes(5000));
    const auto bernoulli = stream(ArrivalProcess::bernoulli, load, 5000, cycles);
    EXPECT_NEAR(offered(messages(bernoulli, 0, 8), cycles), load,
                3.3 * std::sqrt(load * (1 - load) / slots) + 1 / slots)
        << "bernoulli";
    const auto poisson = stream(ArrivalProcess::poisson, load, 5000, cycles);
    EXPECT_NEAR(offered(messages(poisson, 0, 8), cycles), load, 3.3 * std::sqrt(load / slots))
        << "poisson";
  }
}

// A renewal process of bursts: the variance of the bytes in a long time T is
// T (v_on m_off^2 + v_off m_on^2) / (m_on + m_off)^3 with the means and variances of burst and
// silence (Cox, Renewal Theory, 1962, alternating renewal processes). In message times: m_on = b,
// v_on = b (b - 1), m_off = b (1 - load) / load, v_off = m_off^2. Checked over 64 hosts, 3.3
// deviations.
TEST(MessageGenerator, BurstyOffersItsLoad) {
  constexpr Cycle cycles = 2'000'000;
  constexpr int hosts = 64;
  for (const double load : {.1, .5, .9}) {
    for (const double burst : {1.0, 16.0}) {
      auto config = stream(ArrivalProcess::bursty, load, 5000, cycles);
      config.burst = burst;
      double sum = 0;
      for (HostId host = 0; host < hosts; ++host) {
        sum += offered(messages(config, host, hosts), cycles);
      }
      const double slots =
          static_cast<double>(cycles) * 425 / 32 / static_cast<double>(odd_link().wire_bytes(5000));
      const double off = burst * (1 - load) / load;
      const double variance = (burst * (burst - 1) * off * off + off * off * burst * burst) /
                              std::pow(burst + off, 3) / slots / hosts;
      EXPECT_NEAR(sum / hosts, load, 3.3 * std::sqrt(variance) + 1 / slots) << burst;
    }
  }
}

// So the load holds from the first cycle on. Binomial over 4,000 hosts, 3.3 deviations.
TEST(MessageGenerator, AHostStartsInsideABurstWithProbabilityLoad) {
  constexpr std::uint64_t hosts = 4000;
  const auto config = stream(ArrivalProcess::bursty, .3, 5000, 1);
  double at_once = 0;
  for (HostId host = 0; host < hosts; ++host) {
    at_once += static_cast<double>(messages(config, host, hosts).size());
  }
  EXPECT_NEAR(at_once / hosts, .3, 3.3 * std::sqrt(.3 * .7 / hosts));
}

TEST(MessageGenerator, BurstsAreBackToBackToOneReceiverAndGeometric) {
  constexpr double mean = 16;
  auto config = stream(ArrivalProcess::bursty, .2, 5000, 200'000'000);
  config.burst = mean;
  const auto sent = messages(config, 0, 64);
  const double message_time = static_cast<double>(odd_link().wire_bytes(5000)) * 32 / 425;
  std::vector<int> lengths{1};
  for (std::size_t i = 1; i < sent.size(); ++i) {
    const auto gap = static_cast<double>(sent[i].due - sent[i - 1].due);
    if (std::abs(gap - message_time) <= 1 && sent[i].destination == sent[i - 1].destination) {
      ++lengths.back();
    } else {
      EXPECT_GE(gap, message_time - 1) << "bursts do not overlap";
      lengths.push_back(1);
    }
  }
  const auto n = static_cast<double>(lengths.size());
  ASSERT_GT(n, 5000);
  // Deviation of a geometric number: sqrt(b (b - 1)); two silences in 10^4 are shorter than a
  // cycle, and only one in 63 of the bursts after them has the same receiver.
  EXPECT_NEAR(static_cast<double>(sent.size()) / n, mean, 3.3 * std::sqrt(mean * (mean - 1) / n));
  const auto singles = static_cast<double>(std::count(lengths.begin(), lengths.end(), 1));
  EXPECT_NEAR(singles / n, 1 / mean, 3.3 * std::sqrt(1 / mean * (1 - 1 / mean) / n));
}

// Pearson's chi-square over the 31 other hosts: 30 degrees of freedom, above 59.7 with probability
// 0.001, below 11.6 likewise (too even to be random).
TEST(MessageGenerator, DestinationsAreUniform) {
  for (const auto process :
       {ArrivalProcess::bernoulli, ArrivalProcess::poisson, ArrivalProcess::bursty}) {
    for (const HostId host : {HostId{0}, HostId{13}, HostId{31}}) {
      const auto sent = messages(stream(process, .9, 100, 2'000'000), host, 32);
      std::vector<double> counts(32);
      for (const Message& m : sent) ++counts[m.destination];
      EXPECT_EQ(counts[host], 0);
      const double expected = static_cast<double>(sent.size()) / 31;
      ASSERT_GT(expected, 1000);
      double chi_square = 0;
      for (HostId to = 0; to < 32; ++to) {
        if (to != host) chi_square += (counts[to] - expected) * (counts[to] - expected) / expected;
      }
      EXPECT_LT(chi_square, 59.7) << host;
      EXPECT_GT(chi_square, 11.6) << host;
    }
  }
}

// Exponential gaps: Kolmogorov-Smirnov distance, above 1.95/sqrt(n) with probability 0.001.
// Rounding up to cycles moves each gap by less than one of 1,600 cycles.
TEST(MessageGenerator, PoissonGapsAreExponential) {
  const auto sent = messages(stream(ArrivalProcess::poisson, .25, 5000, 100'000'000), 0, 8);
  const double mean = static_cast<double>(odd_link().wire_bytes(5000)) * 32 / 425 / .25;
  std::vector<double> gaps;
  for (std::size_t i = 1; i < sent.size(); ++i) {
    gaps.push_back(static_cast<double>(sent[i].due - sent[i - 1].due));
  }
  std::sort(gaps.begin(), gaps.end());
  const auto n = static_cast<double>(gaps.size());
  ASSERT_GT(n, 50'000);
  double distance = 0;
  for (std::size_t i = 0; i < gaps.size(); ++i) {
    const double below = 1 - std::exp(-gaps[i] / mean);
    distance = std::max(distance, std::abs(below - static_cast<double>(i) / n));
  }
  EXPECT_LT(distance, 1.95 / std::sqrt(n) + 1 / mean);
}

TEST(MessageGenerator, SizesComeFromTheTable) {
  const SizeTable table{{0, 0}, {1000, .5}, {3000, 1}};
  auto config = stream(ArrivalProcess::poisson, .5, 1, 50'000'000);
  config.sizes = &table;
  config.mean_wire_bytes = 1250.5 + 86;  // of sizes rounded up; all are one packet
  const auto sent = messages(config, 0, 8);
  const auto n = static_cast<double>(sent.size());
  ASSERT_GT(n, 100'000);
  const auto small = static_cast<double>(
      std::count_if(sent.begin(), sent.end(), [](const Message& m) { return m.bytes <= 1000; }));
  EXPECT_NEAR(small / n, .5, 3.3 * .5 / std::sqrt(n));
  // Second moment: half of 1000^2/3, half of (3000^3 - 1000^3) / (3 * 2000).
  const double second = .5 * 1e6 / 3 + .5 * 26e9 / 6000 + 2 * 1250 * 86 + 86 * 86;
  EXPECT_NEAR(offered(sent, 50'000'000), .5,
              3.3 * .5 * std::sqrt(second / n) / config.mean_wire_bytes);
}

TEST(MessageGenerator, AHostsTimesDoNotDependOnOtherHosts) {
  for (const auto process :
       {ArrivalProcess::bernoulli, ArrivalProcess::poisson, ArrivalProcess::bursty}) {
    auto config = stream(process, .5, 1000, 1'000'000);
    config.burst = 4;
    const auto few = messages(config, 3, 8);
    const auto again = messages(config, 3, 8);
    const auto more = messages(config, 3, 9);
    const auto other_host = messages(config, 4, 8);
    const auto other_seed = messages(config, 3, 8, 2);
    ASSERT_EQ(few.size(), again.size());
    ASSERT_EQ(few.size(), more.size());
    for (std::size_t i = 0; i < few.size(); ++i) {
      EXPECT_EQ(few[i].due, again[i].due);
      EXPECT_EQ(few[i].id, again[i].id);
      EXPECT_EQ(few[i].destination, again[i].destination);
      EXPECT_EQ(few[i].due, more[i].due);
      EXPECT_EQ(few[i].bytes, more[i].bytes);
    }
    const auto same_times = [&few](const std::vector<Message>& others) {
      return std::equal(few.begin(), few.end(), others.begin(), others.end(),
                        [](const Message& a, const Message& b) { return a.due == b.due; });
    };
    EXPECT_FALSE(same_times(other_host));
    EXPECT_FALSE(same_times(other_seed));
  }
}

// The largest numbers that a scenario can ask for do not overflow.
TEST(MessageGenerator, SurvivesTheLargestParameters) {
  HostLink link;
  link.rate_bytes = 9'999'999'999'999;
  link.rate_cycles = 80'000'000'000;
  link.mtu = 64;
  link.header_bytes = 66;
  link.framing_bytes = 20;
  for (const auto process :
       {ArrivalProcess::bernoulli, ArrivalProcess::poisson, ArrivalProcess::bursty}) {
    GeneratorConfig config;
    config.process = process;
    config.load = .0001;
    config.burst = 1e6;
    config.bytes = 1'000'000'000'000;
    config.mean_wire_bytes = static_cast<double>(link.wire_bytes(config.bytes));
    config.stop = 100'000'000'000;
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
      for (const Message& m : drain(MessageGenerator(config, link, 1, {0, 1, 65'535}, 0, seed))) {
        EXPECT_LT(m.due, config.stop);
      }
    }
  }
}

TEST(TrafficSource, KeptIdsAreUsedOnceAndEnd) {
  TrafficSource source;
  EXPECT_EQ(source.take_id(), std::nullopt) << "none were kept";
  source.keep_ids(0xffff'fffa, 4);
  EXPECT_EQ(source.take_id(), 0xffff'fffaU);
  EXPECT_EQ(source.take_id(), 0xffff'fffeU);
  EXPECT_EQ(source.take_id(), std::nullopt);
  EXPECT_EQ(source.take_id(), std::nullopt);
}

}  // namespace
}  // namespace heddle
