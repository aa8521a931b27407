// The message size distributions that a scenario can name, and their means.
#pragma once

#include "endpoints/traffic_source.h"
#include "engine/scenario.h"

namespace heddle {

/// The table behind a name; lives as long as the program.
const SizeTable& size_table(SizeDistribution name);

/// Mean number of pieces of at most `unit` bytes that a message is cut into, exact for sizes that
/// size_at() draws. With unit 1 that is the mean size in bytes.
double mean_pieces(const SizeTable& table, std::uint64_t unit);

/// Mean bytes of a message on its host's link.
double mean_wire_bytes(const SizeTable& table, const HostLink& link);

}  // namespace heddle
