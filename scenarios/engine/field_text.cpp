#include "engine/field_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>
#include <sstream>

#include "engine/nearest.h"
#include "engine/quantity.h"
#include "kernel/error.h"

namespace heddle {
namespace {

/// How each quantity type is spelled, and where it keeps its number.
struct Spelling {
  const Units& units;
  const char* noun;
};
Spelling spelling(const Bytes&) { return {byte_units(), "size"}; }
Spelling spelling(const Duration&) { return {duration_units(), "duration"}; }
Spelling spelling(const Rate&) { return {rate_units(), "rate"}; }
Spelling spelling(const Frequency&) { return {frequency_units(), "frequency"}; }

std::uint64_t& number(Bytes& q) { return q.value; }
std::uint64_t& number(Duration& q) { return q.picoseconds; }
std::uint64_t& number(Rate& q) { return q.bits_per_second; }
std::uint64_t& number(Frequency& q) { return q.hertz; }

std::string print(std::uint64_t value) { return std::to_string(value); }
std::string print(double value) { return fmt::format("{}", value); }
std::string print(bool value) { return value ? "true" : "false"; }
std::string print(const std::string& value) { return value; }
std::string print(const Names& value) { return fmt::format("{}", fmt::join(value, " ")); }
template <class Quantity>
std::string print(Quantity value) {
  return print_quantity(number(value), spelling(value).units);
}
template <class T>
std::string print(const std::optional<T>& value) {
  return value ? print(*value) : "auto";
}

/// The range of a field of type T in the field's own spelling.
template <class T>
std::string range(const Field& field) {
  if constexpr (std::is_same_v<T, double>) {
    return fmt::format("{} to {}", field.minimum, field.maximum);
  } else {
    const auto low = static_cast<std::uint64_t>(field.minimum);
    const auto high = static_cast<std::uint64_t>(field.maximum);
    if constexpr (std::is_same_v<T, std::uint64_t>) {
      return fmt::format("{} to {}", low, high);
    } else {
      const Units& units = spelling(T{}).units;
      return fmt::format("{} to {}", print_quantity(low, units), print_quantity(high, units));
    }
  }
}

template <class T>
void require_in_range(const Field& field, double value, std::string_view text) {
  // Written so that a NaN fails.
  if (value >= field.minimum && value <= field.maximum) return;
  throw InputError(fmt::format("'{}' is out of range; valid is {}", text, range<T>(field)));
}

template <class Number>
Number parse_number(std::string_view text, const char* noun) {
  Number value{};
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error == std::errc::result_out_of_range) {
    throw InputError(fmt::format("'{}' is too large or too small", text));
  }
  if (error != std::errc{} || stop != end) {
    throw InputError(fmt::format("expected {}, got '{}'", noun, text));
  }
  return value;
}

void parse(const Field& field, std::uint64_t& target, std::string_view text) {
  if (!text.empty() && text.front() == '-') {
    parse_number<std::int64_t>(text, "a whole number");
    require_in_range<std::uint64_t>(field, -1, text);
  }
  const auto value = parse_number<std::uint64_t>(text, "a whole number");
  require_in_range<std::uint64_t>(field, static_cast<double>(value), text);
  target = value;
}

void parse(const Field& field, double& target, std::string_view text) {
  const auto value = parse_number<double>(text, "a number");
  require_in_range<double>(field, value, text);
  target = value;
}

void parse(const Field&, bool& target, std::string_view text) {
  if (text != "true" && text != "false") {
    throw InputError(fmt::format("expected true or false, got '{}'", text));
  }
  target = text == "true";
}

void parse(const Field&, std::string& target, std::string_view text) { target = text; }
void parse(const Field&, Names& target, std::string_view text) {
  std::istringstream words{std::string(text)};
  target.assign(std::istream_iterator<std::string>(words), {});
}

template <class Quantity>
void parse(const Field& field, Quantity& target, std::string_view text) {
  const std::uint64_t value = parse_quantity(text, spelling(target).units);
  require_in_range<Quantity>(field, static_cast<double>(value), text);
  number(target) = value;
}

template <class T>
void parse(const Field& field, std::optional<T>& target, std::string_view text) {
  if (text == "auto") {
    target.reset();
  } else {
    T value{};
    parse(field, value, text);
    target = value;
  }
}

void parse_choice(const ChoiceTarget& choice, std::string_view text) {
  const auto found = std::find(choice.names.begin(), choice.names.end(), text);
  if (found == choice.names.end()) {
    throw InputError(
        fmt::format("'{}' is not a valid choice{}", text, suggestion(text, choice.names)));
  }
  *choice.target = static_cast<std::uint8_t>(found - choice.names.begin());
}

std::string type_of(const std::uint64_t&) { return "whole number"; }
std::string type_of(const double&) { return "number"; }
std::string type_of(const bool&) { return "true or false"; }
std::string type_of(const std::string&) { return "text"; }
std::string type_of(const Names&) { return "names, as a list or one after the other"; }
template <class Quantity>
std::string type_of(const Quantity& value) {
  return fmt::format("{} ({})", spelling(value).noun, names_of(spelling(value).units));
}
template <class T>
std::string type_of(const std::optional<T>&) {
  return type_of(T{}) + ", or auto";
}

std::string range_of(const Field&, const bool&) { return {}; }
std::string range_of(const Field&, const std::string&) { return {}; }
std::string range_of(const Field&, const Names&) { return {}; }
template <class T>
std::string range_of(const Field& field, const T&) {
  return range<T>(field);
}
template <class T>
std::string range_of(const Field& field, const std::optional<T>&) {
  return range<T>(field);
}

/// Calls `choice` for a choice field, else `other` with a reference to the value.
template <class Choice, class Other>
auto dispatch(const Field& field, Choice choice, Other other) {
  return std::visit(
      [&](const auto& target) {
        if constexpr (std::is_same_v<std::decay_t<decltype(target)>, ChoiceTarget>) {
          return choice(target);
        } else {
          return other(*target);
        }
      },
      field.target);
}

}  // namespace

std::string value_text(const Field& field) {
  return dispatch(
      field, [](const ChoiceTarget& choice) { return choice.names.at(*choice.target); },
      [](const auto& value) { return print(value); });
}

void set_value(const Field& field, std::string_view text) {
  dispatch(
      field, [&](const ChoiceTarget& choice) { parse_choice(choice, text); },
      [&](auto& value) { parse(field, value, text); });
}

std::string type_text(const Field& field) {
  return dispatch(
      field,
      [](const ChoiceTarget& choice) {
        return fmt::format("one of {}", fmt::join(choice.names, ", "));
      },
      [](const auto& value) { return type_of(value); });
}

std::string range_text(const Field& field) {
  return dispatch(
      field, [](const ChoiceTarget&) { return std::string(); },
      [&](const auto& value) { return range_of(field, value); });
}

namespace {

/// "a or b"; "2 to 64" for numbers that follow each other.
std::string values_text(const std::vector<std::string>& values) {
  constexpr std::size_t few = 3;
  const auto is_number = [](const std::string& text) {
    return text.find_first_not_of("0123456789") == std::string::npos;
  };
  if (values.size() > few && is_number(values.front()) && is_number(values.back())) {
    return fmt::format("{} to {}", values.front(), values.back());
  }
  return fmt::format("{}", fmt::join(values, " or "));
}

}  // namespace

std::string condition_text(const Condition& condition) {
  const bool from_root = condition.key.front() == '/';
  return fmt::format("{} is {}", condition.key.substr(from_root ? 1 : 0),
                     values_text(condition.values));
}

}  // namespace heddle
