#include "parts/credit_scheduler.h"

#include <algorithm>
#include <cstddef>

namespace heddle {

CreditScheduler::CreditScheduler(unsigned leaves, const std::vector<TrafficClassConfig>& classes,
                                 std::uint32_t credit_bytes, unsigned slices)
    : leaves_(leaves),
      slices_(slices),
      credit_bytes_(credit_bytes),
      requested_(leaves * classes.size()),
      granted_(leaves * classes.size()),
      waiting_(classes.size() * slices, BitMask(leaves)),
      pointer_(classes.size() * slices),
      slice_pointer_(classes.size()),
      class_scheduler_(classes, credit_bytes) {}

void CreditScheduler::request(unsigned leaf, unsigned traffic_class, std::uint32_t credits) {
  std::uint32_t& requested = requested_[index(leaf, traffic_class)];
  const auto more = static_cast<std::int32_t>(credits - requested);  // counts wrap
  if (more <= 0) return;
  requested = credits;
  outstanding_ += static_cast<std::uint32_t>(more);
  waiting_[queue(traffic_class, leaf % slices_)].set(leaf);
  waiting_classes_ = static_cast<std::uint8_t>(waiting_classes_ | 1U << traffic_class);
}

bool CreditScheduler::waits(unsigned traffic_class) const {
  const auto first = waiting_.begin() + static_cast<std::ptrdiff_t>(queue(traffic_class, 0));
  return std::any_of(first, first + slices_, [](const BitMask& slice) { return slice.any(); });
}

unsigned CreditScheduler::next_slice(unsigned traffic_class) {
  unsigned slice = slice_pointer_[traffic_class];
  while (!waiting_[queue(traffic_class, slice)].any()) slice = slice + 1 < slices_ ? slice + 1 : 0;
  slice_pointer_[traffic_class] = slice + 1 < slices_ ? slice + 1 : 0;
  return slice;
}

CreditScheduler::Grant CreditScheduler::grant() {
  const unsigned c = class_scheduler_.pick(
      waiting_classes_, [&](unsigned) { return static_cast<std::int64_t>(credit_bytes_); });
  const std::size_t q = queue(c, next_slice(c));
  const unsigned leaf = waiting_[q].next_round(pointer_[q]);
  pointer_[q] = leaf + 1;
  const std::size_t voq = index(leaf, c);
  ++granted_[voq];
  --outstanding_;
  if (granted_[voq] == requested_[voq]) {
    waiting_[q].clear(leaf);
    if (!waits(c)) waiting_classes_ = static_cast<std::uint8_t>(waiting_classes_ & ~(1U << c));
  }
  return {leaf, c, granted_[voq]};
}

}  // namespace heddle
