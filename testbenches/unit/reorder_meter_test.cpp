// Case 1: the examples of RFC 4737 and RFC 5236, to the last digit.
//
// `measure` below states the definitions of both documents one by one over a whole arrival
// sequence, quadratic and without cleverness. The published vectors are compared with it, key by
// key, and with the meter wherever the meter reports the quantity; then meter and definitions are
// compared on random sequences.
#include "parts/reorder_meter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "kernel/error.h"
#include "kernel/rng.h"
#include "shared_inputs.h"

namespace heddle {
namespace {

using Sequence = std::vector<std::uint32_t>;

struct Displaced {
  std::uint32_t sequence;
  std::uint32_t receive_index;
  std::int64_t displacement;
};

/// What the documents define for one flow. Maps are keyed by sequence number.
struct Measured {
  std::size_t packets = 0;
  std::size_t duplicates = 0;
  std::size_t lost = 0;
  std::map<std::uint32_t, std::size_t> extents;  // RFC 4737, 4.2
  std::map<std::uint32_t, std::size_t> bytes;    // RFC 4737, 4.4
  std::map<std::uint32_t, double> late;          // RFC 4737, 4.3
  std::map<std::uint32_t, std::size_t> degrees;  // RFC 4737, 5
  std::vector<std::size_t> runs;                 // RFC 4737, 4.6
  std::vector<std::uint32_t> discontinuities;    // RFC 4737, 4.5
  std::vector<std::size_t> gaps;                 // RFC 4737, 4.5
  std::vector<Displaced> displaced;              // RFC 5236, receive index and displacement
  std::size_t never_indexed = 0;                 // arrived when already lost to the threshold
  std::vector<std::size_t> buffered;             // RFC 5236, 3.8, after each arrival that counts
  std::size_t too_late_to_buffer = 0;
};

struct FlowSetup {
  unsigned displacement_threshold = ReorderTotals::default_threshold;
  unsigned buffer_threshold = ReorderTotals::default_threshold;
  std::uint32_t first = 1;
  std::size_t payload = 100;
  std::vector<double> arrival_times = {};
};

/// The first copy of each packet, in order of arrival.
Sequence first_copies(const Sequence& arrivals) {
  Sequence kept;
  std::set<std::uint32_t> seen;
  for (const std::uint32_t s : arrivals) {
    if (seen.insert(s).second) kept.push_back(s);
  }
  return kept;
}

void measure_rfc4737(const Sequence& s, const FlowSetup& setup, Measured& result) {
  std::size_t run = 0;
  std::vector<std::size_t> early;  // the packet behind which each discontinuity lies
  for (std::size_t i = 0; i < s.size(); ++i) {
    std::size_t j = 0;
    while (j < i && s[j] < s[i]) ++j;  // the earliest packet with a higher number
    if (j == i) {
      ++run;
      continue;
    }
    result.extents[s[i]] = i - j;
    std::size_t higher = 0;
    for (std::size_t k = j; k < i; ++k) higher += s[k] > s[i] ? 1 : 0;
    result.bytes[s[i]] = higher * setup.payload;
    if (!setup.arrival_times.empty()) {
      result.late[s[i]] = setup.arrival_times[i] - setup.arrival_times[j];
    }
    std::size_t degree = 0;
    while (degree < i && s[i - degree - 1] > s[i]) ++degree;
    result.degrees[s[i]] = degree;
    result.runs.push_back(run);
    run = 0;
    if (std::find(early.begin(), early.end(), j) == early.end()) {
      if (!early.empty()) result.gaps.push_back(j - early.back());
      early.push_back(j);
      result.discontinuities.push_back(s[i]);
    }
  }
}

/// RFC 5236: a receive index for each packet, where the number whose turn it is must have come or
/// be among the next DT packets that still can get one.
void measure_displacement(const Sequence& s, const FlowSetup& setup, Measured& result) {
  std::set<std::uint32_t> lost;
  std::uint32_t index = setup.first;
  const auto comes_in_time = [&](std::size_t position) {
    std::size_t looked_at = 0;
    for (std::size_t k = 0; k < s.size(); ++k) {
      if (lost.count(s[k]) != 0) continue;
      if (k >= position && looked_at++ > setup.displacement_threshold) return false;
      if (s[k] == index) return true;
    }
    return false;
  };
  for (std::size_t i = 0; i < s.size(); ++i) {
    if (lost.count(s[i]) != 0) {
      ++result.never_indexed;
      continue;
    }
    while (!comes_in_time(i)) lost.insert(index++);
    result.displaced.push_back({s[i], index, static_cast<std::int64_t>(index) - s[i]});
    ++index;
  }
}

/// RFC 5236, 3.8: the receiver's hypothetical buffer.
void measure_buffer(const Sequence& s, const FlowSetup& setup, Measured& result) {
  std::set<std::uint32_t> held;
  std::uint32_t expected = setup.first;
  for (const std::uint32_t packet : s) {
    if (packet < expected) {
      ++result.too_late_to_buffer;
      continue;
    }
    held.insert(packet);
    while (held.erase(expected) != 0) ++expected;
    while (held.size() > setup.buffer_threshold) {
      expected = *held.begin();
      while (held.erase(expected) != 0) ++expected;
    }
    result.buffered.push_back(held.size());
  }
}

Measured measure(const Sequence& arrivals, const FlowSetup& setup) {
  Measured result;
  const Sequence s = first_copies(arrivals);
  result.packets = s.size();
  result.duplicates = arrivals.size() - s.size();
  if (!s.empty()) {
    result.lost = *std::max_element(s.begin(), s.end()) + 1 - setup.first - s.size();
  }
  measure_rfc4737(s, setup, result);
  measure_displacement(s, setup, result);
  measure_buffer(s, setup, result);
  return result;
}

ReorderTotals meter(const Sequence& arrivals, const FlowSetup& setup) {
  ReorderTotals totals(setup.displacement_threshold, setup.buffer_threshold);
  ReorderMeter flow(totals, setup.first);
  for (const std::uint32_t s : arrivals) flow.arrive(s);
  flow.finish();
  return totals;
}

template <class Map>
std::uint64_t sum_of(const Map& map) {
  std::uint64_t sum = 0;
  for (const auto& [key, value] : map) sum += value;
  return sum;
}

template <class Map>
std::uint64_t max_of(const Map& map) {
  std::uint64_t max = 0;
  for (const auto& [key, value] : map) max = std::max<std::uint64_t>(max, value);
  return max;
}

/// Every count of the meter follows from the definitions.
void expect_totals(const ReorderTotals& totals, const Measured& expected) {
  EXPECT_EQ(totals.packets, expected.packets);
  EXPECT_EQ(totals.duplicates, expected.duplicates);
  EXPECT_EQ(totals.lost, expected.lost);
  EXPECT_EQ(totals.unclassified, 0U);
  EXPECT_EQ(totals.reordered, expected.extents.size());
  EXPECT_EQ(totals.extent_sum, sum_of(expected.extents));
  EXPECT_EQ(totals.extent_max, max_of(expected.extents));
  EXPECT_EQ(totals.n_reordering_max, max_of(expected.degrees));
  decltype(totals.n_reordering) degrees{};
  for (const auto& [s, degree] : expected.degrees) {
    ++degrees[std::min<std::size_t>(degree, ReorderTotals::threshold_limit)];
  }
  EXPECT_EQ(totals.n_reordering, degrees);
  std::uint64_t run_packets = 0;
  std::uint64_t run_squares = 0;
  for (const std::size_t run : expected.runs) {
    run_packets += run;
    run_squares += run * run;
  }
  EXPECT_EQ(totals.run_packets, run_packets);
  EXPECT_EQ(totals.run_squares, run_squares);
  decltype(totals.displacement) displacement{};
  std::uint64_t beyond = expected.never_indexed;
  for (const Displaced& packet : expected.displaced) {
    if (std::abs(packet.displacement) > static_cast<std::int64_t>(totals.displacement_threshold)) {
      ++beyond;
    } else {
      ++displacement[static_cast<std::size_t>(ReorderTotals::threshold_limit +
                                              packet.displacement)];
    }
  }
  EXPECT_EQ(totals.displacement, displacement);
  EXPECT_EQ(totals.displaced_beyond, beyond);
  decltype(totals.buffered) buffered{};
  for (const std::size_t held : expected.buffered) ++buffered[held];
  EXPECT_EQ(totals.buffered, buffered);
  EXPECT_EQ(totals.too_late_to_buffer, expected.too_late_to_buffer);
}

/// Per packet, too: extent, degree and run of each one show in the sums after its arrival.
void expect_each_packet(const Sequence& arrivals, const FlowSetup& setup,
                        const Measured& expected) {
  ReorderTotals totals(setup.displacement_threshold, setup.buffer_threshold);
  ReorderMeter flow(totals, setup.first);
  std::size_t run = 0;
  for (const std::uint32_t s : arrivals) {
    const ReorderTotals before = totals;
    flow.arrive(s);
    const bool reordered = totals.reordered != before.reordered;
    ASSERT_EQ(reordered, expected.extents.count(s) != 0 && totals.duplicates == before.duplicates)
        << "packet " << s;
    if (!reordered) continue;
    ASSERT_EQ(totals.extent_sum - before.extent_sum, expected.extents.at(s)) << "packet " << s;
    const std::size_t degree =
        std::min<std::size_t>(expected.degrees.at(s), ReorderTotals::threshold_limit);
    ASSERT_EQ(totals.n_reordering[degree], before.n_reordering[degree] + 1) << "packet " << s;
    ASSERT_EQ(totals.run_packets - before.run_packets, expected.runs.at(run++)) << "packet " << s;
  }
}

template <class Value>
std::map<std::uint32_t, Value> by_sequence(const nlohmann::json& object) {
  std::map<std::uint32_t, Value> map;
  for (const auto& [key, value] : object.items()) {
    map[static_cast<std::uint32_t>(std::stoul(key))] = value.template get<Value>();
  }
  return map;
}

/// One row of the vectors: each key is compared with the definitions and, where the meter reports
/// it, with the meter. An unknown key is an error: nothing is passed over.
class Row {
 public:
  explicit Row(const nlohmann::json& row) : row_(row), sequence_(row.at("seq").get<Sequence>()) {
    setup_.displacement_threshold = row.value("DT", ReorderTotals::default_threshold);
    setup_.buffer_threshold = row.value("BT", ReorderTotals::default_threshold);
    setup_.payload = row.value("payload", std::size_t{100});
    if (row.contains("dst_ms")) setup_.arrival_times = row.at("dst_ms").get<std::vector<double>>();
    measured_ = measure(sequence_, setup_);
    metered_ = meter(sequence_, setup_);
  }

  void check() const {
    expect_totals(metered_, measured_);
    expect_each_packet(sequence_, setup_, measured_);
    for (const auto& [key, value] : row_.items()) {
      SCOPED_TRACE("key " + key);
      if (!is_input(key) && !check_rfc4737(key, value) && !check_runs(key, value) &&
          !check_rfc5236(key, value)) {
        ADD_FAILURE() << "a key that this test does not know";
      }
    }
  }

 private:
  static bool is_input(const std::string& key) {
    return std::set<std::string>{"src", "seq", "dst_ms", "payload", "DT", "BT"}.count(key) != 0;
  }

  bool check_rfc4737(const std::string& key, const nlohmann::json& value) const {
    if (key == "L") {
      EXPECT_EQ(metered_.packets, value.get<std::uint64_t>());
    } else if (key == "reordered") {
      EXPECT_EQ(metered_.reordered, value.get<std::uint64_t>());
    } else if (key == "ratio") {
      EXPECT_EQ(metered_.ratio(), value.get<double>());
    } else if (key == "extents") {
      EXPECT_EQ(measured_.extents, by_sequence<std::size_t>(value));
    } else if (key == "byte") {
      EXPECT_EQ(measured_.bytes, by_sequence<std::size_t>(value));
    } else if (key == "nre") {
      EXPECT_EQ(measured_.degrees, by_sequence<std::size_t>(value));
    } else if (key == "late") {
      EXPECT_EQ(value.is_null(), setup_.arrival_times.empty());
      if (!value.is_null()) {
        EXPECT_EQ(measured_.late, by_sequence<double>(value));
      }
    } else if (key == "disc") {
      EXPECT_EQ(measured_.discontinuities, value.get<Sequence>());
    } else if (key == "gaps") {
      EXPECT_EQ(measured_.gaps, value.get<std::vector<std::size_t>>());
    } else {
      return false;
    }
    return true;
  }

  /// Counters of RFC 4737, 4.6: x runs, a packets in order, p packets, q the sum of squared runs.
  bool check_runs(const std::string& key, const nlohmann::json& value) const {
    const auto in_order = static_cast<double>(metered_.packets - metered_.reordered);
    const double mean = static_cast<double>(metered_.run_squares) / in_order;
    if (key == "runs") {
      EXPECT_EQ(measured_.runs, value.get<std::vector<std::size_t>>());
    } else if (key == "x") {
      EXPECT_EQ(metered_.reordered, value.get<std::uint64_t>());
    } else if (key == "a") {
      EXPECT_EQ(metered_.packets - metered_.reordered, value.get<std::uint64_t>());
    } else if (key == "p") {
      EXPECT_EQ(metered_.packets, value.get<std::uint64_t>());
    } else if (key == "q") {
      EXPECT_EQ(metered_.run_squares, value.get<std::uint64_t>());
    } else if (key == "q_over_a") {  // published with two decimals, as the next one
      EXPECT_NEAR(mean, value.get<double>(), 0.005);
    } else if (key == "ratio_var") {
      EXPECT_NEAR(mean * static_cast<double>(metered_.reordered) / in_order, value.get<double>(),
                  0.005);
    } else {
      return false;
    }
    return true;
  }

  bool check_rfc5236(const std::string& key, const nlohmann::json& value) const {
    if (key == "FD" || key == "RD") {
      for (int d = -static_cast<int>(setup_.displacement_threshold);
           d <= static_cast<int>(setup_.displacement_threshold); ++d) {
        const double expected = value.value(std::to_string(d), 0.0);
        const int entry = static_cast<int>(ReorderTotals::threshold_limit) + d;
        const std::uint64_t count = metered_.displacement[static_cast<std::size_t>(entry)];
        EXPECT_EQ(key == "FD" ? static_cast<double>(count) : metered_.reorder_density(d), expected)
            << "displacement " << d;
      }
      if (key == "RD") {
        EXPECT_EQ(metered_.density(), 1 - value.value("0", 0.0));
      }
    } else if (key == "FB" || key == "RBD") {
      double mean = 0;
      for (unsigned held = 0; held <= setup_.buffer_threshold; ++held) {
        const double expected = value.value(std::to_string(held), 0.0);
        mean += held * expected;
        EXPECT_EQ(key == "FB" ? static_cast<double>(metered_.buffered[held])
                              : metered_.reorder_buffer_density(held),
                  expected)
            << "held " << held;
      }
      if (key == "RBD") {
        EXPECT_NEAR(metered_.buffer_density(), mean, 1e-15);
      }
    } else if (key == "S_RI_D") {
      check_receive_indices(value);
    } else if (key == "B") {
      EXPECT_EQ(measured_.buffered, value.get<std::vector<std::size_t>>());
    } else {
      return false;
    }
    return true;
  }

  void check_receive_indices(const nlohmann::json& value) const {
    ASSERT_EQ(measured_.displaced.size(), value.size());
    for (std::size_t i = 0; i < value.size(); ++i) {
      EXPECT_EQ(measured_.displaced[i].sequence, value[i][0].get<std::uint32_t>());
      EXPECT_EQ(measured_.displaced[i].receive_index, value[i][1].get<std::uint32_t>());
      EXPECT_EQ(measured_.displaced[i].displacement, value[i][2].get<std::int64_t>());
    }
  }

  const nlohmann::json& row_;
  Sequence sequence_;
  FlowSetup setup_;
  Measured measured_;
  ReorderTotals metered_;
};

TEST(Case01ReorderVectors, EveryKeyOfEveryRow) {
  const auto path = testing::shared_file("reference/vectors/reorder_vectors.json");
  HEDDLE_NEED_SHARED(path);
  std::ifstream file(path);
  const nlohmann::json rows = nlohmann::json::parse(file);
  ASSERT_EQ(rows.size(), 15U);
  for (const nlohmann::json& row : rows) {
    SCOPED_TRACE(row.at("src").get<std::string>());
    Row(row).check();
  }
}

TEST(Case01ReorderVectors, Rfc4737Table3) {
  const ReorderTotals totals = meter({1, 2, 3, 7, 8, 9, 10, 4, 5, 6, 11}, FlowSetup{});
  EXPECT_EQ(totals.reordered, 3U);
  EXPECT_EQ(totals.ratio(), 3.0 / 11);
  EXPECT_EQ(totals.extent_sum, 4U + 5U + 6U);
  EXPECT_EQ(totals.extent_max, 6U);
  EXPECT_EQ(totals.n_reordering_max, 4U);
  EXPECT_EQ(totals.n_reordered(4), 1.0 / 11);
  EXPECT_EQ(totals.n_reordered(5), 0.0);
  EXPECT_EQ(totals.run_squares, 49U);
}

TEST(Case01ReorderVectors, Rfc5236ExampleWithReordering) {
  FlowSetup setup;
  setup.displacement_threshold = setup.buffer_threshold = 4;
  const ReorderTotals totals = meter({1, 4, 2, 5, 3, 6, 7, 8}, setup);
  EXPECT_EQ(totals.reorder_density(0), 0.5);
  for (const int d : {-2, -1, 1, 2}) EXPECT_EQ(totals.reorder_density(d), 0.125) << d;
  EXPECT_EQ(totals.density(), 0.5);
  EXPECT_EQ(totals.reorder_buffer_density(0), 0.625);
  EXPECT_EQ(totals.reorder_buffer_density(1), 0.25);
  EXPECT_EQ(totals.reorder_buffer_density(2), 0.125);
  EXPECT_EQ(totals.buffer_density(), 0.5);
}

TEST(Case01ReorderVectors, Rfc5236ExampleWithLoss) {
  FlowSetup setup;
  setup.displacement_threshold = setup.buffer_threshold = 3;
  const ReorderTotals totals = meter({1, 2, 4, 5, 6, 7}, setup);
  EXPECT_EQ(totals.lost, 1U);
  EXPECT_EQ(totals.density(), 0.0) << "a loss displaces nobody";
  EXPECT_EQ(totals.reorder_buffer_density(0), 0.5);
  EXPECT_EQ(totals.buffer_density(), 1.0);
}

std::uint64_t swarm_seed() {
  const char* given = std::getenv("HEDDLE_SWARM_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : 1;
}

/// Packets in order, each delayed by a random time; some lost, some twice.
Sequence random_arrivals(Rng& rng, std::uint32_t first) {
  const std::uint32_t packets = 1 + rng.below(400);
  const double delay = std::ldexp(1.0, static_cast<int>(rng.below(9)) - 2);
  const double delayed = rng.uniform();
  const double loss = rng.below(2) == 0 ? 0 : 0.3 * rng.uniform();
  const double twice = rng.below(2) == 0 ? 0 : 0.2 * rng.uniform();
  std::vector<std::pair<double, std::uint32_t>> arrivals;
  for (std::uint32_t i = 0; i < packets; ++i) {
    for (int copy = rng.uniform() < twice ? 2 : 1; copy > 0; --copy) {
      if (rng.uniform() < loss) continue;
      arrivals.emplace_back(i + (rng.uniform() < delayed ? rng.exponential(delay) : 0), first + i);
    }
  }
  std::stable_sort(arrivals.begin(), arrivals.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  Sequence sequence;
  for (const auto& [when, packet] : arrivals) sequence.push_back(packet);
  return sequence;
}

FlowSetup random_setup(Rng& rng) {
  FlowSetup setup;
  const std::uint32_t limit = rng.below(2) == 0 ? 4 : ReorderTotals::threshold_limit;
  setup.displacement_threshold = 1 + rng.below(limit);
  setup.buffer_threshold = 1 + rng.below(limit);
  setup.first = rng.below(2);
  return setup;
}

TEST(ReorderMeter, SwarmFollowsTheDefinitions) {
  const std::uint64_t seed = swarm_seed();
  ReorderTotals seen;
  for (int round = 0; round < 300; ++round) {
    SCOPED_TRACE("HEDDLE_SWARM_SEED=" + std::to_string(seed) + ", round " + std::to_string(round));
    Rng rng(seed, "reorder_meter_test", std::to_string(round));
    const FlowSetup setup = random_setup(rng);
    const Sequence arrivals = random_arrivals(rng, setup.first);
    const Measured expected = measure(arrivals, setup);
    const ReorderTotals totals = meter(arrivals, setup);
    expect_totals(totals, expected);
    expect_each_packet(arrivals, setup, expected);
    if (HasFailure()) return;
    seen.reordered += totals.reordered;
    seen.duplicates += totals.duplicates;
    seen.lost += totals.lost;
    seen.displaced_beyond += totals.displaced_beyond;
    seen.too_late_to_buffer += totals.too_late_to_buffer;
  }
  for (const std::uint64_t count : {seen.reordered, seen.duplicates, seen.lost,
                                    seen.displaced_beyond, seen.too_late_to_buffer}) {
    EXPECT_GT(count, 100U) << "the swarm must meet every kind of packet";
  }
}

/// All orders of few packets: what a swarm may miss.
TEST(ReorderMeter, EveryOrderOfSixPacketsFollowsTheDefinitions) {
  FlowSetup setup;
  setup.displacement_threshold = 2;
  setup.buffer_threshold = 2;
  for (std::uint32_t arrived = 0; arrived < 64; ++arrived) {  // which of the six were not lost
    Sequence arrivals;
    for (std::uint32_t s = 0; s < 6; ++s) {
      if ((arrived >> s & 1) != 0) arrivals.push_back(1 + s);
    }
    do {
      expect_totals(meter(arrivals, setup), measure(arrivals, setup));
      ASSERT_FALSE(HasFailure()) << ::testing::PrintToString(arrivals);
    } while (std::next_permutation(arrivals.begin(), arrivals.end()));
  }
}

TEST(ReorderMeter, InOrderFlowHasNoReorderingAndNeedsNoFinishUntilTheEnd) {
  ReorderTotals totals;
  ReorderMeter flow(totals);
  for (std::uint32_t s = 0; s < 1'000; ++s) flow.arrive(s);
  flow.finish();
  EXPECT_EQ(totals.packets, 1'000U);
  EXPECT_EQ(totals.ratio(), 0.0);
  EXPECT_EQ(totals.density(), 0.0);
  EXPECT_EQ(totals.buffer_density(), 0.0);
  EXPECT_EQ(totals.lost, 0U);
}

TEST(ReorderMeter, FlowWithoutPacketsLeavesNoTrace) {
  ReorderTotals totals;
  ReorderMeter(totals).finish();
  EXPECT_EQ(totals.packets, 0U);
  EXPECT_EQ(totals.ratio(), 0.0);
  EXPECT_EQ(totals.density(), 0.0);
  EXPECT_EQ(totals.buffer_density(), 0.0);
}

TEST(ReorderMeter, DisplacementBeyondTheThresholdIsStillDisplacement) {
  Sequence arrivals;
  for (std::uint32_t s = 2; s <= 100; ++s) arrivals.push_back(s);
  arrivals.push_back(1);
  const ReorderTotals totals = meter(arrivals, FlowSetup{});
  EXPECT_EQ(totals.displaced_beyond, 1U);
  EXPECT_EQ(totals.density(), 0.01);
  EXPECT_EQ(totals.extent_max, 99U);
}

TEST(ReorderMeter, ForgottenGapsAreCountedNotGuessed) {
  ReorderTotals totals;
  ReorderMeter flow(totals);
  const std::uint32_t gaps = ReorderMeter::gap_limit + 1;
  for (std::uint32_t i = 0; i < gaps; ++i) flow.arrive(2 * i + 1);  // every even number is missing
  flow.arrive(0);                                                   // of the forgotten half
  flow.arrive(2 * (gaps - 2));                                      // of the remembered one
  flow.arrive(2 * (gaps - 2) + 1);
  flow.finish();
  EXPECT_EQ(totals.unclassified, 1U);
  EXPECT_EQ(totals.reordered, 1U);
  EXPECT_EQ(totals.extent_max, 2U);
  EXPECT_EQ(totals.duplicates, 1U);
  EXPECT_EQ(totals.packets, gaps + 1U);
  EXPECT_EQ(totals.lost, gaps - 1U) << "the unclassified packet stays among the lost";
}

TEST(ReorderMeter, ARestartedMeterMeasuresLikeANewOne) {
  // The first flow leaves gaps and held packets behind; each flow is written to the same totals.
  const std::vector<Sequence> flows{{1, 9, 4, 7, 2}, {1, 2, 3}, {2, 1, 3, 3, 9}, {1, 4, 2, 5, 3}};
  ReorderTotals of_new;
  ReorderTotals of_restarted;
  ReorderMeter restarted(of_restarted, 1);
  for (const Sequence& arrivals : flows) {
    ReorderMeter fresh(of_new, 1);
    restarted.restart(1);
    for (const std::uint32_t s : arrivals) {
      fresh.arrive(s);
      restarted.arrive(s);
    }
    fresh.finish();
    restarted.finish();
  }
  EXPECT_EQ(of_restarted.packets, of_new.packets);
  EXPECT_EQ(of_restarted.duplicates, of_new.duplicates);
  EXPECT_EQ(of_restarted.lost, of_new.lost);
  EXPECT_EQ(of_restarted.reordered, of_new.reordered);
  EXPECT_EQ(of_restarted.extent_sum, of_new.extent_sum);
  EXPECT_EQ(of_restarted.extent_max, of_new.extent_max);
  EXPECT_EQ(of_restarted.n_reordering, of_new.n_reordering);
  EXPECT_EQ(of_restarted.n_reordering_max, of_new.n_reordering_max);
  EXPECT_EQ(of_restarted.run_packets, of_new.run_packets);
  EXPECT_EQ(of_restarted.run_squares, of_new.run_squares);
  EXPECT_EQ(of_restarted.displacement, of_new.displacement);
  EXPECT_EQ(of_restarted.buffered, of_new.buffered);
}

TEST(ReorderMeter, RejectsWhatItCannotMeasure) {
  EXPECT_THROW(ReorderTotals(0, 8), InputError);
  EXPECT_THROW(ReorderTotals(8, ReorderTotals::threshold_limit + 1), InputError);
  ReorderTotals totals;
  ReorderMeter flow(totals, 1);
  EXPECT_THROW(flow.arrive(0), CheckFailure);
}

TEST(ReorderMeter, FitsACacheLine) { EXPECT_LE(sizeof(ReorderMeter), 64U); }

}  // namespace
}  // namespace heddle
