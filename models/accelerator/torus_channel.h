// The two ends of a torus link's flow control, as routers and endpoints have them.
//
// A link carries packets in virtual channels; each has a buffer of its own at the receiver. The
// sender counts the room that is left there, in flits, and starts a packet only when all of it
// fits. When the packet's tail has left the buffer, the receiver gives the room back in a credit
// frame, on a wire of its own in the other direction: one frame per cycle, visible a cycle and the
// wire's latency later.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "kernel/error.h"
#include "kernel/link.h"

namespace heddle {

inline constexpr unsigned torus_most_channels = 32;

/// Bytes of a credit frame, and what its wire carries in a cycle.
inline constexpr std::uint16_t torus_credit_bytes = 1;

/// Tells the sender of a link of so many flits of room in a channel's buffer.
inline Frame torus_credit(unsigned channel, std::uint32_t flits) {
  Frame frame;
  frame.kind = FrameKind::torus_credit;
  frame.traffic_class = static_cast<std::uint8_t>(channel);
  frame.wire_bytes = torus_credit_bytes;
  frame.payload_bytes = static_cast<std::uint16_t>(flits);
  return frame;
}

/// Sending end: room in the receiver's buffers.
class ChannelCredits {
 public:
  /// Every buffer is empty.
  void fill(std::uint32_t capacity_flits) {
    capacity_ = capacity_flits;
    room_.fill(capacity_flits);
  }
  std::uint32_t capacity() const { return capacity_; }
  std::uint32_t room(unsigned channel) const { return room_[channel]; }

  /// Nothing is known until the receiver tells.
  void forget() { room_.fill(0); }

  void take(unsigned channel, std::uint32_t flits) { room_[channel] -= flits; }
  void give(const Frame& credit) {
    std::uint32_t& room = room_[credit.traffic_class];
    room += credit.payload_bytes;
    if (room > capacity_) throw CheckFailure("a torus link has more credits than its buffer room");
  }

 private:
  std::uint32_t capacity_ = 0;
  std::array<std::uint32_t, torus_most_channels> room_{};
};

/// Receiving end: room that is to be given back.
class CreditReturn {
 public:
  void attach(Link& wire) { wire_ = &wire; }
  Link& wire() const { return *wire_; }

  void free(unsigned channel, std::uint32_t flits) {
    pending_ |= 1U << channel;
    flits_[channel] += flits;
  }
  /// So much of a channel's buffer is free, whatever was told before.
  void set(unsigned channel, std::uint32_t flits) {
    flits_[channel] = flits;
    pending_ = flits == 0 ? pending_ & ~(1U << channel) : pending_ | 1U << channel;
  }
  /// Freed, and not yet on the wire.
  std::uint32_t pending(unsigned channel) const { return flits_[channel]; }
  bool idle() const { return pending_ == 0; }

  /// Sends one frame if there is cause and the wire is ready; whether it did.
  bool send(Cycle now) {
    if (pending_ == 0 || !wire_->ready(now)) return false;
    constexpr std::uint32_t most = 0xffff;
    const auto channel = static_cast<unsigned>(__builtin_ctz(pending_));
    const std::uint32_t flits = std::min(flits_[channel], most);
    wire_->send(torus_credit(channel, flits), now);
    if ((flits_[channel] -= flits) == 0) pending_ &= pending_ - 1;
    return true;
  }

 private:
  Link* wire_ = nullptr;
  std::uint32_t pending_ = 0;  // mask of channels
  std::array<std::uint32_t, torus_most_channels> flits_{};
};

/// The four links between a device and its peer, as the device sees them.
struct TorusLinks {
  Link& in;           ///< packets to the device
  Link& out;          ///< packets from it
  Link& credits_in;   ///< room that the peer gives back for `out`
  Link& credits_out;  ///< room that the device gives back for `in`
};

}  // namespace heddle
