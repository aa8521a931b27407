// Something that may happen at an exact rational rate: every `cycles / events` cycles, the
// fraction carried, and without saving up while nobody asks.
#pragma once

#include <utility>

#include "kernel/units.h"

namespace heddle {

class Pacer {
 public:
  // A cycle in units of 1 / events may need more than 64 bits: rates and speed-ups have many
  // digits.
  __extension__ using Wide = unsigned __int128;

  Pacer(Wide cycles, Wide events) {
    Wide common = cycles;
    for (Wide rest = events; rest != 0;) common = std::exchange(rest, common % rest);
    interval_ = cycles / common;
    unit_ = events / common;
  }

  /// Between two events, in units of 1 / unit() cycles.
  Wide interval() const { return interval_; }
  Wide unit() const { return unit_; }

  /// First cycle in which the next event may happen.
  Cycle due() const { return due_; }

  /// The event, or so many at once, happens in cycle `now` >= due().
  void spend(Cycle now, std::uint64_t events = 1) {
    exact_ = (now == due_ ? exact_ : now * unit_) + interval_ * events;
    due_ = static_cast<Cycle>((exact_ + unit_ - 1) / unit_);
  }

 private:
  Wide interval_;  ///< in units of 1 / unit_ cycles
  Wide unit_;
  Wide exact_ = 0;  ///< in units of 1 / unit_ cycles
  Cycle due_ = 0;   ///< exact_, rounded up to whole cycles
};

}  // namespace heddle
