// Turns what a finished run left in its devices into the results of one variant, and checks the
// laws that every run must obey.
#pragma once

#include <nlohmann/json.hpp>

#include "engine/fabric.h"
#include "engine/scenario.h"

namespace heddle {

/// What a run has to say about itself.
struct RunFacts {
  const Scenario& scenario;
  const Fabric& fabric;
  const DeliveryLog& log;
  std::uint64_t live_packets;  ///< records still in use: packets and answers under way
  std::uint64_t period_ps;
  bool drained;  ///< the run ended with nothing in flight
  std::string status;
  double wall_s;
};

/// Throws CheckFailure when a law is broken: frames in = out + held + dropped at every device, no
/// record lost, no drop in a lossless class with automatic headroom, order kept by the scheduled
/// fabric, credits asked for = granted = received.
void check_laws(const RunFacts& facts);

/// The keys below `variants.<name>` of results.json (statistics.h).
nlohmann::ordered_json measure(const RunFacts& facts);

}  // namespace heddle
