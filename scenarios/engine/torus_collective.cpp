#include "engine/torus_collective.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/torus_measurement.h"
#include "parts/collective_bound.h"

namespace heddle {

namespace {

using Json = nlohmann::ordered_json;

CollectiveCounts sum(CollectiveCounts a, const CollectiveCounts& b) {
  a.pieces_sent += b.pieces_sent;
  a.pieces_received += b.pieces_received;
  a.duplicates += b.duplicates;
  a.repeated += b.repeated;
  a.early += b.early;
  return a;
}

/// Bytes on a link for so much payload in packets.
double wire_bytes(const TorusConfig& torus, std::uint64_t words) {
  const std::uint64_t full_words = torus.payload.value / collective_word_bytes;
  const std::uint64_t rest = words % full_words;
  const std::uint64_t flits = words / full_words * torus.flits(full_words * collective_word_bytes) +
                              (rest == 0 ? 0 : torus.flits(rest * collective_word_bytes));
  return static_cast<double>(flits * torus.flit.value);
}

}  // namespace

CollectiveSchedule collective_of(const Scenario& scenario) {
  const WorkloadConfig& config = scenario.workload.front();
  const FabricConfig& fabric = scenario.fabric;
  const TorusSize size{{static_cast<unsigned>(fabric.x), static_cast<unsigned>(fabric.y),
                        static_cast<unsigned>(fabric.z)}};
  return collective_schedule(config.operation, config.algorithm, size, {{0, 0, 0}, size},
                             static_cast<unsigned>(config.ranks.value_or(0)));
}

TorusCost torus_cost(const Scenario& scenario) {
  const ClockOptions clock = torus_clock(scenario.fabric);
  const TorusConfig& torus = scenario.torus;
  const auto cycles = [&](Duration duration) {
    return static_cast<double>((duration.picoseconds * clock.period_cycles + clock.period_ps - 1) /
                               clock.period_ps);
  };
  const auto link = [&](const LinkConfig& config, bool to_router) {
    const LinkRate rate = LinkRate::of(config.rate, clock.period_ps, clock.period_cycles);
    return LinkCost{
        1 / rate.bytes_per_cycle(),
        std::max(cycles(config.latency), 1.0) + (to_router ? cycles(torus.router_latency) : 0.0)};
  };
  TorusCost cost;
  for (unsigned d = 0; d < torus_dimensions; ++d) {
    cost.ring[d] = link(scenario.fabric.ring_link(d), true);
  }
  const LinkConfig local = scenario.fabric.one_way(scenario.fabric.local_link);
  cost.local = link(local, false);
  // Twice on the local link, and once through the router behind the first of them.
  cost.send_latency = cycles(scenario.endpoint.latency);
  cost.arrive_latency = cycles(scenario.endpoint.latency) + cycles(torus.router_latency);
  cost.reduce_latency = cycles(scenario.endpoint.reduce_latency);
  cost.packet_bytes = wire_bytes(torus, torus.payload.value / collective_word_bytes);
  cost.wire_bytes = [torus](std::uint64_t words) { return wire_bytes(torus, words); };
  cost.by_packets = scenario.endpoint.forwarding == StepForwarding::packets;
  return cost;
}

TorusCollective::TorusCollective(const Scenario& scenario, const Clock& clock)
    : scenario_(scenario),
      config_(scenario.workload.front()),
      clock_(clock),
      schedule_(std::make_shared<CollectiveSchedule>(collective_of(scenario))),
      start_(std::max<Cycle>(clock.cycles(config_.start), 1)),
      messages_(scenario.torus.payload.value),
      log_(start_, never) {}

std::unique_ptr<TorusNode> TorusCollective::make_node(const TorusNodePlace& place) {
  const TorusEndpointPlace at{place.node,         place.shape, scenario_.accelerator.memory_bytes(),
                              place.buffer_flits, messages_,   log_,
                              memory_log_,        endpoints_};
  auto endpoint = std::make_unique<TorusEndpoint>(place.name.c_str(), place.environment, at,
                                                  place.config, scenario_.endpoint);
  endpoints_.push_back(endpoint.get());
  const auto& nodes = schedule_->nodes;
  const auto rank = std::find(nodes.begin(), nodes.end(), place.node);
  if (rank != nodes.end()) begin(static_cast<unsigned>(rank - nodes.begin()), 0);
  return endpoint;
}

void TorusCollective::begin(unsigned rank, std::uint32_t repetition) {
  const CollectiveJob job{schedule_, rank, repetition, config_.message.value};
  endpoints_[schedule_->nodes[rank]]->begin_collective(
      job, [this, rank, repetition](Cycle) { completed(rank, repetition); }, start_);
}

void TorusCollective::completed(unsigned rank, std::uint32_t repetition) {
  ++completed_;
  last_result_ = std::max(last_result_, clock_.now());
  if (repetition + 1 < config_.repetitions) begin(rank, repetition + 1);
}

Cycle TorusCollective::last_progress() const { return std::max(log_.last_progress(), start_); }

CollectiveCounts TorusCollective::counts() const {
  CollectiveCounts all;
  for (const TorusEndpoint* endpoint : endpoints_) all = sum(all, endpoint->collectives());
  return all;
}

void TorusCollective::check_laws(const TorusFacts& facts) const {
  check_packets(facts, log_);
  const CollectiveCounts all = counts();
  const std::uint64_t most = all.pieces_received + all.duplicates;
  if (facts.drained && all.pieces_sent < most) {
    throw CheckFailure(
        fmt::format("{} packets of collectives were sent, and {} came", all.pieces_sent, most));
  }
}

void TorusCollective::add_results(Json& results, const TorusFacts& facts) const {
  add_packets(results, facts, log_);
  const CollectiveCounts all = counts();
  Json& json = results["collective"];
  json["ranks"] = schedule_->ranks();
  json["steps"] = schedule_->steps(0, 0).size();
  json["completed"] = completed_ / schedule_->ranks();
  json["pieces"] = all.pieces_received;
  json["repeated"] = all.repeated;
  json["early"] = all.early;
  const double bound_ns =
      collective_bound(*schedule_, collective_part_words(*schedule_, config_.message.value),
                       facts.fabric.shape(), torus_cost(scenario_)) *
      facts.cycle_ns;
  json["bound_ns"] = bound_ns;
  if (!done()) return;
  const double time_ns = static_cast<double>(last_result_ - start_) * facts.cycle_ns /
                         static_cast<double>(config_.repetitions);
  const double algbw = static_cast<double>(config_.message.value) * 8 / time_ns;
  json["time_ns"] = time_ns;
  json["bound_share"] = bound_ns / time_ns;
  json["algbw_gbps"] = algbw;
  json["busbw_gbps"] = algbw * bus_factor(config_.operation, schedule_->ranks());
}

std::string TorusCollective::unfinished() const {
  return fmt::format("{} of {} results of ranks not there", expected() - completed_, expected());
}

}  // namespace heddle
