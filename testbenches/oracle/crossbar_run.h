// Runs of a crossbar in which a slot is a cycle and a nanosecond, for the cases about switch
// theory.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "oracle/oracle_support.h"
#include "parts/batch_means.h"
#include "scenario_run.h"

namespace heddle::testing {

struct CrossbarCase {
  unsigned ports = 16;
  std::string workload = "pattern: uniform, load: 1";
  std::string crossbar = "queueing: fifo";
  std::uint64_t slots = 100'000;
  std::uint64_t warmup_slots = 10'000;
  std::uint64_t seed = 1;
};

inline std::string scenario_of(const CrossbarCase& c) {
  return fmt::format(
      "seed: {}\nswitch: crossbar\nfabric: {{topology: single, hosts: {}}}\n"
      "workload: {{{}, duration: {} ns}}\ncrossbar: {{{}, cell: 50 B}}\n"
      "measure: {{warmup: {} ns}}\n",
      c.seed, c.ports, c.workload, c.slots, c.crossbar, c.warmup_slots);
}

/// What the run measured, in slots and cells per slot and port.
struct CrossbarFigures {
  Estimate wait;
  Estimate throughput;
  std::string reproduce;  ///< for messages
};

inline CrossbarFigures run_crossbar(const CrossbarCase& c) {
  const std::string yaml = scenario_of(c);
  const ScenarioRun run = run_scenario(yaml);
  EXPECT_EQ(run.exit_code, 0) << run.explanation << reproduce(yaml);
  if (run.exit_code != 0) return {{}, {}, yaml};
  return {{run.number("cells.wait_slots.mean"), run.number("cells.wait_slots.half_width")},
          {run.number("cells.throughput.mean"), run.number("cells.throughput.half_width")},
          reproduce(yaml)};
}

/// A 95 % confidence interval of 30 batches, widened to one of 99.9 %: a case looks at dozens.
inline double sure(double half_width) {
  constexpr double t_sure = 3.659;  // 29 degrees of freedom
  return half_width * t_sure / student_t(BatchMeans::batches - 1);
}

/// Within `tolerance`, and the run was so long that its interval is no wider than that.
inline void expect_within(double value, double tolerance, const Estimate& measured,
                          const std::string& reproduce) {
  EXPECT_NEAR(measured.mean, value, tolerance) << reproduce;
  EXPECT_GT(measured.half_width, 0) << reproduce;
  EXPECT_LT(measured.half_width, tolerance) << "too short a run" << reproduce;
}

}  // namespace heddle::testing
