// The workload pattern `collective` on a torus: its chips together, with real data.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "accelerator/torus_endpoint.h"
#include "engine/torus_simulation.h"
#include "parts/collective_bound.h"

namespace heddle {

/// The schedule that the scenario asks for. Throws InputError for what does not exist on its torus.
CollectiveSchedule collective_of(const Scenario& scenario);

/// What a collective costs on the links and endpoints of the scenario's torus.
TorusCost torus_cost(const Scenario& scenario);

class TorusCollective : public TorusWork {
 public:
  TorusCollective(const Scenario& scenario, const Clock& clock);

  std::unique_ptr<TorusNode> make_node(const TorusNodePlace& place) override;
  bool done() const override { return completed_ == expected(); }
  bool waiting() const override { return !done(); }
  Cycle last_progress() const override;
  void check_laws(const TorusFacts& facts) const override;
  void add_results(nlohmann::ordered_json& results, const TorusFacts& facts) const override;
  std::string unfinished() const override;

 private:
  std::uint64_t expected() const { return schedule_->ranks() * config_.repetitions; }
  void begin(unsigned rank, std::uint32_t repetition);
  void completed(unsigned rank, std::uint32_t repetition);
  CollectiveCounts counts() const;

  const Scenario& scenario_;
  const WorkloadConfig& config_;
  const Clock& clock_;
  std::shared_ptr<const CollectiveSchedule> schedule_;
  Cycle start_;
  TorusMessages messages_;
  TorusLog log_;
  TorusMemoryLog memory_log_;
  std::vector<TorusEndpoint*> endpoints_;
  std::uint64_t completed_ = 0;
  Cycle last_result_ = 0;
};

}  // namespace heddle
