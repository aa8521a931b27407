// Counts of values on a scale that is exact below 256 and to 0.4 % above.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "kernel/occupancy.h"

namespace heddle {

class Histogram {
 public:
  using Scale = LogScale<8>;

  Histogram() : counts_(Scale::buckets(40)) {}

  void add(std::uint64_t value) {
    ++counts_[Scale::bucket(value)];
    ++count_;
    sum_ += value;
    maximum_ = std::max(maximum_, value);
  }

  std::uint64_t count() const { return count_; }
  std::uint64_t maximum() const { return maximum_; }
  double mean() const {
    return count_ == 0 ? 0 : static_cast<double>(sum_) / static_cast<double>(count_);
  }

  /// Bucket that holds the smallest value v with CDF(v) >= share.
  unsigned quantile_bucket(double share) const;
  /// The upper end of that bucket.
  std::uint64_t quantile(double share) const;

 private:
  std::vector<std::uint64_t> counts_;
  std::uint64_t count_ = 0;
  std::uint64_t sum_ = 0;
  std::uint64_t maximum_ = 0;
};

}  // namespace heddle
