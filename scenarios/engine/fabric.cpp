#include "engine/fabric.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/fabric_limits.h"

namespace heddle {

Fabric::Fabric(const Scenario& scenario, const Blueprint& blueprint, const Environment& environment,
               Workload& workload, DeliveryLog& log, const MessageEvents& events)
    : hosts_per_leaf_(blueprint.hosts_per_leaf),
      scheduled_(scenario.switch_kind == SwitchKind::scheduled ? without_auto(scenario)
                                                               : scenario.scheduled) {
  for (unsigned host = 0; host < blueprint.hosts; ++host) {
    const auto number = static_cast<HostId>(host);
    nics_.push_back(std::make_unique<Nic>(
        fmt::format("host{}", host).c_str(), environment, number, blueprint.hosts, scenario.nic,
        scenario.classes, scenario.fabric.host_link.rate, workload.source(number), log, events));
    devices_.push_back(nics_.back().get());
  }
  build_boxes(scenario, blueprint, environment);
  wire(scenario, blueprint, environment);
}

void Fabric::build_boxes(const Scenario& scenario, const Blueprint& blueprint,
                         const Environment& environment) {
  for (unsigned box = 0; box < blueprint.boxes.size(); ++box) {
    const Blueprint::Box& drawn = blueprint.boxes[box];
    if (scenario.switch_kind == SwitchKind::adaptive) {
      build_switch(scenario, blueprint, box, environment);
      devices_.push_back(switches_.back().get());
    } else if (drawn.leaf) {
      build_leaf(scenario, blueprint, box, environment);
      devices_.push_back(leaves_.back().get());
    } else {
      const auto per_leaf = static_cast<unsigned>(drawn.ports.size()) / blueprint.leaves;
      elements_.push_back(std::make_unique<FabricElement>(drawn.name.c_str(), environment,
                                                          blueprint.leaves, per_leaf, scheduled_));
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

void Fabric::build_leaf(const Scenario& scenario, const Blueprint& blueprint, unsigned box,
                        const Environment& environment) {
  const Blueprint::Box& drawn = blueprint.boxes[box];
  const LeafPlace place = leaf_place(scenario, scheduled_, blueprint, box);
  leaves_.push_back(std::make_unique<ScheduledLeaf>(drawn.name.c_str(), environment, place,
                                                    scheduled_, scenario.classes));
  // One path inside per cell that can be cut in a cycle, each as fast as cells can start: they are
  // never what limits the leaf.
  const auto cell = static_cast<std::uint32_t>(largest_cell_bytes(scheduled_));
  for (unsigned path = 0; path < place.loopbacks; ++path) {
    links_.push_back(std::make_unique<Link>(
        fmt::format("{}-inside{}", drawn.name, path), environment.clock, environment.packets,
        LinkRate{cell, 1}, environment.clock.cycles(scenario.scheduled.loopback_latency)));
    leaves_.back()->attach_loopback(path, *links_.back());
  }
}

void Fabric::build_switch(const Scenario& scenario, const Blueprint& blueprint, unsigned box,
                          const Environment& environment) {
  const Blueprint::Box& drawn = blueprint.boxes[box];
  switches_.push_back(std::make_unique<AdaptiveSwitch>(
      drawn.name.c_str(), environment, switch_ports(drawn),
      SwitchRoutes{drawn.group_of_host, drawn.ports_of_group}, scenario.adaptive, scenario.routing,
      scenario.classes, largest_packet_bytes(scenario.nic)));
}

void Fabric::wire(const Scenario& scenario, const Blueprint& blueprint,
                  const Environment& environment) {
  for (unsigned box = 0; box < blueprint.boxes.size(); ++box) {
    const Blueprint::Box& drawn = blueprint.boxes[box];
    for (unsigned p = 0; p < drawn.ports.size(); ++p) {
      const Blueprint::Port& port = drawn.ports[p];
      if (port.peer_box == Blueprint::to_host) {
        const Cable cable = lay(fmt::format("host{}", port.peer), drawn.name,
                                scenario.fabric.host_link, environment);
        plug(box, p, *cable.forth, *cable.back);
        nics_[port.peer]->attach(*cable.back, *cable.forth);
      } else if (box < port.peer_box) {
        const Cable cable =
            lay(fmt::format("{}.{}", drawn.name, p),
                fmt::format("{}.{}", blueprint.boxes[port.peer_box].name, port.peer), port.cable,
                environment);
        plug(box, p, *cable.back, *cable.forth);
        plug(port.peer_box, port.peer, *cable.forth, *cable.back);
      }
    }
  }
}

Fabric::Cable Fabric::lay(const std::string& from, const std::string& to, const LinkConfig& cable,
                          const Environment& environment) {
  const LinkRate rate = LinkRate::of(cable.rate, environment.clock.options().period_ps);
  const Cycle latency = environment.clock.cycles(cable.latency);
  links_.push_back(std::make_unique<Link>(fmt::format("{}-{}", from, to), environment.clock,
                                          environment.packets, rate, latency));
  Link* const forth = links_.back().get();
  links_.push_back(std::make_unique<Link>(fmt::format("{}-{}", to, from), environment.clock,
                                          environment.packets, rate, latency));
  return {forth, links_.back().get()};
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
  return frames;
}

std::uint64_t Fabric::result_hash() const {
  std::uint64_t hash = 0;
  for (const auto& link : links_) {
    hash = (hash ^ link->hash()) * 0x9e3779b97f4a7c15;
    hash ^= hash >> 32;
  }
  return hash;
}

Cycle Fabric::quiet_from() const {
  Cycle last = 0;
  for (const auto& link : links_) {
    if (link->frames() == 0) continue;
    last = std::max(last, link->ready_at() + link->latency() + link->pipeline());
  }
  return last;
}

}  // namespace heddle
