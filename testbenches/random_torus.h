// Scenarios of a torus at random.
#pragma once

#include <cstdint>
#include <string>

namespace heddle::testing {

struct RandomTorus {
  std::string yaml;
  bool fails = false;  ///< links do; both failures may be those of one cable, which is refused
};

/// Uniform traffic on a torus of any shape, from rings of one node to 17; flits, packets, buffers,
/// rates and latencies of all sizes; some with links that fail. `node_ns`: for how long all nodes
/// together send, in nanoseconds.
RandomTorus random_torus(std::uint64_t seed, unsigned most_nodes = 100, unsigned node_ns = 400'000);

}  // namespace heddle::testing
