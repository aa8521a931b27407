#include "kernel/histogram.h"

#include <cmath>

namespace heddle {

unsigned Histogram::quantile_bucket(double share) const {
  const auto target = std::max<std::uint64_t>(
      1, static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_))));
  std::uint64_t passed = 0;
  for (unsigned bucket = 0; bucket < counts_.size(); ++bucket) {
    passed += counts_[bucket];
    if (passed >= target) return bucket;
  }
  return 0;
}

std::uint64_t Histogram::quantile(double share) const {
  return count_ == 0 ? 0 : std::min(Scale::ceiling(quantile_bucket(share)), maximum_);
}

}  // namespace heddle
