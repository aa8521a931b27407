// fabric_element: the C++ device and its RTL in lockstep. Four or sixteen leaves' ends of links
// send cells and control frames, obey flow control as late as the pools allow, stop the element's
// cells, fall silent, and have their links slowed down.
#include "switches/fabric_element.h"

#include <Vfabric_element.h>
#include <Vfabric_element_4.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "cosim/device_twin.h"
#include "parts/port_mask.h"

namespace heddle {
namespace {

/// The leaf's end of a port's links.
struct Peer {
  double sending = 0;   ///< share of the cycles in which the link is free
  double control = 0;   ///< share of status and credits in what it sends
  double changing = 0;  ///< share of the cycles in which it stops or restarts the element
  double astray = 0;    ///< share of the frames that do not go to its favourite leaf
  unsigned favourite = 0;
  unsigned lag = 0;            ///< cycles until it obeys flow control
  Cycle stopped_from = never;  ///< by the element
  bool stops = false;          ///< what it has told the element
  bool speaks = true;          ///< of reachability
  Cycle next_hello = 1;
};

template <class Top, unsigned most_ports, unsigned memory_cells>
class Twin : public DeviceTwin<Top> {
  using Base = DeviceTwin<Top>;
  using Base::in, Base::lockstep, Base::now, Base::ports, Base::rtl;

 public:
  static constexpr const char* name = most_ports == 4 ? "fabric_element" : "fabric_element_of_16";

  explicit Twin(std::uint64_t seed) : Base(seed), habits_(seed, name, "habits") {
    draw_config();
    for (unsigned port = 0; port < leaves_ * links_; ++port) draw_port();
    device_ =
        std::make_unique<FabricElement>("element", Base::environment(), leaves_, links_, config_);
    for (unsigned port = 0; port < ports(); ++port) {
      device_->attach(port, in(port), Base::out(port));
    }
    if (faults_) device_->expect_faults();
    views_ = device_->state();
    set_pins();
  }

 private:
  static constexpr Cycle reachability_period = 150;
  static constexpr Cycle reachability_watchdog = 400;
  static constexpr std::uint16_t header = 16;

  // --- configuration and habits -----------------------------------------------------------------

  std::uint64_t draw(std::uint64_t least, std::uint64_t most) {
    return least + habits_.below(static_cast<std::uint32_t>(most - least + 1));
  }
  bool chance(double share) { return lockstep.random.uniform() < share; }

  void draw_config() {
    links_ = habits_.below(2) == 0 ? 1 : static_cast<unsigned>(draw(1, most_ports / 2));
    leaves_ = static_cast<unsigned>(draw(links_ == 1 ? 2 : 1, most_ports / links_));
    faults_ = habits_.below(3) == 0;
    config_.receive_pool_cells = draw(1, (memory_cells - 5 * most_ports) / (2 * most_ports));
    config_.xoff_cells = draw(1, config_.receive_pool_cells);
    config_.xon_cells = draw(0, *config_.xoff_cells - 1);
    config_.element_latency = Duration{draw(0, 20) * 1000};
    config_.cell_header = Bytes{header};
    config_.reachability_period = Duration{reachability_period * 1000};
    config_.reachability_watchdog = Duration{reachability_watchdog * 1000};
    one_link_ = habits_.below(2) == 0;
    failing_ = draw_share(habits_) * 0.01;
    rests_ = habits_.below(2) == 0;
  }

  LinkRate draw_rate() {
    const auto cycles = static_cast<std::uint32_t>(draw(1, 16));
    return {static_cast<std::uint32_t>(
                draw(10U * cycles, habits_.below(2) == 0 ? 60U * cycles : 600U * cycles)),
            cycles};
  }

  void draw_port() {
    const LinkRate rate = one_link_ ? LinkRate{425, 8} : draw_rate();
    Base::add_port(rate, draw(1, 30), Delivery::tail, one_link_ ? rate : draw_rate());
    Peer peer;
    peer.sending = draw_share(habits_);
    peer.control = draw_share(habits_);
    peer.changing = draw_share(habits_) * 0.05;
    peer.astray = draw_share(habits_);
    peer.favourite = habits_.below(leaves_);
    peer.lag = habits_.below(60);
    peers_.push_back(peer);
  }

  void set_pins() {
    pins::set(rtl->cfg_ports_i, ports());
    pins::set(rtl->cfg_links_per_leaf_i, links_);
    pins::set(rtl->cfg_receive_pool_cells_i, config_.receive_pool_cells);
    pins::set(rtl->cfg_xoff_cells_i, *config_.xoff_cells);
    pins::set(rtl->cfg_xon_cells_i, *config_.xon_cells);
    pins::set(rtl->cfg_cell_header_i, header);
    pins::set(rtl->cfg_faults_i, faults_ ? 1 : 0);
    pins::set(rtl->cfg_reachability_period_i, reachability_period);
    pins::set(rtl->cfg_reachability_watchdog_i, reachability_watchdog);
    for (unsigned port = 0; port < most_ports; ++port) {
      set_rate(port, port < ports() ? Base::out(port).rate() : LinkRate{});
    }
    for_no_port();
  }
  void set_rate(unsigned port, const LinkRate& rate) {
    pins::set_bits(rtl->cfg_rate_bytes_i, 32 * port, 32, rate.bytes);
    pins::set_bits(rtl->cfg_rate_cycles_i, 32 * port, 32, rate.cycles);
  }
  void for_no_port() {
    pins::set(rtl->set_rate_i, 0);
    pins::set(rtl->input_failed_i, 0);
    pins::set(rtl->output_restored_i, 0);
  }

  // --- stimulus ---------------------------------------------------------------------------------

  void stimulate() override {
    for_no_port();
    if (now() >= phase_ends_) {
      resting_ = rests_ && !resting_;
      phase_ends_ = now() + 1 + lockstep.random.below(resting_ ? 1000 : 2000);
    }
    room_ = memory_cells - rtl->held_o - Base::frames_under_way();
    for (unsigned port = 0; port < ports(); ++port) {
      if (chance(failing_)) event(port);
      if (in(port).ready(now())) start(port);
    }
  }

  void event(unsigned port) {
    Peer& peer = peers_[port];
    switch (lockstep.random.below(4)) {
      case 0:
        device_->input_failed(port, now() + 1);
        pins::set_bits(rtl->input_failed_i, port, 1, 1);
        return;
      case 1:
        device_->output_restored(port, now() + 1);
        pins::set_bits(rtl->output_restored_i, port, 1, 1);
        return;
      case 2:
        return change_rate(port);
      default:
        peer.speaks = !peer.speaks;
    }
  }
  void change_rate(unsigned port) {
    Link& link = Base::out(port);
    const LinkRate rate = draw_rate();
    link.set_rate(rate);
    set_rate(port, rate);
    const std::int64_t busy = std::max(link.backlog(now() + 1), -std::int64_t{rate.bytes});
    pins::set_bits(rtl->set_rate_i, port, 1, 1);
    pins::set_bits(rtl->set_rate_busy_i, 64 * port, 64, static_cast<std::uint64_t>(busy));
  }
  bool quiet() const override {
    return (rtl->input_failed_i | rtl->output_restored_i | rtl->set_rate_i) == 0 &&
           now() < rtl->alarm_o;
  }

  /// What the peer puts on its link first: flow control, reachability, cells and the rest.
  void start(unsigned port) {
    Peer& peer = peers_[port];
    if (chance(peer.changing)) {
      peer.stops = !peer.stops;
      return Base::send(port, made_by_link(FrameKind::flow_control, peer.stops));
    }
    if (faults_ && peer.speaks && now() >= peer.next_hello) {
      peer.next_hello = now() + reachability_period;
      return Base::send(port, made_by_link(FrameKind::reachability, chance(0.02)));
    }
    if (resting_ || !chance(peer.sending)) return;
    if (room_ < 3 * most_ports) return;
    --room_;
    if (chance(peer.control)) return Base::send(port, control_frame(port));
    const std::uint64_t pooled = views_[3 * port].read() + Base::frames_under_way(port);
    if (pooled >= config_.receive_pool_cells || now() >= peer.stopped_from) return;
    Base::send(port, cell(port));
  }

  Frame made_by_link(FrameKind kind, bool off) {
    Frame frame;
    frame.kind = kind;
    frame.flags = off ? frame_flag::off : std::uint8_t{0};
    frame.wire_bytes = header;
    return frame;
  }

  Frame to_a_leaf(unsigned port) {
    const Peer& peer = peers_[port];
    Rng& random = lockstep.random;
    Frame frame;
    frame.traffic_class = static_cast<std::uint8_t>(random.below(256));
    frame.flags = static_cast<std::uint8_t>(random.below(256));
    frame.source = static_cast<std::uint16_t>(port / links_);
    frame.destination =
        static_cast<std::uint16_t>(chance(peer.astray) ? random.below(leaves_) : peer.favourite);
    frame.flow = static_cast<std::uint32_t>(random.bits());
    frame.sequence = static_cast<std::uint32_t>(random.bits());
    return frame;
  }

  Frame control_frame(unsigned port) {
    Frame frame = to_a_leaf(port);
    frame.kind = chance(0.5) ? FrameKind::credit : FrameKind::voq_status;
    frame.wire_bytes = header;
    return frame;
  }

  Frame cell(unsigned port) {
    Frame frame = to_a_leaf(port);
    frame.kind = FrameKind::cell;
    frame.payload_bytes =
        static_cast<std::uint16_t>(chance(0.5) ? 256 : 1 + lockstep.random.below(256));
    frame.wire_bytes = static_cast<std::uint16_t>(frame.payload_bytes + header);
    if (chance(0.5)) frame.packet = Base::new_packet();
    if (frame.packet != no_packet && chance(0.2)) {
      const std::uint32_t next = Base::new_packet();
      Base::packets()[frame.packet].next = next;
    }
    return frame;
  }

  void left(unsigned port, const Frame& frame) override {
    if (frame.kind == FrameKind::cell) Base::release_packets(frame);
    if (frame.kind != FrameKind::flow_control) return;
    peers_[port].stopped_from = frame.has(frame_flag::off) ? now() + peers_[port].lag : never;
  }

  // --- comparison -------------------------------------------------------------------------------

  void compare() override {
    for (unsigned port = 0; port < ports(); ++port) {
      const auto index = static_cast<int>(port);
      lockstep.equal("pool_cells_o", views_[3 * port].read(),
                     pins::get_bits(rtl->pool_cells_o, 32 * port, 32), index);
      lockstep.equal("stopped_o", views_[3 * port + 1].read(),
                     pins::get_bits(rtl->stopped_o, port, 1), index);
      lockstep.equal("paused_o", views_[3 * port + 2].read(),
                     pins::get_bits(rtl->paused_o, port, 1), index);
    }
    lockstep.equal("pool_peak_cells_o", device_->pool_peak_cells(), rtl->pool_peak_cells_o);
    lockstep.equal("links_changed_at_o", device_->links_changed_at(), rtl->links_changed_at_o);
    if (Base::clocked()) {
      created_ += rtl->created_o;
      dropped_ += count_ports(rtl->dropped_o);
    }
    const FrameBalance balance = device_->balance();
    lockstep.equal("created_o", balance.created, created_);
    lockstep.equal("dropped_o", balance.dropped, dropped_);
    lockstep.equal("held_o", balance.held, rtl->held_o);
  }

  Rng habits_;
  ScheduledConfig config_;
  unsigned leaves_ = 2;
  unsigned links_ = 1;
  bool faults_ = false;
  bool one_link_ = false;  ///< all of one rate
  double failing_ = 0;
  bool rests_ = false;  ///< there are phases in which nobody sends
  bool resting_ = false;
  Cycle phase_ends_ = 0;
  std::uint64_t room_ = 0;
  std::uint64_t created_ = 0;
  std::uint64_t dropped_ = 0;
  std::vector<Peer> peers_;
  std::unique_ptr<FabricElement> device_;
  std::vector<StateView> views_;
};

using FabricElementTwin = Twin<Vfabric_element_4, 4, 256>;
using FabricElementOf16Twin = Twin<Vfabric_element, 16, 16384>;
HEDDLE_DEVICE_TWIN_TESTS(FabricElementTwin, 150, 3000, 3000)
HEDDLE_DEVICE_TWIN_TESTS(FabricElementOf16Twin, 40, 1500, 1500)

}  // namespace
}  // namespace heddle
