// What a host wants to send: one message, to one other host.
#pragma once

#include <cstdint>

#include "kernel/units.h"

namespace heddle {

using HostId = std::uint16_t;  ///< hosts are numbered from 0; at most 65,535
using MessageId = std::uint32_t;

struct Message {
  MessageId id = 0;  ///< unique in the run, independent of the order in which devices run
  HostId source = 0;
  HostId destination = 0;
  std::uint8_t traffic_class = 0;
  std::uint64_t bytes = 0;  ///< payload, at least 1
  Cycle due = 0;            ///< intended start: waiting after this counts as latency
};

}  // namespace heddle
