#include "parts/islip_matcher.h"

#include <utility>

namespace heddle {

Matching IslipMatcher::match(const MatchRequests& requests, FreePorts free) {
  Matching matching;
  for (unsigned iteration = 0; iteration < iterations_; ++iteration) {
    const PortMask granted = grant(requests, free);
    if (granted == 0) break;
    accept(granted, iteration == 0, free, matching);
  }
  return matching;
}

/// Returns the inputs with grants. An output that nobody asks for will not be asked later either.
PortMask IslipMatcher::grant(const MatchRequests& requests, FreePorts& free) {
  PortMask granted = 0;
  for_each_port(free.outputs, [&](unsigned output) {
    const PortMask asking = requests.inputs_for[output] & free.inputs;
    if (asking == 0) {
      free.outputs &= ~port_bit(output);
      return;
    }
    const unsigned input = grant_[output].pick(asking);
    grants_for_[input] |= port_bit(output);
    granted |= port_bit(input);
  });
  return granted;
}

void IslipMatcher::accept(PortMask granted, bool first, FreePorts& free, Matching& matching) {
  free.inputs &= ~granted;
  for_each_port(granted, [&](unsigned input) {
    const unsigned output = accept_[input].pick(std::exchange(grants_for_[input], 0));
    matching.outputs |= port_bit(output);
    matching.input[output] = static_cast<std::uint8_t>(input);
    if (!first) return;
    grant_[output].move_behind(input);
    accept_[input].move_behind(output);
  });
  free.outputs &= ~matching.outputs;
}

}  // namespace heddle
