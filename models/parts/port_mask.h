// Sets of up to 64 ports as one word: what arbiters and matchers of a crossbar look at together.
#pragma once

#include <cstdint>

namespace heddle {

using PortMask = std::uint64_t;

inline constexpr unsigned port_mask_bits = 64;

constexpr PortMask port_bit(unsigned port) { return PortMask{1} << port; }

/// Ports 0 .. ports - 1.
constexpr PortMask first_ports(unsigned ports) {
  return ports == port_mask_bits ? ~PortMask{0} : port_bit(ports) - 1;
}

/// `mask` must not be 0.
inline unsigned lowest_port(PortMask mask) { return static_cast<unsigned>(__builtin_ctzll(mask)); }

inline unsigned count_ports(PortMask mask) {
  return static_cast<unsigned>(__builtin_popcountll(mask));
}

/// Calls f(port) for every member in ascending order.
template <class F>
void for_each_port(PortMask mask, F&& f) {
  for (; mask != 0; mask &= mask - 1) f(lowest_port(mask));
}

}  // namespace heddle
