// The registers of a scheduled leaf; docs/models/scheduled_leaf.md lists them.
#include <cmath>

#include "switches/scheduled_leaf.h"

namespace heddle {

namespace {

constexpr std::uint64_t spill_registers = 0x300;

}  // namespace

void ScheduledLeaf::describe(RegisterMap& map) {
  RegisterBlock& config = map.block("config", config_registers,
                                    "What the scenario says, and what of it may be changed.");
  config.add("leaf", 0x00, 4, "Number of this leaf.", [this] { return place_.leaf; }).resets_to("");
  config.add("host_ports", 0x04, 4, "Ports to hosts.", [this] { return place_.hosts; })
      .resets_to("`fabric`");
  config
      .add("fabric_ports", 0x08, 4,
           "Ports to the fabric, and after them the paths inside the leaf.",
           [this] { return fabric_ports(); })
      .resets_to("`fabric`");
  config.add("classes", 0x0c, 4, "Traffic classes.", [this] { return class_count_; })
      .resets_to("`classes`");
  config
      .add("buffer_bytes", 0x10, 8, "On-chip memory of the VOQs.",
           [this] { return config_.buffer.value; })
      .resets_to("`scheduled.buffer`");
  config
      .add("egress_buffer_bytes", 0x18, 8, "Egress memory.",
           [this] { return config_.egress_buffer->value; })
      .resets_to("`scheduled.egress_buffer`");
  const std::uint64_t threshold = egress_threshold_bytes_;
  config
      .add("egress_threshold_bytes", 0x20, 8,
           "An egress port that holds this much grants no credits; at most what it resets to, "
           "for which the egress memory is made.",
           [this] { return egress_threshold_bytes_; })
      .resets_to("`scheduled.egress_threshold`")
      .writable(1, threshold, [this](std::uint64_t bytes) {
        egress_threshold_bytes_ = bytes;
        for (unsigned port = 0; port < place_.hosts; ++port) look_at_credits(port);
      });
  config
      .add("credit_bytes", 0x28, 4, "What a credit allows to send.",
           [this] { return config_.credit.value; })
      .resets_to("`scheduled.credit`");
  config
      .add("credit_speedup_ppm", 0x2c, 4,
           "Rate of credits relative to the port, in millionths; the pace is made for it and "
           "does not change.",
           [this] { return std::llround(config_.credit_speedup * 1e6); })
      .resets_to("`scheduled.credit_speedup`");
  config
      .add("credits_outstanding", 0x30, 4, "Credits that a VOQ may have open.",
           [this] { return place_.outstanding_credits; })
      .resets_to("`scheduled.credits_outstanding`");
  config
      .add("credit_watchdog_cycles", 0x38, 8, "After this long a VOQ asks again.",
           [this] { return clock_.cycles(config_.credit_watchdog); })
      .resets_to("`scheduled.credit_watchdog`");

  RegisterBlock& counters = map.block("counters", counter_registers,
                                      "Since the start of the run, and the memory's state now.");
  counters.add("credits_granted", 0x00, 8, "Credits that the leaf's egress ports gave.",
               [this] { return credits_granted_; });
  describe_drops(counters, 0x08, drops_);
  counters.add("used_cells", 0x28, 4, "Buffers of the VOQ memory that are held.",
               [this] { return used_cells(); });
  counters
      .add("free_cells", 0x2c, 4, "Free buffers of its shared part.",
           [this] { return free_cells(); })
      .resets_to("");
  counters.add("staged_cells", 0x30, 8, "Cells cut and waiting for their fabric links.",
               [this] { return staged_cells_; });
  counters.add("packets_unreachable", 0x38, 8,
               "Data packets whose last cell found no link to its leaf.",
               [this] { return unreachable_.packets; });
  counters.add("packets_incomplete", 0x40, 8, "Data packets given up because cells were missing.",
               [this] { return incomplete_.packets; });

  if (spill_) spill_->describe(map, spill_registers);

  describe_host_ports(map);
  describe_fabric_ports(map);
  describe_voqs(map);
}

void ScheduledLeaf::describe_host_ports(RegisterMap& map) {
  RegisterBlock& port =
      map.block("host_port", port_registers, "A port to a host.", place_.hosts, port_stride);
  port.add_link_counters(
      0x00, [this](unsigned p) -> const Link& { return *from_host_[p]; },
      [this](unsigned p) -> const Link& { return to_hosts_.link(p); },
      [this] { return present(); });
  port.add("queued_bytes", 0x20, 8, "Bytes of whole packets that wait to go out here.",
           [this](unsigned p) { return to_hosts_.queued_bytes(p); });
  port.add("credits_wanted", 0x28, 8, "Credits asked of this port and not granted.",
           [this](unsigned p) { return wanted_credits(p); });
  port.add("owed_bytes", 0x30, 8,
           "Bytes of credits granted less those received for this port; signed.",
           [this](unsigned p) { return owed_bytes(p); });
  port.add("paused_classes", 0x38, 4, "A bit for each class that the host has stopped.",
           [this](unsigned p) { return to_hosts_.pause_state(p).mask(); });
  const auto per_class = [&](const char* what, std::uint64_t offset, const char* text, auto get) {
    port.add(what, offset, 4, text, std::move(get)).array(class_count_, 4);
  };
  per_class("queued_packets", 0x40, "By class: packets that wait to go out here.",
            [this](unsigned p, unsigned c) { return host_frames(p, c); });
  per_class("group_cells", 0x60, "By class: VOQ memory held by what came in here.",
            [this](unsigned p, unsigned c) { return group_cells(p, c); });
  per_class("sender_paused", 0x80, "By class: 1 while the host is to pause.",
            [this](unsigned p, unsigned c) { return sender_paused(p, c); });
  port.add_link_faults(link_faults, [this](unsigned p) -> const Link& { return *from_host_[p]; });
}

void ScheduledLeaf::describe_fabric_ports(RegisterMap& map) {
  RegisterBlock& port =
      map.block("fabric_port", fabric_port_registers,
                "A port to the fabric, or a path inside the leaf.", fabric_ports(), port_stride);
  port.add_link_counters(
      0x00, [this](unsigned p) -> const Link& { return *from_fabric_[p]; },
      [this](unsigned p) -> const Link& { return to_fabric_.link(p); },
      [this] { return present(); });
  port.add("queued_cells", 0x20, 4, "Cells that wait to go out here.",
           [this](unsigned p) { return fabric_frames(p, cells); });
  port.add("queued_control", 0x24, 4, "Status and credit frames that wait to go out here.",
           [this](unsigned p) { return fabric_frames(p, control); });
  port.add("stopped", 0x28, 4, "1 while the element has stopped the cells of this port.",
           [this](unsigned p) { return to_fabric_.pause_state(p).mask() >> cells & 1U; });
  port.add_link_faults(link_faults, [this](unsigned p) -> const Link& { return *from_fabric_[p]; });
  const auto watched = [this](unsigned p) { return healing_ && p < place_.fabric_links; };
  describe_notice(
      port, link_faults + 0x14, [this, watched](unsigned p) { return !watched(p) || hears(p); },
      [this, watched](unsigned p) { return !watched(p) || uses(p); });
}

void ScheduledLeaf::describe_voqs(RegisterMap& map) {
  RegisterBlock& voq = map.block(
      "voq", voq_registers, "The VOQ i = class * hosts + destination host.", voqs_.size(), 0x20);
  voq.add("queued_bytes", 0x00, 8, "Bytes that wait.",
          [this](unsigned v) { return account(v).queued_bytes; });
  voq.add("balance_bytes", 0x08, 8, "Credit less what was sent on it: signed, positive may send.",
          [this](unsigned v) { return account(v).balance_bytes; });
  voq.add("credits_requested", 0x10, 4, "Credits asked for since the start of the run.",
          [this](unsigned v) { return account(v).requested; });
  voq.add("credits_granted", 0x14, 4, "Credits received since the start of the run.",
          [this](unsigned v) { return account(v).granted; });
  voq.add("queued_packets", 0x18, 4, "Packets that wait.",
          [this](unsigned v) { return voq_packets(v); });
  voq.add("dram_bound", 0x1c, 4, "1 while its arriving packets go to external memory.",
          [this](unsigned v) { return spill_ && spill_->dram_bound(v); });
}

}  // namespace heddle
