// Parameters of the shallow-buffer switch.
#pragma once

#include "kernel/fields.h"
#include "parts/ecn.h"
#include "parts/path_selector.h"
#include "parts/shared_buffer.h"

namespace heddle {

enum class Forwarding : std::uint8_t { cut_through, store_and_forward };

/// The real switch whose values a scenario starts from; the engine knows them.
enum class AdaptivePreset : std::uint8_t { none, sn4700, sn5600 };

struct AdaptiveConfig {
  AdaptivePreset preset = AdaptivePreset::none;
  SharedBufferConfig memory;
  EcnConfig ecn;
  Forwarding forwarding = Forwarding::cut_through;
  Duration pipeline_latency = 450_ns;
  SprayPolicy spray = SprayPolicy::random;
  Duration flowlet_gap = 1_us;
  Bytes grade = 8_KiB;
  std::uint64_t grades = 8;
  bool trimming = false;
  Duration detection_delay = 10_us;
  Duration withdrawal_delay = 100_us;

  void describe(Fields& fields);
};

}  // namespace heddle
