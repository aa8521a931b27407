#include "engine/fabric.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/fabric_limits.h"
#include "engine/measurement.h"
#include "engine/name_globs.h"
#include "engine/torus_fabric.h"
#include "kernel/error.h"

namespace heddle {

namespace {

std::string host_name(unsigned host) { return fmt::format("host{}", host); }
std::string loopback_name(const Blueprint::Box& leaf, unsigned path) {
  return fmt::format("{}-inside{}", leaf.name, path);
}

}  // namespace

std::vector<std::string> part_names(const Scenario& scenario, const Blueprint& blueprint) {
  if (scenario.switch_kind == SwitchKind::torus) return torus_part_names(scenario, blueprint);
  std::vector<std::string> names;
  for (unsigned host = 0; host < blueprint.hosts; ++host) names.push_back(host_name(host));
  for (const Blueprint::Box& box : blueprint.boxes) {
    names.push_back(box.name);
    if (scenario.switch_kind != SwitchKind::scheduled || !box.leaf) continue;
    for (unsigned path = 0; path < scenario.scheduled.cells_per_cycle; ++path) {
      names.push_back(loopback_name(box, path));
    }
  }
  for (const DrawnCable& cable : cables_of(blueprint)) {
    names.push_back(cable.forth);
    names.push_back(cable.back);
  }
  return names;
}

std::vector<std::string> rtl_names(const Scenario& scenario, const Blueprint& blueprint) {
  if (scenario.rtl.empty()) return {};
  if (!has_rtl()) {
    throw InputError(
        "rtl: this heddle was built without Verilator; install it (scripts/setup) and build again");
  }
  std::vector<std::string> boxes;
  for (const Blueprint::Box& box : blueprint.boxes) boxes.push_back(box.name);
  const bool torus = scenario.switch_kind == SwitchKind::torus;
  return matching_names(scenario.rtl, boxes, "rtl:", torus ? "router" : "switch");
}

std::string sender_name(const std::string& link) {
  return link.substr(0, link.find_first_of(".-"));
}

namespace {

/// A switch of the user's has a place in the fabric.
void require_switch(const std::string& name, const Scenario& scenario, const Blueprint& blueprint) {
  const auto& boxes = blueprint.boxes;
  const bool found = std::any_of(boxes.begin(), boxes.end(),
                                 [&](const Blueprint::Box& box) { return box.name == name; });
  if (found && scenario.switch_kind == SwitchKind::adaptive) return;
  throw InputError(fmt::format("the fabric has no adaptive switch '{}' to replace", name));
}

}  // namespace

Fabric::Fabric(const Scenario& scenario, const Blueprint& blueprint, const Environment& environment,
               Workload& workload, DeliveryLog& log, const MessageEvents& events,
               const SwitchMakers& makers)
    : makers_(makers),
      rtl_(rtl_names(scenario, blueprint)),
      hosts_per_leaf_(blueprint.hosts_per_leaf),
      scheduled_(scenario.switch_kind == SwitchKind::scheduled ? without_auto(scenario)
                                                               : scenario.scheduled) {
  for (unsigned host = 0; host < blueprint.hosts; ++host) {
    const auto number = static_cast<HostId>(host);
    nics_.push_back(std::make_unique<Nic>(
        host_name(host).c_str(), environment, number, blueprint.hosts, scenario.nic,
        scenario.classes, scenario.fabric.host_link.rate, workload.source(number), log, events));
    devices_.push_back(nics_.back().get());
  }
  build_boxes(scenario, blueprint, environment);
  wire(blueprint, environment);
  if (scenario.events.empty()) return;
  for (const auto& leaf : leaves_) leaf->expect_faults();
  for (const auto& element : elements_) element->expect_faults();
}

bool Fabric::in_rtl(const std::string& name) const {
  return std::find(rtl_.begin(), rtl_.end(), name) != rtl_.end();
}

void Fabric::build_boxes(const Scenario& scenario, const Blueprint& blueprint,
                         const Environment& environment) {
  for (const auto& [name, maker] : makers_) require_switch(name, scenario, blueprint);
  for (unsigned box = 0; box < blueprint.boxes.size(); ++box) {
    const Blueprint::Box& drawn = blueprint.boxes[box];
    if (scenario.switch_kind == SwitchKind::crossbar) {
      crossbar_ = std::make_unique<CrossbarSwitch>(drawn.name.c_str(), environment,
                                                   crossbar_place(scenario), scenario.crossbar);
      devices_.push_back(crossbar_.get());
    } else if (scenario.switch_kind == SwitchKind::adaptive) {
      build_switch(scenario, blueprint, box, environment);
      devices_.push_back(switches_.back().get());
    } else if (drawn.leaf) {
      build_leaf(scenario, blueprint, box, environment);
      devices_.push_back(leaves_.back().get());
      if (leaves_.back()->spill() != nullptr) build_memory(drawn.name, environment);
    } else {
      const auto per_leaf = static_cast<unsigned>(drawn.ports.size()) / blueprint.leaves;
      const auto make = in_rtl(drawn.name) ? make_rtl_fabric_element : make_fabric_element;
      elements_.push_back(
          make(drawn.name.c_str(), environment, blueprint.leaves, per_leaf, scheduled_));
      devices_.push_back(elements_.back().get());
    }
  }
}

LeafPlace leaf_place(const Scenario& scenario, const ScheduledConfig& config,
                     const Blueprint& blueprint, unsigned box) {
  const auto ports = static_cast<unsigned>(blueprint.boxes[box].ports.size());
  return {box,
          blueprint.leaves,
          blueprint.hosts_per_leaf,
          ports - blueprint.hosts_per_leaf,
          static_cast<unsigned>(config.cells_per_cycle),
          scenario.fabric.host_link.rate,
          scenario.fabric.host_link.latency,
          static_cast<std::uint32_t>(*config.credits_outstanding),
          owed_limit(scenario, config),
          largest_packet_bytes(scenario.nic)};
}

std::vector<SwitchPort> switch_ports(const Blueprint::Box& drawn) {
  std::vector<SwitchPort> ports;
  for (const Blueprint::Port& port : drawn.ports) {
    const BufferRole role = port.peer_box == Blueprint::to_host ? BufferRole::egress
                            : drawn.leaf                        ? BufferRole::ingress
                                                                : BufferRole::fabric;
    ports.push_back({port.cable.rate, port.cable.latency, role});
  }
  return ports;
}

CrossbarPlace crossbar_place(const Scenario& scenario) {
  const std::uint64_t period = period_ps(scenario.fabric.clock);
  const auto cycles = [&](std::uint64_t ps) { return (ps + period - 1) / period; };
  const WorkloadConfig& workload = scenario.workload.front();
  const CrossbarConfig& config = scenario.crossbar;
  const SlotTime slot = SlotTime::of(config.cell, LinkRate::of(config.port_rate, period));
  const CellPattern pattern = workload.pattern == Pattern::diagonal ? CellPattern::diagonal
                              : workload.pattern == Pattern::log_diagonal
                                  ? CellPattern::log_diagonal
                                  : CellPattern::uniform;
  const double burst =
      workload.pattern == Pattern::bursty ? static_cast<double>(workload.burst) : 1;
  const std::uint64_t start = workload.start.picoseconds;
  const std::uint64_t end =
      std::min(start + workload.duration.picoseconds, scenario.measure.deadline.picoseconds);
  const SlotWindow arrivals{slot.slot_from(cycles(start)), slot.slot_from(cycles(end))};
  const std::uint32_t warm = slot.slot_from(cycles(scenario.measure.warmup.picoseconds));
  return {static_cast<unsigned>(scenario.fabric.hosts),
          slot,
          {pattern, workload.load, burst},
          arrivals,
          {std::max(warm, arrivals.first), arrivals.end}};
}

void Fabric::build_leaf(const Scenario& scenario, const Blueprint& blueprint, unsigned box,
                        const Environment& environment) {
  const Blueprint::Box& drawn = blueprint.boxes[box];
  const LeafPlace place = leaf_place(scenario, scheduled_, blueprint, box);
  const auto make = in_rtl(drawn.name) ? make_rtl_scheduled_leaf : make_scheduled_leaf;
  leaves_.push_back(make(drawn.name.c_str(), environment, place, scheduled_, scenario.classes));
  // One path inside per cell that can be cut in a cycle, each as fast as cells can start: they are
  // never what limits the leaf.
  const auto cell = static_cast<std::uint32_t>(largest_cell_bytes(scheduled_));
  for (unsigned path = 0; path < place.loopbacks; ++path) {
    links_.push_back(std::make_unique<Link>(
        loopback_name(drawn, path), environment.clock, environment.packets, LinkRate{cell, 1},
        environment.clock.cycles(scenario.scheduled.loopback_latency)));
    leaves_.back()->attach_loopback(path, *links_.back());
  }
}

/// Of the leaf that was built last.
void Fabric::build_memory(const std::string& leaf, const Environment& environment) {
  memories_.push_back(
      std::make_unique<Hbm>((leaf + "_hbm").c_str(), environment.clock, scheduled_.hbm.memory));
  leaves_.back()->spill()->socket.bind(memories_.back()->socket);
  devices_.push_back(memories_.back().get());
}

void Fabric::build_switch(const Scenario& scenario, const Blueprint& blueprint, unsigned box,
                          const Environment& environment) {
  const Blueprint::Box& drawn = blueprint.boxes[box];
  const auto own = makers_.find(drawn.name);
  const SwitchMaker make = own != makers_.end() ? own->second
                           : in_rtl(drawn.name) ? make_rtl_adaptive_switch
                                                : make_adaptive_switch;
  switches_.push_back(make({drawn.name.c_str(),
                            environment,
                            switch_ports(drawn),
                            {drawn.group_of_host, drawn.ports_of_group},
                            scenario.adaptive,
                            scenario.routing,
                            scenario.classes,
                            largest_packet_bytes(scenario.nic)}));
}

void Fabric::wire(const Blueprint& blueprint, const Environment& environment) {
  for (const DrawnCable& drawn : cables_of(blueprint)) {
    const Blueprint::Port& port = blueprint.boxes[drawn.box].ports[drawn.port];
    const End box{box_device(drawn.box), drawn.port};
    if (port.peer_box == Blueprint::to_host) {
      const End host{nics_[port.peer].get(), 0};
      const Direction up = lay(host, box, drawn.forth, port.cable, environment);
      const Direction down = lay(box, host, drawn.back, port.cable, environment);
      plug(drawn.box, drawn.port, *up.link, *down.link);
      nics_[port.peer]->attach(*down.link, *up.link);
      cables_.emplace_back(up, down);
    } else {
      const End peer{box_device(port.peer_box), port.peer};
      const Direction forth = lay(box, peer, drawn.forth, port.cable, environment);
      const Direction back = lay(peer, box, drawn.back, port.cable, environment);
      plug(drawn.box, drawn.port, *back.link, *forth.link);
      plug(port.peer_box, port.peer, *forth.link, *back.link);
      cables_.emplace_back(forth, back);
    }
  }
}

Fabric::Direction Fabric::lay(const End& from, const End& to, const std::string& name,
                              const LinkConfig& cable, const Environment& environment) {
  const LinkRate rate = LinkRate::of(cable.rate, environment.clock);
  links_.push_back(std::make_unique<Link>(name, environment.clock, environment.packets, rate,
                                          environment.clock.cycles(cable.latency)));
  return {links_.back().get(), from, to};
}

Device* Fabric::box_device(unsigned box) const {
  if (!switches_.empty()) return switches_[box].get();
  if (box < leaves_.size()) return leaves_[box].get();
  return elements_[box - leaves_.size()].get();
}

void Fabric::plug(unsigned box, unsigned port, Link& in, Link& out) {
  if (!switches_.empty()) {
    switches_[box]->attach(port, in, out);
  } else if (box >= leaves_.size()) {
    elements_[box - leaves_.size()]->attach(port, in, out);
  } else if (port < hosts_per_leaf_) {
    leaves_[box]->attach_host(port, in, out);
  } else {
    leaves_[box]->attach_fabric(port - hosts_per_leaf_, in, out);
  }
}

std::uint64_t Fabric::frame_hops() const {
  std::uint64_t frames = 0;
  for (const auto& link : links_) frames += link->frames();
  return crossbar_ ? crossbar_->departed() : frames;
}

std::uint64_t Fabric::result_hash() const {
  return crossbar_ ? crossbar_->hash() : hash_of(links_);
}

Cycle Fabric::quiet_from() const {
  const Cycle last = crossbar_ ? crossbar_->last_departure() + 1 : 0;
  return std::max(last, heddle::quiet_from(links_));
}

}  // namespace heddle
