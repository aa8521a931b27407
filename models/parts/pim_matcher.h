// Parallel iterative matching (Anderson, Owicki, Saxe, Thacker, ACM TOCS 11(4), 1993): as iSLIP,
// but outputs grant and inputs accept at random, each requester with the same probability.
#pragma once

#include <array>

#include "parts/matching.h"
#include "parts/random_arbiter.h"

namespace heddle {

class PimMatcher {
 public:
  /// At least one iteration.
  PimMatcher(unsigned iterations, const Rng& rng) : iterations_(iterations), arbiter_(rng) {}

  /// A matching among `free`, as large as the iterations make it.
  Matching match(const MatchRequests& requests, FreePorts free);

 private:
  unsigned iterations_;
  RandomArbiter arbiter_;
  std::array<PortMask, port_mask_bits> grants_for_{};  // by input: outputs; 0 between iterations
};

}  // namespace heddle
