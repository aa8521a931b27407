// A leaf of the scheduled fabric. Ingress half: packets of the hosts wait in virtual output queues
// for credits of their egress port, are cut into cells and sprayed over the fabric. Egress half:
// grants those credits, puts cells back in order and packets on the host links.
//
// Cycle behaviour: a packet joins its VOQ `ingress_latency` after its last byte; a status or credit
// frame leaves in the cycle of its cause if its link is ready; a cell that arrives in order
// completes its packets `egress_latency` after its last byte. A port grants at most one credit per
// cycle.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "kernel/device.h"
#include "kernel/environment.h"
#include "kernel/pacer.h"
#include "parts/credit_scheduler.h"
#include "parts/link_watch.h"
#include "parts/partial_packets.h"
#include "parts/reassembler.h"
#include "parts/segmenter.h"
#include "parts/shared_buffer.h"
#include "parts/spray_order.h"
#include "parts/voq_bank.h"
#include "switches/fabric_ports.h"
#include "switches/port_headroom.h"
#include "switches/scheduled_config.h"
#include "switches/spill_memory.h"

namespace heddle {

/// Where a leaf stands in its fabric.
struct LeafPlace {
  unsigned leaf;          ///< number of this leaf
  unsigned leaves;        ///< in the fabric
  unsigned hosts;         ///< below each leaf; host h is on leaf h / hosts, port h % hosts
  unsigned fabric_links;  ///< of this leaf, each reaching every other leaf
  unsigned loopbacks;     ///< paths inside the leaf for traffic between its own hosts
  Rate host_rate;
  Duration host_latency;
  std::uint32_t outstanding_credits;  ///< per VOQ
  /// A port that has granted this much and not received it grants no more.
  std::int64_t owed_bytes;
  std::uint32_t largest_packet_bytes;
};

/// The memory of a leaf's VOQs, without what is kept for packets read back from external memory.
/// Throws InputError when headroom leaves nothing to share.
SharedBuffer leaf_memory(const LeafPlace& place, const ScheduledConfig& config,
                         const std::vector<TrafficClassConfig>& classes);

class ScheduledLeaf : public Device {
 public:
  /// `config` without `auto`: every optional has its value (engine/fabric_limits.h).
  ScheduledLeaf(const sc_core::sc_module_name& module_name, const Environment& environment,
                const LeafPlace& place, const ScheduledConfig& config,
                const std::vector<TrafficClassConfig>& classes);

  void attach_host(unsigned port, Link& from_host, Link& to_host);
  void attach_fabric(unsigned port, Link& from_fabric, Link& to_fabric);
  /// A path inside the leaf, of `loopbacks`.
  void attach_loopback(unsigned path, Link& loopback);
  /// To be bound to the memory; nullptr unless config.spill is hbm.
  SpillMemory* spill() { return spill_.get(); }

  /// Links will fail: the leaf sends and watches reachability frames and gives up missing cells.
  /// Before the run.
  void expect_faults();
  /// Last cycle in which the links that it sprays over changed; 0 if they never did.
  Cycle links_changed_at() const { return healing_ == nullptr ? 0 : healing_->changed_at; }
  /// Packets without a way to their leaf, and packets of which cells were missing.
  const LostPackets& unreachable() const { return unreachable_; }
  const LostPackets& incomplete() const { return incomplete_; }

  void input_failed(unsigned port, Cycle at) override;
  void output_restored(unsigned port, Cycle at) override;
  void waits(std::vector<std::string>& lines) const override;
  std::vector<BufferView> buffers() const override;
  std::vector<StateView> state() const override;
  FrameBalance balance() const override;

  void verify(bool drained) const override;

  std::uint64_t credits_granted() const { return credits_granted_; }
  const DropCounts& drops() const { return drops_; }

  /// No VOQ waits for a credit of this leaf, and no status or credit frame waits in it.
  virtual bool credits_at_rest() const;

  /// Law of credits, for two leaves of a fabric at rest: what `egress` has been asked for and has
  /// granted is what this leaf's VOQs for it have asked for and received.
  void verify_credits(const ScheduledLeaf& egress) const;

 protected:
  // What RTL in the place of this model knows better.
  virtual VoqBank::Account account(unsigned voq) const { return voqs_.account(voq); }
  virtual std::uint32_t voq_packets(unsigned voq) const { return voqs_.length(voq); }
  virtual std::uint32_t granted(unsigned port, unsigned leaf, unsigned traffic_class) const {
    return credit_ports_[port].scheduler.granted(leaf, traffic_class);
  }
  virtual std::uint64_t wanted_credits(unsigned port) const {
    return credit_ports_[port].scheduler.outstanding();
  }
  virtual std::int64_t owed_bytes(unsigned port) const { return credit_ports_[port].owed_bytes; }
  virtual bool sender_paused(unsigned port, unsigned traffic_class) const {
    return sram_.xoff(group(port, traffic_class));
  }
  virtual std::uint32_t free_cells() const { return sram_.free_cells(); }
  virtual std::uint32_t used_cells() const { return sram_.used_cells(); }
  virtual std::uint32_t group_cells(unsigned port, unsigned traffic_class) const {
    return sram_.group_cells(group(port, traffic_class));
  }
  virtual std::uint32_t host_frames(unsigned port, unsigned traffic_class) const {
    return to_hosts_.queued_frames(port, traffic_class);
  }
  virtual std::uint32_t fabric_frames(unsigned port, unsigned traffic_class) const {
    return to_fabric_.queued_frames(port, traffic_class);
  }
  /// Cells of a leaf that wait for an earlier one, and its number.
  struct Missing {
    std::uint32_t waiting;
    std::uint32_t expected;
  };
  virtual Missing missing(unsigned source) const {
    return {reassembler_.held(source), reassembler_.expected(source)};
  }
  /// Bytes at egress of packets that lost pieces, or may have.
  virtual std::uint64_t pieces_bytes() const {
    return healing_ ? healing_->partial.open_bytes() + reassembler_.held_bytes() : 0;
  }
  virtual bool hears(unsigned link) const { return !healing_ || healing_->links.hears(link); }
  virtual bool uses(unsigned link) const { return !healing_ || healing_->links.up(link); }

  void cycle() override;
  void receive_from_memory();
  void receive_from_fabric();
  void receive_from_hosts();
  void watch_credits();
  void grant_credits();
  void segment();
  void use_memory();
  void send();

  void accept_fabric_frame(unsigned port, const Frame& frame);
  void accept_cell(const Input& from, const Frame& cell);
  void complete_packets(const Frame& cell);
  void pay_back(unsigned port, std::int64_t bytes);

  // scheduled_leaf_healing.cpp
  void heal();
  void say_hello();
  void heed_hello(unsigned link, const Frame& hello);
  void give_up_missing_cells();
  void note_link_change();
  void forgive_old_debts();
  bool leads_to(unsigned link, unsigned leaf) const;
  unsigned choose_link(unsigned leaf) {
    return healing_ == nullptr || healing_->all_usable ? spray_.next() : choose_usable_link(leaf);
  }
  unsigned choose_usable_link(unsigned leaf);
  unsigned passable(unsigned link, unsigned leaf) const;
  std::uint32_t without_damaged(const Frame& cell);
  std::int64_t newly_sent(const PacketRecord& record);
  void accept_host_frame(unsigned port, Frame frame);
  void ask_for_credits(unsigned voq);
  void grant_credit(unsigned port);
  void send_control(unsigned leaf, Frame frame);
  bool choose_voq();
  void start_packet(unsigned voq);
  void emit_cell();
  void stage_cell(unsigned leaf, Frame cell);
  void free_memory_of(unsigned voq, const Frame& packet);
  void announce_pauses();
  Frame control_frame(FrameKind kind, unsigned destination, unsigned port, unsigned traffic_class,
                      std::uint32_t count) const;

  void add_voq_views(std::vector<StateView>& views) const;

  void describe(RegisterMap& map) override;
  DeviceKind device_kind() const override { return DeviceKind::scheduled_leaf; }
  unsigned port_count() const override { return place_.hosts + fabric_ports(); }
  void describe_host_ports(RegisterMap& map);
  void describe_fabric_ports(RegisterMap& map);
  void describe_voqs(RegisterMap& map);

  unsigned port_of(unsigned host) const { return host % place_.hosts; }
  unsigned next_loopback_port();
  unsigned fabric_ports() const { return place_.fabric_links + place_.loopbacks; }
  unsigned group(unsigned port, unsigned traffic_class) const {
    return port * class_count_ + traffic_class;
  }

  // Reasons to wake, in this order: frames from hosts, frames from the fabric, host links ready,
  // fabric links ready, credits due per egress port, cells to cut, watchdog, external memory.
  unsigned from_fabric_reason() const { return place_.hosts; }
  unsigned to_host_reason() const { return place_.hosts + fabric_ports(); }
  unsigned to_fabric_reason() const { return to_host_reason() + place_.hosts; }
  unsigned credit_reason() const { return to_fabric_reason() + fabric_ports(); }
  unsigned segment_reason() const { return credit_reason() + place_.hosts; }
  unsigned watchdog_reason() const { return segment_reason() + 1; }
  unsigned spill_reason() const { return watchdog_reason() + 1; }
  unsigned healing_reason() const { return spill_reason() + 1; }
  /// A port may be able to grant more than when it was looked at last.
  void look_at_credits(unsigned port) { due_.set(credit_reason() + port); }
  static unsigned reasons(const LeafPlace& place) {
    return 3 * place.hosts + 2 * (place.fabric_links + place.loopbacks) + 4;
  }

  PacketPool& packets_;
  LeafPlace place_;
  const ScheduledConfig& config_;
  std::vector<TrafficClassConfig> classes_;
  unsigned class_count_;

  std::vector<Link*> from_host_;
  std::vector<Link*> from_fabric_;

  // Ingress half.
  SharedBuffer sram_;
  VoqBank voqs_;
  ClassScheduler voq_classes_;
  std::vector<unsigned> voq_pointer_;  // per class: where the round goes on
  Segmenter segmenter_;
  std::int64_t burst_bytes_ = 0;  // what the VOQ being cut may still send before others
  SprayOrder spray_;
  unsigned next_control_link_ = 0;
  unsigned next_loopback_ = 0;
  std::vector<std::uint32_t> next_cell_;  // per destination leaf
  std::uint64_t staged_cells_ = 0;
  std::uint64_t staging_limit_;
  bool watching_ = false;
  Cycle watch_from_ = 0;
  OutputPorts to_fabric_;
  Occupancy ingress_;
  std::unique_ptr<SpillMemory> spill_;  // none unless config_.spill is hbm
  bool cutting_read_back_ = false;      // the packet being cut came from external memory

  // Egress half.
  struct CreditPort {
    CreditScheduler scheduler;
    Pacer pacer;
    bool armed = false;
    std::int64_t owed_bytes = 0;  ///< granted, but not received (less what VOQs have overdrawn)
  };
  std::vector<CreditPort> credit_ports_;
  std::uint64_t egress_threshold_bytes_;
  Reassembler reassembler_;
  OutputPorts to_hosts_;
  Occupancy egress_;
  Occupancy reassembly_;

  FrameBalance balance_;
  std::uint64_t credits_granted_ = 0;
  DropCounts drops_;

  // Faults.
  static constexpr unsigned no_link = ~0U;
  struct Healing {
    LinkWatch links;
    std::vector<std::vector<std::uint64_t>> reaches;  ///< by link: a bit per leaf
    PartialPackets partial;                           ///< by source leaf
    std::vector<std::uint64_t> sent;                  ///< bytes, by VOQ
    std::vector<std::uint64_t> settled;               ///< the same, by source leaf, port and class
    std::vector<Cycle> latest_packet;                 ///< by port
    bool all_usable = true;                           ///< every link reaches every leaf
    Cycle changed_at = 0;
    Cycle next_hello = 1;
    Cycle next_expiry = never;  ///< of cells that wait
  };
  std::unique_ptr<Healing> healing_;  // only where links may fail
  LostPackets unreachable_;
  LostPackets incomplete_;
};

}  // namespace heddle
