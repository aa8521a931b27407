// The pins of rtl/torus_router.sv: for its lockstep and for the router in RTL of a fabric.
#pragma once

#include <optional>

#include "accelerator/torus_router.h"
#include "cosim/pins.h"

namespace heddle {

/// Parameters with which the module was Verilated.
struct TorusRouterSizes {
  unsigned ports;
  unsigned channels;
  unsigned packets;
};

template <class Top>
class TorusRouterPins {
 public:
  /// At first nothing happens, and no port has a link.
  TorusRouterPins(Top& top, const TorusRouterSizes& sizes) : top_(top), sizes_(sizes) {
    pins::set(top.more_i, 0);
    pins::set(top.in_valid_i, 0);
    end_credits();
    end_events();
    for (unsigned port = 0; port < sizes.ports; ++port) set_port(port, {}, 0, 0);
  }

  // --- what is constant, before reset -----------------------------------------------------------

  /// `reader`: of the inputs.
  void set_router(const TorusShape& shape, unsigned node, const TorusConfig& config,
                  const PacedPort& reader) {
    for (unsigned d = 0; d < torus_dimensions; ++d) {
      pins::set_bits(top_.cfg_size_i, 8 * d, 8, shape.size(d));
    }
    pins::set(top_.cfg_node_i, node);
    pins::set(top_.cfg_lanes_i, config.lanes);
    pins::set(top_.cfg_flit_bytes_i, config.flit.value);
    pins::set(top_.cfg_dateline_i, config.dateline ? 1 : 0);
    pins::set(top_.cfg_read_bytes_i, reader.bytes());
    pins::set(top_.cfg_read_cycles_i, reader.cycles());
  }
  /// `rate`: of its link to the peer; flits of each channel's buffer here and there.
  void set_port(unsigned port, const LinkRate& rate, std::uint32_t room, std::uint32_t peer_room) {
    pins::set_rate(top_, port, rate);
    pins::set_bits(top_.cfg_room_i, 32 * port, 32, room);
    pins::set_bits(top_.cfg_peer_room_i, 32 * port, 32, peer_room);
  }
  /// All of `router`, which is wired.
  void set_router(const TorusRouter& router, const TorusShape& shape, const TorusConfig& config) {
    set_router(shape, router.node(), config, router.reader(router.local_port()));
    for (unsigned port = 0; port < router.ports(); ++port) {
      set_port(port, router.link(port).rate(), router.buffer_flits(port), router.capacity(port));
    }
  }

  // --- before an edge, to be taken back after it ------------------------------------------------

  void set_faults(unsigned dimension, RingFaults faults) {
    pins::set_bits(top_.set_faults_i, dimension, 1, 1);
    pins::set_bits(top_.set_faults_cables_i, 64 * dimension, 64, faults);
  }
  void forget_room(unsigned port) { pins::set_bits(top_.forget_room_i, port, 1, 1); }
  void tell_room(unsigned port) { pins::set_bits(top_.tell_room_i, port, 1, 1); }
  void change_rate(unsigned port, const Link& link, Cycle now) {
    pins::change_rate(top_, port, link, now);
  }
  bool any_event() const {
    return (top_.set_rate_i | top_.set_faults_i | top_.forget_room_i | top_.tell_room_i) != 0;
  }
  void end_events() {
    pins::set(top_.set_rate_i, 0);
    pins::set(top_.set_faults_i, 0);
    pins::set(top_.forget_room_i, 0);
    pins::set(top_.tell_room_i, 0);
  }

  /// One of a port in a cycle: its wire brings no more.
  void give_credit(unsigned port, const Frame& credit) {
    pins::set_bits(top_.credit_valid_i, port, 1, 1);
    pins::set_bits(top_.credit_channel_i, 8 * port, 8, credit.traffic_class);
    pins::set_bits(top_.credit_flits_i, 16 * port, 16, credit.payload_bytes);
  }
  void end_credits() { pins::set(top_.credit_valid_i, 0); }

  // --- after an edge ----------------------------------------------------------------------------

  /// The credit that the device sends.
  std::optional<Frame> credit(unsigned port) const {
    if (pins::get_bits(top_.credit_valid_o, port, 1) == 0) return std::nullopt;
    return torus_credit(number(top_.credit_channel_o, 8 * port, 8),
                        number(top_.credit_flits_o, 16 * port, 16));
  }
  /// Input and channel of the buffer that the packet on the link from `port` has come from.
  struct Origin {
    unsigned input;
    unsigned channel;
  };
  Origin origin(unsigned port) const {
    return {number(top_.out_input_o, 8 * port, 8), number(top_.out_channel_o, 8 * port, 8)};
  }
  /// It has left it.
  bool left(unsigned port) const { return pins::get_bits(top_.left_o, port, 1) != 0; }
  /// Packets that had no way to go.
  unsigned dropped(unsigned input, unsigned channel) const {
    return number(top_.dropped_from_o, 16 * queue(input, channel), 16);
  }

  // --- state: as that of TorusRouter ------------------------------------------------------------

  std::uint32_t waiting(unsigned input) const {
    return number(top_.waiting_o, sizes_.channels * input, sizes_.channels);
  }
  TorusRouter::Hop next_hop(unsigned input, unsigned channel) const {
    const unsigned lsb = 8 * queue(input, channel);
    return {number(top_.head_output_o, lsb, 8), number(top_.head_channel_o, lsb, 8)};
  }
  std::uint32_t room(unsigned output, unsigned channel) const {
    return number(top_.room_o, 32 * queue(output, channel), 32);
  }
  std::uint32_t held_flits(unsigned input, unsigned channel) const {
    return number(top_.held_flits_o, 32 * queue(input, channel), 32);
  }
  std::uint32_t unreturned_flits(unsigned input, unsigned channel) const {
    return number(top_.unreturned_flits_o, 32 * queue(input, channel), 32);
  }
  bool any_unreturned() const { return pins::any(top_.unreturned_flits_o); }

 private:
  unsigned queue(unsigned port, unsigned channel) const { return port * sizes_.channels + channel; }
  template <class Pin>
  static std::uint32_t number(const Pin& pin, unsigned lsb, unsigned width) {
    return static_cast<std::uint32_t>(pins::get_bits(pin, lsb, width));
  }

  Top& top_;
  TorusRouterSizes sizes_;
};

}  // namespace heddle
