// How long a collective takes on an idle torus, from its schedule and the figures of the links:
// every step L + m / B, L the latency of a step and m what the busiest link of its way carries in
// it, at the rate B. On a torus of equal links this is the closed form of its algorithm, as
// (n - 1) (L + m / B) for a reduce-scatter round a ring of n.
#pragma once

#include <array>
#include <cstdint>
#include <functional>

#include "parts/collective_schedule.h"
#include "parts/torus_route.h"

namespace heddle {

struct LinkCost {
  double cycles_per_byte = 0;
  double latency = 0;  ///< cycles, from the first byte on the link until it may go on
};

struct TorusCost {
  std::array<LinkCost, torus_dimensions> ring;
  LinkCost local;
  double send_latency = 0;    ///< before each step's first packet
  double arrive_latency = 0;  ///< from a packet's last byte at its node until it acts
  double reduce_latency = 0;
  double packet_bytes = 0;  ///< of a full packet on a link: routers store packets from slower links
  std::function<double(std::uint64_t words)> wire_bytes;  ///< of a step's data
  bool by_packets = false;
};

/// From the begin of a packet at `from` until its data at `to` may be used, beside the time that
/// its bytes take on the busiest link.
double step_latency(const TorusShape& shape, const TorusCost& cost, unsigned from, unsigned to);

/// Cycles from the begin at all ranks until the last has its result. Steps of different lanes are
/// taken to run side by side and to share links evenly, and links to be full from a step's first
/// byte to its last. It knows no whole cycles: a link that is not followed at once loses the rest
/// of one, which shows where all links of a node are full at the same time (docs/collectives.md).
double collective_bound(const CollectiveSchedule& schedule, std::uint64_t part_words,
                        const TorusShape& shape, const TorusCost& cost);

/// Bytes on the busiest link are this share of algbw: 2 (n - 1) / n for all_reduce, (n - 1) / n for
/// reduce_scatter, all_gather and all_to_all, 1 for broadcast (nccl-tests).
double bus_factor(CollectiveOperation operation, unsigned ranks);

}  // namespace heddle
