#include "engine/fabric_limits.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "endpoints/transport.h"
#include "engine/quantity.h"
#include "kernel/error.h"
#include "switches/fabric_ports.h"
#include "switches/port_headroom.h"

namespace heddle {

namespace {

constexpr std::uint64_t sdk_egress_bytes = std::uint64_t{32'000} * 256;
constexpr std::uint64_t sdk_xoff_cells = 384;

double bytes_during(Rate rate, std::uint64_t picoseconds) {
  return static_cast<double>(rate.bits_per_second) * static_cast<double>(picoseconds) / 8e12;
}

std::uint64_t default_outstanding(const Scenario& scenario) {
  const ScheduledConfig& scheduled = scenario.scheduled;
  return 2 * credits_in_flight(scenario.fabric.host_link.rate, one_way_delay(scenario),
                               scheduled.credit, std::max(1.0, scheduled.credit_speedup)) +
         2;
}

/// VOQs that may send to one port, and the ports of a leaf.
struct EgressShape {
  std::uint64_t voqs;
  std::uint64_t ports;

  explicit EgressShape(const Scenario& scenario) {
    const bool chassis = scenario.fabric.topology == Topology::single;
    const std::uint64_t leaves =
        chassis ? scenario.scheduled.chassis.line_cards : scenario.fabric.leaves;
    voqs = leaves * scenario.classes.size();
    ports = scenario.fabric.host_count() / leaves;
  }
};

/// Least bytes of link time per cell that a packet can make of itself, on average over its cells:
/// that of the smallest packet, or of one that just does not fit a cell.
double least_cell_bytes(const ScheduledConfig& scheduled) {
  const double header = static_cast<double>(scheduled.cell_header.value);
  const double payload = static_cast<double>(scheduled.cell_payload.value);
  const double cells = std::ceil(smallest_stored_bytes / payload);
  return std::min(smallest_stored_bytes / cells, (payload + 1) / 2) + header;
}

/// Cells that still come after an element has decided to stop a link: those on the cable and in the
/// pipeline, while the order travels back behind one cell.
std::uint64_t cells_in_flight(const Scenario& scenario) {
  const ScheduledConfig& scheduled = scenario.scheduled;
  const LinkConfig link = fabric_link(scenario);
  const double bytes = bytes_during(link.rate, 2 * link.latency.picoseconds +
                                                   scheduled.element_latency.picoseconds) +
                       2 * static_cast<double>(largest_cell_bytes(scheduled));
  return static_cast<std::uint64_t>(std::ceil(bytes / least_cell_bytes(scheduled))) + 4;
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

void set_spill(const Scenario& scenario, SpillConfig& hbm) {
  const Rate port = scenario.fabric.host_link.rate;
  hbm.set_auto(port, Rate{port.bits_per_second * EgressShape(scenario).ports});
  if (*hbm.dram_bound < *hbm.recovery) {
    throw InputError(fmt::format("scheduled.hbm.recovery: {} is above dram_bound, {}",
                                 print_quantity(*hbm.recovery), print_quantity(*hbm.dram_bound)));
  }
  const std::uint32_t packet = largest_packet_bytes(scenario.nic) - ethernet_framing_bytes;
  if (hbm.read_buffer.value < packet) {
    throw InputError(fmt::format("scheduled.hbm.read_buffer: {} does not hold a packet of {} B",
                                 print_quantity(hbm.read_buffer), packet));
  }
  if (!(hbm.read_buffer < scenario.scheduled.buffer)) {
    throw InputError(fmt::format("scheduled.hbm.read_buffer: {} is not below scheduled.buffer, {}",
                                 print_quantity(hbm.read_buffer),
                                 print_quantity(scenario.scheduled.buffer)));
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

Duration one_way_delay(const Scenario& scenario) {
  return {2 * fabric_link(scenario).latency.picoseconds +
          scenario.scheduled.element_latency.picoseconds +
          scenario.scheduled.egress_latency.picoseconds};
}

std::uint64_t credits_in_flight(Rate rate, Duration delay, Bytes credit, double speedup) {
  const double bytes = bytes_during(rate, delay.picoseconds) * speedup;
  const double credits = std::ceil(bytes / static_cast<double>(credit.value));
  return static_cast<std::uint64_t>(std::max(2.0, credits));
}

std::uint64_t egress_need(const Scenario& scenario) {
  const ScheduledConfig& scheduled = scenario.scheduled;
  const EgressShape shape(scenario);
  const double round_trip =
      bytes_during(scenario.fabric.host_link.rate, 2 * one_way_delay(scenario).picoseconds) *
      scheduled.credit_speedup;
  const std::uint64_t saved =
      shape.voqs * (scheduled.credit.value + largest_packet_bytes(scenario.nic));
  return shape.ports *
         (scheduled.egress_threshold.value + static_cast<std::uint64_t>(round_trip) + saved);
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
  if (config.spill == Spill::hbm) set_spill(scenario, config.hbm);
  return config;
}

std::int64_t owed_limit(const Scenario& scenario, const ScheduledConfig& config) {
  const EgressShape shape(scenario);
  const std::uint64_t packet = largest_packet_bytes(scenario.nic);
  return static_cast<std::int64_t>(config.egress_buffer->value / shape.ports) -
         static_cast<std::int64_t>(config.egress_threshold.value + shape.voqs * packet +
                                   config.credit.value);
}

}  // namespace heddle
