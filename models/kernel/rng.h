// Keyed random streams. Each consumer owns a stream keyed by (scenario seed, device path, purpose),
// so adding a device or a draw somewhere moves no number anywhere else.
#pragma once

#include <cmath>
#include <cstdint>
#include <string_view>

#include "kernel/text_hash.h"

namespace heddle {

/// xoshiro256** (Blackman and Vigna, ACM TOMS 47, 2021), seeded through SplitMix64.
class Rng {
 public:
  Rng(std::uint64_t seed, std::string_view device_path, std::string_view purpose) {
    std::uint64_t key = seed;
    mix_in(key, device_path);
    mix_in(key, purpose);
    for (std::uint64_t& word : state_) word = split_mix(key);
  }

  /// 64 uniform bits.
  std::uint64_t bits() {
    const std::uint64_t result = rotate(state_[1] * 5, 7) * 9;
    const std::uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = rotate(state_[3], 45);
    return result;
  }

  /// Uniform in [0, bound); bound > 0. Unbiased (Lemire, ACM TOMACS 29, 2019).
  std::uint32_t below(std::uint32_t bound) {
    std::uint64_t product = (bits() >> 32) * bound;
    auto low = static_cast<std::uint32_t>(product);
    if (low < bound) {
      const std::uint32_t threshold = (0U - bound) % bound;
      while (low < threshold) {
        product = (bits() >> 32) * bound;
        low = static_cast<std::uint32_t>(product);
      }
    }
    return static_cast<std::uint32_t>(product >> 32);
  }

  /// Uniform in [0, 1), 53 bits.
  double uniform() { return static_cast<double>(bits() >> 11) * 0x1p-53; }

  /// Moves 2^128 draws ahead: a copy made before has a stream of its own.
  void jump() {
    constexpr std::uint64_t polynomial[] = {0x180ec6d33cfd0aba, 0xd5a61266f0c9392c,
                                            0xa9582618e03fc9aa, 0x39abdc4529b1661c};
    std::uint64_t far[4] = {};
    for (const std::uint64_t word : polynomial) {
      for (int bit = 0; bit < 64; ++bit) {
        if ((word >> bit & 1) != 0) {
          for (int i = 0; i < 4; ++i) far[i] ^= state_[i];
        }
        bits();
      }
    }
    for (int i = 0; i < 4; ++i) state_[i] = far[i];
  }

  /// Exponential with the given mean.
  double exponential(double mean) { return -mean * std::log1p(-uniform()); }

 private:
  static std::uint64_t rotate(std::uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }

  static std::uint64_t split_mix(std::uint64_t& x) {
    std::uint64_t z = (x += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  static void mix_in(std::uint64_t& key, std::string_view text) {
    key = split_mix(key) ^ text_hash(text);
  }

  std::uint64_t state_[4];
};

}  // namespace heddle
