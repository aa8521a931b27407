// What readers of other projects' text files share: bytes, numbers and quotations.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace heddle {

/// Text from a file inside a message: short, and printable whatever the file holds.
inline std::string quoted(std::string_view text) {
  constexpr std::size_t longest = 40;
  std::string result = "\"";
  for (const char c : text.substr(0, longest)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f) {
      result += c;
    } else {
      constexpr const char* digits = "0123456789abcdef";
      result += {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
    }
  }
  return result + (text.size() > longest ? "...\"" : "\"");
}

/// The first byte of a line that no text file has.
inline std::optional<int> binary_byte(std::string_view line) {
  for (const char c : line) {
    if (static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\r') return c;
  }
  return std::nullopt;
}

/// Nothing for anything but digits of a number from `least` to `most`.
inline std::optional<std::uint64_t> whole_number(std::string_view text, std::uint64_t least,
                                                 std::uint64_t most) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < least || value > most) {
    return std::nullopt;
  }
  return value;
}

/// "a whole number from 1 to 9".
inline std::string range_text(std::uint64_t least, std::uint64_t most) {
  return "a whole number from " + std::to_string(least) + " to " + std::to_string(most);
}

}  // namespace heddle
