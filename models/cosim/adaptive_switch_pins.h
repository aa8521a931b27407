// The pins of rtl/adaptive_switch.sv, by port, class and host: for its lockstep and for the switch
// in RTL of a fabric.
#pragma once

#include <algorithm>
#include <vector>

#include "cosim/pins.h"
#include "kernel/link.h"
#include "parts/ecn.h"
#include "parts/path_selector.h"
#include "parts/shared_buffer.h"
#include "switches/adaptive_switch.h"

namespace heddle {

/// Parameters with which the module was Verilated.
struct AdaptiveSwitchShape {
  unsigned ports;
  unsigned hosts;
  unsigned classes;
  unsigned packets;
  unsigned pause_frames;

  constexpr unsigned port_bits() const {
    unsigned bits = 0;
    while (1U << bits < ports) ++bits;
    return bits;
  }
  constexpr unsigned pair(unsigned port, unsigned traffic_class) const {
    return port * classes + traffic_class;
  }
};

/// Sets what no frame sets; at first, that nothing happens.
template <class Top>
class AdaptiveSwitchPins {
 public:
  static constexpr unsigned busy_bits = 50;

  AdaptiveSwitchPins(Top& top, const AdaptiveSwitchShape& shape) : top_(top), shape_(shape) {
    pins::set(top.more_i, 0);
    pins::set(top.in_valid_i, 0);
    pins::set(top.local_valid_i, 0);
    pins::set(top.forget_pauses_i, 0);
    pins::set(top.restored_i, 0);
    pins::set(top.thresholds_changed_i, 0);
    pins::set(top.set_rate_i, 0);
    for (unsigned port = 0; port < shape.ports; ++port) {
      set_rate(port, {});
      for (unsigned host = 0; host < shape.hosts; ++host) set_withdrawn(host, port, false);
    }
  }

  void set_rate(unsigned port, const LinkRate& rate) { pins::set_rate(top_, port, rate); }

  /// Between two cycles. `backlog`: Link::backlog in the next one. To be taken back after the edge.
  void change_rate(unsigned port, const LinkRate& rate, std::int64_t backlog) {
    set_rate(port, rate);
    // The RTL will have gone on by one cycle, and forgets what is longer ago than that.
    const std::int64_t busy = std::max(backlog, -std::int64_t{rate.bytes}) + rate.bytes;
    pins::set_bits(top_.set_rate_busy_i, busy_bits * port, busy_bits,
                   static_cast<std::uint64_t>(busy));
    pins::set_bits(top_.set_rate_i, port, 1, 1);
  }

  /// `quantum_bytes`: what weight 1 earns per round.
  void set_classes(const std::vector<TrafficClassConfig>& classes, std::uint32_t quantum_bytes) {
    pins::set(top_.cfg_classes_i, classes.size());
    pins::set(top_.cfg_strict_i, 0);
    pins::set(top_.cfg_lossless_i, lossless_classes(classes));
    for (unsigned c = 0; c < classes.size(); ++c) {
      const bool strict = classes[c].scheduling == ClassScheduling::strict;
      pins::set_bits(top_.cfg_strict_i, c, 1, strict ? 1 : 0);
      pins::set_bits(top_.cfg_quantum_bytes_i, 32 * c, 32, quantum_bytes * classes[c].weight);
    }
  }

  void set_memory(const SharedBuffer& memory, const SharedBufferConfig& config, unsigned ports,
                  unsigned classes) {
    pins::set(top_.cfg_cell_bytes_i, config.cell.value);
    pins::set(top_.cfg_shared_cells_i, memory.shared_cells());
    for (unsigned port = 0; port < ports; ++port) {
      for (unsigned c = 0; c < classes; ++c) {
        pins::set_bits(top_.cfg_headroom_cells_i, 32 * shape_.pair(port, c), 32,
                       memory.headroom_limit(port * classes + c));
      }
    }
    set_thresholds(memory.thresholds());
  }

  void set_thresholds(const SharedBuffer::Thresholds& thresholds) {
    pins::set(top_.cfg_alpha_lossless_i, thresholds.alpha_lossless);
    pins::set(top_.cfg_alpha_lossy_i, thresholds.alpha_lossy);
    pins::set(top_.cfg_xoff_i, thresholds.xoff_cells.has_value() ? 1 : 0);
    pins::set(top_.cfg_xoff_cells_i, thresholds.xoff_cells.value_or(0));
    pins::set(top_.cfg_xon_offset_cells_i, thresholds.xon_offset_cells);
  }

  void set_ecn(const EcnConfig& ecn) {
    pins::set(top_.cfg_kmin_bytes_i, ecn.kmin.value);
    pins::set(top_.cfg_kmax_bytes_i, ecn.kmax.value);
    pins::set(top_.cfg_mark_slope_i, mark_slope(ecn));
  }

  void set_switching(const AdaptiveConfig& config, Routing routing, Cycle flowlet_gap_cycles) {
    pins::set(top_.cfg_trimming_i, config.trimming ? 1 : 0);
    pins::set(top_.cfg_routing_i, static_cast<unsigned>(routing));
    pins::set(top_.cfg_spray_random_i, config.spray == SprayPolicy::random ? 1 : 0);
    pins::set(top_.cfg_flowlet_gap_cycles_i, flowlet_gap_cycles);
    pins::set(top_.cfg_grade_bytes_i, config.grade.value);
    pins::set(top_.cfg_grades_i, config.grades);
  }

  /// Those of `selector`, which has chosen nothing yet.
  void set_routes(const SwitchRoutes& routes, const PathSelector& selector, const Lfsr& marking) {
    const unsigned bits = shape_.port_bits();
    for (unsigned host = 0; host < routes.group_of_host.size(); ++host) {
      pins::set_bits(top_.cfg_group_of_host_i, bits * host, bits, routes.group_of_host[host]);
    }
    for (unsigned group = 0; group < routes.ports_of_group.size(); ++group) {
      const std::vector<std::uint16_t>& ports = routes.ports_of_group[group];
      pins::set_bits(top_.cfg_group_first_i, bits * group, bits, ports.front());
      pins::set_bits(top_.cfg_group_ports_i, (bits + 1) * group, bits + 1, ports.size());
      pins::set_bits(top_.cfg_spray_i, 64 * group, 64, selector.spray(group).random().state());
    }
    pins::set(top_.cfg_salt_i, selector.salt());
    pins::set(top_.cfg_random_i, selector.random().state());
    pins::set(top_.cfg_marking_i, marking.state());
  }

  /// What leads to a host by way of a port no more.
  void set_withdrawn(unsigned host, unsigned port, bool withdrawn) {
    pins::set_bits(top_.withdrawn_i, shape_.ports * host + port, 1, withdrawn ? 1 : 0);
  }

 private:
  Top& top_;
  AdaptiveSwitchShape shape_;
};

}  // namespace heddle
