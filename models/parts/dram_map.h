// Where an address of a stacked DRAM lies. Consecutive stripes go to consecutive channels; what a
// channel holds fills a row of one bank, then the same row of the next bank. Each turn over all
// channels (banks) begins at a channel (bank) of its own, by multiplicative hashing of the turn's
// number (Knuth, TAOCP 3, 6.4), so that no power of two as a stride keeps to a few of them.
#pragma once

#include <cstdint>

#include "parts/dram_config.h"

namespace heddle {

struct DramPlace {
  unsigned channel;
  unsigned bank;
  std::uint32_t row;
};

class DramMap {
 public:
  explicit DramMap(const DramConfig& config)
      : channels_(config.channels),
        banks_(config.banks),
        stripe_bytes_(config.stripe.value),
        stripes_per_row_(config.row.value / config.stripe.value) {}

  DramPlace place(std::uint64_t address) const {
    const std::uint64_t stripe = address / stripe_bytes_;
    const std::uint64_t in_channel = stripe / channels_;
    const std::uint64_t row = in_channel / stripes_per_row_;
    const std::uint64_t row_in_bank = row / banks_;
    return {static_cast<unsigned>((stripe + scatter(in_channel)) % channels_),
            static_cast<unsigned>((row + scatter(row_in_bank)) % banks_),
            static_cast<std::uint32_t>(row_in_bank)};
  }

  /// First address after the stripe of `address`.
  std::uint64_t stripe_end(std::uint64_t address) const {
    return (address / stripe_bytes_ + 1) * stripe_bytes_;
  }

 private:
  static std::uint64_t scatter(std::uint64_t turn) { return turn * 0x9e3779b97f4a7c15 >> 40; }

  std::uint64_t channels_;
  std::uint64_t banks_;
  std::uint64_t stripe_bytes_;
  std::uint64_t stripes_per_row_;
};

}  // namespace heddle
