// Where a packet goes in a torus: functions of coordinates, without state and without time.
//
// Routes are those of dimension order: all of x, then y, then z, each ring the shorter way round
// (Dally and Seitz, IEEE Trans. Computers C-36(5), 1987; Dally and Towles, Principles and Practices
// of Interconnection Networks, 2004, 8.4.2). A ring closes upon itself, so its channels could wait
// for each other in a circle. Each ring therefore has a dateline between its last and its first
// node, and a packet that crosses it goes on in virtual channels of its own (Dally and Seitz 1987).
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace heddle {

inline constexpr unsigned torus_dimensions = 3;
inline constexpr unsigned torus_largest_ring = 64;

/// Round a ring: towards larger coordinates, or towards smaller ones.
enum class Way : std::uint8_t { up, down };

constexpr Way opposite(Way way) { return way == Way::up ? Way::down : Way::up; }

/// Sizes of the rings, and where each node stands. Node numbers count along x first: x + X (y + Y
/// z).
class TorusShape {
 public:
  /// A coordinate for each dimension.
  using Place = std::array<std::uint8_t, torus_dimensions>;

  /// Sizes are 1 to torus_largest_ring.
  explicit TorusShape(const std::array<unsigned, torus_dimensions>& sizes) : sizes_(sizes) {
    for (unsigned z = 0; z < sizes[2]; ++z) {
      for (unsigned y = 0; y < sizes[1]; ++y) {
        for (unsigned x = 0; x < sizes[0]; ++x) {
          places_.push_back({static_cast<std::uint8_t>(x), static_cast<std::uint8_t>(y),
                             static_cast<std::uint8_t>(z)});
        }
      }
    }
  }

  unsigned nodes() const { return static_cast<unsigned>(places_.size()); }
  unsigned size(unsigned dimension) const { return sizes_[dimension]; }
  const Place& place(unsigned node) const { return places_[node]; }
  unsigned node(const Place& place) const {
    return place[0] + sizes_[0] * (place[1] + sizes_[1] * place[2]);
  }
  /// The next node of a ring.
  unsigned neighbour(unsigned node, unsigned dimension, Way way) const {
    Place next = places_[node];
    const unsigned size = sizes_[dimension];
    next[dimension] =
        static_cast<std::uint8_t>((next[dimension] + (way == Way::up ? 1U : size - 1)) % size);
    return this->node(next);
  }

 private:
  std::array<unsigned, torus_dimensions> sizes_;
  std::vector<Place> places_;
};

/// Links from `from` to `to` in a ring of `size` nodes, going `way`.
constexpr unsigned ring_distance(unsigned size, unsigned from, unsigned to, Way way) {
  return way == Way::up ? (to + size - from) % size : (from + size - to) % size;
}

/// Whether the link that leaves `at` in this direction is the one across the dateline, which lies
/// between the last and the first node of a ring.
constexpr bool crosses_dateline(unsigned size, unsigned at, Way way) {
  return way == Way::up ? at + 1 == size : at == 0;
}

/// Cables of a ring that are out of use: bit i is the one between node i and the next one up.
using RingFaults = std::uint64_t;

/// The cable that leaves `at`.
constexpr unsigned ring_cable(unsigned size, unsigned at, Way way) {
  return way == Way::up ? at : (at + size - 1) % size;
}

/// Whether every cable is in use.
constexpr bool ring_way_open(unsigned size, unsigned from, unsigned to, Way way,
                             RingFaults faults) {
  if (faults == 0) return true;
  for (unsigned at = from; at != to; at = (at + (way == Way::up ? 1 : size - 1)) % size) {
    if ((faults >> ring_cable(size, at, way) & 1) != 0) return false;
  }
  return true;
}

/// What a packet does in a ring.
enum class RingChoice : std::uint8_t { arrived, up, down, unreachable };

/// The shorter way round; of two equal ones, up if `tie_up`; the other one where the first is
/// broken.
constexpr RingChoice choose_way(unsigned size, unsigned from, unsigned to, bool tie_up,
                                RingFaults faults = 0) {
  if (from == to) return RingChoice::arrived;
  const unsigned up = ring_distance(size, from, to, Way::up);
  const bool goes_up = up * 2 == size ? tie_up : up * 2 < size;
  const Way first = goes_up ? Way::up : Way::down;
  for (const Way way : {first, opposite(first)}) {
    if (!ring_way_open(size, from, to, way, faults)) continue;
    return way == Way::up ? RingChoice::up : RingChoice::down;
  }
  return RingChoice::unreachable;
}

/// Which of two equally long ways round a packet takes: half of all pairs go up, half down. In one
/// dimension the sender's coordinate decides; the other coordinates of both ends mix the choice, so
/// that parallel rings, and the two cables of a ring of two, share the load.
inline bool tie_goes_up(const TorusShape::Place& source, const TorusShape::Place& destination,
                        unsigned dimension) {
  unsigned mix = source[dimension];
  for (unsigned d = 0; d < torus_dimensions; ++d) {
    if (d != dimension) mix ^= static_cast<unsigned>(source[d]) ^ destination[d];
  }
  return (mix & 1) == 0;
}

/// Links on the shortest way between two nodes.
inline unsigned torus_hops(const TorusShape& shape, unsigned source, unsigned destination) {
  unsigned hops = 0;
  for (unsigned d = 0; d < torus_dimensions; ++d) {
    const unsigned up =
        ring_distance(shape.size(d), shape.place(source)[d], shape.place(destination)[d], Way::up);
    hops += up * 2 < shape.size(d) ? up : (shape.size(d) - up) % shape.size(d);
  }
  return hops;
}

}  // namespace heddle
