// The pins of rtl/scheduled_leaf.sv: what lockstep and the adapter of a fabric both say to them.
#pragma once

#include <cstdint>
#include <vector>

#include "cosim/pins.h"
#include "kernel/clock.h"
#include "kernel/packet.h"
#include "switches/scheduled_leaf.h"

namespace heddle {

/// Parameters that the module was Verilated with.
struct LeafSizes {
  unsigned host_ports = 4;
  unsigned leaves = 4;
  unsigned fabric_links = 4;
  unsigned loopbacks = 4;
  unsigned classes = 4;
  unsigned cells_per_cycle = 4;
  unsigned ends = 5;
  unsigned voq_packets = 1024;
  unsigned egress_packets = 1024;
  unsigned cell_slots = 256;

  unsigned ports() const { return host_ports + fabric_links + loopbacks; }
  unsigned fabric_ports() const { return fabric_links + loopbacks; }
  unsigned voqs() const { return classes * leaves * host_ports; }
  /// Of the VOQ for `port` of `leaf`.
  unsigned voq(unsigned traffic_class, unsigned leaf, unsigned port) const {
    return (traffic_class * leaves + leaf) * host_ports + port;
  }
};

/// What a leaf is made of, as its configuration pins tell it.
struct LeafMake {
  const LeafPlace& place;
  const ScheduledConfig& config;
  const std::vector<TrafficClassConfig>& classes;
  const SharedBuffer& memory;
  const Pacer& credits;
  std::uint64_t spray_state;
  std::uint64_t staging_limit;
  bool healing;
};

/// A packet that ends in a cell, as it stands beside the cell's header.
struct CellEnd {
  Frame frame;
  std::uint64_t sent = 0;  ///< PacketRecord::voq_bytes
};

/// The packets that end in a cell.
inline std::vector<CellEnd> ends_of(PacketPool& packets, const Frame& cell) {
  std::vector<CellEnd> ends;
  for (std::uint32_t number = cell.packet; number != no_packet; number = packets[number].next) {
    ends.push_back({packets[number].frame, packets[number].voq_bytes});
  }
  return ends;
}

namespace pins {

/// A number of more than 64 bits.
template <std::size_t words>
void set_wide(VlWide<words>& pin, Pacer::Wide value) {
  for (unsigned i = 0; i < words; ++i) pin[i] = static_cast<EData>(value >> 32 * i);
}

template <class Top>
void set_leaf_classes(Top& top, const std::vector<TrafficClassConfig>& classes) {
  set(top.cfg_class_count_i, classes.size());
  for (unsigned c = 0; c < classes.size(); ++c) {
    set_bits(top.cfg_strict_i, c, 1, classes[c].scheduling == ClassScheduling::strict ? 1 : 0);
    set_bits(top.cfg_lossless_i, c, 1, classes[c].lossless ? 1 : 0);
    set_bits(top.cfg_weight_i, 8 * c, 8, classes[c].weight);
  }
}

template <class Top>
void set_leaf_place(Top& top, const LeafPlace& place) {
  set(top.cfg_leaf_i, place.leaf);
  set(top.cfg_leaves_i, place.leaves);
  set(top.cfg_hosts_i, place.hosts);
  set(top.cfg_fabric_links_i, place.fabric_links);
  set(top.cfg_loopbacks_i, place.loopbacks);
  set(top.cfg_outstanding_credits_i, place.outstanding_credits);
  set(top.cfg_owed_bytes_i, static_cast<std::uint64_t>(place.owed_bytes));
  set(top.cfg_largest_packet_bytes_i, place.largest_packet_bytes);
}

/// Every group of a lossless class has the same headroom.
template <class Top>
void set_leaf_memory(Top& top, const LeafMake& make) {
  std::uint64_t groups = 0;
  for (const TrafficClassConfig& c : make.classes) groups += c.lossless ? make.place.hosts : 0;
  const std::uint64_t pool = make.config.buffer.value / make.config.buffer_cell.value;
  const SharedBuffer::Thresholds thresholds = make.memory.thresholds();
  set(top.cfg_buffer_cell_i, make.config.buffer_cell.value);
  set(top.cfg_shared_cells_i, make.memory.shared_cells());
  set(top.cfg_headroom_cells_i, groups == 0 ? 0 : (pool - make.memory.shared_cells()) / groups);
  set(top.cfg_alpha_lossless_i, thresholds.alpha_lossless);
  set(top.cfg_alpha_lossy_i, thresholds.alpha_lossy);
  set(top.cfg_xon_offset_cells_i, thresholds.xon_offset_cells);
}

template <class Top>
void set_leaf_times(Top& top, const ScheduledConfig& config, const Clock& clock) {
  set(top.cfg_credit_watchdog_i, clock.cycles(config.credit_watchdog));
  set(top.cfg_reachability_period_i, clock.cycles(config.reachability_period));
  set(top.cfg_reachability_watchdog_i, clock.cycles(config.reachability_watchdog));
  set(top.cfg_reassembly_timeout_i, clock.cycles(config.reassembly_timeout));
}

/// Nothing comes and nothing happens.
template <class Top>
void clear_leaf_inputs(Top& top) {
  set(top.in_valid_i, 0);
  set(top.local_valid_i, 0);
  set(top.set_rate_i, 0);
  set(top.input_failed_i, 0);
  set(top.output_restored_i, 0);
}

/// All but the rates of the links. Before reset.
template <class Top>
void set_leaf(Top& top, const LeafSizes& sizes, const LeafMake& make, const Clock& clock) {
  const ScheduledConfig& config = make.config;
  clear_leaf_inputs(top);
  set_leaf_place(top, make.place);
  set_leaf_classes(top, make.classes);
  set_leaf_memory(top, make);
  set_leaf_times(top, config, clock);
  set(top.cfg_credit_i, config.credit.value);
  set_wide(top.cfg_credit_interval_i, make.credits.interval());
  set_wide(top.cfg_credit_unit_i, make.credits.unit());
  // Slices beyond the leaves stay empty.
  set(top.cfg_credit_slices_i, std::min<std::uint64_t>(config.credit_slices, sizes.leaves));
  set(top.cfg_egress_threshold_i, config.egress_threshold.value);
  set(top.cfg_egress_buffer_i, config.egress_buffer->value);
  set(top.cfg_packed_i, config.segmentation == Segmentation::packed ? 1 : 0);
  set(top.cfg_cell_payload_i, config.cell_payload.value);
  set(top.cfg_cell_header_i, config.cell_header.value);
  set(top.cfg_spray_random_i, config.spray == SprayPolicy::random ? 1 : 0);
  set(top.cfg_spray_state_i, make.spray_state);
  set(top.cfg_cells_per_cycle_i, config.cells_per_cycle);
  set(top.cfg_staging_limit_i, make.staging_limit);
  set(top.cfg_healing_i, make.healing ? 1 : 0);
}

/// The packets that end in the cell that arrives at `fabric_port`.
template <class Top>
void set_ends(Top& top, const LeafSizes& sizes, unsigned fabric_port,
              const std::vector<CellEnd>& ends) {
  set_bits(top.in_ends_i, 4 * fabric_port, 4, ends.size());
  unsigned at = fabric_port * sizes.ends;
  for (const CellEnd& end : ends) {
    set_frame(top.in_end_frame_i, at, end.frame);
    set_bits(top.in_end_sent_i, 64 * at, 64, end.sent);
    ++at;
  }
}

}  // namespace pins
}  // namespace heddle
