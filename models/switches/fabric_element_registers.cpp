// The registers of a fabric element; docs/models/fabric_element.md lists them.
#include "switches/fabric_element.h"

namespace heddle {

void FabricElement::describe(RegisterMap& map) {
  const std::uint64_t most = xoff_cells_;
  RegisterBlock& config = map.block("config", config_registers,
                                    "What the scenario says, and what of it may be changed.");
  config
      .add("links_per_leaf", 0x00, 4, "Parallel links to each leaf.",
           [this] { return links_per_leaf_; })
      .resets_to("`fabric.links_per_spine`");
  config
      .add("receive_pool_cells", 0x04, 4, "Cells that can be held for each input.",
           [this] { return config_.receive_pool_cells; })
      .resets_to("`scheduled.receive_pool_cells`");
  config
      .add("xoff_cells", 0x08, 4,
           "Held cells at which an input's sender is stopped; at most what it resets to, above "
           "which the pool might overflow.",
           [this] { return xoff_cells_; })
      .resets_to("`scheduled.xoff_cells`")
      .from("OpenBCM SDK 6.5.27: link-level flow control")
      .writable(1, most, [this](std::uint64_t n) { xoff_cells_ = static_cast<std::uint32_t>(n); });
  config
      .add("xon_cells", 0x0c, 4,
           "Held cells at which the sender may go on; at most what `xoff_cells` resets to.",
           [this] { return xon_cells_; })
      .resets_to("`scheduled.xon_cells`")
      .writable(0, most, [this](std::uint64_t n) { xon_cells_ = static_cast<std::uint32_t>(n); });
  config
      .add("element_latency_cycles", 0x10, 4, "From a cell's last byte to its output queue.",
           [this] { return clock_.cycles(config_.element_latency); })
      .resets_to("`scheduled.element_latency`");

  RegisterBlock& counters = map.block("counters", counter_registers, "Since the start of the run.");
  counters.add("pool_peak_cells", 0x00, 4, "The most cells that any input's pool has held.",
               [this] { return pool_peak_cells_; });
  counters.add("packets_unreachable", 0x08, 8,
               "Data packets whose last cell had no way on to its leaf.",
               [this] { return unreachable_.packets; });

  RegisterBlock& port = map.block("port", port_registers, "A port, to leaf i / `links_per_leaf`.",
                                  ports(), port_stride);
  port.add_link_counters(
      0x00, [this](unsigned p) -> const Link& { return *from_leaf_[p]; },
      [this](unsigned p) -> const Link& { return outputs_.link(p); }, [this] { return present(); });
  port.add("pool_cells", 0x20, 4, "Cells that came in here and have not left.",
           [this](unsigned p) { return pool_cells_[p]; });
  port.add("sender_stopped", 0x24, 4, "1 while the port's sender is stopped.",
           [this](unsigned p) { return stopped_.test(p); });
  port.add("stopped", 0x28, 4, "1 while the peer has stopped the cells of this port.",
           [this](unsigned p) { return outputs_.pause_state(p).mask() >> cells & 1U; });
  port.add("queued_cells", 0x30, 4, "Cells that wait to go out here.",
           [this](unsigned p) { return queued_frames(p, cells); });
  port.add("queued_control", 0x34, 4, "Status and credit frames that wait to go out here.",
           [this](unsigned p) { return queued_frames(p, control); });
  port.add_link_faults(link_faults, [this](unsigned p) -> const Link& { return *from_leaf_[p]; });
  describe_notice(
      port, link_faults + 0x14, [this](unsigned p) { return hears(p); },
      [this](unsigned p) { return uses(p); });
}

}  // namespace heddle
