// A run on a torus: routers, and at each of them a node that works. What the nodes do is a
// TorusWork; each kind of work is one class.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/simulation.h"
#include "engine/torus_fabric.h"

namespace heddle {

/// What a finished run on a torus has to say about itself.
struct TorusFacts {
  const Scenario& scenario;
  const TorusFabric& fabric;
  std::uint64_t live_packets;  ///< records still in use
  Cycle end;                   ///< first cycle in which nothing moves any more
  double cycle_ns;
  bool drained;
};

/// What the nodes of a torus do together: makes them, knows when they are done, and what came of
/// it.
class TorusWork {
 public:
  TorusWork() = default;
  virtual ~TorusWork() = default;
  TorusWork(const TorusWork&) = delete;
  TorusWork& operator=(const TorusWork&) = delete;

  /// Called for each node in turn, when the run is built. What the nodes hold of the work stays
  /// valid.
  virtual std::unique_ptr<TorusNode> make_node(const TorusNodePlace& place) = 0;

  /// Devices of its own beside the nodes, in the order of construction.
  virtual std::vector<const Device*> devices() const { return {}; }

  /// Nothing is left to be done. The run also waits until nothing is under way.
  virtual bool done() const = 0;
  /// Something is under way or waits, so that silence would mean that it is stuck.
  virtual bool waiting() const = 0;
  /// The last cycle in which something was achieved.
  virtual Cycle last_progress() const = 0;

  /// First cycle in which its own devices do nothing any more; `elapsed`, where they are not done.
  virtual Cycle end(Cycle /*elapsed*/) const { return 0; }
  /// Over what its own devices have done.
  virtual std::uint64_t hash() const { return 0; }
  /// The run is over: what it writes beside the results gets its place.
  virtual void close() {}

  /// Payload that has arrived; and when the first of it was due to be sent. For the rates before,
  /// during and after an event.
  virtual std::uint64_t delivered_bytes() const { return 0; }
  virtual Cycle first_due() const { return 0; }

  /// Throws CheckFailure for a broken law that the devices do not know of.
  virtual void check_laws(const TorusFacts& facts) const = 0;
  /// Adds its keys (statistics.h) to those of routers, links and run.
  virtual void add_results(nlohmann::ordered_json& results, const TorusFacts& facts) const = 0;
  /// One line: what is not done when the deadline passes.
  virtual std::string unfinished() const = 0;
};

/// The work that the scenario asks for.
std::unique_ptr<TorusWork> make_torus_work(const Scenario& scenario, const Clock& clock,
                                           const RunOptions& options);

/// simulate() of a scenario with `switch: torus`.
RunOutcome simulate_torus(const Scenario& scenario, const RunOptions& options);

}  // namespace heddle
