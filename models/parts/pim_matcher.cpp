#include "parts/pim_matcher.h"

#include <utility>

namespace heddle {

Matching PimMatcher::match(const MatchRequests& requests, FreePorts free) {
  Matching matching;
  for (unsigned iteration = 0; iteration < iterations_; ++iteration) {
    PortMask granted = 0;
    for_each_port(free.outputs, [&](unsigned output) {
      const PortMask asking = requests.inputs_for[output] & free.inputs;
      if (asking == 0) return;
      const unsigned input = arbiter_.pick(asking);
      grants_for_[input] |= port_bit(output);
      granted |= port_bit(input);
    });
    if (granted == 0) break;
    for_each_port(granted, [&](unsigned input) {
      const unsigned output = arbiter_.pick(std::exchange(grants_for_[input], 0));
      matching.outputs |= port_bit(output);
      matching.input[output] = static_cast<std::uint8_t>(input);
    });
    free.inputs &= ~granted;
    free.outputs &= ~matching.outputs;
  }
  return matching;
}

}  // namespace heddle
