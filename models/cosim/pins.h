// Reading and writing the pins of a Verilated module: unsigned integers up to 64 bits, wider ones
// as arrays of 32-bit words, the lowest first.
#pragma once

#include <verilated.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#include "kernel/frame.h"
#include "kernel/link.h"

namespace heddle::pins {

/// A device that takes link-local frames beside others.
template <class Top, class = void>
inline constexpr bool has_local_lane = false;
template <class Top>
inline constexpr bool
    has_local_lane<Top, std::void_t<decltype(std::declval<Top&>().local_valid_i)>> = true;

/// A device that asks for the number of the cycle.
template <class Top, class = void>
inline constexpr bool has_clock_pin = false;
template <class Top>
inline constexpr bool has_clock_pin<Top, std::void_t<decltype(std::declval<Top&>().now_i)>> = true;

template <class Pin>
void set(Pin& pin, std::uint64_t value) {
  pin = static_cast<Pin>(value);
}

/// Bits lsb .. lsb + width - 1; at most 64.
template <class Pin>
void set_bits(Pin& pin, unsigned lsb, unsigned width, std::uint64_t value) {
  const std::uint64_t mask = (width < 64 ? std::uint64_t{1} << width : 0) - 1;
  pin = static_cast<Pin>((pin & ~(mask << lsb)) | (value & mask) << lsb);
}
template <std::size_t words>
void set_bits(VlWide<words>& pin, unsigned lsb, unsigned width, std::uint64_t value) {
  for (unsigned done = 0; done < width;) {
    const unsigned at = lsb + done;
    const unsigned bits = std::min(32 - at % 32, width - done);
    const std::uint32_t mask = (bits < 32 ? 1U << bits : 0U) - 1;
    EData& word = pin[at / 32];
    const auto piece = static_cast<std::uint32_t>(value >> done) & mask;
    word = (word & ~(mask << at % 32)) | piece << at % 32;
    done += bits;
  }
}

template <class Pin>
std::uint64_t get_bits(const Pin& pin, unsigned lsb, unsigned width) {
  const std::uint64_t mask = (width < 64 ? std::uint64_t{1} << width : 0) - 1;
  return std::uint64_t{pin} >> lsb & mask;
}
template <std::size_t words>
std::uint64_t get_bits(const VlWide<words>& pin, unsigned lsb, unsigned width) {
  std::uint64_t value = 0;
  for (unsigned done = 0; done < width;) {
    const unsigned at = lsb + done;
    const unsigned bits = std::min(32 - at % 32, width - done);
    const std::uint32_t mask = (bits < 32 ? 1U << bits : 0U) - 1;
    value |= std::uint64_t{pin[at / 32] >> at % 32 & mask} << done;
    done += bits;
  }
  return value;
}

template <std::size_t words>
bool any(const VlWide<words>& pin) {
  return std::any_of(pin.m_storage, pin.m_storage + words, [](EData word) { return word != 0; });
}

/// Frame number `index` of a pin of several, as heddle_pkg::frame_t lays it out: as in memory.
inline constexpr unsigned frame_words = sizeof(Frame) / sizeof(EData);
template <std::size_t words>
void set_frame(VlWide<words>& pin, unsigned index, const Frame& frame) {
  std::memcpy(&pin[index * frame_words], &frame, sizeof frame);
}
template <std::size_t words>
Frame get_frame(const VlWide<words>& pin, unsigned index) {
  Frame frame;
  std::memcpy(static_cast<void*>(&frame), &pin[index * frame_words], sizeof frame);
  return frame;
}

/// Of the link from `port`; before reset.
template <class Top>
void set_rate(Top& top, unsigned port, const LinkRate& rate) {
  set_bits(top.cfg_rate_bytes_i, 32 * port, 32, rate.bytes);
  set_bits(top.cfg_rate_cycles_i, 32 * port, 32, rate.cycles);
}

/// An event has changed the rate of the link from `port`; for the edge of cycle `now`, after which
/// set_rate_i is to be taken back.
template <class Top>
void change_rate(Top& top, unsigned port, const Link& link, Cycle now) {
  set_rate(top, port, link.rate());
  set_bits(top.set_rate_i, port, 1, 1);
  const std::int64_t least = -std::int64_t{link.rate().bytes};
  set_bits(top.set_rate_busy_i, 64 * port, 64,
           static_cast<std::uint64_t>(std::max(link.backlog(now), least)));
}

}  // namespace heddle::pins
