// Parameters of a stacked DRAM (HBM): its organisation, the timing rules of its banks and buses,
// and the order in which its controller serves accesses.
#pragma once

#include "kernel/fields.h"

namespace heddle {

struct DramConfig {
  std::uint64_t channels = 16;
  std::uint64_t banks = 16;
  Rate channel_rate = 256_Gbps;
  Bytes capacity = 8_GiB;
  Bytes row = 2048_B;
  Bytes stripe = 256_B;
  Bytes burst = 64_B;

  Duration row_cycle = 47_ns;
  Duration activate_to_read = 16_ns;
  Duration activate_to_write = 14_ns;
  Duration precharge = 16_ns;
  Duration four_activates = 16_ns;
  Duration read_latency = 22_ns;
  Duration write_latency = 7_ns;
  Duration read_to_precharge = 6_ns;
  Duration write_recovery = 16_ns;
  Duration write_to_read = 8_ns;
  Duration read_to_write = 2_ns;
  Duration refresh = 260_ns;
  Duration refresh_interval = 3900_ns;

  std::uint64_t queue = 32;
  std::uint64_t window = 16;
  std::uint64_t batch = 16;
  std::uint64_t age_limit = 16;

  void describe(Fields& fields);

  /// Throws InputError, its text beginning with a key of this section, unless stripes consist of
  /// whole bursts, rows of whole stripes, and refreshes leave time for work.
  void check() const;
};

}  // namespace heddle
