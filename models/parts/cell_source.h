// The cells that arrive at the inputs of a slotted switch: at most one per input and slot. Streams
// of all inputs are drawn together, 64 at a time, bit by bit of their common probability: a slot
// costs a few dozen random words however many ports there are.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "kernel/rng.h"
#include "parts/port_mask.h"

namespace heddle {

/// Where the cells of input i go; rates are shares of its load.
enum class CellPattern : std::uint8_t {
  uniform,       ///< every output alike, i included
  diagonal,      ///< 2/3 to output i, 1/3 to output i + 1
  log_diagonal,  ///< half as many to i + k + 1 as to i + k, k = 0 .. ports - 1
};

struct CellTraffic {
  CellPattern pattern = CellPattern::uniform;
  double load = 0.5;
  /// Mean cells per burst, at least 1: geometrically many back to back to one output, with
  /// geometric silences between. At 1 a cell arrives in each slot with probability `load`, and
  /// nothing depends on the slot before (Bernoulli).
  double mean_burst = 1;
};

/// An event that happens at each of 64 places independently, with a probability of a multiple of
/// 2^-32.
class BernoulliMask {
 public:
  explicit BernoulliMask(double probability);

  PortMask draw(Rng& rng) const;

 private:
  std::uint64_t probability_;  // in units of 2^-32
};

class CellSource {
 public:
  /// `seed` and `device` key the random streams. An input begins inside a burst with probability
  /// `load`, as it is at any other time.
  CellSource(unsigned ports, const CellTraffic& traffic, std::uint64_t seed,
             std::string_view device);

  /// The inputs at which a cell arrives, slot by slot.
  PortMask next_slot();

  /// Where the cell goes that has arrived at `input` in this slot; to be asked once for each.
  unsigned destination(unsigned input);

 private:
  unsigned draw_destination(unsigned input);

  unsigned ports_;
  CellTraffic traffic_;
  BernoulliMask begins_;  // of a burst, where there is none
  BernoulliMask ends_;    // of a burst, behind a cell
  PortMask ports_mask_;
  PortMask in_burst_ = 0;  // behind this slot
  PortMask fresh_ = 0;     // first of their burst in this slot
  Rng arrivals_;
  Rng destinations_;
  std::array<std::uint8_t, port_mask_bits> destination_{};  // of the present burst
};

}  // namespace heddle
