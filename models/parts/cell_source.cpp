#include "parts/cell_source.h"

#include <cmath>

namespace heddle {

namespace {

constexpr double probability_unit = 0x1p32;

/// A silence ends with this probability in each slot, its first included, so that its mean is
/// burst * (1 - load) / load slots.
double chance_of_begin(const CellTraffic& traffic) {
  return traffic.load / (traffic.load + traffic.mean_burst * (1 - traffic.load));
}

}  // namespace

BernoulliMask::BernoulliMask(double probability)
    : probability_(static_cast<std::uint64_t>(std::llround(probability * probability_unit))) {}

/// Compares 64 random fractions with the probability at once, from its lowest set bit upwards: a
/// fraction is below it if its bit is 0 where the probability has 1, or equal there and below in
/// the bits that follow.
PortMask BernoulliMask::draw(Rng& rng) const {
  if (probability_ == 0) return 0;
  if (probability_ >> 32 != 0) return ~PortMask{0};
  const auto lowest = static_cast<unsigned>(__builtin_ctzll(probability_));
  PortMask below = rng.bits();
  for (unsigned bit = lowest + 1; bit < 32; ++bit) {
    const PortMask random = rng.bits();
    below = (probability_ >> bit & 1) != 0 ? below | random : below & random;
  }
  return below;
}

CellSource::CellSource(unsigned ports, const CellTraffic& traffic, std::uint64_t seed,
                       std::string_view device)
    : ports_(ports),
      traffic_(traffic),
      begins_(chance_of_begin(traffic)),
      ends_(1 / traffic.mean_burst),
      ports_mask_(first_ports(ports)),
      arrivals_(seed, device, "arrivals"),
      destinations_(seed, device, "destinations") {
  if (traffic.mean_burst == 1) return;
  // A burst that goes on: geometric lengths have no memory.
  in_burst_ =
      BernoulliMask(traffic.load * (1 - 1 / traffic.mean_burst)).draw(arrivals_) & ports_mask_;
  for_each_port(in_burst_, [&](unsigned input) {
    destination_[input] = static_cast<std::uint8_t>(draw_destination(input));
  });
}

PortMask CellSource::next_slot() {
  fresh_ = begins_.draw(arrivals_) & ports_mask_ & ~in_burst_;
  const PortMask arriving = in_burst_ | fresh_;
  in_burst_ = arriving & ~ends_.draw(arrivals_);
  return arriving;
}

unsigned CellSource::destination(unsigned input) {
  if ((fresh_ & port_bit(input)) != 0) {
    destination_[input] = static_cast<std::uint8_t>(draw_destination(input));
  }
  return destination_[input];
}

unsigned CellSource::draw_destination(unsigned input) {
  unsigned distance = 0;
  switch (traffic_.pattern) {
    case CellPattern::uniform:
      return destinations_.below(ports_);
    case CellPattern::diagonal:
      distance = destinations_.below(3) == 0 ? 1 : 0;
      break;
    case CellPattern::log_diagonal:
      do {
        distance = lowest_port(destinations_.bits() | port_bit(63));
      } while (distance >= ports_);
      break;
  }
  const unsigned output = input + distance;
  return output < ports_ ? output : output - ports_;
}

}  // namespace heddle
