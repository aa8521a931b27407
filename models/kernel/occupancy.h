// How full a queue was: peak, mean over time, and a histogram of time by level.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "kernel/units.h"

namespace heddle {

/// Values on a scale that is exact below 2^SubBits and has 2^SubBits steps per octave above.
template <unsigned SubBits>
struct LogScale {
  static constexpr unsigned steps = 1U << SubBits;
  static constexpr unsigned buckets(unsigned value_bits) {
    return (value_bits - SubBits + 1) * steps;
  }

  static unsigned bucket(std::uint64_t value) {
    if (value < steps) return static_cast<unsigned>(value);
    const unsigned octave = 63 - static_cast<unsigned>(__builtin_clzll(value)) - SubBits;
    return (octave + 1) * steps + static_cast<unsigned>((value >> octave) - steps);
  }

  /// Largest value of a bucket.
  static std::uint64_t ceiling(unsigned bucket) {
    if (bucket < steps) return bucket;
    const unsigned octave = bucket / steps - 1;
    return ((std::uint64_t{bucket} % steps + steps + 1) << octave) - 1;
  }
};

class Occupancy {
 public:
  void add(std::uint64_t bytes, Cycle now) { set(level_ + bytes, now); }
  void remove(std::uint64_t bytes, Cycle now) { set(level_ - bytes, now); }

  std::uint64_t level() const { return level_; }
  std::uint64_t peak_bytes() const { return peak_; }

  double mean_bytes(Cycle end) const {
    if (end == 0) return 0;
    return (integral_ + static_cast<double>(level_) * static_cast<double>(end - since_)) /
           static_cast<double>(end);
  }

  /// Smallest level (to 1/16) not exceeded during `share` of the time until `end`.
  std::uint64_t quantile_bytes(double share, Cycle end) const {
    const double target = share * static_cast<double>(end);
    double passed = 0;
    const unsigned current = Scale::bucket(level_);
    for (unsigned i = 0; i < time_at_.size(); ++i) {
      passed += static_cast<double>(time_at_[i]);
      if (i == current) passed += static_cast<double>(end - since_);
      if (passed >= target) return std::min(Scale::ceiling(i), peak_);
    }
    return peak_;
  }

 private:
  using Scale = LogScale<4>;

  void set(std::uint64_t level, Cycle now) {
    const Cycle passed = now - since_;
    integral_ += static_cast<double>(level_) * static_cast<double>(passed);
    time_at_[Scale::bucket(level_)] += passed;
    since_ = now;
    level_ = level;
    peak_ = std::max(peak_, level);
  }

  std::uint64_t level_ = 0;
  std::uint64_t peak_ = 0;
  Cycle since_ = 0;
  double integral_ = 0;
  std::array<Cycle, Scale::buckets(40)> time_at_{};
};

}  // namespace heddle
