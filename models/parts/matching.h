// What the matchers of a crossbar have in common: who asks for what, and who got what.
#pragma once

#include <array>
#include <cstdint>

#include "parts/port_mask.h"

namespace heddle {

/// By output, the inputs that have a cell for it.
struct MatchRequests {
  std::array<PortMask, port_mask_bits> inputs_for{};
};

/// At most one output per input and one input per output.
struct Matching {
  PortMask outputs = 0;                              ///< those that have an input
  std::array<std::uint8_t, port_mask_bits> input{};  ///< by output, for these
};

/// The ports that may still be matched.
struct FreePorts {
  PortMask inputs = 0;
  PortMask outputs = 0;
};

}  // namespace heddle
