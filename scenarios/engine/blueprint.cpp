#include "engine/blueprint.h"

#include <fmt/format.h>

#include <algorithm>

#include "kernel/error.h"

namespace heddle {

namespace {

Blueprint::Box draw_leaf(const TwoTiers& tiers, unsigned leaf) {
  Blueprint::Box box;
  box.name = fmt::format("leaf{}", leaf);
  const unsigned hosts = tiers.leaves * tiers.hosts_per_leaf;
  const auto up = static_cast<std::uint16_t>(tiers.hosts_per_leaf);  // the group of all uplinks
  box.group_of_host.assign(hosts, up);
  for (unsigned port = 0; port < tiers.hosts_per_leaf; ++port) {
    const unsigned host = leaf * tiers.hosts_per_leaf + port;
    box.ports.push_back({tiers.host_link, Blueprint::to_host, host});
    box.group_of_host[host] = static_cast<std::uint16_t>(port);
    box.ports_of_group.push_back({static_cast<std::uint16_t>(port)});
  }
  std::vector<std::uint16_t> uplinks;
  for (unsigned spine = 0; spine < tiers.spines; ++spine) {
    for (unsigned link = 0; link < tiers.links; ++link) {
      uplinks.push_back(static_cast<std::uint16_t>(box.ports.size()));
      box.ports.push_back({tiers.fabric_link, tiers.leaves + spine, leaf * tiers.links + link});
    }
  }
  if (!uplinks.empty()) box.ports_of_group.push_back(uplinks);
  return box;
}

Blueprint::Box draw_spine(const TwoTiers& tiers, unsigned spine) {
  Blueprint::Box box;
  box.name = fmt::format("spine{}", spine);
  box.leaf = false;
  for (unsigned leaf = 0; leaf < tiers.leaves; ++leaf) {
    box.ports_of_group.emplace_back();
    for (unsigned link = 0; link < tiers.links; ++link) {
      box.ports_of_group.back().push_back(static_cast<std::uint16_t>(box.ports.size()));
      box.ports.push_back(
          {tiers.fabric_link, leaf, tiers.hosts_per_leaf + spine * tiers.links + link});
    }
    box.group_of_host.insert(box.group_of_host.end(), tiers.hosts_per_leaf,
                             static_cast<std::uint16_t>(leaf));
  }
  return box;
}

std::string port_name(const Blueprint& blueprint, unsigned box, unsigned port) {
  const Blueprint::Box& drawn = blueprint.boxes[box];
  const std::string& name = drawn.ports[port].name;
  return fmt::format("{}.{}", drawn.name, name.empty() ? std::to_string(port) : name);
}

}  // namespace

Blueprint draw_two_tiers(const TwoTiers& tiers, Extent extent) {
  const std::uint64_t cables = std::uint64_t{tiers.leaves} * tiers.spines * tiers.links;
  if (cables > most_cables) {
    throw InputError(fmt::format(
        "fabric: {} leaves x {} spines (or elements) x {} links have {} cables; valid is up to {}",
        tiers.leaves, tiers.spines, tiers.links, cables, most_cables));
  }
  const auto drawn = [extent](unsigned boxes) {
    return extent == Extent::whole ? boxes : std::min(boxes, 1U);
  };
  Blueprint blueprint;
  blueprint.leaves = tiers.leaves;
  blueprint.hosts_per_leaf = tiers.hosts_per_leaf;
  blueprint.hosts = tiers.leaves * tiers.hosts_per_leaf;
  for (unsigned leaf = 0; leaf < drawn(tiers.leaves); ++leaf) {
    blueprint.boxes.push_back(draw_leaf(tiers, leaf));
  }
  for (unsigned spine = 0; spine < drawn(tiers.spines); ++spine) {
    blueprint.boxes.push_back(draw_spine(tiers, spine));
  }
  const std::uint64_t host_ps = tiers.host_link.latency.picoseconds;
  const std::uint64_t fabric_ps = tiers.fabric_link.latency.picoseconds;
  const unsigned per_leaf = tiers.hosts_per_leaf;
  blueprint.propagation = [=](unsigned source, unsigned destination) {
    const bool same_leaf = source / per_leaf == destination / per_leaf;
    return Duration{2 * host_ps + (same_leaf ? 0 : 2 * fabric_ps)};
  };
  return blueprint;
}

std::vector<DrawnCable> cables_of(const Blueprint& blueprint) {
  std::vector<DrawnCable> cables;
  for (unsigned box = 0; box < blueprint.boxes.size(); ++box) {
    const Blueprint::Box& drawn = blueprint.boxes[box];
    for (unsigned p = 0; p < drawn.ports.size(); ++p) {
      const Blueprint::Port& port = drawn.ports[p];
      const bool host = port.peer_box == Blueprint::to_host;
      if (!host && port.peer_box < box) continue;  // drawn from the other end
      const std::string near =
          host ? fmt::format("host{}", port.peer) : port_name(blueprint, box, p);
      const std::string far = host ? drawn.name : port_name(blueprint, port.peer_box, port.peer);
      cables.push_back({box, p, fmt::format("{}-{}", near, far), fmt::format("{}-{}", far, near)});
    }
  }
  return cables;
}

Blueprint draw(const Scenario& scenario, Extent extent) {
  switch (scenario.fabric.topology) {
    case Topology::single:
      return draw_single(scenario, extent);
    case Topology::torus:
      return draw_torus(scenario);
    case Topology::leaf_spine:
      break;
  }
  return draw_leaf_spine(scenario, extent);
}

}  // namespace heddle
