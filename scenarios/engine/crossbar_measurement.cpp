#include "engine/crossbar_measurement.h"

#include "engine/crossbar_theory.h"

namespace heddle {

namespace {

using Json = nlohmann::ordered_json;

Json packets(const CrossbarSwitch& crossbar) {
  return {{"injected", crossbar.arrived()},
          {"delivered", crossbar.departed()},
          {"discarded", 0},
          {"dropped", crossbar.dropped()},
          {"in_flight", crossbar.held()},
          {"dropped_by_reason", {{"queue", crossbar.dropped()}}}};
}

Json slotted(const CrossbarSwitch& crossbar) {
  const CellMeter& meter = crossbar.meter();
  const double ports = crossbar.place().ports;
  const std::uint32_t end = crossbar.slots_over();
  const Estimate carried = meter.carried(end);
  const Estimate wait = meter.mean_wait();
  Json json;
  json["load"] = meter.offered(end) / ports;
  json["throughput"] = {{"mean", carried.mean / ports}, {"half_width", carried.half_width / ports}};
  Json& slots = json["wait_slots"];
  slots["count"] = meter.waits().count();
  slots["half_width"] = wait.half_width;
  slots.update(percentiles(meter.waits(), 1, latency_percentiles()));
  slots["max"] = meter.waits().maximum();
  return json;
}

/// Inputs' queues are VOQs, or stand in their place.
Json latency_by_stage(const CellMeter& meter, double slot_ns) {
  const auto of_place = [&](const Histogram& waits, double tail_share) {
    Json json = percentiles(waits, slot_ns, {{"p99", 0.99}});
    json["tail_share"] = tail_share;
    return json;
  };
  const bool waited = meter.waits().maximum() > 0;
  const double inputs = meter.tail_share_of_inputs();
  return {{"voq_queue", of_place(meter.waits_at_inputs(), inputs)},
          {"egress_queue", of_place(meter.waits_at_outputs(), waited ? 1 - inputs : 0)}};
}

Json known(const Estimate& value) {
  Json json{{"mean", value.mean}};
  if (value.half_width != 0) json["half_width"] = value.half_width;
  return json;
}

Json known(const CrossbarTheory& theory) {
  Json json;
  if (theory.throughput) json["throughput"] = known(*theory.throughput);
  if (theory.mean_wait_slots) json["wait_slots"] = known(*theory.mean_wait_slots);
  json["source"] = theory.source;
  return json;
}

}  // namespace

nlohmann::ordered_json measure_crossbar(const RunFacts& facts) {
  const CrossbarSwitch& crossbar = *facts.fabric.crossbar();
  const double cycle_ns = static_cast<double>(facts.period_ps) * 1e-3;
  const double slot_ns = crossbar.place().slot.cycles_per_slot() * cycle_ns;
  const Cycle end = facts.fabric.quiet_from();
  const Estimate carried = crossbar.meter().carried(crossbar.slots_over());
  Json json;
  json["packets"] = packets(crossbar);
  json["throughput"]["gbps"] =
      carried.mean * static_cast<double>(facts.scenario.crossbar.cell.value) * 8 / slot_ns;
  json["latency_ns"] = latency(crossbar.meter().waits(), slot_ns);
  json["latency_stage_ns"] = latency_by_stage(crossbar.meter(), slot_ns);
  json["cells"] = slotted(crossbar);
  if (const auto theory = crossbar_theory(facts.scenario)) json["theory"] = known(*theory);
  json["buffers"] = buffers(facts.fabric.devices(), end);
  json["run"] = run(figures(facts, end, cycle_ns));
  return json;
}

}  // namespace heddle
