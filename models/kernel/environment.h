// What every device of a run shares: the clock and the book of packets.
#pragma once

#include "kernel/clock.h"
#include "kernel/input.h"
#include "kernel/link.h"
#include "kernel/packet.h"

namespace heddle {

struct Environment {
  Clock& clock;
  PacketPool& packets;
};

/// Calls f(record) for the packet of `frame`, or for all packets that end in this cell.
template <class F>
void for_each_packet(PacketPool& packets, const Frame& frame, F&& f) {
  if (frame.packet == no_packet) return;
  if (frame.kind != FrameKind::cell) return f(packets[frame.packet]);
  for (std::uint32_t p = frame.packet; p != no_packet; p = packets[p].next) f(packets[p]);
}

}  // namespace heddle
