// iSLIP (McKeown, IEEE/ACM Trans. Networking 7(2), 1999): request, grant, accept, repeated for the
// ports that are left. Each output grants the input that is next in its turn, each input accepts
// the output that is next in its own; pointers move behind a pair only when it was made in the
// first iteration, which desynchronises the outputs and starves nobody.
#pragma once

#include <array>
#include <vector>

#include "parts/matching.h"
#include "parts/round_robin_arbiter.h"

namespace heddle {

class IslipMatcher {
 public:
  /// At most 64 ports, at least one iteration. All pointers begin at 0.
  IslipMatcher(unsigned ports, unsigned iterations)
      : iterations_(iterations),
        grant_(ports, RoundRobinArbiter(ports)),
        accept_(ports, RoundRobinArbiter(ports)) {}

  /// A matching among `free`; pairs of two free ports that ask for each other may be left over when
  /// the iterations do not suffice. The pointers move.
  Matching match(const MatchRequests& requests, FreePorts free);

  unsigned iterations() const { return iterations_; }
  const RoundRobinArbiter& grant_arbiter(unsigned output) const { return grant_[output]; }
  const RoundRobinArbiter& accept_arbiter(unsigned input) const { return accept_[input]; }

 private:
  PortMask grant(const MatchRequests& requests, FreePorts& free);
  void accept(PortMask granted, bool first, FreePorts& free, Matching& matching);

  unsigned iterations_;
  std::vector<RoundRobinArbiter> grant_;               // by output
  std::vector<RoundRobinArbiter> accept_;              // by input
  std::array<PortMask, port_mask_bits> grants_for_{};  // by input: outputs; 0 between iterations
};

}  // namespace heddle
