// Adds to counters that are far away in memory without waiting for them: each is asked for, and
// added to some additions later.
#pragma once

#include <array>
#include <cstdint>

#include "kernel/prefetch.h"

namespace heddle {

class LateAdds {
 public:
  /// The counter must not be read before settle(), and must exist until then.
  static void add(std::uint32_t& counter, std::uint32_t amount) {
    prefetch(&counter);
    Pending& place = pending_[next_];
    next_ = (next_ + 1) % pending_.size();
    if (place.counter != nullptr) *place.counter += place.amount;
    place = {&counter, amount};
  }

  static void settle() {
    for (Pending& pending : pending_) {
      if (pending.counter != nullptr) *pending.counter += pending.amount;
      pending = {nullptr, 0};
    }
  }

 private:
  struct Pending {
    std::uint32_t* counter;
    std::uint32_t amount;
  };
  static inline std::array<Pending, 16> pending_{};
  static inline std::uint32_t next_ = 0;
};

}  // namespace heddle
