// round_robin_arbiter: model and RTL in lockstep, for a power of two and for another number of
// ports.
#include "parts/round_robin_arbiter.h"

#include <Vround_robin_arbiter.h>
#include <Vround_robin_arbiter_7.h>

#include "cosim/pins.h"
#include "cosim/twin.h"

namespace heddle {
namespace {

template <class Top, unsigned ports>
class Twin {
 public:
  static constexpr const char* name = "round_robin_arbiter";

  explicit Twin(std::uint64_t seed) : rtl(seed), model_(ports) {
    Rng habits(seed, name, "habits");
    asking_ = draw_share(habits);
    moving_ = draw_share(habits);
    astray_ = draw_share(habits);
    rtl.reset();
  }

  void cycle(Lockstep& lockstep) {
    Rng& random = lockstep.random;
    PortMask requests = 0;
    for (unsigned port = 0; port < ports; ++port) {
      if (random.uniform() < asking_) requests |= port_bit(port);
    }
    const unsigned granted = requests != 0 ? model_.pick(requests) : 0;
    const bool move = random.uniform() < moving_;
    const unsigned behind = random.uniform() < astray_ ? random.below(ports) : granted;

    pins::set(rtl->requests_i, requests);
    pins::set(rtl->move_i, move ? 1 : 0);
    pins::set(rtl->move_behind_i, behind);
    rtl.settle();
    lockstep.equal("pointer_o", model_.pointer(), rtl->pointer_o);
    lockstep.equal("port_o", granted, rtl->port_o);
    lockstep.equal("grant_o", requests != 0 ? port_bit(granted) : 0, rtl->grant_o);

    rtl.edge();
    if (move) model_.move_behind(behind);
  }

  RtlTop<Top> rtl;

 private:
  RoundRobinArbiter model_;
  double asking_;
  double moving_;
  double astray_;
};

using RoundRobinArbiterTwin = Twin<Vround_robin_arbiter, 8>;
using RoundRobinArbiterOf7Twin = Twin<Vround_robin_arbiter_7, 7>;
HEDDLE_TWIN_TESTS(RoundRobinArbiterTwin, 40, 5000, 2000)
HEDDLE_TWIN_TESTS(RoundRobinArbiterOf7Twin, 40, 5000, 2000)

}  // namespace
}  // namespace heddle
