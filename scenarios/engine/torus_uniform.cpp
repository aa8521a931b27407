#include "engine/torus_uniform.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/torus_measurement.h"

namespace heddle {

namespace {

using Json = nlohmann::ordered_json;

TorusTraffic traffic_of(const Scenario& scenario, const Clock& clock) {
  const WorkloadConfig& config = scenario.workload.front();
  const Cycle start = clock.cycles(config.start);
  return {config.load, config.to_itself, config.message.value, start,
          std::min(start + clock.cycles(config.duration), clock.cycles(scenario.measure.deadline))};
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

void TorusUniform::check_laws(const TorusFacts& facts) const { check_packets(facts, log_); }

void TorusUniform::add_results(Json& results, const TorusFacts& facts) const {
  const double window = static_cast<double>(log_.to() > log_.from() ? log_.to() - log_.from() : 0);
  const auto load = [&](std::uint64_t bytes) {
    const Link& local = *facts.fabric.channels().back().packets;
    const double most = window * facts.fabric.shape().nodes() * local.rate().bytes_per_cycle();
    return most == 0 ? 0.0 : static_cast<double>(bytes) / most;
  };
  std::uint64_t hops = 0;
  for (const auto& router : facts.fabric.routers()) hops += router->ring_packets();
  add_packets(results, facts, log_);
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
