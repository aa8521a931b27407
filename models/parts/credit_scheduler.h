// The credit scheduler of one egress port: who may send to it next. Requests and grants are counts
// of credits since the start of the run, so a repeated or overtaken message does no harm and a lost
// one is repaired by the next.
#pragma once

#include <cstdint>
#include <vector>

#include "kernel/bit_mask.h"
#include "parts/class_scheduler.h"

namespace heddle {

class CreditScheduler {
 public:
  struct Grant {
    unsigned leaf;
    unsigned traffic_class;
    std::uint32_t credits;  ///< granted to this VOQ so far
  };

  /// Leaf i belongs to slice i mod `slices`.
  CreditScheduler(unsigned leaves, const std::vector<TrafficClassConfig>& classes,
                  std::uint32_t credit_bytes, unsigned slices = 1);

  /// The VOQ of `leaf` and `traffic_class` has asked for `credits` in total.
  void request(unsigned leaf, unsigned traffic_class, std::uint32_t credits);

  /// Whether any VOQ waits for a credit.
  bool wanted() const { return waiting_classes_ != 0; }

  /// Grants one credit: strict between classes, weighted among the others, and round robin among
  /// the slices of a class, and among the VOQs of a slice. Somebody must be waiting.
  Grant grant();

  /// What has been granted to a VOQ so far: repeated on demand of its watchdog.
  std::uint32_t granted(unsigned leaf, unsigned traffic_class) const {
    return granted_[index(leaf, traffic_class)];
  }

  /// Credits asked for and not granted, over all VOQs.
  std::uint64_t outstanding() const { return outstanding_; }

 private:
  std::size_t index(unsigned leaf, unsigned traffic_class) const {
    return std::size_t{traffic_class} * leaves_ + leaf;
  }

  /// Where the VOQs of a class and slice wait.
  std::size_t queue(unsigned traffic_class, unsigned slice) const {
    return std::size_t{traffic_class} * slices_ + slice;
  }
  bool waits(unsigned traffic_class) const;
  unsigned next_slice(unsigned traffic_class);

  unsigned leaves_;
  unsigned slices_;
  std::uint32_t credit_bytes_;
  std::vector<std::uint32_t> requested_;
  std::vector<std::uint32_t> granted_;
  std::vector<BitMask> waiting_;         // per class and slice, by leaf
  std::vector<unsigned> pointer_;        // per class and slice: where the round goes on
  std::vector<unsigned> slice_pointer_;  // per class: the same for the round of its slices
  std::uint8_t waiting_classes_ = 0;
  std::uint64_t outstanding_ = 0;
  ClassScheduler class_scheduler_;
};

}  // namespace heddle
