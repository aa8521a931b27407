#include "engine/fabric_limits.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "endpoints/transport.h"
#include "engine/quantity.h"
#include "kernel/error.h"

namespace heddle {

namespace {

constexpr std::uint64_t sdk_egress_bytes = std::uint64_t{32'000} * 256;
constexpr std::uint64_t sdk_xoff_cells = 384;
constexpr std::uint64_t smallest_packet_bytes = 60;  // of an Ethernet frame, checksum apart

double bytes_during(Rate rate, std::uint64_t picoseconds) {
  return static_cast<double>(rate.bits_per_second) / 8 * static_cast<double>(picoseconds) * 1e-12;
}

/// From a leaf through an element to a leaf.
std::uint64_t one_way_ps(const Scenario& scenario) {
  return 2 * fabric_link(scenario).latency.picoseconds +
         scenario.scheduled.element_latency.picoseconds +
         scenario.scheduled.egress_latency.picoseconds;
}

std::uint64_t default_outstanding(const Scenario& scenario) {
  const ScheduledConfig& scheduled = scenario.scheduled;
  const double bytes = bytes_during(scenario.fabric.host_link.rate, one_way_ps(scenario)) *
                       std::max(1.0, scheduled.credit_speedup);
  const double credits = std::ceil(bytes / static_cast<double>(scheduled.credit.value));
  return 2 * static_cast<std::uint64_t>(std::max(2.0, credits)) + 2;
}

/// Most bytes that a leaf's ports can be owed: up to the threshold when the last credit is granted,
/// then what is granted during a round trip, and what every VOQ may have saved up: a credit, and a
/// packet sent on its last byte.
std::uint64_t egress_need(const Scenario& scenario) {
  const ScheduledConfig& scheduled = scenario.scheduled;
  const bool chassis = scenario.fabric.topology == Topology::single;
  const std::uint64_t leaves = chassis ? scheduled.chassis.line_cards : scenario.fabric.leaves;
  const std::uint64_t ports = scenario.fabric.host_count() / leaves;
  const double round_trip = bytes_during(scenario.fabric.host_link.rate, 2 * one_way_ps(scenario)) *
                            scheduled.credit_speedup;
  const std::uint64_t saved = leaves * scenario.classes.size() *
                              (scheduled.credit.value + largest_packet_bytes(scenario.nic));
  return ports *
         (scheduled.egress_threshold.value + static_cast<std::uint64_t>(round_trip) + saved);
}

/// Cells that still come after an element has decided to stop a link, the smallest at the link's
/// rate: those on the cable and in the pipeline, while the order travels back behind one cell.
std::uint64_t cells_in_flight(const Scenario& scenario) {
  const ScheduledConfig& scheduled = scenario.scheduled;
  const LinkConfig link = fabric_link(scenario);
  const std::uint64_t largest = scheduled.cell_payload.value + scheduled.cell_header.value;
  const double bytes = bytes_during(link.rate, 2 * link.latency.picoseconds +
                                                   scheduled.element_latency.picoseconds) +
                       2 * static_cast<double>(largest);
  const std::uint64_t smallest =
      std::min(smallest_packet_bytes, scheduled.cell_payload.value) + scheduled.cell_header.value;
  return static_cast<std::uint64_t>(std::ceil(bytes / static_cast<double>(smallest))) + 4;
}

void set_receive_pool(const Scenario& scenario, ScheduledConfig& config) {
  const std::uint64_t coming = cells_in_flight(scenario);
  const std::uint64_t pool = config.receive_pool_cells;
  if (pool < coming + 2) {
    throw InputError(fmt::format(
        "scheduled.receive_pool_cells: {} is too small; {} cells may still come after a link is "
        "stopped, at its rate and latency",
        pool, coming));
  }
  if (!config.xoff_cells) config.xoff_cells = std::min(sdk_xoff_cells, pool - coming);
  if (*config.xoff_cells > pool - coming) {
    throw InputError(fmt::format(
        "scheduled.xoff_cells: {} is too high; {} cells may still come, and the pool holds {}",
        *config.xoff_cells, coming, pool));
  }
  if (!config.xon_cells) config.xon_cells = *config.xoff_cells * 5 / 6;
  if (*config.xon_cells >= *config.xoff_cells) {
    throw InputError(fmt::format("scheduled.xon_cells: {} is not below xoff_cells, {}",
                                 *config.xon_cells, *config.xoff_cells));
  }
}

}  // namespace

std::uint32_t largest_packet_bytes(const NicConfig& nic) {
  return static_cast<std::uint32_t>(nic.mtu.value) + data_header_bytes(nic.receive) +
         ethernet_framing_bytes;
}

LinkConfig fabric_link(const Scenario& scenario) {
  if (scenario.fabric.topology != Topology::single) return scenario.fabric.fabric_link;
  const ChassisConfig& chassis = scenario.scheduled.chassis;
  return {chassis.internal_rate, chassis.internal_latency};
}

ScheduledConfig without_auto(const Scenario& scenario) {
  ScheduledConfig config = scenario.scheduled;
  if (!config.credits_outstanding) config.credits_outstanding = default_outstanding(scenario);
  const std::uint64_t egress = egress_need(scenario);
  if (!config.egress_buffer) config.egress_buffer = Bytes{std::max(sdk_egress_bytes, egress)};
  if (config.egress_buffer->value < egress) {
    throw InputError(
        fmt::format("scheduled.egress_buffer: {} is too small; credits can bring {} to a leaf",
                    print_quantity(config.egress_buffer->value, byte_units()),
                    print_quantity(egress, byte_units())));
  }
  set_receive_pool(scenario, config);
  return config;
}

}  // namespace heddle
