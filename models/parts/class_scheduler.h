// Chooses the traffic class that a port serves next: strict classes first, the higher number
// first; then deficit round robin among the weighted ones.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "parts/traffic_class.h"

namespace heddle {

class ClassScheduler {
 public:
  /// At most max_traffic_classes. `quantum_bytes` is what weight 1 earns per round; at least the
  /// largest unit served, so that one round always finds a class (Shreedhar and Varghese 1996).
  ClassScheduler(const std::vector<TrafficClassConfig>& classes, std::uint32_t quantum_bytes) {
    for (unsigned c = 0; c < classes.size(); ++c) {
      const std::uint8_t bit = static_cast<std::uint8_t>(1U << c);
      if (classes[c].scheduling == ClassScheduling::strict) {
        strict_ = static_cast<std::uint8_t>(strict_ | bit);
      } else {
        quantum_[c] = static_cast<std::int64_t>(quantum_bytes * classes[c].weight);
      }
    }
    class_count_ = static_cast<std::uint8_t>(classes.size());
  }

  /// Serves one class of `eligible` (not empty), whose next unit is bytes(c) long.
  template <class BytesOf>
  unsigned pick(std::uint8_t eligible, BytesOf&& bytes) {
    if (const unsigned first = eligible & strict_; first != 0) {
      return 31U - static_cast<unsigned>(__builtin_clz(first));
    }
    if ((eligible & (eligible - 1)) == 0) {  // alone: the round starts afresh with the next rival
      if (saved_) deficit_.fill(0);
      saved_ = false;
      return static_cast<unsigned>(__builtin_ctz(eligible));
    }
    saved_ = true;
    for (;;) {
      if ((eligible >> current_ & 1) != 0) {
        const std::int64_t length = bytes(current_);
        if (deficit_[current_] >= length) {
          deficit_[current_] -= length;
          return current_;
        }
      } else {
        deficit_[current_] = 0;
      }
      current_ = static_cast<std::uint8_t>((current_ + 1) % class_count_);
      if ((eligible >> current_ & 1) != 0) deficit_[current_] += quantum_[current_];
    }
  }

 private:
  std::uint8_t strict_ = 0;
  std::uint8_t class_count_ = 0;
  std::uint8_t current_ = 0;
  bool saved_ = false;  // some deficit may not be 0
  std::array<std::int64_t, max_traffic_classes> quantum_{};
  std::array<std::int64_t, max_traffic_classes> deficit_{};
};

}  // namespace heddle
