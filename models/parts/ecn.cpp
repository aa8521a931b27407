#include "parts/ecn.h"

#include <cmath>

#include "kernel/error.h"

namespace heddle {

void EcnConfig::describe(Fields& fields) {
  fields.add("kmin", kmin, 0, 1e12, "Up to this queue depth no packet is marked.",
             "1 MiB: sonic-buildimage, default ECN profile");
  fields.add(
      "kmax", kmax, 0, 1e12,
      "At this queue depth the marking probability is pmax; above it every packet is marked.",
      "2 MiB: sonic-buildimage, default ECN profile");
  fields.add("pmax", pmax, 0, 1, "Marking probability at kmax.",
             "0.05: sonic-buildimage, default ECN profile");
}

void EcnConfig::check() const {
  if (kmax < kmin) throw InputError("ecn: kmax must not be smaller than kmin");
}

double mark_probability(const EcnConfig& config, std::uint64_t queue_bytes) {
  if (queue_bytes <= config.kmin.value) return 0;
  if (queue_bytes > config.kmax.value) return 1;
  return config.pmax * static_cast<double>(queue_bytes - config.kmin.value) /
         static_cast<double>(config.kmax.value - config.kmin.value);
}

std::uint64_t mark_slope(const EcnConfig& config) {
  if (!(config.kmin < config.kmax)) return 0;
  const auto bytes = static_cast<double>(config.kmax.value - config.kmin.value);
  return static_cast<std::uint64_t>(std::ceil(std::ldexp(config.pmax, 56) / bytes));
}

bool mark(const EcnConfig& config, std::uint64_t queue_bytes, std::uint64_t random) {
  if (queue_bytes <= config.kmin.value) return false;
  if (queue_bytes > config.kmax.value) return true;
  return random >> 8 < (queue_bytes - config.kmin.value) * mark_slope(config);
}

}  // namespace heddle
