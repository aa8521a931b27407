// How a torus numbers its nodes: node = x + X * (y + Y * z).
#pragma once

#include <algorithm>
#include <array>

namespace heddle {

/// Nodes along x, y and z; 1 where the torus has no such dimension.
struct TorusSize {
  static constexpr unsigned dimensions = 3;

  std::array<unsigned, dimensions> length{1, 1, 1};

  unsigned nodes() const { return length[0] * length[1] * length[2]; }

  unsigned node(const std::array<unsigned, dimensions>& at) const {
    return at[0] + length[0] * (at[1] + length[1] * at[2]);
  }
  std::array<unsigned, dimensions> coordinates(unsigned node) const {
    return {node % length[0], node / length[0] % length[1], node / length[0] / length[1]};
  }

  /// Links between two places of a ring, the shorter way round.
  static unsigned ring_distance(unsigned from, unsigned to, unsigned length) {
    const unsigned forward = (to + length - from) % length;
    return std::min(forward, length - forward);
  }
  /// Links between two nodes, the shorter way round in each dimension.
  unsigned distance(unsigned from, unsigned to) const {
    const auto a = coordinates(from);
    const auto b = coordinates(to);
    unsigned links = 0;
    for (unsigned d = 0; d < dimensions; ++d) {
      links += ring_distance(a[d], b[d], length[d]);
    }
    return links;
  }
};

}  // namespace heddle
