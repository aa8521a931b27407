// The random numbers of hardware: a linear-feedback shift register of 64 bits that moves all of
// them in one step, by three exclusive-ors with itself (Marsaglia, J. Stat. Software 8(14), 2003;
// that this is a shift register: Brent, J. Stat. Software 11(5), 2004). Period 2^64 - 1. Twin:
// heddle_pkg::lfsr_next and below in rtl/heddle_pkg.sv.
#pragma once

#include <cstdint>

#include "kernel/rng.h"

namespace heddle {

class Lfsr {
 public:
  /// 0, from which no shift register would come away, stands for 1.
  explicit Lfsr(std::uint64_t state) : state_(state != 0 ? state : 1) {}

  /// Begins in a state drawn from a keyed stream.
  explicit Lfsr(Rng& seeds) : Lfsr(seeds.bits()) {}

  /// 64 uniform bits.
  std::uint64_t bits() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_;
  }

  /// In [0, bound), from the upper half of one step; no number is more likely than another by more
  /// than bound / 2^32.
  std::uint32_t below(std::uint32_t bound) {
    return static_cast<std::uint32_t>((bits() >> 32) * bound >> 32);
  }

  std::uint64_t state() const { return state_; }

 private:
  std::uint64_t state_;
};

}  // namespace heddle
