// A device at the local port of a torus router, as the fabric that wires it sees it: cores, a
// remote memory, a source of packets.
//
// It speaks the routers' protocol (torus_channel.h): it starts a packet only when the router's
// buffer has room for all of it, and gives back the room of what it has taken.
#pragma once

#include "accelerator/torus_channel.h"
#include "kernel/device.h"

namespace heddle {

class TorusNode : public Device {
 public:
  /// `buffer_flits`: of each of its own buffers, what the router may send and has not been given
  /// back.
  TorusNode(const sc_core::sc_module_name& module_name, Clock& clock, unsigned reasons,
            std::uint32_t buffer_flits)
      : Device(module_name, clock, reasons), buffer_flits_(buffer_flits) {}

  /// `router_room`: flits of each virtual channel's buffer at the router.
  virtual void attach(const TorusLinks& links, std::uint32_t router_room) {
    out_ = &links.out;
    out_->set_waiting(Stage::source_queue);
    credits_.fill(router_room);
    returns_.attach(links.credits_out);
    links.in.bind_receiver(id(), packet, Delivery::tail, 0);
    links.credits_in.bind_receiver(id(), credit, Delivery::tail, 0);
  }
  std::uint32_t buffer_flits() const { return buffer_flits_; }
  /// Flits of a virtual channel that have arrived and are not yet on the credit wire.
  virtual std::uint32_t unreturned_flits(unsigned channel) const {
    return returns_.pending(channel);
  }
  /// It holds no packet, and no room waits to be given back.
  virtual bool at_rest() const { return returns_.idle(); }
  /// Room known in a buffer of the router.
  std::uint32_t room(unsigned channel) const { return credits_.room(channel); }

 protected:
  /// Reasons to wake: a packet, or room in the router, has arrived; own ones follow.
  enum Reason : unsigned { packet = 0, credit = 1, own_reasons = 2 };

  Link* out_ = nullptr;
  ChannelCredits credits_;
  CreditReturn returns_;

 private:
  std::uint32_t buffer_flits_;
};

}  // namespace heddle
