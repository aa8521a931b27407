// The workload pattern `uniform` on a torus: each node a source of random packets.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "accelerator/torus_source.h"
#include "engine/torus_simulation.h"

namespace heddle {

class TorusUniform : public TorusWork {
 public:
  TorusUniform(const Scenario& scenario, const Clock& clock);

  std::unique_ptr<TorusNode> make_node(const TorusNodePlace& place) override;
  bool done() const override;
  bool waiting() const override;
  Cycle last_progress() const override { return log_.last_progress(); }
  std::uint64_t delivered_bytes() const override { return log_.delivered_bytes(); }
  Cycle first_due() const override { return log_.first_due(); }
  void check_laws(const TorusFacts& facts) const override;
  void add_results(nlohmann::ordered_json& results, const TorusFacts& facts) const override;
  std::string unfinished() const override;

 private:
  TorusTraffic traffic_;
  TorusLog log_;
  const PacketPool* packets_ = nullptr;
  std::vector<const TorusSource*> sources_;
};

}  // namespace heddle
