// Turns what a finished run left in its devices into the results of one variant, and checks the
// laws that every run must obey.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "engine/fabric.h"
#include "engine/scenario.h"

namespace heddle {

/// What a run has to say about itself.
struct RunFacts {
  const Scenario& scenario;
  const Fabric& fabric;
  const DeliveryLog& log;
  std::uint64_t live_packets;      ///< records still in use: packets and answers under way
  std::uint64_t frames_under_way;  ///< on links
  std::uint64_t period_ps;
  bool drained;  ///< the run ended with nothing in flight
  std::string status;
  double wall_s;
};

/// Throws CheckFailure when a law is broken: frames in = out + held + dropped at every device,
/// frames started = taken + lost + under way on all links, no record lost, no drop in a lossless
/// class with automatic headroom, order kept by the scheduled fabric, credits asked for = granted =
/// received.
void check_laws(const RunFacts& facts);

// --- parts of the results, shared with those of a crossbar --------------------------------------

/// Name in the results, and share of the distribution below.
using Percentiles = std::vector<std::pair<const char*, double>>;
const Percentiles& latency_percentiles();
/// Mean and percentiles, each times `scale`.
nlohmann::ordered_json percentiles(const Histogram& histogram, double scale,
                                   const Percentiles& wanted);
/// Of times in units of `unit_ns`.
nlohmann::ordered_json latency(const Histogram& times, double unit_ns);
nlohmann::ordered_json buffers(const Fabric& fabric, Cycle end);
nlohmann::ordered_json run(const RunFacts& facts, Cycle end, double cycle_ns);

/// The keys below `variants.<name>` of results.json (statistics.h).
nlohmann::ordered_json measure(const RunFacts& facts);

}  // namespace heddle
