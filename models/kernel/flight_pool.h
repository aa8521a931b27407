// The frames under way on all links of a clock domain, in one memory. The place that was left last
// is taken first, so a link writes where a receiver has just read.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "kernel/frame.h"

namespace heddle {

struct alignas(32) Flight {  // never across two cache lines
  Frame frame;
  std::uint32_t next;             ///< on the same link, or among the free places
  std::uint32_t next_visible_at;  ///< of the next on the same link
};
static_assert(sizeof(Flight) == 32);

class FlightPool {
 public:
  static constexpr std::uint32_t none = ~std::uint32_t{0};

  /// References to other places are void after it.
  std::uint32_t acquire() {
    if (free_ != none) return std::exchange(free_, flights_[free_].next);
    flights_.push_back({Frame{}, none, 0});
    return static_cast<std::uint32_t>(flights_.size() - 1);
  }
  void release(std::uint32_t place) { flights_[place].next = std::exchange(free_, place); }

  Flight& operator[](std::uint32_t place) { return flights_[place]; }
  const Flight& operator[](std::uint32_t place) const { return flights_[place]; }

 private:
  std::vector<Flight> flights_;
  std::uint32_t free_ = none;
};

}  // namespace heddle
