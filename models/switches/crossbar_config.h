// Parameters of the input-queued crossbar.
#pragma once

#include "kernel/fields.h"

namespace heddle {

enum class Queueing : std::uint8_t { fifo, voq, output };
enum class MatchingKind : std::uint8_t { islip, pim, maximum_weight };

struct CrossbarConfig {
  Queueing queueing = Queueing::voq;
  MatchingKind matching = MatchingKind::islip;
  std::uint64_t iterations = 4;
  std::uint64_t input_speedup = 1;
  std::uint64_t output_speedup = 1;
  std::uint64_t queue_cells = 1'000'000;
  Bytes cell = 64_B;
  Rate port_rate = 400_Gbps;

  void describe(Fields& fields);
};

}  // namespace heddle
