#include "parts/path_selector.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "kernel/error.h"

namespace heddle {

namespace {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the first byte is a word's lowest");

constexpr std::uint64_t every_byte = 0x0101010101010101;

/// The lowest bit of each of the first `count` bytes, at most eight, that equals `value`.
std::uint64_t equal_bytes(const std::uint8_t* bytes, unsigned count, std::uint8_t value) {
  std::uint64_t word = 0;
  if (count >= 8) {
    std::memcpy(&word, bytes, 8);
  } else {
    std::memcpy(&word, bytes, count);
  }
  const std::uint64_t differing = word ^ every_byte * value;
  const std::uint64_t low_bits = every_byte * 0x7f;
  const std::uint64_t equal = ~(((differing & low_bits) + low_bits) | differing) >> 7 & every_byte;
  return count >= 8 ? equal : equal & ((std::uint64_t{1} << 8 * count) - 1);
}

/// How many bytes of a word of equal_bytes are there.
unsigned bytes_in(std::uint64_t equals) { return static_cast<unsigned>(equals * every_byte >> 56); }

}  // namespace

PathSelector::PathSelector(const Rules& rules,
                           const std::vector<std::vector<std::uint16_t>>& groups, Rng seeds)
    : rules_(rules), salt_(seeds.bits()), random_(seeds) {
  for (const auto& ports : groups) {
    for (std::size_t i = 1; i < ports.size(); ++i) {
      if (ports[i] != ports[0] + i) throw CheckFailure("equal-cost ports that are no neighbours");
    }
    groups_.push_back({ports[0], static_cast<std::uint16_t>(ports.size())});
    spray_.emplace_back(rules.spray, static_cast<unsigned>(ports.size()), Lfsr(seeds));
  }
  if (rules_.routing == Routing::flowlet) flowlets_.resize(flowlet_entries);
}

std::uint64_t PathSelector::flow_hash(const Frame& frame) const {
  std::uint64_t key = static_cast<std::uint64_t>(frame.source) << 48 ^
                      static_cast<std::uint64_t>(frame.destination) << 32 ^ frame.flow;
  key = (key ^ salt_) * 0xbf58476d1ce4e5b9;
  key = (key ^ key >> 31) * 0x94d049bb133111eb;
  return key ^ key >> 29;
}

unsigned PathSelector::choose_among(const std::vector<std::uint16_t>& ports, unsigned group,
                                    const Frame& frame, Cycle now,
                                    const std::vector<std::uint8_t>& grades) {
  const auto count = static_cast<unsigned>(ports.size());
  switch (rules_.routing) {
    case Routing::ecmp:
      return ports[by_flow(frame, count)];
    case Routing::flowlet:
      return ports[by_flowlet(frame, count, now)];
    case Routing::adaptive: {
      usable_grades_.clear();
      for (const std::uint16_t port : ports) usable_grades_.push_back(grades[port]);
      return ports[by_grade(usable_grades_.data(), count)];
    }
    case Routing::spray:
      break;
  }
  if (rules_.spray == SprayPolicy::random) return ports[spray_[group].draw(count)];
  for (;;) {  // the turn passes by the ports that may not be used
    const unsigned port = groups_[group].first + spray_[group].next();
    if (std::find(ports.begin(), ports.end(), port) != ports.end()) return port;
  }
}

unsigned PathSelector::by_flowlet(const Frame& frame, unsigned ports, Cycle now) {
  Flowlet& flowlet = flowlets_[flow_hash(frame) % flowlet_entries];
  const bool gap = flowlet.last == 0 || now + 1 - flowlet.last >= rules_.flowlet_gap_cycles;
  if (gap) flowlet.choice = static_cast<std::uint16_t>(random_.below(ports));
  flowlet.last = now + 1;
  return flowlet.choice % ports;
}

/// Grades are bytes side by side: the compiler takes the lowest of many at once, and equals are
/// looked for eight at a time.
unsigned PathSelector::by_grade(const std::uint8_t* grades, unsigned ports) {
  std::uint8_t best = grades[0];
  for (unsigned i = 1; i < ports; ++i) best = std::min(best, grades[i]);
  unsigned all = 0;
  for (unsigned i = 0; i < ports; i += 8) all += bytes_in(equal_bytes(grades + i, ports - i, best));
  unsigned left = all == 1 ? 0 : random_.below(all);
  for (unsigned i = 0;; i += 8) {
    std::uint64_t equals = equal_bytes(grades + i, ports - i, best);
    if (const unsigned here = bytes_in(equals); left >= here) {
      left -= here;
      continue;
    }
    for (; left != 0; --left) equals &= equals - 1;
    return i + static_cast<unsigned>(__builtin_ctzll(equals)) / 8;
  }
}

}  // namespace heddle
