// The patterns `gemm` and `layers` on a systolic array alone (`accelerator.model: array`).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "accelerator/systolic_array.h"
#include "accelerator/torus_endpoint.h"
#include "engine/torus_simulation.h"

namespace heddle {

class ArrayWork : public TorusWork {
 public:
  ArrayWork(const Scenario& scenario, const Clock& clock);

  std::unique_ptr<TorusNode> make_node(const TorusNodePlace& place) override;
  std::vector<const Device*> devices() const override { return {array_.get()}; }
  bool done() const override { return array_->waiting() == 0; }
  bool waiting() const override { return !done(); }
  Cycle last_progress() const override;
  Cycle end(Cycle elapsed) const override { return done() ? array_->finished() : elapsed; }
  std::uint64_t hash() const override { return array_->hash(); }
  void check_laws(const TorusFacts& facts) const override;
  void add_results(nlohmann::ordered_json& results, const TorusFacts& facts) const override;
  std::string unfinished() const override;

 private:
  const Scenario& scenario_;
  const Clock& clock_;
  TorusMessages messages_;
  TorusLog log_;
  TorusMemoryLog memory_log_;
  std::vector<TorusEndpoint*> endpoints_;  // the only one
  std::unique_ptr<SystolicArray> array_;
};

}  // namespace heddle
