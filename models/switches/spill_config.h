// Parameters of a leaf's external memory: when a VOQ uses it, how fast, and the memory itself.
#pragma once

#include "parts/dram_config.h"

namespace heddle {

struct SpillConfig {
  std::optional<Bytes> dram_bound;
  std::optional<Bytes> recovery;
  std::optional<Rate> rate;
  Bytes read_buffer = 256_KiB;
  DramConfig memory;

  void describe(Fields& fields);

  /// The values behind `auto`, for VOQs to ports of `port` and host ports of `all_ports` together.
  void set_auto(Rate port, Rate all_ports);
};

/// Queue length beyond which a VOQ to a port of this rate is DRAM-bound.
Bytes dram_bound_threshold(Rate port);

/// Queue length at which such a VOQ, DRAM-bound beyond `dram_bound`, returns to SRAM.
Bytes recovery_threshold(Rate port, Bytes dram_bound);

}  // namespace heddle
