// The shallow-buffer switch: one shared packet memory, priority flow control, congestion marking,
// and a choice among equal-cost ports for every packet.
//
// Cycle behaviour: a packet joins its egress queue `pipeline_latency` after its first byte (cut
// through) or last byte (store and forward), and may start on an idle link in that same cycle. A
// port that feeds a faster port stores and forwards in any case. A packet's cells are free again
// in the cycle after its last byte has left, for what arrives later than in that cycle. A pause
// frame goes before everything else, behind the packet that is on the link.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "kernel/device.h"
#include "kernel/environment.h"
#include "parts/ecn.h"
#include "parts/path_selector.h"
#include "parts/shared_buffer.h"
#include "switches/adaptive_config.h"
#include "switches/output_ports.h"
#include "switches/port_headroom.h"

namespace heddle {

/// What a port of the switch leads to.
struct SwitchPort {
  Rate rate;
  Duration latency;  ///< of the cable, one way
  BufferRole role;   ///< egress: a host; ingress: up from a leaf; fabric: of a spine
};

struct HostRange {
  unsigned first;
  unsigned last;

  bool operator==(const HostRange& other) const {
    return first == other.first && last == other.last;
  }
};

/// Where packets go: hosts by group, groups by port.
struct SwitchRoutes {
  std::vector<std::uint16_t> group_of_host;
  std::vector<std::vector<std::uint16_t>> ports_of_group;
};

/// The memory that the ports share. Throws InputError when headroom leaves nothing to share.
SharedBuffer switch_memory(const std::vector<SwitchPort>& ports, const AdaptiveConfig& config,
                           const std::vector<TrafficClassConfig>& classes);

class AdaptiveSwitch : public Device {
 public:
  AdaptiveSwitch(const sc_core::sc_module_name& module_name, const Environment& environment,
                 const std::vector<SwitchPort>& ports, const SwitchRoutes& routes,
                 const AdaptiveConfig& config, Routing routing,
                 const std::vector<TrafficClassConfig>& classes,
                 std::uint32_t largest_packet_bytes);

  void attach(unsigned port, Link& in, Link& out);

  void input_failed(unsigned port, Cycle at) override;
  void output_restored(unsigned port, Cycle at) override;

  /// Between two cycles: the switch has learned that `port` is down or up again.
  void set_usable(unsigned port, bool usable);
  /// Between two cycles: it has learned that hosts first..last are not, or are again, reached by
  /// way of `port`.
  virtual void set_reachable(unsigned port, HostRange hosts, bool reachable);

  void waits(std::vector<std::string>& lines) const override;
  std::vector<BufferView> buffers() const override;
  std::vector<StateView> state() const override;
  FrameBalance balance() const override;
  void verify(bool drained) const override;

  const DropCounts& drops() const { return drops_; }
  std::uint64_t trimmed() const { return trimmed_; }
  std::uint64_t marked() const { return marked_; }

  // What the memory and the routing know now: RTL has its own.
  virtual std::uint32_t free_cells() const { return memory_.free_cells(); }
  virtual std::uint32_t used_cells() const { return memory_.used_cells(); }
  virtual std::uint32_t queue_cells(unsigned port, unsigned traffic_class) const {
    return memory_.queue_cells(pair(port, traffic_class));
  }
  virtual std::uint32_t group_cells(unsigned port, unsigned traffic_class) const {
    return memory_.group_cells(pair(port, traffic_class));
  }
  virtual bool sender_paused(unsigned port, unsigned traffic_class) const {
    return memory_.xoff(pair(port, traffic_class));
  }
  virtual std::uint32_t queued_frames(unsigned port, unsigned traffic_class) const {
    return outputs_.queued_frames(port, traffic_class);
  }
  /// Quantised load of a port.
  virtual unsigned grade_of(unsigned port) const { return grades_[port]; }

 protected:
  static constexpr unsigned no_port = ~0U;

  void cycle() override;
  void describe(RegisterMap& map) override;
  void describe_marking(RegisterBlock& config);
  void describe_thresholds(RegisterBlock& config);
  virtual void set_thresholds(const SharedBuffer::Thresholds& thresholds) {
    memory_.set_thresholds(thresholds);
  }
  void describe_counters(RegisterMap& map);
  void describe_ports(RegisterMap& map);
  DeviceKind device_kind() const override { return DeviceKind::adaptive_switch; }
  unsigned port_count() const override { return ports(); }
  void receive();
  void send();
  void accept(unsigned input, const Frame& frame);
  /// Routes, marks and stores `frame`; no_port when it was for the switch itself or was dropped.
  unsigned admit(unsigned input, Frame& frame);
  unsigned choose_output(const Frame& frame);
  bool leads_to(unsigned port, unsigned host) const;
  HostRange all_hosts() const { return {0, static_cast<unsigned>(group_of_host_.size()) - 1}; }
  unsigned withdrawn(unsigned port) const;
  bool usable(unsigned port) const;
  bool store(unsigned input, unsigned output, Frame& frame);
  /// Leaves the payload behind; what is left goes on in the highest class.
  void trim(Frame& frame) const;
  /// A lossless packet from there may find no room: the user chose the headroom, or pauses may be
  /// lost or late.
  bool may_overrun(unsigned input) const {
    return config_.memory.headroom.has_value() || outputs_.link(input).disturbed();
  }
  void mark_congestion(unsigned output, Frame& frame);
  void grade(unsigned port);
  void announce_pauses();

  unsigned ports() const { return static_cast<unsigned>(in_.size()); }
  unsigned pair(unsigned port, unsigned traffic_class) const {
    return port * class_count_ + traffic_class;
  }

  PacketPool& packets_;
  /// A port that must not be used for some hosts.
  struct Detour {
    unsigned port;
    HostRange hosts;
  };

  const AdaptiveConfig& config_;
  std::vector<SwitchPort> places_;
  unsigned class_count_;
  std::uint8_t lossless_;  // mask of classes
  std::vector<std::uint8_t> role_of_port_;
  std::vector<std::uint16_t> group_of_host_;
  std::vector<std::vector<std::uint16_t>> ports_of_group_;
  std::vector<Detour> detours_;            // empty unless links have failed
  std::vector<std::uint16_t> candidates_;  // of the packet at hand
  std::vector<Link*> in_;
  SharedBuffer memory_;
  PathSelector selector_;
  std::vector<std::uint8_t> grades_;  // by port: quantised load
  EcnConfig ecn_;
  Lfsr marking_;
  OutputPorts outputs_;
  std::array<Occupancy, buffer_role_count> by_role_;  // what waits for ports of each role
  FrameBalance balance_;
  DropCounts drops_;
  std::uint64_t trimmed_ = 0;
  std::uint64_t marked_ = 0;
};

}  // namespace heddle
