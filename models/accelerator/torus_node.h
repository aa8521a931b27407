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
  using Device::Device;

  /// `router_room`: flits of each virtual channel's buffer at the router.
  virtual void attach(const TorusLinks& links, std::uint32_t router_room) = 0;
  /// Flits of each of its own buffers: what the router may send and has not been given back.
  virtual std::uint32_t buffer_flits() const = 0;
  /// Flits of a virtual channel that have arrived and are not yet on the credit wire.
  virtual std::uint32_t unreturned_flits(unsigned channel) const = 0;
  /// It holds no packet, and no room waits to be given back.
  virtual bool at_rest() const = 0;
  /// Room known in a buffer of the router.
  virtual std::uint32_t room(unsigned channel) const = 0;
};

}  // namespace heddle
