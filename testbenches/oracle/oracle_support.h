// What the oracle tests share: cycle accounts that predict times from parameters alone. One cycle
// is one nanosecond, as in every scenario by default.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "endpoints/nic_config.h"
#include "endpoints/transport.h"
#include "kernel/frame.h"
#include "kernel/units.h"
#include "switches/adaptive_config.h"
#include "switches/scheduled_config.h"

namespace heddle::testing {

inline std::uint64_t cycles(Duration duration) { return (duration.picoseconds + 999) / 1000; }

/// A cable: rate in bytes per cycle, and latency.
struct Cable {
  double bytes_per_cycle;
  std::uint64_t latency_cycles;

  /// From the start of a frame until its receiver, which waits for the tail and then takes
  /// `pipeline` more, acts on it: whole cycles on the wire, time of flight, fixed processing.
  std::uint64_t tail_visible(std::uint64_t bytes, Duration pipeline) const {
    const auto on_wire = static_cast<std::uint64_t>(static_cast<double>(bytes) / bytes_per_cycle);
    const bool fraction =
        static_cast<double>(on_wire) * bytes_per_cycle < static_cast<double>(bytes);
    return on_wire + (fraction ? 1 : 0) + latency_cycles + cycles(pipeline);
  }
};

/// From one leaf to another by way of an element.
inline std::uint64_t cross_fabric(const ScheduledConfig& config, const Cable& fabric,
                                  std::uint64_t bytes) {
  return fabric.tail_visible(bytes, config.element_latency) +
         fabric.tail_visible(bytes, config.egress_latency);
}

/// The loop of a credit between two leaves: a VOQ's status frame crosses the fabric, the grant,
/// made in the cycle in which it arrives, crosses it back, and the VOQ may send, and ask again, in
/// the cycle in which that arrives. Both frames have the size of a cell header.
inline std::uint64_t credit_round_trip(const ScheduledConfig& config, const Cable& fabric) {
  return 2 * cross_fabric(config, fabric, config.cell_header.value);
}

/// The same inside one leaf, where a cell, and a header as well, takes one cycle.
inline std::uint64_t credit_round_trip_inside(const ScheduledConfig& config) {
  return 2 * (1 + cycles(config.loopback_latency) + cycles(config.egress_latency));
}

/// Bytes of a message at three places: handed over by the user, stored in a switch with packet
/// headers, and on an Ethernet link with framing as well.
struct MessageBytes {
  std::uint64_t payload;
  std::uint64_t stored;
  std::uint64_t wire;
};

inline MessageBytes message_bytes(const NicConfig& nic, std::uint64_t payload) {
  const std::uint64_t packets = (payload + nic.mtu.value - 1) / nic.mtu.value;
  const std::uint64_t stored = payload + packets * data_header_bytes(nic.receive);
  return {payload, stored, stored + packets * ethernet_framing_bytes};
}

inline std::string reproduce(const std::string& yaml) {
  return "\nreproduce: save as scenario.yaml and run `heddle run scenario.yaml --json -`\n" + yaml;
}

}  // namespace heddle::testing
