// What a scheduled fabric must be able to hold, given its rates and cables: the values behind
// `auto` and the bounds for values that the user chooses.
#pragma once

#include <cstdint>

#include "engine/scenario.h"

namespace heddle {

/// Bytes of the largest packet of a scenario, headers and framing included.
std::uint32_t largest_packet_bytes(const NicConfig& nic);

/// The link between a leaf and an element: the fabric's, or the chassis' internal one.
LinkConfig fabric_link(const Scenario& scenario);

/// From a leaf through an element to a leaf.
Duration one_way_delay(const Scenario& scenario);

/// Credits that pay for what a port sends during `delay`, the SDK's rule:
/// max(2, ceil(rate * delay / (8 * credit))).
std::uint64_t credits_in_flight(Rate rate, Duration delay, Bytes credit, double speedup = 1);

/// Bytes of egress memory with which a leaf's ports never starve for it: each up to the threshold
/// when the last credit is granted, then what is granted during a round trip, what every VOQ may
/// have left over: a credit, and a packet sent on its last byte.
std::uint64_t egress_need(const Scenario& scenario);

/// The scenario's `scheduled` section with every `auto` replaced by its value:
///   credits_outstanding  max(2, ceil(rate * delay / (8 * credit))), the SDK's rule, for each way,
///                        plus two for the turns in between
///   egress_buffer        the SDK's 8,192,000 B, or what credits can bring at most
///   xoff_cells           the SDK's 384, or what the pool leaves beside the cells that still come
///   xon_cells            5/6 of xoff_cells
///   hbm.*                where leaves spill: see SpillConfig
/// Throws InputError when a chosen value is below what the fabric needs.
ScheduledConfig without_auto(const Scenario& scenario);

/// What a port may have granted and not received, so that the egress memory of `config` (without
/// `auto`) cannot overflow however long the fabric keeps it waiting: its share of that memory, less
/// the threshold below which it grants and what VOQs may send beyond their last credit.
std::int64_t owed_limit(const Scenario& scenario, const ScheduledConfig& config);

}  // namespace heddle
