// Parameters of a host's network interface.
#pragma once

#include "kernel/fields.h"
#include "parts/dcqcn.h"

namespace heddle {

enum class ReceiveMode : std::uint8_t {
  go_back_n,
  selective_repeat,
  out_of_order_placement,
  unreliable_datagram
};
enum class CongestionControl : std::uint8_t { none, dcqcn };

struct NicConfig {
  Bytes mtu = 4096_B;
  ReceiveMode receive = ReceiveMode::go_back_n;
  Bytes window = 1_GiB;
  std::uint64_t ack_interval = 16;
  Duration retransmission_timeout = 16'777'216_ns;
  CongestionControl congestion_control = CongestionControl::none;
  DcqcnConfig dcqcn;
  Duration transmit_latency = 100_ns;
  Duration receive_latency = 100_ns;

  void describe(Fields& fields);
};

}  // namespace heddle
