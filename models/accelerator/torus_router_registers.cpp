// The registers of a torus router; docs/models/torus_router.md lists them.
#include "accelerator/torus_router.h"

namespace heddle {

void TorusRouter::describe(RegisterMap& map) {
  RegisterBlock& config = map.block("config", config_registers, "What the scenario says.");
  config.add("node", 0x00, 4, "Number of the node at the local port.", [this] { return node_; })
      .resets_to("");
  config
      .add("place", 0x04, 4, "Coordinates: x in bits 7..0, y in 15..8, z in 23..16.",
           [this] {
             return unsigned{here_[0]} | unsigned{here_[1]} << 8 | unsigned{here_[2]} << 16;
           })
      .resets_to("");
  config
      .add("size", 0x08, 4, "Of the torus, as in `place`.",
           [this] { return shape_.size(0) | shape_.size(1) << 8 | shape_.size(2) << 16; })
      .resets_to("`fabric`");
  config.add("flit_bytes", 0x0c, 4, "Unit of credits.", [this] { return flit_bytes_; })
      .resets_to("`torus.flit`");
  config.add("lanes", 0x10, 4, "Virtual channels of each purpose.", [this] { return lanes_; })
      .resets_to("`torus.lanes`");
  config
      .add("dateline", 0x14, 4, "1 if packets change channels at the end of a ring.",
           [this] { return config_.dateline; })
      .resets_to("`torus.dateline`");
  config
      .add("router_latency_cycles", 0x18, 4, "From a packet's arrival to its queue.",
           [this] { return clock_.cycles(config_.router_latency); })
      .resets_to("`torus.router_latency`");

  RegisterBlock& counters = map.block("counters", counter_registers, "Since the start of the run.");
  counters.add("ring_packets", 0x00, 8, "Packets started towards other routers.",
               [this] { return ring_packets_; });
  counters.add("ring_flits", 0x08, 8, "Their flits.", [this] { return ring_flits_; });
  counters.add("packets_unreachable", 0x10, 8, "Packets that had no way to their node.",
               [this] { return unreachable_; });

  RegisterBlock& port =
      map.block("port", port_registers,
                "A port: xp, xm, yp, ym, zp, zm, without those of rings of one node; the last one "
                "is the node's.",
                ports(), port_stride);
  port.add_link_counters(
      0x00, [this](unsigned p) -> const Link& { return *inputs_[p].link; },
      [this](unsigned p) -> const Link& { return *outputs_[p].link; },
      [this] { return present(); });
  port.add("buffer_flits", 0x20, 4, "Room of each virtual channel's buffer at this input.",
           [this](unsigned p) { return inputs_[p].capacity; })
      .resets_to("`torus.buffer`");
  port.add("waiting", 0x24, 4, "Virtual channels of this input with a packet that waits: a mask.",
           [this](unsigned p) { return waiting(p); });
  port.add("room_flits", 0x80, 4,
           "Room known in each virtual channel's buffer at the other end of this output.",
           [this](unsigned p, unsigned c) { return room(p, c); })
      .resets_to("`torus.buffer`")
      .array(channels_, 4);
  port.add_link_faults(link_faults, [this](unsigned p) -> const Link& { return *inputs_[p].link; });
}

}  // namespace heddle
