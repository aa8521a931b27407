// Parameters of the torus endpoints: remote memory and collectives.
#pragma once

#include "kernel/fields.h"

namespace heddle {

/// When the data of a step go on to the next node.
enum class StepForwarding : std::uint8_t { whole_steps, packets };

struct TorusEndpointConfig {
  Duration latency = 250_ns;
  Duration reduce_latency = 50_ns;
  StepForwarding forwarding = StepForwarding::whole_steps;
  std::uint64_t outstanding = 64;
  std::uint64_t service = 64;
  Duration time_out = 100_us;
  std::uint64_t repeats = 7;

  void describe(Fields& fields);
};

}  // namespace heddle
