// Congestion marking by queue depth: the curve of random early detection without its averaging, as
// DCQCN switches use it (Zhu et al., SIGCOMM 2015, section 3; IETF RFC 3168 for the mark itself).
// Pure functions; the caller brings the queue depth and 64 random bits.
#pragma once

#include <cstdint>

#include "kernel/fields.h"

namespace heddle {

struct EcnConfig {
  Bytes kmin = 1_MiB;
  Bytes kmax = 2_MiB;
  double pmax = 0.05;

  void describe(Fields& fields);

  /// Throws InputError unless kmin <= kmax.
  void check() const;
};

/// Probability of marking a packet that meets `queue_bytes` in its queue: 0 up to kmin, linear from
/// 0 at kmin to pmax at kmax, 1 above kmax.
double mark_probability(const EcnConfig& config, std::uint64_t queue_bytes);

/// Rise of the curve between kmin and kmax per byte, as hardware holds it: in units of 2^-56,
/// rounded up. 0 unless kmin < kmax.
std::uint64_t mark_slope(const EcnConfig& config);

/// Whether such a packet is marked. `random` holds 64 uniform bits; the upper 56 are compared with
/// the probability as an integer of that scale, so 0 never marks and 1 always does.
bool mark(const EcnConfig& config, std::uint64_t queue_bytes, std::uint64_t random);

}  // namespace heddle
