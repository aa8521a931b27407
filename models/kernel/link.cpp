#include "kernel/link.h"

#include <algorithm>
#include <numeric>

namespace heddle {

LinkRate LinkRate::of(Rate rate, std::uint64_t period_ps) {
  // bits/s * ps/cycle / (8 bits/byte * 1e12 ps/s); 1e13 bits/s * 1e4 ps stays below 2^64.
  const std::uint64_t numerator = rate.bits_per_second * period_ps;
  const std::uint64_t denominator = 8'000'000'000'000;
  const std::uint64_t common = std::gcd(numerator, denominator);
  const std::uint64_t largest = ~std::uint32_t{0};
  if (numerator / common > largest || denominator / common > largest) {
    throw InputError("the rate of a link has no exact fraction in 32 bits at this clock");
  }
  return {static_cast<std::uint32_t>(numerator / common),
          static_cast<std::uint32_t>(denominator / common)};
}

Link::Link(std::string name, Clock& clock, PacketPool& packets, LinkRate rate, Cycle latency)
    : rate_(rate),
      clock_(clock),
      pool_(clock.flights()),
      packets_(packets),
      latency_(static_cast<std::uint32_t>(std::max<Cycle>(latency, 1))),
      name_(std::move(name)) {}

void Link::bind_receiver(std::uint32_t device, unsigned reason, Delivery delivery, Cycle pipeline) {
  receiver_ = device;
  reason_ = reason;
  delivery_ = delivery;
  pipeline_ = static_cast<std::uint32_t>(pipeline);
}

std::uint64_t Link::count(const Flights& flights) const {
  std::uint64_t frames = 0;
  for (std::uint32_t place = flights.first; place != FlightPool::none; place = pool_[place].next) {
    ++frames;
  }
  return frames;
}

double Link::utilization(Cycle end) const {
  return end == 0
             ? 0
             : static_cast<double>(bytes_) / (rate_.bytes_per_cycle() * static_cast<double>(end));
}

}  // namespace heddle
