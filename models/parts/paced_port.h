// Something that passes bytes at an exact rate, one frame after the other, as a link does: a frame
// that follows at once inherits the fraction of a cycle that is left.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernel/units.h"

namespace heddle {

class PacedPort {
 public:
  /// `bytes` every `cycles` cycles.
  void set_rate(std::uint64_t bytes, std::uint64_t cycles) {
    bytes_ = bytes;
    cycles_ = cycles;
  }
  std::uint64_t bytes() const { return bytes_; }
  std::uint64_t cycles() const { return cycles_; }

  bool ready(Cycle now) const { return now >= ready_at_; }
  /// First cycle in which the next frame may start; at most one starts per cycle.
  Cycle ready_at() const { return ready_at_; }

  /// A frame of so many bytes starts in cycle `now` >= ready_at().
  void start(std::uint64_t frame_bytes, Cycle now) {
    const std::uint64_t cycle_begins = now * bytes_;
    const bool follows = busy_until_ + bytes_ > cycle_begins;
    busy_until_ = (follows ? busy_until_ : cycle_begins) + frame_bytes * cycles_;
    ready_at_ = std::max(now + 1, (busy_until_ + bytes_ - 1) / bytes_);
  }

 private:
  std::uint64_t bytes_ = 1;
  std::uint64_t cycles_ = 1;
  std::uint64_t busy_until_ = 0;  // in units of 1 / bytes_ cycles
  Cycle ready_at_ = 0;
};

}  // namespace heddle
