// Numbers of 8 bits of mantissa, kept in a float.
#pragma once

#include <cstdint>
#include <cstring>

namespace heddle {

/// The nearest bf16 value, of two equally near ones the even one. Numbers only, no NaN.
inline float round_to_bf16(float value) {
  std::uint32_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  bits += 0x7fffU + (bits >> 16 & 1U);
  bits &= 0xffff'0000U;
  std::memcpy(&value, &bits, sizeof bits);
  return value;
}

}  // namespace heddle
