// Quantities in text: "400 Gbps", "64 MiB", "2 us", "1 GHz". Both directions are exact, so
// 106.25 Gbps is 106'250'000'000 bits per second and prints as "106.25 Gbps" again.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/units.h"

namespace heddle {

struct Unit {
  std::string_view name;
  std::uint64_t scale;  ///< in base units
};
using Units = std::vector<Unit>;  ///< smallest first; the first is the base unit

const Units& byte_units();
const Units& duration_units();
const Units& rate_units();
const Units& frequency_units();

/// Reads a number with a unit into base units. Throws InputError when the unit is missing or
/// unknown, or when the value is not a whole number of base units or does not fit 64 bits.
std::uint64_t parse_quantity(std::string_view text, const Units& units);

/// The shortest exact spelling with a unit that fits the value.
std::string print_quantity(std::uint64_t value, const Units& units);
std::string print_quantity(Bytes size);
std::string print_quantity(Duration time);
std::string print_quantity(Rate rate);

/// "B, KB, KiB, ...": for messages.
std::string names_of(const Units& units);

}  // namespace heddle
