// What switch theory says about a crossbar scenario: printed beside what the run measured.
#pragma once

#include <optional>
#include <string>

#include "engine/scenario.h"
#include "parts/batch_means.h"

namespace heddle {

/// Values known from elsewhere; those of a simulation have the half-width of a 95 % confidence
/// interval, exact ones 0.
struct CrossbarTheory {
  std::optional<Estimate> throughput;  ///< cells that a port carries per slot
  std::optional<Estimate> mean_wait_slots;
  std::string source;
};

/// Nothing for a scenario of which nothing is known, or that is not about a crossbar.
std::optional<CrossbarTheory> crossbar_theory(const Scenario& scenario);

}  // namespace heddle
