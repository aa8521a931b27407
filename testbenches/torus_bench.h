// A torus of endpoints for tests: routers, an endpoint and a memory per node, and initiators behind
// checkers of the protocol.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "accelerator/hbm.h"
#include "accelerator/torus_endpoint.h"
#include "device_bench.h"
#include "engine/blueprint.h"
#include "engine/loader.h"
#include "engine/torus_fabric.h"
#include "tlm_initiator.h"
#include "tlm_protocol_checker.h"

namespace heddle::testing {

inline DramConfig torus_memory() {
  DramConfig config;
  config.channels = 2;
  config.banks = 4;
  config.capacity = 1_MiB;
  return config;
}

struct TorusBenchOptions {
  std::string fabric = "x: 4, y: 1, z: 1";
  std::string torus{};  ///< keys of the section `torus`
  TorusEndpointConfig endpoint{};
  Contents contents = Contents::stored;
  ClockOptions clock{};
};

class TorusBench {
 public:
  explicit TorusBench(const TorusBenchOptions& options = {})
      : bench_(options.clock),
        scenario_(load_text("switch: torus\n"
                            "fabric: {topology: torus, " +
                                options.fabric + "}\ntorus: {" + options.torus +
                                "}\nworkload: {pattern: uniform}\n",
                            "test.yaml")
                      .front()),
        endpoint_(options.endpoint),
        contents_(options.contents),
        messages_(scenario_.torus.payload.value),
        log_(0, never),
        blueprint_(draw(scenario_)),
        fabric_(scenario_, blueprint_, bench_.environment(),
                [this](const TorusNodePlace& place) { return make(place); }) {}

  /// A new initiator of the chip, behind a checker.
  Initiator& initiator(unsigned node) {
    const std::string n = std::to_string(initiators_.size());
    initiators_.push_back(std::make_unique<Initiator>(("initiator" + n).c_str(), clock()));
    initiators_.back()->socket.bind(checker(node).from_initiator);
    return *initiators_.back();
  }
  TlmProtocolChecker& checker(unsigned node) {
    const std::string n = std::to_string(checkers_.size());
    checkers_.push_back(std::make_unique<TlmProtocolChecker>(("checker" + n).c_str()));
    checkers_.back()->to_target.bind(endpoints_[node]->memory_map);
    return *checkers_.back();
  }

  Clock& clock() { return bench_.clock(); }
  TorusFabric& fabric() { return fabric_; }
  TorusEndpoint& endpoint(unsigned node) { return *endpoints_[node]; }
  Hbm& memory(unsigned node) { return *memories_[node]; }
  const TorusMemoryLog& memory_log() const { return memory_log_; }
  std::uint64_t memory_bytes() const { return torus_memory().capacity.value; }
  const TlmProtocolChecker& checker_of(unsigned i) const { return *checkers_[i]; }
  void run(Cycle last) { bench_.run(last); }

  /// The laws, of a run in which nothing is left to be done.
  void verify() {
    for (const Device* device : fabric_.devices()) {
      device->verify(true);
      const FrameBalance b = device->balance();
      EXPECT_EQ(b.received + b.created, b.sent + b.consumed + b.dropped + b.held) << device->path();
    }
    for (const auto& memory : memories_) memory->verify(true);
    fabric_.verify_credits(clock().frames_under_way() != 0);
    EXPECT_EQ(bench_.packets().live(), 0U);
  }
  std::uint64_t hash() const {
    std::uint64_t hash = 0;
    for (const auto& link : fabric_.links()) hash = hash * 31 + link->hash();
    return hash;
  }

 private:
  std::unique_ptr<TorusNode> make(const TorusNodePlace& place) {
    const TorusEndpointPlace at{place.node, place.shape, memory_bytes(), place.buffer_flits,
                                messages_,  log_,        memory_log_,    endpoints_};
    auto endpoint = std::make_unique<TorusEndpoint>(place.name.c_str(), place.environment, at,
                                                    place.config, endpoint_);
    memories_.push_back(
        std::make_unique<Hbm>((place.name + "_hbm").c_str(), clock(), torus_memory(), contents_));
    endpoint->memory.bind(memories_.back()->socket);
    endpoints_.push_back(endpoint.get());
    return endpoint;
  }

  Workbench bench_;
  Scenario scenario_;
  TorusEndpointConfig endpoint_;
  Contents contents_;
  TorusMessages messages_;
  TorusLog log_;
  TorusMemoryLog memory_log_;
  Blueprint blueprint_;
  std::vector<TorusEndpoint*> endpoints_;
  std::vector<std::unique_ptr<Hbm>> memories_;
  std::vector<std::unique_ptr<TlmProtocolChecker>> checkers_;
  std::vector<std::unique_ptr<Initiator>> initiators_;
  TorusFabric fabric_;
};

}  // namespace heddle::testing
