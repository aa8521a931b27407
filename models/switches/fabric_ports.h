// What the links inside a scheduled fabric have in common: two classes, cells and, strictly before
// them, status, credit and flow control frames.
#pragma once

#include "switches/output_ports.h"
#include "switches/scheduled_config.h"

namespace heddle {

enum FabricClass : unsigned { cells = 0, control = 1 };

inline constexpr std::uint32_t unbounded_frames = 1U << 24;  // bounded by credits and pools instead

inline std::uint64_t largest_cell_bytes(const ScheduledConfig& config) {
  return config.cell_payload.value + config.cell_header.value;
}

inline OutputPorts::Shape fabric_output_shape(unsigned ports, const ScheduledConfig& config) {
  return {ports,
          {{ClassScheduling::weighted, 1, true}, {ClassScheduling::strict, 1, true}},
          static_cast<std::uint32_t>(largest_cell_bytes(config)),
          unbounded_frames,
          Release::first_byte};
}

}  // namespace heddle
