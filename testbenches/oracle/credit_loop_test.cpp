// Case 13: a VOQ that may have n credits outstanding, with a loop of RTT, moves n credits per RTT:
// throughput min(1, n * 4096 * 8 / (RTT * rate)) of line rate. The RTT is an account of configured
// latencies (oracle_support.h), never a fit; that the account is exact is a test of its own.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>
#include <string>

#include "oracle/oracle_support.h"
#include "scenario_run.h"

namespace heddle::testing {
namespace {

constexpr double host_bytes_per_cycle = 50;  // 400 Gbps

/// One host sends to one other, without acknowledgements that would need credits of their own.
struct Loop {
  const char* name;
  bool inside_leaf;
  std::uint64_t fabric_latency_ns;
  std::uint64_t element_latency_ns;
};

void PrintTo(const Loop& loop, std::ostream* out) { *out << loop.name; }

constexpr Loop short_loop{"short", false, 300, 150};
constexpr Loop long_loop{"long", false, 1500, 400};
constexpr Loop inside_loop{"inside", true, 300, 150};

std::uint64_t round_trip(const Loop& loop) {
  ScheduledConfig config;
  config.element_latency = Duration{loop.element_latency_ns * 1000};
  const Cable fabric{50, loop.fabric_latency_ns};
  return loop.inside_leaf ? credit_round_trip_inside(config) : credit_round_trip(config, fabric);
}

std::string scenario(const Loop& loop, std::uint64_t credits, std::uint64_t message) {
  return fmt::format(R"(name: credit-loop
workload: {{pattern: incast, senders: 1, message: {} B}}
fabric:
  leaves: {}
  hosts_per_leaf: {}
  spines: 4
  host_link: {{rate: 400 Gbps, latency: 50 ns}}
  fabric_link: {{rate: 400 Gbps, latency: {} ns}}
switch: scheduled
scheduled: {{credits_outstanding: {}, element_latency: {} ns, receive_pool_cells: 4096}}
nic: {{receive: unreliable_datagram}}
measure: {{deadline: 100 ms}}
)",
                     message, loop.inside_leaf ? 1 : 2, loop.inside_leaf ? 2 : 1,
                     loop.fabric_latency_ns, credits, loop.element_latency_ns);
}

double completion_cycles(const std::string& yaml) {
  const ScenarioRun run = run_scenario(yaml);
  EXPECT_EQ(run.exit_code, 0) << run.explanation << reproduce(yaml);
  return run.exit_code == 0 ? run.number("messages.completion_ns.max") : 0;
}

class CreditLoop : public ::testing::TestWithParam<Loop> {};

INSTANTIATE_TEST_SUITE_P(Case13, CreditLoop, ::testing::Values(short_loop, long_loop, inside_loop),
                         [](const auto& param_info) { return std::string(param_info.param.name); });

// Two messages differ by what is sent at the steady rate: start and end of the run cancel.
TEST_P(CreditLoop, ThroughputIsCreditsPerRoundTrip) {
  NicConfig nic;
  nic.receive = ReceiveMode::unreliable_datagram;
  const MessageBytes less = message_bytes(nic, 2000UL * 4096);
  const MessageBytes more = message_bytes(nic, 6000UL * 4096);
  const double credit = 4096;
  const auto rtt = static_cast<double>(round_trip(GetParam()));
  const double to_fill = rtt * host_bytes_per_cycle / credit;  // bandwidth-delay product
  // Line rate for what a VOQ counts: packets with headers, but without the framing between them.
  const double line = static_cast<double>(more.stored) / static_cast<double>(more.wire);

  for (const double share : {0.02, 0.2, 0.5, 0.8, 0.95, 1.1, 1.5, 3.0}) {
    const auto credits = static_cast<std::uint64_t>(std::max(1.0, share * to_fill));
    const double took = completion_cycles(scenario(GetParam(), credits, more.payload)) -
                        completion_cycles(scenario(GetParam(), credits, less.payload));
    const double measured =
        static_cast<double>(more.stored - less.stored) / took / host_bytes_per_cycle;
    const double one_credit = credit / (rtt * host_bytes_per_cycle);
    const double expected = std::min(line, static_cast<double>(credits) * one_credit);
    const std::string figures = fmt::format(
        "{} credits, RTT {} cycles: {:.5f} of line rate, expected {:.5f}, one credit {:.5f}{}",
        credits, rtt, measured, expected, one_credit,
        reproduce(scenario(GetParam(), credits, more.payload)));
    EXPECT_NEAR(measured, expected, one_credit) << figures;
    // One credit is a weak bound where there are few. What is left of the ends of two messages that
    // stop in the middle of a round of credits, and cells in front of control frames, is this much:
    RecordProperty("measured_over_expected", std::to_string(measured / expected));
    EXPECT_NEAR(measured / expected, 1, 0.01) << figures;
  }
}

// Blocked in cycle RTT - 1, sending in cycle RTT: what the first packet of a VOQ waits for its
// credit is the account of the loop, to the cycle.
TEST_P(CreditLoop, FirstPacketWaitsExactlyOneRoundTrip) {
  const std::string yaml = scenario(GetParam(), 8, 1);
  const ScenarioRun run = run_scenario(yaml);
  ASSERT_EQ(run.exit_code, 0) << run.explanation << reproduce(yaml);
  EXPECT_EQ(run.number("latency_stage_ns.credit_wait.mean"),
            static_cast<double>(round_trip(GetParam())))
      << reproduce(yaml);
}

// What `auto` chooses must fill the loop, or a lone pair of hosts would not get its line rate.
TEST_P(CreditLoop, AutomaticCreditsFillTheLoop) {
  NicConfig nic;
  nic.receive = ReceiveMode::unreliable_datagram;
  const auto yaml = [](std::uint64_t message) {
    std::string text = scenario(GetParam(), 0, message);
    return text.replace(text.find("credits_outstanding: 0"), 22, "credits_outstanding: auto");
  };
  const MessageBytes less = message_bytes(nic, 1000UL * 4096);
  const MessageBytes more = message_bytes(nic, 2000UL * 4096);
  const double took = completion_cycles(yaml(more.payload)) - completion_cycles(yaml(less.payload));
  EXPECT_NEAR(static_cast<double>(more.wire - less.wire) / took / host_bytes_per_cycle, 1, 0.001)
      << reproduce(yaml(more.payload));
}

}  // namespace
}  // namespace heddle::testing
