#include "engine/torus_memory.h"

#include <exception>
#include <memory>
#include <vector>

#include "accelerator/torus_endpoint.h"
#include "engine/chip_memory.h"
#include "engine/torus_fabric.h"

namespace heddle {

/// Lives until the process ends: SystemC's kernel must not see its objects destroyed first.
struct TorusMemory::Parts {
  explicit Parts(const Scenario& of)
      : scenario(of),
        clock("clock", torus_clock(scenario.fabric)),
        messages(scenario.torus.payload.value),
        log(0, never),
        blueprint(draw(scenario)),
        fabric(scenario, blueprint, {clock, packets},
               [this](const TorusNodePlace& place) { return make(place); }) {}

  std::unique_ptr<TorusNode> make(const TorusNodePlace& place) {
    const TorusEndpointPlace at{
        place.node,         place.shape, scenario.accelerator.memory_bytes(),
        place.buffer_flits, messages,    log,
        memory_log,         endpoints};
    auto endpoint = std::make_unique<TorusEndpoint>(place.name.c_str(), place.environment, at,
                                                    place.config, scenario.endpoint);
    memories.push_back(std::make_unique<ChipMemory>(fmt::format("chip{}", place.node), clock,
                                                    scenario.accelerator.memory, Contents::stored));
    endpoint->memory.bind(memories.back()->socket());
    endpoints.push_back(endpoint.get());
    return endpoint;
  }

  Scenario scenario;
  Clock clock;
  PacketPool packets;
  TorusMessages messages;
  TorusLog log;
  TorusMemoryLog memory_log;
  Blueprint blueprint;
  std::vector<TorusEndpoint*> endpoints;
  std::vector<std::unique_ptr<ChipMemory>> memories;
  TorusFabric fabric;
};

TorusMemory::TorusMemory(const Scenario& scenario) : parts_(*new Parts(scenario)) {}

unsigned TorusMemory::nodes() const { return parts_.fabric.shape().nodes(); }

std::uint64_t TorusMemory::node_bytes() const { return parts_.scenario.accelerator.memory_bytes(); }

TlmTarget::Socket& TorusMemory::memory_map(unsigned node) {
  return parts_.endpoints.at(node)->memory_map;
}

void TorusMemory::start() { parts_.clock.start(); }

void TorusMemory::verify() {
  if (parts_.clock.failure()) std::rethrow_exception(parts_.clock.failure());
  for (const Device* device : parts_.fabric.devices()) device->verify(false);
  parts_.fabric.verify_credits(parts_.clock.frames_under_way() != 0);
}

}  // namespace heddle
