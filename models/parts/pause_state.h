// Which classes of a port its peer has stopped, and for how long so far.
#pragma once

#include <array>
#include <cstdint>

#include "kernel/units.h"
#include "parts/traffic_class.h"

namespace heddle {

class PauseState {
 public:
  std::uint8_t mask() const { return mask_; }
  bool ever() const { return ever_; }

  /// The peer stops or restarts a class. Pause lasts until it is taken back: the quanta of IEEE
  /// 802.1Qbb are refreshed by the peer as long as it needs them.
  void set(unsigned traffic_class, bool off, Cycle now) {
    const auto bit = static_cast<std::uint8_t>(1U << traffic_class);
    if (off == ((mask_ & bit) != 0)) return;
    ever_ = true;
    if (off) {
      since_[traffic_class] = now;
    } else {
      total_[traffic_class] += now - since_[traffic_class];
    }
    mask_ = static_cast<std::uint8_t>(mask_ ^ bit);
  }

  /// Cycles that a class has been stopped until `now`.
  Cycle total(unsigned traffic_class, Cycle now) const {
    if (!ever_) return 0;
    const bool off = (mask_ >> traffic_class & 1) != 0;
    return total_[traffic_class] + (off ? now - since_[traffic_class] : 0);
  }

 private:
  std::uint8_t mask_ = 0;
  bool ever_ = false;  // keeps the clocks out of the cache while nobody pauses
  std::array<Cycle, max_traffic_classes> total_{};
  std::array<Cycle, max_traffic_classes> since_{};
};

}  // namespace heddle
