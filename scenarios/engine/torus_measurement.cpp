#include "engine/torus_measurement.h"

#include <fmt/format.h>

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

std::uint64_t unreachable(const TorusFabric& fabric) {
  std::uint64_t packets = 0;
  for (const auto& router : fabric.routers()) packets += router->unreachable();
  return packets;
}

std::uint64_t lost_on_links(const TorusFabric& fabric) {
  std::uint64_t packets = 0;
  for (const TorusFabric::Channel& channel : fabric.channels()) {
    packets += channel.packets->losses().frames;
  }
  return packets;
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

void check_packets(const TorusFacts& facts, const TorusLog& log) {
  const std::uint64_t ended =
      log.delivered() + unreachable(facts.fabric) + lost_on_links(facts.fabric);
  if (log.injected() == ended + facts.live_packets) return;
  throw CheckFailure(
      fmt::format("{} packets were injected, but {} delivered or lost and {} are under way",
                  log.injected(), ended, facts.live_packets));
}

void add_packets(Json& results, const TorusFacts& facts, const TorusLog& log) {
  const std::uint64_t dropped = unreachable(facts.fabric);
  const std::uint64_t lost = lost_on_links(facts.fabric);
  results["packets"] = {{"injected", log.injected()},
                        {"delivered", log.delivered()},
                        {"discarded", 0},
                        {"dropped", dropped + lost},
                        {"in_flight", facts.live_packets},
                        {"dropped_by_reason", {{"unreachable", dropped}, {"link", lost}}}};
  const Cycle first = log.first_due();
  results["throughput"]["gbps"] =
      first >= facts.end ? 0.0
                         : static_cast<double>(log.delivered_bytes()) * 8 /
                               (static_cast<double>(facts.end - first) * facts.cycle_ns);
  results["latency_ns"] = latency(log.packets().latency(), facts.cycle_ns);
  results["latency_stage_ns"] = latency_by_stage(log.packets(), facts.cycle_ns);
  if (log.packets().slowest().latency != 0) {
    results["slowest_packet"] = slowest_packet(log.packets().slowest(), facts.cycle_ns);
  }
}

}  // namespace heddle
