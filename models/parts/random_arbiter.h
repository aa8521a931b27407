// Picks one of up to 64 requesters, each with the same probability.
#pragma once

#include "kernel/rng.h"
#include "parts/port_mask.h"

namespace heddle {

class RandomArbiter {
 public:
  explicit RandomArbiter(const Rng& rng) : rng_(rng) {}

  /// `requests` must not be 0. A single requester costs no draw.
  unsigned pick(PortMask requests) {
    if ((requests & (requests - 1)) == 0) return lowest_port(requests);
    for (unsigned skip = rng_.below(count_ports(requests)); skip > 0; --skip) {
      requests &= requests - 1;
    }
    return lowest_port(requests);
  }

 private:
  Rng rng_;
};

}  // namespace heddle
