// Which of several equal links the next cell or packet takes when load does not matter.
#pragma once

#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include "parts/lfsr.h"

namespace heddle {

enum class SprayPolicy : std::uint8_t { round_robin, random };

class SprayOrder {
 public:
  SprayOrder(SprayPolicy policy, unsigned links, Lfsr random)
      : policy_(policy), random_(random), order_(links), position_(links) {
    std::iota(order_.begin(), order_.end(), std::uint16_t{0});
  }

  /// round_robin: every link once per round, the order of each round drawn afresh, so that
  /// sources do not fall into step. random: each time independently.
  unsigned next() {
    const auto links = static_cast<std::uint32_t>(order_.size());
    if (policy_ == SprayPolicy::random) return draw(links);
    if (position_ == links) {
      for (std::uint32_t i = links; i > 1; --i) std::swap(order_[i - 1], order_[random_.below(i)]);
      position_ = 0;
    }
    return order_[position_++];
  }

  /// One of so many links, independently of all that came before.
  unsigned draw(std::uint32_t links) { return random_.below(links); }

  const Lfsr& random() const { return random_; }

 private:
  SprayPolicy policy_;
  Lfsr random_;
  std::vector<std::uint16_t> order_;
  std::uint32_t position_;
};

}  // namespace heddle
