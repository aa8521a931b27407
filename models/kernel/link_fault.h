// What is wrong with a link, and what that has cost: made by the events of a scenario.
#pragma once

#include <cmath>
#include <cstdint>

#include "kernel/frame.h"
#include "kernel/rng.h"

namespace heddle {

/// Frames that did not arrive, and the packets whose last byte was in them.
struct LinkLosses {
  std::uint64_t frames = 0;
  std::uint64_t bytes = 0;    ///< on the wire
  std::uint64_t packets = 0;  ///< data
  std::uint64_t answers = 0;  ///< ACK, NAK, CNP

  LinkLosses& operator+=(const LinkLosses& other) {
    frames += other.frames;
    bytes += other.bytes;
    packets += other.packets;
    answers += other.answers;
    return *this;
  }
};

class LinkFault {
 public:
  explicit LinkFault(const Rng& rng) : rng_(rng) {}

  bool down() const { return down_; }
  void set_down(bool down) { down_ = down; }

  /// Probability that a bit is flipped; 0: none. A frame with a flipped bit fails its CRC and is
  /// dropped by the receiver.
  void set_bit_error_ratio(double ratio) { log_good_bit_ = std::log1p(-ratio); }

  /// Whether a frame that starts now is lost. Bit errors spare pause and flow control: real ones
  /// are repeated as long as they are needed, and those here are sent once.
  bool loses(const Frame& frame) {
    if (down_) return true;
    if (log_good_bit_ == 0 || link_local(frame.kind)) return false;
    return rng_.uniform() < -std::expm1(8.0 * frame.wire_bytes * log_good_bit_);
  }

 private:
  Rng rng_;
  bool down_ = false;
  double log_good_bit_ = 0;
};

}  // namespace heddle
