#include "engine/torus_remote.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/measurement.h"
#include "engine/torus_measurement.h"

namespace heddle {

namespace {

using Json = nlohmann::ordered_json;

unsigned any_neighbour(const TorusShape& shape, unsigned node, Rng& rng) {
  std::array<unsigned, 2 * torus_dimensions> found{};
  unsigned count = 0;
  for (unsigned d = 0; d < torus_dimensions; ++d) {
    if (shape.size(d) == 1) continue;
    found[count++] = shape.neighbour(node, d, Way::up);
    found[count++] = shape.neighbour(node, d, Way::down);
  }
  return found[rng.below(count)];
}

/// Half way round in every dimension.
unsigned farthest(const TorusShape& shape, unsigned node) {
  TorusShape::Place place = shape.place(node);
  for (unsigned d = 0; d < torus_dimensions; ++d) {
    place[d] = static_cast<std::uint8_t>((place[d] + shape.size(d) / 2) % shape.size(d));
  }
  return shape.node(place);
}

}  // namespace

TorusRemote::TorusRemote(const Scenario& scenario, const Clock& clock)
    : scenario_(scenario),
      config_(scenario.workload.front()),
      start_(std::max<Cycle>(clock.cycles(config_.start), 1)),
      messages_(scenario.torus.payload.value),
      log_(std::max(clock.cycles(scenario.measure.warmup), start_), never),
      memory_log_(log_.from()) {}

unsigned TorusRemote::target(const TorusShape& shape, unsigned node, Rng& rng) const {
  switch (config_.distance) {
    case RemoteDistance::own:
      return node;
    case RemoteDistance::one_hop:
      return any_neighbour(shape, node, rng);
    case RemoteDistance::farthest:
      return farthest(shape, node);
    default:
      break;
  }
  const std::uint32_t other = rng.below(shape.nodes() - 1);
  return other < node ? other : other + 1;
}

std::unique_ptr<TorusNode> TorusRemote::make_node(const TorusNodePlace& place) {
  Clock& clock = place.environment.clock;
  const std::uint64_t memory_bytes = scenario_.accelerator.memory_bytes();
  const TorusEndpointPlace at{place.node, place.shape, memory_bytes, place.buffer_flits,
                              messages_,  log_,        memory_log_,  endpoints_};
  auto endpoint = std::make_unique<TorusEndpoint>(place.name.c_str(), place.environment, at,
                                                  place.config, scenario_.endpoint);
  memories_.push_back(std::make_unique<ChipMemory>(fmt::format("chip{}", place.node), clock,
                                                   scenario_.accelerator.memory, Contents::none));
  endpoint->memory.bind(memories_.back()->socket());
  endpoints_.push_back(endpoint.get());
  const std::uint64_t nodes = place.shape.nodes();
  const std::uint64_t wanted = config_.initiators.value_or(nodes);
  // At equal distances: node n when the count of them that is due grows with it.
  if ((place.node + 1) * wanted / nodes == place.node * wanted / nodes) return endpoint;
  RemoteAccesses accesses;
  accesses.write = config_.pattern == Pattern::remote_write;
  accesses.mix = config_.mix;
  accesses.bytes = config_.message.value;
  accesses.count = config_.accesses;
  accesses.outstanding = config_.outstanding;
  accesses.start = start_;
  accesses.memory_bytes = memory_bytes;
  accesses.target = [this, &shape = place.shape, node = place.node](Rng& rng) {
    return target(shape, node, rng);
  };
  sources_.push_back(
      std::make_unique<RemoteAccessSource>((place.name + "_source").c_str(), clock, accesses));
  sources_.back()->socket.bind(endpoint->memory_map);
  return endpoint;
}

std::vector<const Device*> TorusRemote::devices() const {
  std::vector<const Device*> all;
  for (const auto& memory : memories_) {
    for (const auto& stack : memory->stacks()) all.push_back(stack.get());
  }
  for (const auto& source : sources_) all.push_back(source.get());
  return all;
}

bool TorusRemote::done() const {
  return std::all_of(sources_.begin(), sources_.end(),
                     [](const auto& source) { return source->done(); });
}

Cycle TorusRemote::last_progress() const {
  return std::max({log_.last_progress(), memory_log_.last_done(), start_});
}

/// Accesses to the own node leave no frame on a link.
std::uint64_t TorusRemote::hash() const {
  std::uint64_t hash = memory_log_.last_done();
  for (const Histogram* times : {&memory_log_.reads(), &memory_log_.writes()}) {
    hash = (hash ^ times->count()) * 0x9e3779b97f4a7c15;
    hash = (hash ^ times->quantile(0.5) ^ times->maximum() << 20) * 0xbf58476d1ce4e5b9;
  }
  return hash;
}

void TorusRemote::check_laws(const TorusFacts& facts) const { check_packets(facts, log_); }

void TorusRemote::add_results(Json& results, const TorusFacts& facts) const {
  add_packets(results, facts, log_);
  const bool write = config_.pattern == Pattern::remote_write;
  const Percentiles wanted{{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p999", 0.999}};
  const auto distribution = [&](const Histogram& times) {
    Json json{{"count", times.count()}};
    json.update(percentiles(times, facts.cycle_ns, wanted));
    json["max"] = static_cast<double>(times.maximum()) * facts.cycle_ns;
    return json;
  };
  Json& json = results["remote"];
  json["latency_ns"] = distribution(write ? memory_log_.writes() : memory_log_.reads());
  const auto& by_hops = memory_log_.by_hops();
  for (std::size_t hops = 0; hops < by_hops.size(); ++hops) {
    if (by_hops[hops].count() == 0) continue;
    json["by_hops"][std::to_string(hops)] = distribution(by_hops[hops]);
  }
  const Cycle end = memory_log_.last_done();
  const std::uint64_t bytes = memory_log_.bytes_written() + memory_log_.bytes_read();
  json["gbps_per_chip"] = end <= log_.from()
                              ? 0.0
                              : static_cast<double>(bytes) * 8 /
                                    (static_cast<double>(end - log_.from()) * facts.cycle_ns) /
                                    static_cast<double>(sources_.size());
  std::uint64_t repeated = 0;
  std::uint64_t errors = 0;
  for (const TorusEndpoint* endpoint : endpoints_) repeated += endpoint->counts().repeated;
  for (const auto& source : sources_) errors += source->errors();
  json["repeated"] = repeated;
  json["errors"] = errors;
}

std::string TorusRemote::unfinished() const {
  const auto left = std::count_if(sources_.begin(), sources_.end(),
                                  [](const auto& source) { return !source->done(); });
  return fmt::format("{} chips with accesses without an answer", left);
}

}  // namespace heddle
