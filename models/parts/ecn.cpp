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

bool mark(const EcnConfig& config, std::uint64_t queue_bytes, std::uint64_t random) {
  const double probability = mark_probability(config, queue_bytes);
  if (probability >= 1) return true;
  return random < static_cast<std::uint64_t>(std::ldexp(probability, 64));
}

}  // namespace heddle
