#include "engine/credits.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/conditions.h"
#include "engine/fabric_limits.h"
#include "engine/field_text.h"
#include "kernel/error.h"

namespace heddle {
namespace {

/// A port's delay, and the fabric in which it has that delay.
struct Loop {
  Duration delay;
  Scenario scenario;

  /// The whole delay is the element's: only the sum matters for a port's need.
  Loop(Duration one_way, Scenario fabric) : delay(one_way), scenario(std::move(fabric)) {
    scenario.fabric.fabric_link.latency = 0_ps;
    scenario.scheduled.egress_latency = 0_ps;
    scenario.scheduled.element_latency = one_way;
  }
};

/// Without options those that the SDK knows: inside one device, mesh, through fabric elements.
std::vector<Duration> delays(const CreditsOptions& options, Scenario scenario) {
  if (options.delay && options.cable) {
    throw InputError("--delay and --cable exclude each other; give one of them");
  }
  if (options.delay) {
    return {Duration{
        option_quantity("--delay", *options.delay, duration_units(), 1, (1_ms).picoseconds)}};
  }
  if (!options.cable) return {300_ns, 500_ns, 1000_ns};
  scenario.fabric.fabric_link.latency = cable_latency(option_metres(*options.cable));
  return {one_way_delay(scenario)};
}

/// One port per leaf, so that a leaf's need is that of a port.
Scenario fabric_of(const CreditsOptions& options, const Preset& preset) {
  Scenario scenario = preset_scenario(preset);
  scenario.fabric.hosts_per_leaf = 1;
  const Section root = describe(scenario);
  const auto set = [&](const char* option, const char* key, const OptionText& value) {
    try {
      if (value) set_value(*find_field(root, key), *value);
    } catch (const InputError& error) {
      throw InputError(fmt::format("{}: {}", option, error.what()));
    }
  };
  set("--credit", "scheduled.credit", options.credit);
  set("--leaves", "fabric.leaves", options.leaves);
  return scenario;
}

std::vector<std::vector<std::string>> rows_of(const std::vector<Loop>& loops,
                                              const std::vector<Rate>& rates, bool slow) {
  std::vector<std::vector<std::string>> rows{{"Gbps", "ns", "credits", "bytes", "satisfied",
                                              "balance", "step", "backoff", "hungry", "egress"}};
  for (const Loop& loop : loops) {
    for (const Rate rate : rates) {
      Scenario scenario = loop.scenario;
      scenario.fabric.host_link.rate = rate;
      const CreditThresholds t =
          credit_thresholds(rate, loop.delay, scenario.scheduled.credit, slow);
      rows.push_back({fmt::format("{}", static_cast<double>(rate.bits_per_second) / 1e9),
                      fmt::format("{}", static_cast<double>(loop.delay.picoseconds) / 1e3),
                      std::to_string(t.in_flight_credits), std::to_string(t.in_flight_bytes),
                      std::to_string(t.satisfied), std::to_string(t.balance),
                      std::to_string(t.resolution), std::to_string(t.backoff),
                      std::to_string(t.hungry), std::to_string(egress_need(scenario))});
    }
  }
  return rows;
}

const char* const legend =
    "  ns         one way: from a leaf through an element to a leaf\n"
    "  credits    in flight one way: max(2, rate * delay / (8 * credit)), rounded up\n"
    "  bytes      the same in bytes\n"
    "  satisfied  balance with which an empty VOQ asks for no more\n"
    "  balance    most that an empty VOQ keeps\n"
    "  step       bytes per count of the balance\n"
    "  backoff    balance at which a backlogged VOQ backs off, and comes back\n"
    "  hungry     waiting bytes less balance at which an idle VOQ asks at full rate\n"
    "  egress     bytes with which the port neither starves nor overflows\n"
    "             (scheduled.egress_buffer of a leaf: its share per port)\n"
    "  rules      OpenBCM SDK 6.5.27, src/bcm/dnx/tune/iqs_tune.c; egress: Heddle\n";

}  // namespace

CreditThresholds credit_thresholds(Rate rate, Duration delay, Bytes credit, bool slow) {
  constexpr std::uint64_t most_balance = 500'000;
  constexpr std::uint64_t most_hunger = std::uint64_t{500} * 1024;
  constexpr std::uint64_t finest_range = std::uint64_t{128} * 1024;
  CreditThresholds t{};
  t.in_flight_credits = credits_in_flight(rate, delay, credit);
  t.in_flight_bytes = t.in_flight_credits * credit.value;
  const std::uint64_t covered = t.in_flight_bytes + credit.value;
  t.satisfied = slow ? 0 : covered;
  t.balance =
      std::min(most_balance, slow ? 2 * credit.value : 3 * t.in_flight_bytes - credit.value);
  const Duration all{(slow ? 2 : 3) * delay.picoseconds};
  const std::uint64_t delayed = credits_in_flight(rate, all, credit) * credit.value;
  t.resolution = delayed < finest_range ? 1 : delayed < 2 * finest_range ? 2 : 4;
  t.backoff = finest_range / 2 * t.resolution;
  t.hungry = slow ? static_cast<std::int64_t>(std::min(2 * covered, most_hunger))
                  : -static_cast<std::int64_t>(std::min(covered, most_hunger));
  return t;
}

std::string credits_table(const CreditsOptions& options) {
  const Preset& preset = option_device(options.device, "scheduled");
  const Scenario scenario = fabric_of(options, preset);
  const std::vector<Rate> rates =
      option_rates(options.rate, {100_Gbps, 200_Gbps, 400_Gbps, 800_Gbps});
  std::vector<Loop> loops;
  for (const Duration delay : delays(options, scenario)) loops.emplace_back(delay, scenario);
  return fmt::format(
      "{}: credits of {};\n{} leaves with {} classes send to the port\n\n"
      "VOQs that ask at full rate (SDK: slow disabled)\n{}\n"
      "VOQs that ask slowly at first (SDK: slow enabled)\n{}\n{}",
      preset.device, print_quantity(scenario.scheduled.credit), scenario.fabric.leaves,
      scenario.classes.size(), columns(rows_of(loops, rates, false)),
      columns(rows_of(loops, rates, true)), legend);
}

}  // namespace heddle
