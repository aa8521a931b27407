// Quantities as people write them in a scenario. Devices work on integers (cycles, bytes);
// these types exist at the boundary, so that a rate can never be read as a duration.
#pragma once

#include <cstdint>

namespace heddle {

/// A count of clock cycles, or the number of one cycle since the start of the run.
using Cycle = std::uint64_t;

/// "Never": later than any cycle that a run can reach.
inline constexpr Cycle never = ~Cycle{0};

struct Bytes {
  std::uint64_t value = 0;
};

/// Picoseconds: the common measure between clock domains.
struct Duration {
  std::uint64_t picoseconds = 0;
};

/// Bits per second, exact: 106.25 Gbps is 106'250'000'000.
struct Rate {
  std::uint64_t bits_per_second = 0;
};

/// Clock frequency in hertz.
struct Frequency {
  std::uint64_t hertz = 0;
};

inline constexpr std::uint64_t ps_per_second = 1'000'000'000'000;

/// Picoseconds of a cycle, rounded down; scenarios have clocks with a whole number.
constexpr std::uint64_t period_ps(Frequency clock) { return ps_per_second / clock.hertz; }

constexpr bool operator==(Bytes a, Bytes b) { return a.value == b.value; }
constexpr bool operator<(Bytes a, Bytes b) { return a.value < b.value; }
constexpr bool operator==(Duration a, Duration b) { return a.picoseconds == b.picoseconds; }
constexpr bool operator<(Duration a, Duration b) { return a.picoseconds < b.picoseconds; }
constexpr bool operator==(Rate a, Rate b) { return a.bits_per_second == b.bits_per_second; }
constexpr bool operator==(Frequency a, Frequency b) { return a.hertz == b.hertz; }
constexpr bool operator<(Rate a, Rate b) { return a.bits_per_second < b.bits_per_second; }

inline namespace literals {
constexpr Bytes operator""_B(unsigned long long n) { return {n}; }
constexpr Bytes operator""_KiB(unsigned long long n) { return {n << 10}; }
constexpr Bytes operator""_MiB(unsigned long long n) { return {n << 20}; }
constexpr Bytes operator""_GiB(unsigned long long n) { return {n << 30}; }
constexpr Duration operator""_ps(unsigned long long n) { return {n}; }
constexpr Duration operator""_ns(unsigned long long n) { return {n * 1'000}; }
constexpr Duration operator""_us(unsigned long long n) { return {n * 1'000'000}; }
constexpr Duration operator""_ms(unsigned long long n) { return {n * 1'000'000'000}; }
constexpr Duration operator""_s(unsigned long long n) { return {n * 1'000'000'000'000}; }
constexpr Rate operator""_Mbps(unsigned long long n) { return {n * 1'000'000}; }
constexpr Rate operator""_Gbps(unsigned long long n) { return {n * 1'000'000'000}; }
constexpr Frequency operator""_GHz(unsigned long long n) { return {n * 1'000'000'000}; }
}  // namespace literals

}  // namespace heddle
