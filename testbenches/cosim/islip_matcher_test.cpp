// islip_matcher: model and RTL in lockstep, with one iteration, with fewer than ports, and for
// numbers of ports that are no powers of two.
#include "parts/islip_matcher.h"

#include <Vislip_matcher.h>
#include <Vislip_matcher_16.h>
#include <Vislip_matcher_7.h>

#include "cosim/pins.h"
#include "cosim/twin.h"

namespace heddle {
namespace {

template <class Top, unsigned ports, unsigned iterations>
class Twin {
 public:
  static constexpr const char* name = "islip_matcher";

  explicit Twin(std::uint64_t seed) : rtl(seed), model_(ports, iterations) {
    Rng habits(seed, name, "habits");
    asking_ = draw_share(habits);
    hot_asking_ = draw_share(habits);
    hot_output_ = habits.below(ports);
    free_ = habits.below(2) == 0 ? 1 : draw_share(habits);
    matching_ = habits.below(2) == 0 ? 1 : draw_share(habits);
    patient_ = habits.below(2) == 0;
    rtl.reset();
  }

  void cycle(Lockstep& lockstep) {
    Rng& random = lockstep.random;
    draw_requests(random);
    const FreePorts free{some_ports(free_, random), some_ports(free_, random)};
    const bool matches = random.uniform() < matching_;
    for (unsigned output = 0; output < ports; ++output) {
      pins::set_bits(rtl->inputs_for_i, output * ports, ports, requests_.inputs_for[output]);
    }
    pins::set(rtl->free_inputs_i, free.inputs);
    pins::set(rtl->free_outputs_i, free.outputs);
    pins::set(rtl->match_i, matches ? 1 : 0);
    rtl.settle();
    compare_pointers(lockstep);

    IslipMatcher undecided = model_;
    const Matching matching = (matches ? model_ : undecided).match(requests_, free);
    lockstep.equal("outputs_o", matching.outputs, rtl->outputs_o);
    for (unsigned output = 0; output < ports; ++output) {
      const bool matched = (matching.outputs >> output & 1) != 0;
      lockstep.equal("input_o", matched ? matching.input[output] : 0, index(rtl->input_o, output),
                     static_cast<int>(output));
      if (matched && matches) requests_.inputs_for[output] &= ~port_bit(matching.input[output]);
    }
    rtl.edge();
  }

  RtlTop<Top> rtl;

 private:
  static constexpr unsigned index_bits = ports <= 4 ? 2 : ports <= 8 ? 3 : 4;

  template <class Pin>
  static std::uint64_t index(const Pin& pin, unsigned port) {
    return pins::get_bits(pin, port * index_bits, index_bits);
  }

  static PortMask some_ports(double share, Rng& random) {
    PortMask some = 0;
    for (unsigned port = 0; port < ports; ++port) {
      if (random.uniform() < share) some |= port_bit(port);
    }
    return some;
  }

  /// What asks, keeps asking until it is served if inputs are patient.
  void draw_requests(Rng& random) {
    for (unsigned output = 0; output < ports; ++output) {
      if (!patient_) requests_.inputs_for[output] = 0;
      const double share = output == hot_output_ ? hot_asking_ : asking_;
      requests_.inputs_for[output] |= some_ports(share, random);
    }
  }

  void compare_pointers(const Lockstep& lockstep) {
    for (unsigned port = 0; port < ports; ++port) {
      const auto at = static_cast<int>(port);
      lockstep.equal("grant_pointer_o", model_.grant_arbiter(port).pointer(),
                     index(rtl->grant_pointer_o, port), at);
      lockstep.equal("accept_pointer_o", model_.accept_arbiter(port).pointer(),
                     index(rtl->accept_pointer_o, port), at);
    }
  }

  IslipMatcher model_;
  MatchRequests requests_;
  double asking_;
  double hot_asking_;
  unsigned hot_output_;
  double free_;
  double matching_;
  bool patient_;
};

using IslipMatcherTwin = Twin<Vislip_matcher, 4, 2>;
using IslipMatcherOf7Twin = Twin<Vislip_matcher_7, 7, 1>;
using IslipMatcherOf16Twin = Twin<Vislip_matcher_16, 16, 4>;
HEDDLE_TWIN_TESTS(IslipMatcherTwin, 40, 5000, 2000)
HEDDLE_TWIN_TESTS(IslipMatcherOf7Twin, 20, 5000, 2000)
HEDDLE_TWIN_TESTS(IslipMatcherOf16Twin, 10, 2000, 500)

}  // namespace
}  // namespace heddle
