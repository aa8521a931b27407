// Cases 14, 15 and 16: N hosts send B bytes each to one, on both fabrics. The receiver's link is
// the only bottleneck, so the last byte arrives at N * B / rate + base, where base is an account of
// configured latencies: what passes before the first byte can start on the receiver's link, and
// after the last one has left it. B counts as it does on that link: with headers and framing.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "oracle/oracle_support.h"
#include "scenario_run.h"

namespace heddle::testing {
namespace {

constexpr double rate = 50;  // bytes per cycle: 400 Gbps at 1 GHz
constexpr Cable host_cable{rate, 50};
constexpr Cable fabric_cable{rate, 300};
constexpr std::uint64_t total_payload = 32 << 20;  // N * B, so that all runs take as long

// --- Case 14: scheduled fabric
// --------------------------------------------------------------------

/// One host per leaf: every sender is equally far from the receiver, host 0.
std::string scheduled_incast(std::uint64_t senders) {
  return fmt::format(R"(name: incast
workload: {{pattern: incast, senders: {}, message: {} B}}
fabric:
  leaves: 65
  hosts_per_leaf: 1
  spines: 4
  host_link: {{rate: 400 Gbps, latency: 50 ns}}
  fabric_link: {{rate: 400 Gbps, latency: 300 ns}}
switch: scheduled
measure: {{deadline: 20 ms}}
)",
                     senders, total_payload / senders);
}

/// Post, host link, credit loop, one cell across the fabric; then cable and delivery.
double scheduled_base() {
  const ScheduledConfig config;
  const NicConfig nic;
  const std::uint64_t first_packet = message_bytes(nic, nic.mtu.value).wire;
  return static_cast<double>(
      cycles(nic.transmit_latency) + host_cable.tail_visible(first_packet, config.ingress_latency) +
      credit_round_trip(config, fabric_cable) +
      cross_fabric(config, fabric_cable, config.cell_payload.value + config.cell_header.value) +
      host_cable.tail_visible(0, nic.receive_latency));
}

class ScheduledIncast : public ::testing::TestWithParam<std::uint64_t> {
 protected:
  void SetUp() override {
    yaml_ = scheduled_incast(GetParam());
    run_ = run_scenario(yaml_);
    ASSERT_EQ(run_.exit_code, 0) << run_.explanation << reproduce(yaml_);
    ASSERT_EQ(run_.number("packets.dropped"), 0) << reproduce(yaml_);
    each_ = message_bytes(NicConfig{}, total_payload / GetParam());
  }

  double senders() const { return static_cast<double>(GetParam()); }

  std::string yaml_;
  ScenarioRun run_;
  MessageBytes each_{};
};

INSTANTIATE_TEST_SUITE_P(Case14, ScheduledIncast, ::testing::Values(2, 4, 8, 16, 32, 64),
                         ::testing::PrintToStringParamName());

TEST_P(ScheduledIncast, LastByte) {
  const double expected = senders() * static_cast<double>(each_.wire) / rate + scheduled_base();
  const double measured = run_.number("messages.completion_ns.max");
  RecordProperty("measured_over_expected", std::to_string(measured / expected));
  EXPECT_NEAR(measured / expected, 1, 0.02)
      << "measured " << measured << " ns, expected " << expected << " ns, of these base "
      << scheduled_base() << reproduce(yaml_);
}

// While the senders send B each, one B is drained: the others' bytes are left in the VOQs, where
// packets are stored with headers and without framing. What is on its way to or in the egress
// memory at that moment is within the tolerance, because B is many times the egress threshold.
TEST_P(ScheduledIncast, SumOfIngressPeaks) {
  const double expected = (senders() - 1) * static_cast<double>(each_.stored);
  const double measured = run_.number("buffers.total.ingress.peak_bytes");
  RecordProperty("measured_over_expected", std::to_string(measured / expected));
  EXPECT_NEAR(measured / expected, 1, 0.02)
      << "measured " << measured << " B, expected " << expected << " B" << reproduce(yaml_);
}

// A port that holds its threshold grants nothing; what it granted before can still come for one
// round trip, at the rate of grants. That it reaches the threshold shows that it is the threshold
// which holds it there.
TEST_P(ScheduledIncast, EgressPeak) {
  const ScheduledConfig config;
  const auto threshold = static_cast<double>(config.egress_threshold.value);
  const auto rtt = static_cast<double>(credit_round_trip(config, fabric_cable));
  const double bound = threshold + rtt * rate * config.credit_speedup;
  const double measured = run_.number("buffers.leaf0.egress.peak_bytes");
  RecordProperty("peak_bytes", std::to_string(measured));
  RecordProperty("bound_bytes", std::to_string(bound));
  EXPECT_LE(measured, bound) << reproduce(yaml_);
  EXPECT_GE(measured, threshold) << reproduce(yaml_);
}

TEST(Case14ScheduledIncast, EgressPeakIsIndependentOfTheNumberOfSenders) {
  const std::string two = scheduled_incast(2);
  const std::string many = scheduled_incast(64);
  const ScenarioRun of_two = run_scenario(two);
  const ScenarioRun of_many = run_scenario(many);
  ASSERT_EQ(of_two.exit_code, 0) << of_two.explanation << reproduce(two);
  ASSERT_EQ(of_many.exit_code, 0) << of_many.explanation << reproduce(many);
  const NicConfig nic;
  EXPECT_NEAR(of_two.number("buffers.leaf0.egress.peak_bytes"),
              of_many.number("buffers.leaf0.egress.peak_bytes"),
              static_cast<double>(message_bytes(nic, nic.mtu.value).stored))
      << "peaks with 2 and with 64 senders differ by more than a packet" << reproduce(many);
}

// --- Case 15: shallow buffers with priority flow control
// ------------------------------------------

enum class Box { single, leaf_spine };

/// A memory that holds much less than N * B. The time-out of the senders is set beyond the run: at
/// 1/64 of the rate, an acknowledgement every 16 packets comes later than the default time-out
/// expects it, and the receiver's link would carry duplicates.
std::string adaptive_incast(Box box, std::uint64_t senders) {
  const char* fabric = box == Box::single ? "topology: single, hosts: 65"
                                          : "leaves: 5, hosts_per_leaf: 13, spines: 13";
  return fmt::format(
      R"(name: incast
workload: {{pattern: incast, senders: {}, message: {} B}}
fabric:
  {{{},
   host_link: {{rate: 400 Gbps, latency: 50 ns}}{}}}
switch: adaptive
adaptive: {{memory: {{buffer: 16 MiB}}}}
nic: {{receive: out_of_order_placement, retransmission_timeout: 10 ms}}
measure: {{deadline: 20 ms}}
)",
      senders, total_payload / senders, fabric,
      box == Box::single ? "" : ",\n   fabric_link: {rate: 400 Gbps, latency: 300 ns}");
}

/// Post, cable, each switch's pipeline (cutting through) and cable; delivery. `hops`: switches of
/// the first packet's path, one if there is a sender below the receiver's own.
double adaptive_base(std::uint64_t hops) {
  const NicConfig nic;
  const AdaptiveConfig config;
  return static_cast<double>(cycles(nic.transmit_latency) + 2 * host_cable.latency_cycles +
                             hops * cycles(config.pipeline_latency) +
                             (hops - 1) * fabric_cable.latency_cycles +
                             cycles(nic.receive_latency));
}

void expect_lossless_completion(Box box, std::uint64_t senders, double base) {
  const std::string yaml = adaptive_incast(box, senders);
  const ScenarioRun run = run_scenario(yaml);
  ASSERT_EQ(run.exit_code, 0) << run.explanation << reproduce(yaml);
  NicConfig nic;
  nic.receive = ReceiveMode::out_of_order_placement;
  const MessageBytes each = message_bytes(nic, total_payload / senders);
  const double expected =
      static_cast<double>(senders) * static_cast<double>(each.wire) / rate + base;
  const double measured = run.number("messages.completion_ns.max");
  ::testing::Test::RecordProperty("measured_over_expected", std::to_string(measured / expected));
  EXPECT_NEAR(measured / expected, 1, 0.02)
      << "measured " << measured << " ns, expected " << expected << " ns" << reproduce(yaml);
  EXPECT_EQ(run.number("packets.dropped"), 0) << reproduce(yaml);
  EXPECT_EQ(run.number("packets.retransmitted"), 0) << reproduce(yaml);

  double paused = 0;
  for (const auto& [name, link] : run.results.at("links").items()) {
    paused += link.at("paused_ns").get<double>();
  }
  EXPECT_GT(paused, 0) << "nobody was paused" << reproduce(yaml);
}

class PfcIncast : public ::testing::TestWithParam<std::uint64_t> {};

INSTANTIATE_TEST_SUITE_P(Case15, PfcIncast, ::testing::Values(2, 8, 64),
                         ::testing::PrintToStringParamName());

TEST_P(PfcIncast, SingleSwitch) {
  expect_lossless_completion(Box::single, GetParam(), adaptive_base(1));
}

TEST_P(PfcIncast, LeafSpine) {
  expect_lossless_completion(Box::leaf_spine, GetParam(), adaptive_base(3));
}

// --- Case 16: another simulator's number
// ----------------------------------------------------------

// 16 x 1 MB at 400G: 329 us (321 us of serialisation, and the base).
std::string incast_16(const std::string& variant) {
  return R"(name: incast-16
workload: {pattern: incast, senders: 16, message: 1 MB}
fabric:
  leaves: 4
  hosts_per_leaf: 8
  spines: 8
  host_link: {rate: 400 Gbps, latency: 50 ns}
  fabric_link: {rate: 400 Gbps, latency: 300 ns}
measure: {deadline: 5 ms}
)" + variant;
}

void expect_329_us(const std::string& variant) {
  const std::string yaml = incast_16(variant);
  const ScenarioRun run = run_scenario(yaml);
  ASSERT_EQ(run.exit_code, 0) << run.explanation << reproduce(yaml);
  EXPECT_EQ(run.number("packets.dropped"), 0) << reproduce(yaml);
  const double measured = run.number("messages.completion_ns.max");
  ::testing::Test::RecordProperty("measured_over_expected", std::to_string(measured / 329e3));
  EXPECT_NEAR(measured / 329e3, 1, 0.03) << reproduce(yaml);
}

TEST(Case16Incast, Scheduled) { expect_329_us("switch: scheduled\n"); }

TEST(Case16Incast, AdaptiveOutOfOrder) {
  expect_329_us("switch: adaptive\nrouting: adaptive\nnic: {receive: out_of_order_placement}\n");
}

TEST(Case16Incast, AdaptiveEcmpInOrder) {
  expect_329_us("switch: adaptive\nrouting: ecmp\nnic: {receive: go_back_n}\n");
}

}  // namespace
}  // namespace heddle::testing
