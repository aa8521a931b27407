// Traffic classes: what every device that schedules or pauses by class agrees on.
#pragma once

#include <vector>

#include "kernel/fields.h"

namespace heddle {

inline constexpr unsigned max_traffic_classes = 8;  // IEEE 802.1Q: three priority bits

enum class ClassScheduling : std::uint8_t { strict, weighted };

/// One traffic class. Classes are numbered from 0; among strict classes the higher number goes
/// first, and every strict class goes before every weighted one (IEEE 802.1Q, 8.6.8).
struct TrafficClassConfig {
  ClassScheduling scheduling = ClassScheduling::weighted;
  std::uint64_t weight = 1;
  bool lossless = true;

  void describe(Fields& fields) {
    fields.choice("scheduling", scheduling, {"strict", "weighted"},
                  "Strict classes go before all weighted ones; the higher class number first.",
                  "IEEE 802.1Q 8.6.8");
    fields
        .add("weight", weight, 1, 255,
             "Share of the bandwidth among weighted classes (deficit round robin).",
             "Shreedhar and Varghese 1996")
        .when("scheduling", {"weighted"});
    fields.flag("lossless", lossless,
                "Priority flow control protects the class; otherwise it is dropped when full.",
                "IEEE 802.1Qbb");
  }
};

/// Mask of the lossless classes.
inline std::uint8_t lossless_classes(const std::vector<TrafficClassConfig>& classes) {
  unsigned mask = 0;
  for (unsigned c = 0; c < classes.size(); ++c) {
    if (classes[c].lossless) mask |= 1U << c;
  }
  return static_cast<std::uint8_t>(mask);
}

}  // namespace heddle
