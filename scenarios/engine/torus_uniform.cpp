#include "engine/torus_uniform.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/measurement.h"

namespace heddle {

namespace {

using Json = nlohmann::ordered_json;

TorusTraffic traffic_of(const Scenario& scenario, const Clock& clock) {
  const WorkloadConfig& config = scenario.workload.front();
  const Cycle start = clock.cycles(config.start);
  return {config.load, config.to_itself, config.message.value, start,
          std::min(start + clock.cycles(config.duration), clock.cycles(scenario.measure.deadline))};
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

TorusUniform::TorusUniform(const Scenario& scenario, const Clock& clock)
    : traffic_(traffic_of(scenario, clock)),
      log_(std::max(clock.cycles(scenario.measure.warmup), traffic_.start), traffic_.stop) {}

std::unique_ptr<TorusNode> TorusUniform::make_node(const TorusNodePlace& place) {
  auto source = std::make_unique<TorusSource>(place.name.c_str(), place.environment, place.node,
                                              place.shape.nodes(), place.config, traffic_,
                                              place.buffer_flits, log_);
  sources_.push_back(source.get());
  packets_ = &place.environment.packets;
  return source;
}

bool TorusUniform::done() const {
  return std::all_of(sources_.begin(), sources_.end(),
                     [](const TorusSource* source) { return source->exhausted(); });
}

bool TorusUniform::waiting() const { return packets_->live() != 0; }

std::uint64_t TorusUniform::lost(const TorusFabric& fabric) const {
  return unreachable(fabric) + lost_on_links(fabric);
}

void TorusUniform::check_laws(const TorusFacts& facts) const {
  const std::uint64_t ended = log_.delivered() + lost(facts.fabric);
  if (log_.injected() == ended + facts.live_packets) return;
  throw CheckFailure(
      fmt::format("{} packets were injected, but {} delivered or lost and {} are "
                  "under way",
                  log_.injected(), ended, facts.live_packets));
}

void TorusUniform::add_results(Json& results, const TorusFacts& facts) const {
  const double cycle_ns = facts.cycle_ns;
  const double window = static_cast<double>(log_.to() > log_.from() ? log_.to() - log_.from() : 0);
  const auto load = [&](std::uint64_t bytes) {
    const Link& local = *facts.fabric.channels().back().packets;
    const double most = window * facts.fabric.shape().nodes() * local.rate().bytes_per_cycle();
    return most == 0 ? 0.0 : static_cast<double>(bytes) / most;
  };
  std::uint64_t hops = 0;
  for (const auto& router : facts.fabric.routers()) hops += router->ring_packets();
  results["packets"] = {
      {"injected", log_.injected()},
      {"delivered", log_.delivered()},
      {"discarded", 0},
      {"dropped", lost(facts.fabric)},
      {"in_flight", facts.live_packets},
      {"dropped_by_reason",
       {{"unreachable", unreachable(facts.fabric)}, {"link", lost_on_links(facts.fabric)}}}};
  const Cycle first = log_.first_due();
  results["throughput"]["gbps"] = first >= facts.end
                                      ? 0.0
                                      : static_cast<double>(log_.delivered_bytes()) * 8 /
                                            (static_cast<double>(facts.end - first) * cycle_ns);
  results["latency_ns"] = latency(log_.packets().latency(), cycle_ns);
  results["latency_stage_ns"] = latency_by_stage(log_.packets(), cycle_ns);
  if (log_.packets().slowest().latency != 0) {
    results["slowest_packet"] = slowest_packet(log_.packets().slowest(), cycle_ns);
  }
  std::uint64_t offered = log_.due_wire_bytes();
  for (const TorusSource* source : sources_) offered += source->unsent_wire_bytes();
  results["torus"] = {{"offered_load", load(offered)},
                      {"accepted_load", load(log_.accepted_wire_bytes())},
                      {"hops", log_.injected() == 0 ? 0.0
                                                    : static_cast<double>(hops) /
                                                          static_cast<double>(log_.injected())}};
}

std::string TorusUniform::unfinished() const {
  return fmt::format("{} packets in flight", log_.injected() - log_.delivered());
}

}  // namespace heddle
