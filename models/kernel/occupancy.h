// How full a queue was: peak, mean over time, and a histogram of time by level.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <utility>

#include "kernel/late_adds.h"
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
  // The histogram looks at the level in every 256th cycle only: memory traffic is what a large
  // fabric costs, and a quantile over time does not need more.
  static constexpr Cycle sample_cycles = 256;

  Occupancy() : samples_(std::make_unique<Samples>()) {}
  Occupancy(const Occupancy&) = delete;
  Occupancy& operator=(const Occupancy&) = delete;
  Occupancy(Occupancy&&) = default;
  Occupancy& operator=(Occupancy&&) = delete;
  ~Occupancy() {
    if (samples_) LateAdds::settle();
  }

  void add(std::uint64_t bytes, Cycle now) { set(level_ + bytes, now); }
  void remove(std::uint64_t bytes, Cycle now) { set(level_ - bytes, now); }

  /// In cycle `now` it held `peak` at most, and `level` in the end.
  void follow(std::uint64_t peak, std::uint64_t level, Cycle now) {
    if (peak != level_) set(peak, now);
    if (level != level_) set(level, now);
  }

  std::uint64_t level() const { return level_; }
  std::uint64_t peak_bytes() const { return peak_; }

  double mean_bytes(Cycle end) const {
    if (end == 0) return 0;
    const Cycle rest = end > since_ ? end - since_ : 0;
    return (integral_ + real(level_) * real(rest)) / real(end);
  }

  /// Level (to 1/16) that was not exceeded in the given share of the cycles until `end` that are
  /// multiples of 256; 0 when there is none.
  std::uint64_t quantile_bytes(double share, Cycle end) const {
    LateAdds::settle();
    const std::uint64_t rest = end > since_ ? samples_between(since_, end) : 0;
    const std::uint64_t samples = end / sample_cycles;
    const double target = share * static_cast<double>(samples);
    double passed = 0;
    for (unsigned i = 0; i < samples_->size(); ++i) {
      passed += static_cast<double>((*samples_)[i] + (i == 0 ? empty_samples_ : 0) +
                                    (i == recent_bucket_ ? recent_samples_ : 0) +
                                    (i == Scale::bucket(level_) ? rest : 0));
      if (passed >= target) return std::min(Scale::ceiling(i), peak_);
    }
    return peak_;
  }

 private:
  using Scale = LogScale<4>;
  using Samples = std::array<std::uint32_t, Scale::buckets(40)>;

  static std::uint64_t samples_between(Cycle from, Cycle to) {
    return to / sample_cycles - from / sample_cycles;
  }

  /// Levels and times are below 2^63, and signed numbers are converted by one instruction.
  static double real(std::uint64_t value) {
    return static_cast<double>(static_cast<std::int64_t>(value));
  }

  void set(std::uint64_t level, Cycle now) {
    integral_ += real(level_) * real(now - since_);
    if (const std::uint64_t samples = samples_between(since_, now); samples != 0) {
      count(static_cast<std::uint32_t>(samples));
    }
    since_ = static_cast<std::uint32_t>(now);
    level_ = level;
    peak_ = std::max(peak_, level);
  }

  /// Most samples find the queue empty or as long as the last one did; the histogram is far away.
  void count(std::uint32_t samples) {
    if (level_ == 0) {
      empty_samples_ += samples;
      return;
    }
    const unsigned bucket = Scale::bucket(level_);
    if (bucket != recent_bucket_) {
      LateAdds::add((*samples_)[recent_bucket_], std::exchange(recent_samples_, 0));
      recent_bucket_ = static_cast<std::uint16_t>(bucket);
    }
    recent_samples_ += samples;
  }

  std::uint64_t level_ = 0;
  std::uint64_t peak_ = 0;
  double integral_ = 0;
  std::unique_ptr<Samples> samples_;  // without those below
  std::uint32_t since_ = 0;           // cycle
  std::uint32_t empty_samples_ = 0;
  std::uint32_t recent_samples_ = 0;  // of recent_bucket_
  std::uint16_t recent_bucket_ = 0;
};

}  // namespace heddle
