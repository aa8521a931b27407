// torus_router: the C++ device and its RTL in lockstep, at any place of tori of one to three rings.
// Peers send packets for anywhere in any channel that has room, give room back late, piece by piece
// or not at all; cables break and are repaired, links change their rates, ends of links forget and
// are told.
#include "accelerator/torus_router.h"

#include <Vtorus_router_3.h>
#include <Vtorus_router_7.h>

#include <algorithm>
#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cosim/device_twin.h"
#include "cosim/torus_router_pins.h"

namespace heddle {
namespace {

using testing::Seen;

/// The device's next router or node, behind a port.
struct Peer : LinkProbe {
  void started(const Frame& frame, Cycle now) override { credit = {now, frame}; }

  LinkRate in;         ///< of its link to the device
  LinkRate out;        ///< of the device's link to it
  double sending = 0;  ///< share of the cycles in which its link is free
  double freeing = 0;  ///< share of the cycles in which it gives room back
  double pieces = 0;   ///< share of that that is not all of a channel
  double astray = 0;   ///< share of the packets that do not go to its favourite node
  double hopping = 0;  ///< share of those that change the channel
  unsigned favourite = 0;
  unsigned channel = 0;
  Link* credits_in = nullptr;
  Link* credits_out = nullptr;
  Seen credit{0, {}};          ///< the latest that the device has started
  std::deque<Seen> returning;  ///< credits on their way to the device
  std::uint32_t capacity = 0;  ///< flits of each of its buffers
  std::uint32_t here = 0;      ///< and of those of the device behind this port
  std::array<std::uint32_t, torus_most_channels> room{};    ///< known in the device
  std::array<std::uint32_t, torus_most_channels> held{};    ///< flits that have come
  std::array<std::uint32_t, torus_most_channels> untold{};  ///< room that the device forgot
  Cycle free_at = 0;  ///< when the device's packet has left it
};

template <class Top, unsigned most_ports, unsigned most_channels, unsigned slots>
class Twin : public DeviceTwin<Top> {
  using Base = DeviceTwin<Top>;
  using Base::in, Base::lockstep, Base::now, Base::ports, Base::rtl;

 public:
  static constexpr const char* name = most_ports == 3 ? "torus_router_3" : "torus_router";

  explicit Twin(std::uint64_t seed)
      : Base(seed),
        pins_(*rtl.operator->(), {most_ports, most_channels, slots}),
        habits_(seed, name, "habits"),
        shape_(draw_shape()) {
    draw_config();
    node_ = habits_.below(shape_.nodes());
    device_ = std::make_unique<TorusRouter>("router", Base::environment(), shape_, node_, config_);
    for (unsigned port = 0; port < device_->ports(); ++port) draw_peer();
    for (unsigned port = 0; port < device_->ports(); ++port) attach(port);
    device_->wired();
    pins_.set_router(*device_, shape_, config_);
  }

 private:
  // --- configuration and habits -----------------------------------------------------------------

  std::uint32_t draw(std::uint32_t least, std::uint32_t most) {
    return least + habits_.below(most - least + 1);
  }
  bool chance(double share) { return lockstep.random.uniform() < share; }

  /// Rings that the RTL has ports for, in any of the three dimensions; at most 4096 nodes.
  TorusShape draw_shape() {
    std::array<unsigned, torus_dimensions> sizes{1, 1, 1};
    unsigned nodes = 1;
    const unsigned rings = draw(habits_.below(8) == 0 ? 0 : 1, (most_ports - 1) / 2);
    const unsigned first = habits_.below(torus_dimensions);
    for (unsigned ring = 0; ring < rings; ++ring) {
      unsigned& size = sizes[(first + ring) % torus_dimensions];
      size = draw(2, habits_.below(2) == 0 ? 5 : std::min(torus_largest_ring, 4096 / nodes));
      nodes *= size;
    }
    return TorusShape(sizes);
  }

  void draw_config() {
    vast_ = habits_.below(8) == 0;
    short_ = habits_.below(2) == 0;
    config_.flit = Bytes{vast_ ? draw(1, 3) : draw(1, short_ ? 32 : 160)};
    config_.lanes = draw(1, most_channels / 4);
    config_.read_speedup = habits_.below(2) == 0 ? 1 : draw(1000, 4000) / 1000.0;
    config_.router_latency = Duration{draw(0, 20) * std::uint64_t{1000}};
    config_.dateline = habits_.below(4) != 0;
    one_rate_ = habits_.below(2) == 0;
    rests_ = habits_.below(2) == 0;
    failing_ = habits_.below(2) == 0 ? 0 : draw_share(habits_) * 0.01;
    two_edges_ = habits_.below(2) == 0 ? 0 : draw_share(habits_);
    // No buffer takes more packets than the RTL has slots for.
    if (vast_) {
      least_flits_ = draw(70'000, 100'000) / slots;
      most_flits_ = least_flits_ + draw(0, least_flits_ / 20);
    } else {
      least_flits_ = draw(1, 4);
      most_flits_ = least_flits_ + draw(0, least_flits_ * (short_ ? 1 : slots - 1));
    }
  }

  LinkRate draw_rate() {
    const std::uint32_t cycles = draw(1, 16);
    const std::uint32_t scale = vast_ ? 50 : 1;
    return {scale * draw(10 * cycles, (habits_.below(2) == 0 ? 60 : 600) * cycles), cycles};
  }

  void draw_peer() {
    auto peer = std::make_unique<Peer>();
    peer->in = one_rate_ ? LinkRate{425, 8} : draw_rate();
    peer->out = one_rate_ ? LinkRate{425, 8} : draw_rate();
    peer->sending = draw_share(habits_);
    peer->freeing = draw_share(habits_);
    peer->pieces = draw_share(habits_);
    peer->astray = draw_share(habits_);
    peer->hopping = draw_share(habits_);
    peer->favourite = habits_.below(shape_.nodes());
    peer->channel = habits_.below(device_->channels());
    const std::uint32_t most = std::max(most_flits_, least_flits_ * slots);
    peer->here = habits_.below(2) == 0 ? most : draw(most_flits_, most);
    peer->capacity = most_flits_ * draw(1, 4) + draw(0, most_flits_);
    peer->room.fill(peer->here);
    peers_.push_back(std::move(peer));
  }

  /// Cutting through to a faster link would run out of bytes.
  Delivery delivery(unsigned port) const {
    for (const auto& peer : peers_) {
      if (peers_[port]->in.bytes_per_cycle() < peer->out.bytes_per_cycle()) return Delivery::tail;
    }
    return Delivery::head;
  }

  void attach(unsigned port) {
    Peer& peer = *peers_[port];
    Base::add_port(peer.in, draw(1, 30), delivery(port), peer.out);
    peer.credits_in = &Base::add_wire({torus_credit_bytes, 1}, draw(1, 30));
    peer.credits_out = &Base::add_wire({torus_credit_bytes, 1}, draw(1, 30));
    device_->attach(port, {in(port), Base::out(port), *peer.credits_in, *peer.credits_out},
                    peer.here, peer.capacity);
    Base::end_wire(*peer.credits_out, peer);
  }

  // --- stimulus ---------------------------------------------------------------------------------

  void stimulate() override {
    pins_.end_events();
    if (now() >= phase_ends_) {
      resting_ = rests_ && !resting_;
      phase_ends_ = now() + 1 + lockstep.random.below(resting_ ? 1000 : 2000);
    }
    for (unsigned port = 0; port < ports(); ++port) {
      if (chance(failing_)) event(port);
      give_room_back(*peers_[port]);
      if (in(port).ready(now()) && !resting_) start(port);
    }
  }

  void event(unsigned port) {
    switch (lockstep.random.below(4)) {
      case 0:
        return forget(port);
      case 1:
        return tell(port);
      case 2:
        return break_cables();
      default:
        return change_rate(port);
    }
  }

  /// The link has been down, and no credit on its way arrives: the peer tells what room it has.
  void forget(unsigned port) {
    Peer& peer = *peers_[port];
    peer.credits_in->fail();
    peer.credits_in->restore();
    peer.returning.clear();
    device_->forget_room(port, now() + 1);
    pins_.forget_room(port);
    for (unsigned c = 0; c < device_->channels(); ++c)
      peer.untold[c] = peer.capacity - peer.held[c];
  }
  /// The same, seen from the other end.
  void tell(unsigned port) {
    if (Base::frames_under_way(port) != 0) return;
    device_->tell_room(port, now() + 1);
    pins_.tell_room(port);
    peers_[port]->room.fill(0);
  }
  void break_cables() {
    const unsigned d = lockstep.random.below(torus_dimensions);
    if (shape_.size(d) == 1) return;
    RingFaults faults = 0;
    for (unsigned n = lockstep.random.below(4); n > 0; --n) {
      faults |= RingFaults{1} << lockstep.random.below(shape_.size(d));
    }
    device_->set_ring_faults(d, faults, now() + 1);
    pins_.set_faults(d, faults);
  }
  void change_rate(unsigned port) {
    Link& link = Base::out(port);
    link.set_rate(draw_rate());
    pins_.change_rate(port, link, now() + 1);
  }

  /// A packet, if its channel has room for all of it.
  void start(unsigned port) {
    Peer& peer = *peers_[port];
    Rng& random = lockstep.random;
    if (!chance(peer.sending)) return;
    if (chance(peer.hopping)) peer.channel = random.below(device_->channels());
    const std::uint32_t flits =
        chance(0.3) ? most_flits_ : least_flits_ + random.below(most_flits_ - least_flits_ + 1);
    std::uint32_t& room = peer.room[peer.channel];
    if (room < flits) return;
    room -= flits;
    Frame frame;
    frame.kind = FrameKind::torus_packet;
    frame.traffic_class = static_cast<std::uint8_t>(peer.channel);
    frame.flags = static_cast<std::uint8_t>(random.below(256));
    frame.wire_bytes = static_cast<std::uint16_t>(flits * config_.flit.value);
    frame.payload_bytes = static_cast<std::uint16_t>(random.bits());
    frame.source = static_cast<std::uint16_t>(random.below(shape_.nodes()));
    frame.destination = static_cast<std::uint16_t>(
        chance(peer.astray) ? random.below(shape_.nodes()) : peer.favourite);
    frame.flow = static_cast<std::uint32_t>(random.bits());
    frame.sequence = static_cast<std::uint32_t>(random.bits());
    if (chance(0.5)) frame.packet = Base::new_packet();
    came_[tag(frame)] = {port, peer.channel};
    Base::send(port, frame);
  }
  static std::uint64_t tag(const Frame& frame) {
    return std::uint64_t{frame.flow} << 32 | frame.sequence;
  }

  void left(unsigned port, const Frame& frame) override {
    const auto [input, channel] = came_.at(tag(frame));
    const auto origin = pins_.origin(port);
    lockstep.equal("out_input_o", input, origin.input, static_cast<int>(port));
    lockstep.equal("out_channel_o", channel, origin.channel, static_cast<int>(port));
    Base::release_packets(frame);
    peers_[port]->held[frame.traffic_class] +=
        static_cast<std::uint32_t>(frame.wire_bytes / config_.flit.value);
  }

  /// First what the device has forgotten, then what is freed.
  void give_room_back(Peer& peer) {
    if (!chance(peer.freeing)) return;
    for (auto* flits_of : {&peer.untold, &peer.held}) {
      const unsigned first = lockstep.random.below(device_->channels());
      for (unsigned n = 0; n < device_->channels(); ++n) {
        const unsigned channel = (first + n) % device_->channels();
        std::uint32_t& flits = (*flits_of)[channel];
        if (flits == 0) continue;
        std::uint32_t part = std::min<std::uint32_t>(flits, 0xffff);
        if (chance(peer.pieces)) part = 1 + lockstep.random.below(part);
        flits -= part;
        return send_credit(peer, channel, part);
      }
    }
  }
  void send_credit(Peer& peer, unsigned channel, std::uint32_t flits) {
    const Frame credit = torus_credit(channel, flits);
    peer.credits_in->send(credit, now());
    peer.returning.push_back({peer.credits_in->ready_at() + peer.credits_in->latency(), credit});
  }

  void drive() override {
    pins_.end_credits();
    for (unsigned port = 0; port < ports(); ++port) {
      std::deque<Seen>& returning = peers_[port]->returning;
      if (returning.empty() || returning.front().at != now()) continue;
      pins_.give_credit(port, returning.front().frame);
      returning.pop_front();
    }
    if (chance(two_edges_)) edge_ahead();
  }
  /// Some cycles come in two edges, as they may in a fabric. Rates change at the second one.
  void edge_ahead() {
    const auto valid = rtl->in_valid_i;
    const auto rates = rtl->set_rate_i;
    const std::uint64_t first = (std::uint64_t{1} << lockstep.random.below(most_ports + 1)) - 1;
    pins::set(rtl->in_valid_i, valid & first);
    pins::set(rtl->set_rate_i, 0);
    pins::set(rtl->more_i, 1);
    rtl.edge();
    dropped_ += rtl->dropped_o;
    pins::set(rtl->more_i, 0);
    pins_.end_events();
    pins_.end_credits();
    pins::set(rtl->in_valid_i, valid & ~first);
    pins::set(rtl->set_rate_i, rates);
  }
  bool quiet() const override {
    for (const auto& peer : peers_) {
      if (!peer->returning.empty() && peer->returning.front().at == now()) return false;
    }
    return !pins_.any_event();
  }

  // --- comparison -------------------------------------------------------------------------------

  void compare() override {
    for (unsigned port = 0; port < ports(); ++port) {
      compare_credit(port);
      compare_left(port);
      lockstep.equal("waiting_o", device_->waiting(port), pins_.waiting(port),
                     static_cast<int>(port));
      for (unsigned channel = 0; channel < device_->channels(); ++channel) {
        compare_channel(port, channel);
      }
    }
    if (Base::clocked()) compare_drops();
    lockstep.equal("dropped_o", device_->unreachable(), dropped_);
    lockstep.equal("queued_o", device_->balance().held, rtl->queued_o);
  }

  /// What the device has started on the wire; the peer knows at once.
  void compare_credit(unsigned port) {
    Peer& peer = *peers_[port];
    const auto index = static_cast<int>(port);
    const bool comes = peer.credit.at != 0 && peer.credit.at == now();
    const std::optional<Frame> shown = pins_.credit(port);
    lockstep.equal("credit_valid_o", comes, shown.has_value(), index);
    if (!comes) return;
    const Frame& credit = peer.credit.frame;
    lockstep.equal("credit_channel_o", credit.traffic_class, shown->traffic_class, index);
    lockstep.equal("credit_flits_o", credit.payload_bytes, shown->payload_bytes, index);
    peer.room[credit.traffic_class] += credit.payload_bytes;
  }

  /// A packet has left its buffer in the cycle in which its link is free again.
  void compare_left(unsigned port) {
    Peer& peer = *peers_[port];
    if (Base::clocked()) {
      lockstep.equal("left_o", peer.free_at == now(), pins_.left(port), static_cast<int>(port));
    }
    peer.free_at = Base::out(port).ready_at();
  }

  /// The model says how many, the pins also from where.
  void compare_drops() {
    dropped_ += rtl->dropped_o;
    unsigned from = 0;
    for (unsigned port = 0; port < ports(); ++port) {
      for (unsigned c = 0; c < device_->channels(); ++c) from += pins_.dropped(port, c);
    }
    lockstep.equal("dropped_from_o", rtl->dropped_o, from);
  }

  void compare_channel(unsigned port, unsigned channel) {
    const auto index = static_cast<int>(port * most_channels + channel);
    lockstep.equal("room_o", device_->room(port, channel), pins_.room(port, channel), index);
    lockstep.equal("held_flits_o", device_->held_flits(port, channel),
                   pins_.held_flits(port, channel), index);
    lockstep.equal("unreturned_flits_o", device_->unreturned_flits(port, channel),
                   pins_.unreturned_flits(port, channel), index);
    if ((device_->waiting(port) >> channel & 1) == 0) return;
    const TorusRouter::Hop hop = device_->next_hop(port, channel);
    const TorusRouter::Hop shown = pins_.next_hop(port, channel);
    lockstep.equal("head_output_o", hop.output, shown.output, index);
    lockstep.equal("head_channel_o", hop.channel, shown.channel, index);
  }

  TorusRouterPins<Top> pins_;
  Rng habits_;
  TorusShape shape_;
  TorusConfig config_;
  unsigned node_ = 0;
  bool vast_ = false;      ///< buffers of more flits than one credit tells
  bool short_ = false;     ///< packets take a few cycles
  bool one_rate_ = false;  ///< of all links
  double failing_ = 0;
  double two_edges_ = 0;  ///< share of the cycles that come in two
  bool rests_ = false;    ///< there are phases in which nobody sends
  bool resting_ = false;
  Cycle phase_ends_ = 0;
  std::uint32_t least_flits_ = 1;
  std::uint32_t most_flits_ = 1;
  std::uint64_t dropped_ = 0;
  std::unordered_map<std::uint64_t, std::pair<unsigned, unsigned>> came_;  ///< where, by tag
  std::vector<std::unique_ptr<Peer>> peers_;
  std::unique_ptr<TorusRouter> device_;
};

using TorusRouterTwin = Twin<Vtorus_router_7, 7, 16, 16>;
using TorusRouterOf3Twin = Twin<Vtorus_router_3, 3, 4, 5>;
HEDDLE_DEVICE_TWIN_TESTS(TorusRouterTwin, 60, 2000, 2500)
HEDDLE_DEVICE_TWIN_TESTS(TorusRouterOf3Twin, 100, 2000, 2500)

}  // namespace
}  // namespace heddle
