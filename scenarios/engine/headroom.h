// `heddle headroom`: the buffer that priority flow control needs, as switch vendors tabulate it.
#pragma once

#include <string>

#include "engine/calculator.h"

namespace heddle {

/// The options; what is not given comes from the device, and for rates and cables the usual ones.
struct HeadroomOptions {
  OptionText device;    ///< a preset of `adaptive`
  OptionText rate;      ///< of the link
  OptionText cable;     ///< its length
  OptionText latency;   ///< one way, instead of the length
  OptionText pipeline;  ///< bytes in the device's pipeline
  OptionText cell;      ///< unit of the device's memory
  OptionText peer;      ///< what the peer still sends: a size, or `quanta`
};

/// A lossless priority group's profile. All in bytes but `cells`.
struct HeadroomProfile {
  std::uint64_t size;   ///< xon, xoff, and one packet where the port has eight lanes
  std::uint64_t xon;    ///< the group's own bytes before it pauses its sender
  std::uint64_t xoff;   ///< headroom: what may still come after the pause has been sent
  std::uint64_t cells;  ///< of memory in `xoff`
};

/// The rules of SONiC (sonic-swss, cfgmgr/buffer_headroom_mellanox.lua) with `pfc_headroom_bytes`
/// for xoff. A port of eight lanes is two of four side by side: twice the pipeline, less 1 KiB.
/// `xoff` leaves out what arrives during the simulated pipeline of Heddle's own switch, which
/// `adaptive.memory.headroom: auto` adds.
HeadroomProfile headroom_profile(Rate rate, double metres, Bytes cell, Bytes pipeline,
                                 double peer_bytes, bool eight_lanes);

/// Bytes of memory per byte received, at worst: packets of 64 B in cells of more than twice that,
/// else those that just do not fit a cell.
double vendor_occupancy(Bytes cell);

/// Bytes that a peer may send before it heeds a pause, by IEEE 802.3 31B.3.7. Throws InputError for
/// rates that the standard does not name.
double pause_quanta_bytes(Rate rate);

/// The table that the command prints. Throws InputError for bad options.
std::string headroom_table(const HeadroomOptions& options);

}  // namespace heddle
