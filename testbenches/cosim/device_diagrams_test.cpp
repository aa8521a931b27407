// The cycle diagrams of the devices, for docs/twins/*.md: each from the RTL itself.
#include <Vadaptive_switch_4.h>
#include <Vfabric_element_4.h>
#include <Vscheduled_leaf_4.h>
#include <Vtorus_router_3.h>

#include <optional>

#include "cosim/adaptive_switch_pins.h"
#include "cosim/cycle_diagram.h"
#include "cosim/scheduled_leaf_pins.h"
#include "cosim/torus_router_pins.h"
#include "device_bench.h"

namespace heddle {
namespace {

/// Puts a frame on a port's pins, or none, and shows it.
template <class Valid, class Frames>
void drive(CycleDiagram& diagram, const std::string& signal, Valid& valid, Frames& frames,
           unsigned port, const std::optional<Frame>& frame) {
  pins::set_bits(valid, port, 1, frame ? 1 : 0);
  if (frame) pins::set_frame(frames, port, *frame);
  diagram.show_if(frame.has_value(), signal, name_of(frame.value_or(Frame{})));
}

/// What a port's link carries: its name in the cycle in which it starts, "=" in those after it.
template <class Top>
void show_link(CycleDiagram& diagram, const std::string& signal, const Top& top, unsigned port) {
  const bool starts = pins::get_bits(top.out_sop_o, port, 1) != 0;
  const bool busy = pins::get_bits(top.out_valid_o, port, 1) != 0;
  diagram.show_if(busy, signal, starts ? name_of(pins::get_frame(top.out_frame_o, port)) : "=");
}

template <class Top>
void set_rates(Top& top, unsigned ports, LinkRate rate) {
  for (unsigned port = 0; port < ports; ++port) {
    pins::set_bits(top.cfg_rate_bytes_i, 32 * port, 32, rate.bytes);
    pins::set_bits(top.cfg_rate_cycles_i, 32 * port, 32, rate.cycles);
  }
}

Frame cell_of(unsigned source, unsigned destination, std::uint32_t number,
              std::uint16_t payload_bytes = 256) {
  Frame frame;
  frame.kind = FrameKind::cell;
  frame.source = static_cast<std::uint16_t>(source);
  frame.destination = static_cast<std::uint16_t>(destination);
  frame.sequence = number;
  frame.payload_bytes = payload_bytes;
  frame.wire_bytes = static_cast<std::uint16_t>(payload_bytes + 16);
  return frame;
}

Frame flow_control(bool off) {
  Frame frame;
  frame.kind = FrameKind::flow_control;
  frame.flags = off ? frame_flag::off : std::uint8_t{0};
  frame.wire_bytes = 16;
  return frame;
}

TEST(TwinDiagram, FabricElement) {
  RtlTop<Vfabric_element_4> rtl(1);
  pins::set(rtl->cfg_ports_i, 4);
  pins::set(rtl->cfg_links_per_leaf_i, 1);
  pins::set(rtl->cfg_receive_pool_cells_i, 8);
  pins::set(rtl->cfg_xoff_cells_i, 2);
  pins::set(rtl->cfg_xon_cells_i, 0);
  pins::set(rtl->cfg_cell_header_i, 16);
  pins::set(rtl->cfg_faults_i, 0);
  set_rates(*rtl.operator->(), 4, {136, 1});  // a cell takes two cycles
  pins::set(rtl->in_valid_i, 0);
  pins::set(rtl->local_valid_i, 0);
  pins::set(rtl->set_rate_i, 0);
  pins::set(rtl->input_failed_i, 0);
  pins::set(rtl->output_restored_i, 0);
  rtl.reset();
  CycleDiagram diagram;
  for (unsigned n = 1; n <= 12; ++n) {
    pins::set(rtl->now_i, diagram.next_cycle());
    std::optional<Frame> first;
    std::optional<Frame> second;
    std::optional<Frame> local;
    if (n == 1 || n == 3 || n == 5) first = cell_of(0, 2, (n + 1) / 2);
    if (n == 1 || n == 3) second = cell_of(1, 2, (n + 1) / 2);
    if (n == 9 || n == 11) local = flow_control(n == 9);
    drive(diagram, "in_frame_i[0]", rtl->in_valid_i, rtl->in_frame_i, 0, first);
    drive(diagram, "in_frame_i[1]", rtl->in_valid_i, rtl->in_frame_i, 1, second);
    drive(diagram, "local_frame_i[2]", rtl->local_valid_i, rtl->local_frame_i, 2, local);
    diagram.edge(rtl);
    show_link(diagram, "out_frame_o[2]", *rtl.operator->(), 2);
    show_link(diagram, "out_frame_o[0]", *rtl.operator->(), 0);
    show_link(diagram, "out_frame_o[1]", *rtl.operator->(), 1);
    for (unsigned port = 0; port < 2; ++port) {
      diagram.show(fmt::format("pool_cells_o[{}]", port),
                   pins::get_bits(rtl->pool_cells_o, 32 * port, 32));
    }
  }
  diagram.expect_on_page("fabric_element");
}

/// A node of a ring of four, before the dateline's far side: its link up crosses it.
void set_small_router(Vtorus_router_3& top) {
  TorusRouterPins<Vtorus_router_3> router_pins(top, {3, 4, 5});
  TorusConfig config;
  config.lanes = 1;
  PacedPort reader;
  reader.set_rate(32, 1);
  router_pins.set_router(TorusShape({4, 1, 1}), 3, config, reader);
  for (unsigned port = 0; port < 3; ++port) router_pins.set_port(port, {32, 1}, 8, 4);
}

/// Of two flits.
Frame torus_packet(char name, unsigned destination, unsigned channel) {
  Frame frame;
  frame.kind = FrameKind::torus_packet;
  frame.packet = static_cast<std::uint32_t>(name);
  frame.traffic_class = static_cast<std::uint8_t>(channel);
  frame.wire_bytes = 64;
  frame.destination = static_cast<std::uint16_t>(destination);
  return frame;
}

/// "channel:flits".
template <class Valid, class Channels, class Flits>
void show_credit(CycleDiagram& diagram, const std::string& signal, const Valid& valid,
                 const Channels& channels, const Flits& flits, unsigned port) {
  diagram.show_if(pins::get_bits(valid, port, 1) != 0, signal,
                  fmt::format("{}:{}", pins::get_bits(channels, 8 * port, 8),
                              pins::get_bits(flits, 16 * port, 16)));
}

TEST(TwinDiagram, TorusRouter) {
  constexpr unsigned up = 0;
  constexpr unsigned down = 1;
  constexpr unsigned local = 2;
  RtlTop<Vtorus_router_3> rtl(1);
  set_small_router(*rtl.operator->());
  rtl.reset();
  CycleDiagram diagram;
  for (unsigned n = 1; n <= 12; ++n) {
    diagram.next_cycle();
    std::optional<Frame> from_down;
    std::optional<Frame> from_local;
    if (n == 1) from_down = torus_packet('A', 0, 0);
    if (n == 3) from_down = torus_packet('B', 0, 0);
    if (n == 5) from_down = torus_packet('C', 3, 2);
    if (n == 1) from_local = torus_packet('P', 0, 0);
    drive(diagram, "in_frame_i[xm]", rtl->in_valid_i, rtl->in_frame_i, down, from_down);
    drive(diagram, "in_frame_i[local]", rtl->in_valid_i, rtl->in_frame_i, local, from_local);
    pins::set_bits(rtl->credit_valid_i, up, 1, n == 8 ? 1 : 0);
    pins::set_bits(rtl->credit_channel_i, 8 * up, 8, 1);
    pins::set_bits(rtl->credit_flits_i, 16 * up, 16, 2);
    show_credit(diagram, "credit_i[xp]", rtl->credit_valid_i, rtl->credit_channel_i,
                rtl->credit_flits_i, up);
    diagram.edge(rtl);
    show_link(diagram, "out_frame_o[xp]", *rtl.operator->(), up);
    show_link(diagram, "out_frame_o[local]", *rtl.operator->(), local);
    diagram.show("room_o[xp], channel 1", pins::get_bits(rtl->room_o, 32 * 1, 32));
    show_credit(diagram, "credit_o[xm]", rtl->credit_valid_o, rtl->credit_channel_o,
                rtl->credit_flits_o, down);
    show_credit(diagram, "credit_o[local]", rtl->credit_valid_o, rtl->credit_channel_o,
                rtl->credit_flits_o, local);
  }
  diagram.expect_on_page("torus_router");
}

/// Four hosts, one lossless class, a fixed xoff of four cells.
void set_small_switch(Vadaptive_switch_4& top) {
  constexpr AdaptiveSwitchShape shape{4, 16, 4, 1024, 1024};
  AdaptiveSwitchPins<Vadaptive_switch_4> switch_pins(top, shape);
  AdaptiveConfig config;
  config.memory.cell = Bytes{256};
  config.memory.buffer = Bytes{64 * 256};
  config.memory.headroom = Bytes{4 * 256};
  config.memory.xoff = Bytes{4 * 256};
  config.memory.xon_offset = Bytes{2 * 256};
  const std::vector<SwitchPort> ports(
      4, {Rate{2'048'000'000'000}, Duration{1000}, BufferRole::egress});
  const std::vector<TrafficClassConfig> classes(1);
  const SwitchRoutes routes{{0, 1, 2, 3}, {{0}, {1}, {2}, {3}}};
  const PathSelector selector({Routing::ecmp, SprayPolicy::round_robin, 1}, routes.ports_of_group,
                              Rng(1, "switch", "path"));
  switch_pins.set_classes(classes, 9178);
  switch_pins.set_memory(switch_memory(ports, config, classes), config.memory, 4, 1);
  switch_pins.set_ecn(config.ecn);
  switch_pins.set_switching(config, Routing::ecmp, 1);
  switch_pins.set_routes(routes, selector, Lfsr(1));
  set_rates(top, 4, {256, 1});
}

TEST(TwinDiagram, AdaptiveSwitch) {
  RtlTop<Vadaptive_switch_4> rtl(1);
  set_small_switch(*rtl.operator->());
  rtl.reset();
  CycleDiagram diagram;
  for (unsigned n = 1; n <= 12; ++n) {
    pins::set(rtl->now_i, diagram.next_cycle());
    const bool comes = n == 1 || n == 3 || n == 5;  // both for host 0, two cycles of its link
    for (unsigned port = 2; port < 4; ++port) {
      std::optional<Frame> frame;
      const char name = static_cast<char>((port == 2 ? 'A' : 'P') + n / 2);
      if (comes) frame = packet_named(name, 512 - ethernet_framing_bytes);
      drive(diagram, fmt::format("in_frame_i[{}]", port), rtl->in_valid_i, rtl->in_frame_i, port,
            frame);
    }
    diagram.edge(rtl);
    diagram.show_if(comes, "taken_admission_o[3]", pins::get_bits(rtl->taken_admission_o, 9, 3));
    show_link(diagram, "out_frame_o[0]", *rtl.operator->(), 0);
    show_link(diagram, "out_frame_o[3]", *rtl.operator->(), 3);
    for (unsigned port = 2; port < 4; ++port) {
      diagram.show(fmt::format("group_cells_o[{}]", port),
                   pins::get_bits(rtl->group_cells_o, 32 * 4 * port, 32));
    }
    diagram.strobe("xoff_o[3]", pins::get_bits(rtl->xoff_o, 4 * 3, 1));
    diagram.show("free_cells_o", rtl->free_cells_o);
  }
  diagram.expect_on_page("adaptive_switch");
}

constexpr LeafSizes leaf_sizes;

/// Leaf 0 of two, with two hosts and two fabric links; one cell per cycle.
void set_small_leaf(Vscheduled_leaf_4& top, const Clock& clock) {
  LeafPlace place{};
  place.leaf = 0;
  place.leaves = 2;
  place.hosts = 2;
  place.fabric_links = 2;
  place.loopbacks = 1;
  place.host_rate = Rate{2'176'000'000'000};
  place.host_latency = Duration{5000};
  place.outstanding_credits = 2;
  place.owed_bytes = 20'000;
  place.largest_packet_bytes = 4200;
  ScheduledConfig config;
  config.credit = Bytes{4096};
  config.buffer = Bytes{1'000'000};
  config.headroom = Bytes{10'000};
  config.egress_buffer = Bytes{1'000'000};
  config.cells_per_cycle = 1;
  const std::vector<TrafficClassConfig> classes(1);
  const SharedBuffer memory = leaf_memory(place, config, classes);
  const Pacer credits(4096, 272);
  pins::set_leaf(top, leaf_sizes,
                 {place, config, classes, memory, credits, /*spray_state=*/1,
                  /*staging_limit=*/16, /*healing=*/false},
                 clock);
  set_rates(top, leaf_sizes.ports(), {272, 1});  // a cell takes a cycle
}

Frame control(FrameKind kind, std::uint32_t flow, std::uint32_t count) {
  Frame frame = cell_of(1, 0, count, 0);
  frame.kind = kind;
  frame.flow = flow;
  return frame;
}

/// What arrives by the two links of the fabric, and at the end of which cell a packet ends.
struct FromFabric {
  explicit FromFabric(unsigned cycle) {
    if (cycle == 4) link0 = control(FrameKind::credit, 0, 1);
    if (cycle == 8) link0 = control(FrameKind::voq_status, 1, 1);
    if (cycle == 11) link0 = cell_of(1, 0, 0);
    if (cycle == 10) {
      link1 = cell_of(1, 0, 1, 144);
      link1->flow = 144;
      Frame packet = packet_named('Q', 400);
      packet.source = 2;
      packet.destination = 1;
      link1->packet = packet.packet;
      ends1 = {{packet, 400}};
    }
  }
  std::optional<Frame> link0;
  std::optional<Frame> link1;
  std::vector<CellEnd> ends1;
};

void record_leaf(CycleDiagram& diagram, RtlTop<Vscheduled_leaf_4>& rtl) {
  const unsigned fabric = leaf_sizes.host_ports;
  for (unsigned n = 1; n <= 12; ++n) {
    pins::set(rtl->now_i, diagram.next_cycle());
    std::optional<Frame> packet;
    if (n == 1) packet = packet_named('P', 600);
    if (packet) packet->destination = 2;
    const FromFabric from(n);
    pins::set_ends(*rtl.operator->(), leaf_sizes, 0, {});
    pins::set_ends(*rtl.operator->(), leaf_sizes, 1, from.ends1);
    drive(diagram, "in_frame_i, host 0", rtl->in_valid_i, rtl->in_frame_i, 0, packet);
    drive(diagram, "in_frame_i, link 0", rtl->in_valid_i, rtl->in_frame_i, fabric, from.link0);
    drive(diagram, "in_frame_i, link 1", rtl->in_valid_i, rtl->in_frame_i, fabric + 1, from.link1);
    diagram.edge(rtl);
    show_link(diagram, "out_frame_o, link 0", *rtl.operator->(), fabric);
    show_link(diagram, "out_frame_o, link 1", *rtl.operator->(), fabric + 1);
    show_link(diagram, "out_frame_o, host 1", *rtl.operator->(), 1);
    diagram.show("ingress_bytes_o", rtl->ingress_bytes_o);
    diagram.show("reassembly_bytes_o", rtl->reassembly_bytes_o);
    diagram.show("egress_bytes_o", rtl->egress_bytes_o);
  }
}

TEST(TwinDiagram, ScheduledLeaf) {
  testing::in_child([] {
    testing::Workbench bench;
    RtlTop<Vscheduled_leaf_4> rtl(1);
    set_small_leaf(*rtl.operator->(), bench.clock());
    rtl.reset();
    CycleDiagram diagram;
    record_leaf(diagram, rtl);
    diagram.expect_on_page("scheduled_leaf");
  });
}

}  // namespace
}  // namespace heddle
