// Limits how much of its time an array may work after it has idled, so that the supply voltage
// follows: the limit begins at `initial`, rises linearly to 1 over `ramp`, and is engaged again
// when the array has worked less than `threshold` of the last `window`.
// Source: AWS Neuron documentation of the tensor engine's power throttling (about 50 %, 3 us).
//
// A pass of c cycles that starts in cycle t under the limit u keeps the next one from starting
// before t + ceil(c / u).
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "kernel/fields.h"

namespace heddle {

struct ThrottleConfig {
  bool enabled = true;
  double initial = 0.5;
  double threshold = 0.5;
  Duration ramp = 3_us;
  Duration window = 3_us;

  void describe(Fields& fields);
};

class DroopThrottle {
 public:
  /// `ramp` and `window` in cycles, at least 1.
  DroopThrottle(const ThrottleConfig& config, Cycle ramp, Cycle window)
      : config_(config), ramp_(ramp), window_(window) {}

  /// First cycle in which a pass may start.
  Cycle ready_at() const { return ready_at_; }

  /// A pass starts in cycle `start`, not before ready_at(), and works for `cycles`. Passes are told
  /// in their order and do not overlap.
  void pass(Cycle start, Cycle cycles) {
    if (!config_.enabled) return;
    forget(start);
    if (!engaged_once_ || (start >= engaged_at_ + ramp_ && worked(start) < needed())) {
      engaged_at_ = start;
      engaged_once_ = true;
      ++engagements_;
    }
    const double stretched = static_cast<double>(cycles) / limit(start);
    ready_at_ = start + static_cast<Cycle>(stretched) +
                (stretched > static_cast<double>(static_cast<Cycle>(stretched)) ? 1 : 0);
    passes_.push_back({start, start + cycles});
    worked_ += cycles;
  }

  /// Share of time that the array may work in cycle `now`.
  double limit(Cycle now) const {
    if (!config_.enabled || !engaged_once_ || now >= engaged_at_ + ramp_) return 1;
    const double risen = static_cast<double>(now - engaged_at_) / static_cast<double>(ramp_);
    return config_.initial + (1 - config_.initial) * risen;
  }

  std::uint64_t engagements() const { return engagements_; }

 private:
  struct Pass {
    Cycle begin;
    Cycle end;
  };

  double needed() const { return config_.threshold * static_cast<double>(window_); }

  /// Passes that were over before the window of `now`.
  void forget(Cycle now) {
    while (first_ < passes_.size() && passes_[first_].end + window_ <= now) {
      worked_ -= passes_[first_].end - passes_[first_].begin;
      ++first_;
    }
    if (first_ < 1024) return;
    passes_.erase(passes_.begin(), passes_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }

  /// Cycles of the window before `now` in which the array worked.
  double worked(Cycle now) const {
    Cycle cut = 0;  // the first pass may have begun before the window
    if (first_ < passes_.size() && passes_[first_].begin + window_ < now) {
      cut = now - window_ - passes_[first_].begin;
    }
    return static_cast<double>(worked_ - cut);
  }

  ThrottleConfig config_;
  Cycle ramp_;
  Cycle window_;
  std::vector<Pass> passes_;  // from first_ on: those of the window
  std::size_t first_ = 0;
  Cycle worked_ = 0;  // of those
  Cycle engaged_at_ = 0;
  bool engaged_once_ = false;
  Cycle ready_at_ = 0;
  std::uint64_t engagements_ = 0;
};

}  // namespace heddle
