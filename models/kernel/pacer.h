// Something that may happen at an exact rational rate: every `cycles / events` cycles, the
// fraction carried, and without saving up while nobody asks.
#pragma once

#include <cstdint>
#include <numeric>

#include "kernel/units.h"

namespace heddle {

class Pacer {
 public:
  Pacer(std::uint64_t cycles, std::uint64_t events) {
    const std::uint64_t common = std::gcd(cycles, events);
    interval_ = cycles / common;
    unit_ = events / common;
  }

  /// First cycle in which the next event may happen.
  Cycle due() const { return (exact_ + unit_ - 1) / unit_; }

  /// The event happens in cycle `now` >= due().
  void spend(Cycle now) { exact_ = (now == due() ? exact_ : now * unit_) + interval_; }

 private:
  std::uint64_t interval_;  ///< in units of 1 / unit_ cycles
  std::uint64_t unit_;
  std::uint64_t exact_ = 0;  ///< in units of 1 / unit_ cycles
};

}  // namespace heddle
