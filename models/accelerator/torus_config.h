// Parameters of the torus: its packets, and the routers that carry them.
#pragma once

#include <optional>

#include "kernel/fields.h"

namespace heddle {

struct TorusConfig {
  Bytes flit = 32_B;
  Bytes header = 16_B;
  Bytes payload = 512_B;
  std::uint64_t lanes = 2;
  std::optional<Bytes> buffer;
  double read_speedup = 1;
  Duration router_latency = 20_ns;
  bool dateline = true;
  Duration detection_delay = 10_us;

  void describe(Fields& fields);

  /// Requests and responses, before and after the dateline, each with `lanes`.
  unsigned virtual_channels() const { return 4 * static_cast<unsigned>(lanes); }
  /// What a packet with so much payload takes on a link: whole flits.
  std::uint64_t flits(std::uint64_t payload_bytes) const {
    return (payload_bytes + header.value + flit.value - 1) / flit.value;
  }
  std::uint64_t largest_packet_flits() const { return flits(payload.value); }
  std::uint64_t largest_packet_bytes() const { return largest_packet_flits() * flit.value; }
};

}  // namespace heddle
