#include "engine/measurement.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "engine/statistics.h"

namespace heddle {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<const char*, buffer_role_count> role_names{"ingress", "fabric", "egress",
                                                                "hbm", "nic"};
constexpr std::array<std::pair<Admission, const char*>, 4> drop_reasons{
    {{Admission::drop_threshold, "threshold"},
     {Admission::drop_pool, "pool"},
     {Admission::drop_headroom, "headroom"},
     {Admission::unreachable, "unreachable"}}};

struct Totals {
  std::array<std::uint64_t, drop_reasons.size()> dropped{};
  std::uint64_t dropped_answers = 0;
  std::uint64_t trimmed = 0;
  std::uint64_t marked = 0;
  std::uint64_t retransmitted = 0;
  std::uint64_t answers = 0;
  std::uint64_t answers_received = 0;
  std::uint64_t time_outs = 0;
  std::uint64_t notifications = 0;
  std::uint64_t credits = 0;
  LinkLosses lost;
  LostPackets unreachable;
  LostPackets incomplete;

  void add(const DropCounts& drops) {
    for (unsigned i = 0; i < drop_reasons.size(); ++i) {
      dropped[i] += drops.data(drop_reasons[i].first);
      dropped_answers += drops.answers(drop_reasons[i].first);
    }
  }
  std::uint64_t all_dropped() const {
    return std::accumulate(dropped.begin(), dropped.end(),
                           lost.packets + unreachable.packets + incomplete.packets);
  }
  std::uint64_t all_dropped_answers() const {
    return dropped_answers + lost.answers + unreachable.answers + incomplete.answers;
  }
};

Totals add_up(const Fabric& fabric) {
  Totals totals;
  for (const auto& nic : fabric.nics()) {
    totals.retransmitted += nic->repeated_packets();
    totals.answers += nic->control_packets();
    totals.answers_received += nic->control_received();
    totals.time_outs += nic->time_outs();
    totals.notifications += nic->notifications();
  }
  for (const auto& leaf : fabric.leaves()) {
    totals.add(leaf->drops());
    totals.credits += leaf->credits_granted();
    totals.unreachable += leaf->unreachable();
    totals.incomplete += leaf->incomplete();
  }
  for (const auto& device : fabric.switches()) {
    totals.add(device->drops());
    totals.trimmed += device->trimmed();
    totals.marked += device->marked();
  }
  for (const auto& element : fabric.elements()) totals.unreachable += element->unreachable();
  for (const auto& link : fabric.links()) totals.lost += link->losses();
  return totals;
}

std::uint64_t in_flight(const DeliveryLog& log, const Totals& totals) {
  return log.injected_packets() - log.delivered_packets() - log.discarded_packets() -
         totals.all_dropped();
}

void append(Json::object_t& object, const std::string& key, Json value) {
  static_cast<std::vector<std::pair<const std::string, Json>>&>(object).emplace_back(
      key, std::move(value));
}

Json packets(const RunFacts& facts, const Totals& totals) {
  Json json;
  json["injected"] = facts.log.injected_packets();
  json["delivered"] = facts.log.delivered_packets();
  json["discarded"] = facts.log.discarded_packets();
  json["dropped"] = totals.all_dropped();
  json["in_flight"] = in_flight(facts.log, totals);
  for (unsigned i = 0; i < drop_reasons.size(); ++i) {
    json["dropped_by_reason"][drop_reasons[i].second] = totals.dropped[i];
  }
  json["dropped_by_reason"]["unreachable"] = totals.dropped.back() + totals.unreachable.packets;
  json["dropped_by_reason"]["link"] = totals.lost.packets;
  json["dropped_by_reason"]["incomplete"] = totals.incomplete.packets;
  json["retransmitted"] = totals.retransmitted;
  json["trimmed"] = totals.trimmed;
  json["marked"] = totals.marked;
  json["answers"] = totals.answers;
  json["notifications"] = totals.notifications;
  json["time_outs"] = totals.time_outs;
  return json;
}

double throughput_gbps(const DeliveryLog& log, Cycle end, double cycle_ns) {
  if (log.first_due() >= end) return 0;
  return static_cast<double>(log.delivered_bytes()) * 8 /
         (static_cast<double>(end - log.first_due()) * cycle_ns);
}

Json messages(const DeliveryLog& log, double cycle_ns) {
  Json json;
  json["count"] = log.messages_completed();
  json["completion_ns"] = percentiles(log.completion(), cycle_ns, {{"p50", 0.5}, {"p99", 0.99}});
  json["completion_ns"]["max"] = static_cast<double>(log.completion().maximum()) * cycle_ns;
  json["slowdown"] = percentiles(log.slowdown_permille(), 1e-3, {{"p50", 0.5}, {"p99", 0.99}});
  json["slowdown"]["max"] = static_cast<double>(log.slowdown_permille().maximum()) * 1e-3;
  return json;
}

Json reordering(const ReorderTotals& totals) {
  Json json;
  json["ratio"] = totals.ratio();
  json["extent_max"] = totals.extent_max;
  json["n_reordering_max"] = totals.n_reordering_max;
  json["density"] = totals.density();
  json["buffer_density"] = totals.buffer_density();
  const auto count = [](Json& into, auto of, std::uint64_t packets) {
    if (packets != 0) into[std::to_string(of)] = packets;
  };
  Json& by = json["packets_by"] = {{"n_reordering", Json::object()},
                                   {"displacement", Json::object()},
                                   {"buffered", Json::object()}};
  for (unsigned n = 0; n < totals.n_reordering.size(); ++n) {
    count(by["n_reordering"], n, totals.n_reordering[n]);
  }
  int displaced = -static_cast<int>(ReorderTotals::threshold_limit);
  for (const std::uint64_t packets : totals.displacement) {
    count(by["displacement"], displaced++, packets);
  }
  for (unsigned held = 0; held < totals.buffered.size(); ++held) {
    count(by["buffered"], held, totals.buffered[held]);
  }
  return json;
}

}  // namespace

void check_frames(const Device& device) {
  const FrameBalance b = device.balance();
  if (b.received + b.created == b.sent + b.consumed + b.dropped + b.held) return;
  throw CheckFailure(fmt::format(
      "{}: frames do not add up: {} received + {} created, {} sent + {} consumed + {} dropped + {} "
      "held",
      device.path(), b.received, b.created, b.sent, b.consumed, b.dropped, b.held));
}

void check_links(const Links& links, const Devices& devices, std::uint64_t frames_under_way) {
  std::uint64_t started = 0;
  std::uint64_t lost = 0;
  std::uint64_t taken = 0;
  for (const auto& link : links) {
    started += link->frames();
    lost += link->losses().frames;
  }
  for (const Device* device : devices) taken += device->frames_taken();
  if (started == taken + lost + frames_under_way) return;
  throw CheckFailure(
      fmt::format("{} frames have started on links, but {} were taken, {} lost, {} are under way",
                  started, taken, lost, frames_under_way));
}

Json percentiles(const Histogram& histogram, double scale, const Percentiles& wanted) {
  Json json;
  json["mean"] = histogram.mean() * scale;
  for (const auto& [name, share] : wanted) {
    json[name] = static_cast<double>(histogram.quantile(share)) * scale;
  }
  return json;
}

const Percentiles& latency_percentiles() {
  static const Percentiles wanted{
      {"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p999", 0.999}, {"p9999", 0.9999}};
  return wanted;
}

Json latency(const Histogram& times, double unit_ns) {
  Json json;
  json["count"] = times.count();
  json.update(percentiles(times, unit_ns, latency_percentiles()));
  json["max"] = static_cast<double>(times.maximum()) * unit_ns;
  return json;
}

Json latency_by_stage(const PacketTimes& packets, double cycle_ns) {
  Json json;
  for (unsigned s = 0; s < stage_count; ++s) {
    const Stage stage = static_cast<Stage>(s);
    Json& of_stage = json[stage_texts()[s].name];
    of_stage = percentiles(packets.stage(stage), cycle_ns, {{"p99", 0.99}});
    of_stage["tail_share"] = packets.tail_share(stage);
  }
  return json;
}

Json slowest_packet(const SlowestPacket& slowest, double cycle_ns) {
  const PacketRecord& record = slowest.record;
  Json json{{"message", record.message},
            {"order", record.order},
            {"due_ns", static_cast<double>(record.due) * cycle_ns},
            {"latency_ns", static_cast<double>(slowest.latency) * cycle_ns}};
  for (unsigned s = 0; s < stage_count; ++s) {
    json["stage_ns"][stage_texts()[s].name] = static_cast<double>(record.stage[s]) * cycle_ns;
  }
  return json;
}

Json links(const Links& links, Cycle end, double cycle_ns,
           const std::function<bool(const Link&)>& wanted) {
  Json::object_t all;
  for (const auto& link : links) {
    if (link->frames() == 0 || (wanted && !wanted(*link))) continue;
    append(all, link->name(),
           {{"utilization", link->utilization(end)},
            {"paused_ns", static_cast<double>(link->paused_cycles(end)) * cycle_ns}});
  }
  return all;
}

/// Queues that never held a byte are left out of the list, not of the totals.
Json buffers(const Devices& all_devices, Cycle end) {
  std::array<std::uint64_t, buffer_role_count> totals{};
  // The underlying list is filled directly: a lookup in it is linear, and names do not repeat.
  Json::object_t devices;
  for (const Device* device : all_devices) {
    Json queues;
    for (const BufferView& view : device->buffers()) {
      const Occupancy& occupancy = *view.occupancy;
      if (view.whole) totals[static_cast<unsigned>(view.role)] += occupancy.peak_bytes();
      if (occupancy.peak_bytes() == 0) continue;
      queues[view.queue] = {{"peak_bytes", occupancy.peak_bytes()},
                            {"mean_bytes", occupancy.mean_bytes(end)},
                            {"p99_bytes", occupancy.quantile_bytes(0.99, end)}};
    }
    if (!queues.empty()) append(devices, device->path(), std::move(queues));
  }
  Json total;
  for (unsigned role = 0; role < buffer_role_count; ++role) {
    total[role_names[role]]["peak_bytes"] = totals[role];
  }
  Json::object_t all;
  append(all, "total", std::move(total));
  for (auto& [name, queues] : devices) append(all, name, std::move(queues));
  return all;
}

/// Absent in a fabric without external memory.
Json memories(const Fabric& fabric, Cycle end) {
  Json all;
  for (const auto& memory : fabric.memories()) {
    const HbmCounts counts = memory->counts();
    const double bus_cycles = static_cast<double>(end) * memory->channels();
    all[memory->path()] = {
        {"reads", counts.reads},
        {"writes", counts.writes},
        {"bytes_read", counts.bytes_read},
        {"bytes_written", counts.bytes_written},
        {"row_hits", counts.row_hits},
        {"row_misses", counts.row_misses},
        {"turns", counts.turns},
        {"refreshes", memory->refreshes(end)},
        {"utilization", end == 0 ? 0.0 : static_cast<double>(counts.data_cycles) / bus_cycles}};
  }
  return all;
}

Json run(const RunFigures& figures) {
  const std::uint64_t hops = figures.frame_hops;
  Json json;
  json["status"] = figures.status;
  json["seed"] = figures.seed;
  json["cycles"] = figures.end;
  json["time_ns"] = static_cast<double>(figures.end) * figures.cycle_ns;
  json["frame_hops"] = hops;
  json["wall_s"] = figures.wall_s;
  json["ns_per_frame_hop"] = hops == 0 ? 0.0 : figures.wall_s * 1e9 / static_cast<double>(hops);
  json["result_hash"] = fmt::format("{:016x}", figures.hash);
  return json;
}

RunFigures figures(const RunFacts& facts, Cycle end, double cycle_ns) {
  return {facts.status, facts.scenario.seed,       end, cycle_ns, facts.fabric.frame_hops(),
          facts.wall_s, facts.fabric.result_hash()};
}

std::uint64_t hash_of(const Links& links) {
  std::uint64_t hash = 0;
  for (const auto& link : links) {
    hash = (hash ^ link->hash()) * 0x9e3779b97f4a7c15;
    hash ^= hash >> 32;
  }
  return hash;
}

Cycle quiet_from(const Links& links) {
  Cycle last = 0;
  for (const auto& link : links) {
    if (link->frames() == 0) continue;
    last = std::max(last, link->ready_at() + link->latency() + link->pipeline());
  }
  return last;
}

void check_laws(const RunFacts& facts) {
  for (const Device* device : facts.fabric.devices()) {
    check_frames(*device);
    device->verify(facts.drained);
  }
  check_links(facts.fabric.links(), facts.fabric.devices(), facts.frames_under_way);
  const Totals totals = add_up(facts.fabric);
  const std::uint64_t answers_under_way =
      totals.answers - totals.answers_received - totals.all_dropped_answers();
  if (in_flight(facts.log, totals) + answers_under_way != facts.live_packets) {
    throw CheckFailure(fmt::format("{} packets and {} answers are under way, but {} records are",
                                   in_flight(facts.log, totals), answers_under_way,
                                   facts.live_packets));
  }
  const bool scheduled = !facts.fabric.leaves().empty();
  if (scheduled && totals.all_dropped() == 0 && facts.log.reordering().reordered != 0) {
    throw CheckFailure("the scheduled fabric has reordered packets of a flow");
  }
  if (!facts.drained) return;
  for (const auto& ingress : facts.fabric.leaves()) {
    for (const auto& egress : facts.fabric.leaves()) ingress->verify_credits(*egress);
  }
}

nlohmann::ordered_json measure(const RunFacts& facts) {
  const double cycle_ns = static_cast<double>(facts.period_ps) * 1e-3;
  const Cycle end = facts.fabric.quiet_from();
  const Totals totals = add_up(facts.fabric);
  Json json;
  json["packets"] = packets(facts, totals);
  json["throughput"]["gbps"] = throughput_gbps(facts.log, end, cycle_ns);
  json["latency_ns"] = latency(facts.log.latency(), cycle_ns);
  json["latency_stage_ns"] = latency_by_stage(facts.log.packets(), cycle_ns);
  if (facts.log.slowest().latency != 0) {
    json["slowest_packet"] = slowest_packet(facts.log.slowest(), cycle_ns);
  }
  json["messages"] = messages(facts.log, cycle_ns);
  json["reordering"] = reordering(facts.log.reordering());
  json["credits"]["granted"] = totals.credits;
  json["buffers"] = buffers(facts.fabric.devices(), end);
  if (!facts.fabric.memories().empty()) json["hbm"] = memories(facts.fabric, end);
  json["links"] = links(facts.fabric.links(), end, cycle_ns);
  json["run"] = run(figures(facts, end, cycle_ns));
  return json;
}

}  // namespace heddle
