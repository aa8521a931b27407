// The results of a run on a torus.
#pragma once

#include <nlohmann/json.hpp>

#include "accelerator/torus_log.h"
#include "engine/torus_simulation.h"

namespace heddle {

/// The keys below `variants.<name>` of results.json (statistics.h), but `run`.
nlohmann::ordered_json measure_torus(const TorusFacts& facts, const TorusWork& work);

// --- parts of the laws and of the results, shared by the kinds of work ---------------------------

/// Throws CheckFailure unless packets injected = delivered + lost + under way.
void check_packets(const TorusFacts& facts, const TorusLog& log);
/// Counts, throughput and latency of packets.
void add_packets(nlohmann::ordered_json& results, const TorusFacts& facts, const TorusLog& log);

}  // namespace heddle
