#include "parts/credit_scheduler.h"

namespace heddle {

CreditScheduler::CreditScheduler(unsigned leaves, const std::vector<TrafficClassConfig>& classes,
                                 std::uint32_t credit_bytes)
    : leaves_(leaves),
      credit_bytes_(credit_bytes),
      requested_(leaves * classes.size()),
      granted_(leaves * classes.size()),
      waiting_(classes.size(), BitMask(leaves)),
      pointer_(classes.size()),
      class_scheduler_(classes, credit_bytes) {}

void CreditScheduler::request(unsigned leaf, unsigned traffic_class, std::uint32_t credits) {
  std::uint32_t& requested = requested_[index(leaf, traffic_class)];
  const auto more = static_cast<std::int32_t>(credits - requested);  // counts wrap
  if (more <= 0) return;
  requested = credits;
  outstanding_ += static_cast<std::uint32_t>(more);
  waiting_[traffic_class].set(leaf);
  waiting_classes_ = static_cast<std::uint8_t>(waiting_classes_ | 1U << traffic_class);
}

CreditScheduler::Grant CreditScheduler::grant() {
  const unsigned c = class_scheduler_.pick(
      waiting_classes_, [&](unsigned) { return static_cast<std::int64_t>(credit_bytes_); });
  BitMask& waiting = waiting_[c];
  const unsigned leaf = waiting.next_round(pointer_[c]);
  pointer_[c] = leaf + 1;
  const std::size_t voq = index(leaf, c);
  ++granted_[voq];
  --outstanding_;
  if (granted_[voq] == requested_[voq]) {
    waiting.clear(leaf);
    if (!waiting.any()) waiting_classes_ = static_cast<std::uint8_t>(waiting_classes_ & ~(1U << c));
  }
  return {leaf, c, granted_[voq]};
}

}  // namespace heddle
