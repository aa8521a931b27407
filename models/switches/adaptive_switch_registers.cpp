// The registers of the adaptive switch; docs/models/adaptive_switch.md lists them.
#include <cmath>

#include "switches/adaptive_switch.h"

namespace heddle {

namespace {

constexpr double million = 1e6;
constexpr std::uint64_t most_bytes = 1'000'000'000'000;  // as adaptive.ecn.kmax
constexpr std::uint64_t least_alpha = (std::uint64_t{1} << SharedBuffer::alpha_bits) / 128;
constexpr std::uint64_t most_alpha = std::uint64_t{1024} << SharedBuffer::alpha_bits;

}  // namespace

void AdaptiveSwitch::describe(RegisterMap& map) {
  RegisterBlock& config = map.block("config", config_registers,
                                    "What the scenario says, and what of it may be changed.");
  config
      .add("buffer_bytes", 0x00, 8, "Usable packet memory.",
           [this] { return config_.memory.buffer.value; })
      .resets_to("`adaptive.memory.buffer`");
  config
      .add("cell_bytes", 0x08, 4, "Unit of its allocation.",
           [this] { return config_.memory.cell.value; })
      .resets_to("`adaptive.memory.cell`");
  config.add("classes", 0x0c, 4, "Traffic classes.", [this] { return class_count_; })
      .resets_to("`classes`");
  config
      .add("forwarding", 0x10, 4, "0 cut through, 1 store and forward.",
           [this] { return config_.forwarding; })
      .resets_to("`adaptive.forwarding`");
  config
      .add("trimming", 0x14, 4, "1: packets are trimmed instead of dropped.",
           [this] { return config_.trimming; })
      .resets_to("`adaptive.trimming`");
  config
      .add("pipeline_latency_cycles", 0x18, 4, "From a packet's first or last byte to its queue.",
           [this] { return clock_.cycles(config_.pipeline_latency); })
      .resets_to("`adaptive.pipeline_latency`");
  describe_marking(config);
  describe_thresholds(config);
  describe_counters(map);
  describe_ports(map);
}

/// A pair with kmin above kmax, as between two writes, is a step at kmin.
void AdaptiveSwitch::describe_marking(RegisterBlock& config) {
  config
      .add("ecn_kmin_bytes", 0x20, 8, "Up to this queue depth no packet is marked.",
           [this] { return ecn_.kmin.value; })
      .resets_to("`adaptive.ecn.kmin`")
      .from("Zhu et al., SIGCOMM 2015, section 3")
      .writable(0, most_bytes, [this](std::uint64_t bytes) { ecn_.kmin.value = bytes; });
  config
      .add("ecn_kmax_bytes", 0x28, 8, "Above this queue depth every packet is marked.",
           [this] { return ecn_.kmax.value; })
      .resets_to("`adaptive.ecn.kmax`")
      .from("Zhu et al., SIGCOMM 2015, section 3")
      .writable(0, most_bytes, [this](std::uint64_t bytes) { ecn_.kmax.value = bytes; });
  config
      .add("ecn_pmax_ppm", 0x30, 4, "Marking probability at kmax, in millionths.",
           [this] { return std::llround(ecn_.pmax * million); })
      .resets_to("`adaptive.ecn.pmax`")
      .from("Zhu et al., SIGCOMM 2015, section 3")
      .writable(0, static_cast<std::uint64_t>(million),
                [this](std::uint64_t ppm) { ecn_.pmax = static_cast<double>(ppm) / million; });
}

void AdaptiveSwitch::describe_thresholds(RegisterBlock& config) {
  using Thresholds = SharedBuffer::Thresholds;
  const auto change = [this](auto&& edit) {
    Thresholds thresholds = memory_.thresholds();
    edit(thresholds);
    set_thresholds(thresholds);
  };
  Register& alpha =
      config
          .add("alpha_lossless", 0x38, 8,
               "Share of the free memory that a lossless group may hold, in units of 2^-16. Read "
               "only where the scenario gives a fixed `xoff`.",
               [this] { return memory_.thresholds().alpha_lossless; })
          .resets_to("`adaptive.memory.alpha_lossless`")
          .from("Choudhury and Hahne, 1998");
  const bool fixed = memory_.thresholds().xoff_cells.has_value();
  if (!fixed) {
    alpha.writable(least_alpha, most_alpha, [change](std::uint64_t value) {
      change([&](Thresholds& thresholds) { thresholds.alpha_lossless = value; });
    });
  }
  config
      .add("alpha_lossy", 0x40, 8,
           "Share of the free memory that a lossy queue may hold, in units of 2^-16.",
           [this] { return memory_.thresholds().alpha_lossy; })
      .resets_to("`adaptive.memory.alpha_lossy`")
      .from("Choudhury and Hahne, 1998")
      .writable(least_alpha, most_alpha, [change](std::uint64_t value) {
        change([&](Thresholds& thresholds) { thresholds.alpha_lossy = value; });
      });
  Register& xoff =
      config
          .add("xoff_cells", 0x48, 4,
               "Fixed size at which a lossless group pauses its sender; 0 and read only where the "
               "threshold is dynamic.",
               [this] { return memory_.thresholds().xoff_cells.value_or(0); })
          .resets_to("`adaptive.memory.xoff`");
  if (fixed) {
    xoff.writable(0, memory_.shared_cells(), [change](std::uint64_t cells) {
      change([&](Thresholds& thresholds) { thresholds.xoff_cells = cells; });
    });
  }
  config
      .add("xon_offset_cells", 0x4c, 4,
           "How far below its threshold a paused group must fall before the pause ends.",
           [this] { return memory_.thresholds().xon_offset_cells; })
      .resets_to("`adaptive.memory.xon_offset`")
      .writable(0, memory_.shared_cells(), [change](std::uint64_t cells) {
        change([&](Thresholds& thresholds) { thresholds.xon_offset_cells = cells; });
      });
}

void AdaptiveSwitch::describe_counters(RegisterMap& map) {
  RegisterBlock& counters = map.block("counters", counter_registers,
                                      "Since the start of the run, and the memory's state now.");
  counters.add("packets_marked", 0x00, 8, "Data packets marked: congestion experienced.",
               [this] { return marked_; });
  counters.add("packets_trimmed", 0x08, 8, "Data packets cut to their header.",
               [this] { return trimmed_; });
  describe_drops(counters, 0x10, drops_);
  counters.add("used_cells", 0x30, 4, "Cells held, headroom included.",
               [this] { return used_cells(); });
  counters
      .add("free_cells", 0x34, 4, "Free cells of the shared memory.",
           [this] { return free_cells(); })
      .resets_to("");
  counters
      .add("lossless_threshold_cells", 0x38, 8, "What a lossless group may reach now.",
           [this] { return memory_.lossless_threshold(free_cells()); })
      .resets_to("");
  counters
      .add("lossy_threshold_cells", 0x40, 8, "What a lossy queue may reach now.",
           [this] { return memory_.lossy_threshold(free_cells()); })
      .resets_to("");
  counters.add("packets_dropped_unreachable", 0x48, 8, "Data packets dropped: no port leads there.",
               [this] { return drops_.data(Admission::unreachable); });
}

void AdaptiveSwitch::describe_ports(RegisterMap& map) {
  RegisterBlock& port =
      map.block("port", port_registers, "A port: hosts first, then the other switches.", ports(),
                port_stride);
  port.add_link_counters(
      0x00, [this](unsigned p) -> const Link& { return *in_[p]; },
      [this](unsigned p) -> const Link& { return outputs_.link(p); }, [this] { return present(); });
  port.add("queued_bytes", 0x20, 8, "Bytes that wait to go out here.",
           [this](unsigned p) { return outputs_.queued_bytes(p); });
  port.add("paused_classes", 0x28, 4, "A bit for each class that the peer has stopped.",
           [this](unsigned p) { return outputs_.pause_state(p).mask(); });
  port.add("grade", 0x2c, 4, "Load of the port as adaptive routing sees it.",
           [this](unsigned p) { return grade_of(p); });
  const auto per_class = [&](const char* what, std::uint64_t offset, const char* text, auto get) {
    port.add(what, offset, 4, text, std::move(get)).array(class_count_, 4);
  };
  per_class("queued_packets", 0x40, "By class: packets that wait to go out here.",
            [this](unsigned p, unsigned c) { return queued_frames(p, c); });
  per_class("queue_cells", 0x60, "By class: memory held by what goes out here.",
            [this](unsigned p, unsigned c) { return queue_cells(p, c); });
  per_class("group_cells", 0x80, "By class: memory held by what came in here.",
            [this](unsigned p, unsigned c) { return group_cells(p, c); });
  per_class("sender_paused", 0xa0, "By class: 1 while the port's sender is to pause.",
            [this](unsigned p, unsigned c) { return sender_paused(p, c); });
  port.add_link_faults(link_faults, [this](unsigned p) -> const Link& { return *in_[p]; });
  port.add("in_use", link_faults + 0x14, 4,
           "0 from when the switch has learned that the link to the peer has failed until it has "
           "learned that it is back.",
           [this](unsigned p) { return usable(p); })
      .resets_to("1");
  port.add("withdrawn", link_faults + 0x18, 4,
           "Leaves whose hosts are not sent to this way, because of failed links behind the peer.",
           [this](unsigned p) { return withdrawn(p); });
}

}  // namespace heddle
