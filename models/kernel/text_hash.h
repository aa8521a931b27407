// A hash of text that is the same in every program, whatever its compiler and library.
#pragma once

#include <cstdint>
#include <string_view>

namespace heddle {

/// FNV-1a, 64 bits (RFC 9923).
constexpr std::uint64_t text_hash(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

}  // namespace heddle
