// The workload patterns `remote_read` and `remote_write` on a torus: chips that access each other's
// memory.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "accelerator/remote_access_source.h"
#include "accelerator/torus_endpoint.h"
#include "engine/chip_memory.h"
#include "engine/torus_simulation.h"

namespace heddle {

class TorusRemote : public TorusWork {
 public:
  TorusRemote(const Scenario& scenario, const Clock& clock);

  std::unique_ptr<TorusNode> make_node(const TorusNodePlace& place) override;
  std::vector<const Device*> devices() const override;
  bool done() const override;
  bool waiting() const override { return !done(); }
  Cycle last_progress() const override;
  Cycle end(Cycle) const override { return memory_log_.last_done(); }
  std::uint64_t hash() const override;
  void check_laws(const TorusFacts& facts) const override;
  void add_results(nlohmann::ordered_json& results, const TorusFacts& facts) const override;
  std::string unfinished() const override;

 private:
  unsigned target(const TorusShape& shape, unsigned node, Rng& rng) const;

  const Scenario& scenario_;
  const WorkloadConfig& config_;
  Cycle start_;
  TorusMessages messages_;
  TorusLog log_;
  TorusMemoryLog memory_log_;
  std::vector<TorusEndpoint*> endpoints_;
  std::vector<std::unique_ptr<ChipMemory>> memories_;
  std::vector<std::unique_ptr<RemoteAccessSource>> sources_;
};

}  // namespace heddle
