// Picks one of up to 64 requesters in turn. The pointer moves only when the user says so, since
// iSLIP moves it only behind grants that were accepted.
#pragma once

#include <cstdint>

#include "parts/port_mask.h"

namespace heddle {

class RoundRobinArbiter {
 public:
  /// For requesters 0 .. ports - 1, at most 64. The pointer begins at `pointer`.
  explicit RoundRobinArbiter(unsigned ports, unsigned pointer = 0)
      : ports_(static_cast<std::uint8_t>(ports)), pointer_(static_cast<std::uint8_t>(pointer)) {}

  /// The first requester at or after the pointer, going round; `requests` must not be 0. No state
  /// changes.
  unsigned pick(PortMask requests) const {
    const PortMask ahead = requests & ~PortMask{0} << pointer_;
    return lowest_port(ahead != 0 ? ahead : requests);
  }

  /// From the next pick on, `port` comes last.
  void move_behind(unsigned port) {
    pointer_ = static_cast<std::uint8_t>(port + 1 == ports_ ? 0 : port + 1);
  }

  unsigned pointer() const { return pointer_; }

 private:
  std::uint8_t ports_;
  std::uint8_t pointer_;
};

}  // namespace heddle
