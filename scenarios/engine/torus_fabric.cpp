#include "engine/torus_fabric.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "cosim/rtl_factory.h"
#include "engine/fabric.h"
#include "kernel/error.h"

namespace heddle {

namespace {

constexpr LinkRate credit_rate{1, 1};  // a frame of torus_credit_bytes per cycle
static_assert(torus_credit_bytes == 1);

std::string local_port_name(unsigned node) {
  return fmt::format("{}.{}", torus_router_name(node), torus_local_name);
}

/// "node5" and "router5.xp": the sender's device comes first in the name of a link.
std::string credit_name(const std::string& from, const std::string& to) {
  const std::size_t dot = from.find('.');
  const std::string device = from.substr(0, dot);
  const std::string port = dot == std::string::npos ? "" : "_" + from.substr(dot + 1);
  return fmt::format("{}.credit{}-{}", device, port, to);
}

}  // namespace

TorusShape torus_shape(const FabricConfig& fabric) {
  return TorusShape({static_cast<unsigned>(fabric.x), static_cast<unsigned>(fabric.y),
                     static_cast<unsigned>(fabric.z)});
}

std::string torus_router_name(unsigned node) { return fmt::format("router{}", node); }
std::string torus_node_name(unsigned node) { return fmt::format("node{}", node); }

std::vector<std::string> torus_part_names(const Scenario& scenario, const Blueprint& blueprint) {
  std::vector<std::string> names;
  const unsigned nodes = torus_shape(scenario.fabric).nodes();
  for (unsigned node = 0; node < nodes; ++node) names.push_back(torus_node_name(node));
  for (unsigned node = 0; node < nodes; ++node) names.push_back(torus_router_name(node));
  const auto add_links = [&](const std::string& a, const std::string& b) {
    for (const std::string& name : {fmt::format("{}-{}", a, b), fmt::format("{}-{}", b, a),
                                    credit_name(a, b), credit_name(b, a)}) {
      names.push_back(name);
    }
  };
  for (const DrawnCable& cable : cables_of(blueprint)) {
    const std::size_t dash = cable.forth.find('-');
    add_links(cable.forth.substr(0, dash), cable.forth.substr(dash + 1));
  }
  for (unsigned node = 0; node < nodes; ++node) {
    add_links(torus_node_name(node), local_port_name(node));
  }
  return names;
}

ClockOptions torus_clock(const FabricConfig& fabric) {
  const std::uint64_t hertz = fabric.clock.hertz;
  const std::uint64_t common = std::gcd(hertz, ps_per_second);
  ClockOptions options;
  options.period_ps = ps_per_second / common;
  options.period_cycles = hertz / common;
  constexpr std::uint64_t most_cycles = 1000;
  if (options.period_cycles > most_cycles) {
    throw InputError(
        fmt::format("fabric.clock: {} cycles of {} Hz are no whole number of "
                    "picoseconds; take a rounder frequency",
                    most_cycles, hertz));
  }
  return options;
}

std::uint32_t torus_buffer_flits(const TorusConfig& config, const LinkConfig& link,
                                 const ClockOptions& clock) {
  const std::uint64_t flit = config.flit.value;
  if (config.buffer) return static_cast<std::uint32_t>(config.buffer->value / flit);
  const auto cycles = [&](Duration duration) {
    return (duration.picoseconds * clock.period_cycles + clock.period_ps - 1) / clock.period_ps;
  };
  // There and back, the router, and a cycle for the credit; a packet that is being sent, one that
  // is stored first where the router has faster ports, and the one that is to start.
  const Cycle loop =
      2 * std::max<Cycle>(cycles(link.latency), 1) + cycles(config.router_latency) + 1;
  const LinkRate rate = LinkRate::of(link.rate, clock.period_ps, clock.period_cycles);
  const std::uint64_t bytes = (loop * rate.bytes + rate.cycles - 1) / rate.cycles;
  return static_cast<std::uint32_t>((bytes + flit - 1) / flit + 3 * config.largest_packet_flits());
}

Device& TorusFabric::End::device() const {
  if (router != nullptr) return *router;
  return *node;
}
std::uint32_t TorusFabric::End::room(unsigned channel) const {
  return router != nullptr ? router->room(port, channel) : node->room(channel);
}
std::uint32_t TorusFabric::End::held(unsigned channel) const {
  return router != nullptr ? router->held_flits(port, channel) : 0;
}
std::uint32_t TorusFabric::End::unreturned(unsigned channel) const {
  return router != nullptr ? router->unreturned_flits(port, channel)
                           : node->unreturned_flits(channel);
}

TorusFabric::RingPlace TorusFabric::ring_of(const End& end) const {
  const unsigned dimension = rings_[end.port / 2];
  const Way way = end.port % 2 == 0 ? Way::up : Way::down;
  TorusShape::Place place = shape_.place(end.router->node());
  const unsigned cable = ring_cable(shape_.size(dimension), place[dimension], way);
  place[dimension] = 0;
  return {dimension, shape_.node(place), cable};
}

TorusFabric::TorusFabric(const Scenario& scenario, const Blueprint& blueprint,
                         const Environment& environment, const TorusNodeMaker& make)
    : config_(scenario.torus), shape_(torus_shape(scenario.fabric)) {
  for (unsigned d = 0; d < torus_dimensions; ++d) {
    if (shape_.size(d) > 1) rings_.push_back(d);
  }
  build(scenario, rtl_names(scenario, blueprint), environment, make);
  wire_rings(scenario, blueprint, environment);
  wire_nodes(scenario, environment);
  for (const auto& router : routers_) router->wired();
}

void TorusFabric::build(const Scenario& scenario, const std::vector<std::string>& rtl,
                        const Environment& environment, const TorusNodeMaker& make) {
  const std::uint32_t room = torus_buffer_flits(
      config_, scenario.fabric.one_way(scenario.fabric.local_link), environment.clock.options());
  for (unsigned node = 0; node < shape_.nodes(); ++node) {
    nodes_.push_back(make({torus_node_name(node), environment, node, shape_, config_, room}));
    devices_.push_back(nodes_.back().get());
  }
  for (unsigned node = 0; node < shape_.nodes(); ++node) {
    const std::string name = torus_router_name(node);
    const bool in_rtl = std::find(rtl.begin(), rtl.end(), name) != rtl.end();
    const auto make_router = in_rtl ? make_rtl_torus_router : make_torus_router;
    routers_.push_back(make_router(name.c_str(), environment, shape_, node, config_));
    devices_.push_back(routers_.back().get());
  }
}

void TorusFabric::wire_rings(const Scenario&, const Blueprint& blueprint,
                             const Environment& environment) {
  for (const DrawnCable& drawn : cables_of(blueprint)) {
    const Blueprint::Port& port = blueprint.boxes[drawn.box].ports[drawn.port];
    TorusRouter& a = *routers_[drawn.box];
    TorusRouter& b = *routers_[port.peer_box];
    join({&a, nullptr, drawn.port}, {&b, nullptr, port.peer},
         fmt::format("{}.{}", a.path(), a.port_name(drawn.port)),
         fmt::format("{}.{}", b.path(), b.port_name(port.peer)), port.cable, environment);
  }
}

void TorusFabric::wire_nodes(const Scenario& scenario, const Environment& environment) {
  const LinkConfig cable = scenario.fabric.one_way(scenario.fabric.local_link);
  for (unsigned n = 0; n < shape_.nodes(); ++n) {
    TorusRouter& router = *routers_[n];
    join({nullptr, nodes_[n].get(), 0}, {&router, nullptr, router.local_port()}, torus_node_name(n),
         local_port_name(n), cable, environment);
  }
}

void TorusFabric::join(const End& a, const End& b, const std::string& a_name,
                       const std::string& b_name, const LinkConfig& cable,
                       const Environment& environment) {
  const LinkRate rate = LinkRate::of(cable.rate, environment.clock);
  Link& forth = lay(fmt::format("{}-{}", a_name, b_name), rate, cable, environment);
  Link& back = lay(fmt::format("{}-{}", b_name, a_name), rate, cable, environment);
  Link& credits_of_back = lay(credit_name(a_name, b_name), credit_rate, cable, environment);
  Link& credits_of_forth = lay(credit_name(b_name, a_name), credit_rate, cable, environment);
  const std::uint32_t room = torus_buffer_flits(config_, cable, environment.clock.options());
  const std::uint32_t a_room = a.node != nullptr ? a.node->buffer_flits() : room;
  const TorusLinks of_a{back, forth, credits_of_forth, credits_of_back};
  const TorusLinks of_b{forth, back, credits_of_back, credits_of_forth};
  b.router->attach(b.port, of_b, room, a_room);
  if (a.node != nullptr) {
    a.node->attach(of_a, room);
  } else {
    a.router->attach(a.port, of_a, room, room);
  }
  channels_.push_back({&forth, &credits_of_forth, a, b, room});
  channels_.push_back({&back, &credits_of_back, b, a, a_room});
}

Link& TorusFabric::lay(const std::string& name, LinkRate rate, const LinkConfig& cable,
                       const Environment& environment) {
  links_.push_back(std::make_unique<Link>(name, environment.clock, environment.packets, rate,
                                          environment.clock.cycles(cable.latency)));
  return *links_.back();
}

bool TorusFabric::is_packet_link(const Link& link) const {
  return std::any_of(channels_.begin(), channels_.end(),
                     [&](const Channel& channel) { return channel.packets == &link; });
}

std::uint64_t TorusFabric::packet_hops() const {
  return std::accumulate(
      channels_.begin(), channels_.end(), std::uint64_t{0},
      [](std::uint64_t sum, const Channel& channel) { return sum + channel.packets->frames(); });
}

// --- who waits for whom -------------------------------------------------------------------------

/// The queue in whose buffer the first packet of this one has no room; nothing if that is a node's.
std::optional<TorusFabric::Queue> TorusFabric::waits_for(const Queue& queue) const {
  const TorusRouter& router = *routers_[queue.router];
  const auto blocked = router.blocked(queue.input, queue.channel);
  if (!blocked || blocked->output == router.local_port()) return std::nullopt;
  const unsigned dimension = rings_[blocked->output / 2];
  const Way way = blocked->output % 2 == 0 ? Way::up : Way::down;
  const unsigned next = shape_.neighbour(queue.router, dimension, way);
  return Queue{next, routers_[next]->port(dimension, opposite(way)), blocked->channel};
}

std::string TorusFabric::describe_wait(const Queue& queue, const Queue& next) const {
  const auto text = [&](const Queue& q) {
    return fmt::format("{}.{} channel {}", torus_router_name(q.router),
                       routers_[q.router]->port_name(q.input), q.channel);
  };
  return fmt::format("{} -> {}", text(queue), text(next));
}

std::vector<std::string> TorusFabric::circle_of_waits() const {
  std::vector<std::uint32_t> walk_of(number({shape_.nodes(), 0, 0}));  // that came by, from 1 on
  std::uint32_t walk = 0;
  for (unsigned node = 0; node < shape_.nodes(); ++node) {
    for (unsigned input = 0; input < routers_[node]->ports(); ++input) {
      for (unsigned channel = 0; channel < config_.virtual_channels(); ++channel) {
        ++walk;
        std::optional<Queue> queue = Queue{node, input, channel};
        while (queue && walk_of[number(*queue)] == 0) {
          walk_of[number(*queue)] = walk;
          queue = waits_for(*queue);
        }
        if (!queue || walk_of[number(*queue)] != walk) continue;
        std::vector<std::string> lines;
        const std::size_t first = number(*queue);
        do {
          const Queue next = *waits_for(*queue);
          lines.push_back(describe_wait(*queue, next));
          queue = next;
        } while (number(*queue) != first);
        return lines;
      }
    }
  }
  return {};
}

void TorusFabric::verify_credits(bool something_under_way) const {
  const unsigned channels = config_.virtual_channels();
  std::vector<std::uint64_t> flits(channels);
  for (const Channel& link : channels_) {
    flits.assign(channels, 0);
    if (something_under_way) {
      link.packets->under_way([&](Cycle, const Frame& frame) {
        flits[frame.traffic_class] += frame.wire_bytes / config_.flit.value;
      });
      link.credits->under_way(
          [&](Cycle, const Frame& frame) { flits[frame.traffic_class] += frame.payload_bytes; });
    }
    for (unsigned c = 0; c < channels; ++c) {
      const std::uint64_t sum =
          flits[c] + link.from.room(c) + link.to.held(c) + link.to.unreturned(c);
      // What a link that is down has lost is made good when it is restored.
      if (sum == link.capacity || (!link.packets->is_up() && sum < link.capacity)) continue;
      throw CheckFailure(fmt::format(
          "{}, channel {}: room known {} + under way {} + held {} + to be returned {} is not the "
          "buffer of {} flits",
          link.packets->name(), c, link.from.room(c), flits[c], link.to.held(c),
          link.to.unreturned(c), link.capacity));
    }
  }
}

}  // namespace heddle
