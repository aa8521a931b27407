#include "engine/quantity.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>

#include "kernel/error.h"

namespace heddle {

const Units& byte_units() {
  static const Units units{{"B", 1},           {"KB", 1'000},       {"KiB", 1ULL << 10},
                           {"MB", 1'000'000},  {"MiB", 1ULL << 20}, {"GB", 1'000'000'000},
                           {"GiB", 1ULL << 30}};
  return units;
}

const Units& duration_units() {
  static const Units units{
      {"ps", 1}, {"ns", 1'000}, {"us", 1'000'000}, {"ms", 1'000'000'000}, {"s", 1'000'000'000'000}};
  return units;
}

const Units& rate_units() {
  static const Units units{{"bps", 1},
                           {"Kbps", 1'000},
                           {"Mbps", 1'000'000},
                           {"Gbps", 1'000'000'000},
                           {"Tbps", 1'000'000'000'000}};
  return units;
}

const Units& frequency_units() {
  static const Units units{{"Hz", 1}, {"kHz", 1'000}, {"MHz", 1'000'000}, {"GHz", 1'000'000'000}};
  return units;
}

namespace {

/// A decimal number: `digits` divided by `divisor`, a power of ten, in lowest terms of ten.
struct Decimal {
  std::uint64_t digits = 0;
  std::uint64_t divisor = 1;
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view trim(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

/// Takes the number off the front of `text`.
Decimal take_number(std::string_view& text) {
  const std::string_view whole = text;
  if (!text.empty() && text.front() == '-') {
    throw InputError(fmt::format("'{}' is negative", whole));
  }
  const auto end =
      std::find_if(text.begin(), text.end(), [](char c) { return !is_digit(c) && c != '.'; });
  const auto length = static_cast<std::size_t>(end - text.begin());
  std::string_view number = text.substr(0, length);
  text.remove_prefix(length);

  const std::size_t point = number.find('.');
  const bool fraction = point != std::string_view::npos;
  if (number.empty() || number.front() == '.' || number.back() == '.' ||
      (fraction && number.find('.', point + 1) != std::string_view::npos)) {
    throw InputError(fmt::format("'{}' does not start with a number", whole));
  }
  if (text.size() > 1 && (text[0] == 'e' || text[0] == 'E') &&
      (is_digit(text[1]) || text[1] == '-' || text[1] == '+')) {
    throw InputError(fmt::format("'{}' has an exponent; write the number out", whole));
  }
  if (fraction) number = number.substr(0, number.find_last_not_of('0') + 1);

  Decimal decimal;
  for (std::size_t i = 0; i < number.size(); ++i) {
    if (number[i] == '.') continue;
    const auto digit = static_cast<std::uint64_t>(number[i] - '0');
    if (__builtin_mul_overflow(decimal.digits, std::uint64_t{10}, &decimal.digits) ||
        __builtin_add_overflow(decimal.digits, digit, &decimal.digits) ||
        (fraction && i > point &&
         __builtin_mul_overflow(decimal.divisor, std::uint64_t{10}, &decimal.divisor))) {
      throw InputError(fmt::format("'{}' has too many digits", whole));
    }
  }
  return decimal;
}

/// `value / scale` as an exact decimal. Every scale divides a power of ten, so it ends.
std::string exact_decimal(std::uint64_t value, std::uint64_t scale) {
  std::string text = std::to_string(value / scale);
  std::uint64_t rest = value % scale;
  if (rest != 0) text += '.';
  while (rest != 0) {
    // rest < scale <= 10^12, so ten times it fits.
    rest *= 10;
    text += static_cast<char>('0' + rest / scale);
    rest %= scale;
  }
  return text;
}

bool is_binary(const Unit& unit) { return unit.scale > 1 && unit.scale % 10 != 0; }

}  // namespace

std::string print_quantity(Bytes size) { return print_quantity(size.value, byte_units()); }
std::string print_quantity(Duration time) {
  return print_quantity(time.picoseconds, duration_units());
}
std::string print_quantity(Rate rate) { return print_quantity(rate.bits_per_second, rate_units()); }

std::string names_of(const Units& units) {
  std::vector<std::string_view> names;
  for (const Unit& unit : units) names.push_back(unit.name);
  return fmt::format("{}", fmt::join(names, ", "));
}

std::uint64_t parse_quantity(std::string_view text, const Units& units) {
  std::string_view rest = trim(text);
  const Decimal number = take_number(rest);
  const std::string_view name = trim(rest);
  const auto unit = std::find_if(units.begin(), units.end(),
                                 [&](const Unit& candidate) { return candidate.name == name; });
  if (unit == units.end()) {
    throw InputError(name.empty() ? fmt::format("'{}' has no unit; valid units are {}", trim(text),
                                                names_of(units))
                                  : fmt::format("'{}' has unknown unit '{}'; valid units are {}",
                                                trim(text), name, names_of(units)));
  }
  const std::uint64_t common = std::gcd(unit->scale, number.divisor);
  const std::uint64_t divisor = number.divisor / common;
  if (number.digits % divisor != 0) {
    throw InputError(
        fmt::format("'{}' is not a whole number of {}", trim(text), units.front().name));
  }
  std::uint64_t value = 0;
  if (__builtin_mul_overflow(number.digits / divisor, unit->scale / common, &value)) {
    throw InputError(fmt::format("'{}' is too large", trim(text)));
  }
  return value;
}

std::string print_quantity(std::uint64_t value, const Units& units) {
  std::string decimal;
  std::string binary;
  for (const Unit& unit : units) {
    if (unit.scale > std::max<std::uint64_t>(value, 1)) break;
    const std::string text = fmt::format("{} {}", exact_decimal(value, unit.scale), unit.name);
    (is_binary(unit) ? binary : decimal) = text;
  }
  return !binary.empty() && binary.size() <= decimal.size() ? binary : decimal;
}

}  // namespace heddle
