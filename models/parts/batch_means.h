// The mean of a correlated stream of observations with its confidence interval: the stream is cut
// into batches so long that their means are as good as independent (Law and Carson, Operations
// Research 27(5), 1979).
#pragma once

#include <array>
#include <cstdint>

namespace heddle {

struct Estimate {
  double mean = 0;
  double half_width = 0;  ///< of the 95 % confidence interval; 0 when it is not known
};

/// Student's t that is exceeded with probability 2.5 %, for `degrees` >= 1 of freedom, within 0.2 %
/// from 5 on (Abramowitz and Stegun, 26.7.5).
double student_t(unsigned degrees);

class BatchMeans {
 public:
  static constexpr unsigned batches = 30;  ///< 10 to 30 are usual (Law and Carson)

  /// `sum` of `count` more observations that belong to `batch`.
  void add(unsigned batch, std::uint64_t sum, std::uint64_t count) {
    sums_[batch] += sum;
    counts_[batch] += count;
  }

  /// Of one observation. Batches without one do not count.
  Estimate estimate() const;

 private:
  std::array<std::uint64_t, batches> sums_{};
  std::array<std::uint64_t, batches> counts_{};
};

}  // namespace heddle
