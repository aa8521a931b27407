#include "parts/batch_means.h"

#include <cmath>

namespace heddle {

double student_t(unsigned degrees) {
  constexpr double z = 1.959963985;  // the normal distribution's
  const double n = degrees;
  const double z3 = z * z * z;
  const double z5 = z3 * z * z;
  return z + (z3 + z) / (4 * n) + (5 * z5 + 16 * z3 + 3 * z) / (96 * n * n) +
         (3 * z5 * z * z + 19 * z5 + 17 * z3 - 15 * z) / (384 * n * n * n);
}

Estimate BatchMeans::estimate() const {
  std::uint64_t sum = 0;
  std::uint64_t count = 0;
  unsigned used = 0;
  for (unsigned b = 0; b < batches; ++b) {
    sum += sums_[b];
    count += counts_[b];
    used += counts_[b] != 0 ? 1 : 0;
  }
  Estimate estimate;
  if (used == 0) return estimate;
  estimate.mean = static_cast<double>(sum) / static_cast<double>(count);
  if (used == 1) return estimate;
  double squares = 0;
  for (unsigned b = 0; b < batches; ++b) {
    if (counts_[b] == 0) continue;
    const double off =
        static_cast<double>(sums_[b]) / static_cast<double>(counts_[b]) - estimate.mean;
    squares += off * off;
  }
  estimate.half_width = student_t(used - 1) * std::sqrt(squares / (used - 1) / used);
  return estimate;
}

}  // namespace heddle
