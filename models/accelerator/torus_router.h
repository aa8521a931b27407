// A router of a torus: two ports for each dimension, one for its node; virtual channels, credits,
// virtual cut-through.
//
// Routing is dimension order, each ring the shorter way round (parts/torus_route.h). A packet keeps
// its message class and its lane; in a ring it goes on in the channels behind the dateline from the
// link on that crosses it, and enters the next ring, or the link to its node, before it. A packet
// never turns back in a ring.
//
// Cycle behaviour. A packet joins the queue of its virtual channel `router_latency` after its first
// byte, or after its last byte where some port of the router is faster than the link that brings it
// (cutting through would run out of bytes), and may start in that same cycle. It starts when it is
// the first of its channel, the link is free, the next buffer has room for all of its flits, and
// its input has finished reading the packet before. In each cycle each input that is free picks one
// of its channels whose packet could start, in turn; then each output picks one of the inputs that
// ask for it, in turn. Who loses asks again in the next cycle. When the packet's last byte has
// left, in the cycle in which the link is free again, its room is given back.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "accelerator/torus_channel.h"
#include "accelerator/torus_config.h"
#include "kernel/device.h"
#include "kernel/environment.h"
#include "parts/paced_port.h"
#include "parts/queue_bank.h"
#include "parts/round_robin_arbiter.h"
#include "parts/torus_route.h"

namespace heddle {

/// Names of the ports in links and messages: "xp", "xm", "yp", "ym", "zp", "zm", "local".
std::string torus_port_name(unsigned dimension, Way way);
inline constexpr const char* torus_local_name = "local";

class TorusRouter : public Device {
 public:
  static constexpr unsigned most_ports = 2 * torus_dimensions + 1;

  /// `shape` and `config` must outlive the router.
  TorusRouter(const sc_core::sc_module_name& module_name, const Environment& environment,
              const TorusShape& shape, unsigned node, const TorusConfig& config);

  unsigned node() const { return node_; }
  /// Two for each ring of more than one node, then the local one.
  unsigned ports() const { return static_cast<unsigned>(names_.size()); }
  unsigned local_port() const { return ports() - 1; }
  /// Of a ring of more than one node.
  unsigned port(unsigned dimension, Way way) const { return ring_port_[dimension][index(way)]; }
  const std::string& port_name(unsigned port) const { return names_[port]; }

  /// `room`: flits of each virtual channel's buffer behind `in`; `peer_room`: behind `out`.
  void attach(unsigned port, const TorusLinks& links, std::uint32_t room, std::uint32_t peer_room);
  /// When all ports are attached: rates are known, so it can say where it cuts through.
  virtual void wired();

  // Events, between two cycles; `at` is the next one.

  /// The router has learned which cables of its ring in this dimension are broken. Packets that
  /// enter the ring from then on go the other way round; those under way towards a broken cable are
  /// dropped before it.
  void set_ring_faults(unsigned dimension, RingFaults faults, Cycle at);
  /// `port` carries again, and nothing is on it: the peer will tell what room it has.
  virtual void forget_room(unsigned port, Cycle at);
  /// The same at the other end: tells the peer all of it.
  virtual void tell_room(unsigned port, Cycle at);

  void waits(std::vector<std::string>& lines) const override;
  std::vector<BufferView> buffers() const override;
  std::vector<StateView> state() const override;
  FrameBalance balance() const override;
  void verify(bool drained) const override;

  // For those who look at the whole torus, between two cycles.

  /// Where the first packet of a queue goes.
  struct Hop {
    unsigned output;
    unsigned channel;  ///< of the output's link
  };
  /// Of a queue that has a packet.
  virtual Hop next_hop(unsigned input, unsigned channel) const;
  /// The same of a queue whose first packet has no room in the next buffer; nothing of others.
  std::optional<Hop> blocked(unsigned input, unsigned channel) const;
  /// Channels of an input with a packet: a mask.
  virtual std::uint32_t waiting(unsigned input) const { return inputs_[input].waiting; }
  unsigned channels() const { return channels_; }
  /// It holds nothing, and no room waits to be given back.
  virtual bool at_rest() const { return all_.level() == 0 && returning_ == 0; }
  virtual std::uint32_t room(unsigned output, unsigned channel) const {
    return outputs_[output].credits.room(channel);
  }
  /// From `port` to the peer.
  const Link& link(unsigned port) const { return *outputs_[port].link; }
  std::uint32_t capacity(unsigned output) const { return outputs_[output].credits.capacity(); }
  /// Flits of each virtual channel's buffer at an input.
  std::uint32_t buffer_flits(unsigned input) const { return inputs_[input].capacity; }
  /// The rate at which an input's buffers are read: known when all is wired.
  const PacedPort& reader(unsigned input) const { return inputs_[input].read; }
  /// Flits in the buffer, those included that are leaving it.
  virtual std::uint32_t held_flits(unsigned input, unsigned channel) const {
    return held_flits_[queue(input, channel)];
  }
  /// Flits that have left and are not yet on the credit wire.
  virtual std::uint32_t unreturned_flits(unsigned input, unsigned channel) const {
    return inputs_[input].returns.pending(channel);
  }
  std::uint64_t unreachable() const { return unreachable_; }
  /// Packets started towards other routers, and their flits.
  std::uint64_t ring_packets() const { return ring_packets_; }
  std::uint64_t ring_flits() const { return ring_flits_; }

 protected:
  void cycle() override;
  void describe(RegisterMap& map) override;
  DeviceKind device_kind() const override { return DeviceKind::torus_router; }
  unsigned port_count() const override { return ports(); }

  static constexpr std::uint8_t no_port = 0xff;

  struct Input {
    Link* link = nullptr;
    std::uint32_t waiting = 0;  // mask of channels with a packet
    std::uint32_t capacity = 0;
    RoundRobinArbiter turn{torus_most_channels};
    PacedPort read;
    CreditReturn returns;
  };
  /// What is on its way out of the buffers.
  struct Transfer {
    Cycle until = never;  // never: nothing
    std::uint32_t flits = 0;
    std::uint8_t input = 0;
    std::uint8_t channel = 0;
  };
  struct Output {
    Link* link = nullptr;
    RoundRobinArbiter turn{most_ports};
    Transfer transfer;
    ChannelCredits credits;
  };
  /// Of the first packet of a queue.
  struct Head {
    std::uint8_t output = 0;
    std::uint8_t channel = 0;  // on the output's link
    std::uint16_t flits = 0;
  };

  static unsigned index(Way way) { return way == Way::up ? 0 : 1; }
  unsigned queue(unsigned input, unsigned channel) const { return input * channels_ + channel; }
  unsigned credit_reason(unsigned port) const { return ports() + port; }
  unsigned tail_reason(unsigned port) const { return 2 * ports() + port; }
  unsigned arbitration_reason() const { return 3 * ports(); }

  /// Packets that wait in the buffers.
  virtual std::uint64_t queued_packets() const { return held_; }

  // Books: what results show, and no decision of the cycle looks at.

  void book_push(unsigned input, unsigned channel, const Frame& frame);
  void book_start(unsigned output, std::uint32_t flits);
  void book_leave(unsigned input, std::uint32_t flits);
  /// The first packet of a queue, which has no way to go. Returns its flits.
  std::uint32_t book_drop(unsigned input, unsigned channel);

  PacketPool& packets_;
  const TorusShape& shape_;
  const TorusConfig& config_;
  unsigned node_;
  unsigned channels_;
  unsigned lanes_;
  std::uint32_t flit_bytes_;
  TorusShape::Place here_;
  std::vector<std::string> names_;
  std::array<std::array<std::uint8_t, 2>, torus_dimensions> ring_port_;
  std::array<std::uint8_t, most_ports> dimension_of_port_;  // of the local one: none
  std::array<std::uint8_t, most_ports> straight_on_;        // the ring's other port
  std::array<bool, most_ports> crosses_dateline_{};         // by output
  /// By tie (0: down, 1: up), dimension and coordinate of the destination.
  std::array<std::array<std::array<std::uint8_t, torus_largest_ring>, torus_dimensions>, 2> route_;

  std::array<RingFaults, torus_dimensions> faults_{};
  std::array<bool, most_ports> broken_{};  // by output: known to be
  bool has_news_ = false;

  std::vector<Input> inputs_;
  std::vector<Output> outputs_;
  QueueBank<Frame> queues_;  // by input and channel
  std::vector<Head> heads_;
  std::vector<std::uint32_t> held_flits_;
  std::uint32_t returning_ = 0;  // mask of inputs

  Occupancy all_;
  std::vector<Occupancy> by_input_;
  FrameBalance balance_;
  std::uint64_t held_ = 0;
  std::uint64_t unreachable_ = 0;
  std::uint64_t ring_packets_ = 0;
  std::uint64_t ring_flits_ = 0;

 private:
  void route_rings();
  std::uint8_t output_for(RingChoice choice, unsigned dimension) const;
  Delivery delivery(unsigned port) const;

  void learn();
  void receive_credits();
  void receive_packets();
  void accept(unsigned input, const Frame& frame);
  void finish_packets();
  void start_packets();
  void return_credits();

  void route_head(unsigned input, unsigned channel);
  std::optional<Head> route(unsigned input, unsigned channel, const Frame& frame) const;
  std::uint32_t may_start(unsigned input) const;
  void start(unsigned input, unsigned channel);
  void leave(unsigned input, unsigned channel, std::uint32_t flits);
  void drop_first(unsigned input, unsigned channel);
  std::string describe_wait(unsigned input, unsigned channel) const;
};

}  // namespace heddle
