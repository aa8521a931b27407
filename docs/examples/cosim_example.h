// What the two examples of docs/cosim.md share: a scenario whose only switch is the user's, and
// what is printed of the run.
#pragma once

#include <cstdint>
#include <exception>
#include <iostream>
#include <memory>

#include "cosim/flit_switch.h"
#include "engine/loader.h"
#include "engine/simulation.h"

namespace example {

inline constexpr unsigned ports = 8;
inline constexpr unsigned flit_bytes = 64;
inline constexpr unsigned flit_bits = 8 * flit_bytes;
inline constexpr unsigned port_bits = 3;

inline constexpr const char* scenario = R"(
name: cosim
workload: {pattern: all_to_all, message: 64 KiB}
switch: adaptive
fabric: {topology: single, hosts: 8}
)";

/// Runs the scenario with `Switch` in the place of its switch, and says how it went. What is wrong
/// with the RTL ends the run as a broken check.
template <class Switch>
int run() try {
  heddle::RunOptions options;
  options.switches["leaf0"] = [](const heddle::SwitchArguments& arguments) {
    return std::make_unique<Switch>(arguments);
  };
  heddle::EmbeddedFabric fabric(heddle::load_text(scenario, "cosim").at(0), options);
  const heddle::RunOutcome outcome = fabric.run();
  std::cout << outcome.results["messages"]["count"] << " messages, p99 "
            << outcome.results["latency_ns"]["p99"] << " ns, hash "
            << outcome.results["run"]["result_hash"] << '\n'
            << outcome.explanation;
  return static_cast<int>(outcome.status);
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 3;
}

}  // namespace example
