#include "engine/torus_measurement.h"

#include <unordered_set>

#include "engine/measurement.h"

namespace heddle {

namespace {

using Json = nlohmann::ordered_json;

/// Credit wires carry nothing that waits for them.
Json packet_links(const TorusFacts& facts) {
  std::unordered_set<const Link*> credits;
  for (const TorusFabric::Channel& channel : facts.fabric.channels()) {
    credits.insert(channel.credits);
  }
  return links(facts.fabric.links(), facts.end, facts.cycle_ns,
               [&](const Link& link) { return credits.count(&link) == 0; });
}

Json torus(const TorusFacts& facts) {
  std::uint64_t packets = 0;
  std::uint64_t flits = 0;
  for (const auto& router : facts.fabric.routers()) {
    packets += router->ring_packets();
    flits += router->ring_flits();
  }
  return {{"packet_hops", packets}, {"flit_hops", flits}};
}

}  // namespace

Json measure_torus(const TorusFacts& facts, const TorusWork& work) {
  Json json;
  work.add_results(json, facts);
  json["torus"].update(torus(facts));
  json["buffers"] = buffers(facts.fabric.devices(), facts.end);
  json["links"] = packet_links(facts);
  return json;
}

}  // namespace heddle
