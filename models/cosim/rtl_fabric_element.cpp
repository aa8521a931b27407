#include "cosim/rtl_fabric_element.h"

#include <Vfabric_element.h>
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "cosim/rtl_device.h"

namespace heddle {

namespace {

// As CMakeLists.txt has it Verilated.
constexpr unsigned rtl_ports = 16;
constexpr unsigned rtl_cells = 16384;
// Of its memory, for status, credits and reachability: they are bounded by the leaves' credits.
constexpr unsigned control_frames_per_port = 256;

void check_sizes(const char* name, unsigned ports, const ScheduledConfig& config) {
  if (ports > rtl_ports) {
    throw InputError(fmt::format(
        "rtl: {} has {} ports (fabric.leaves x links to each), the RTL of a fabric element {}",
        name, ports, rtl_ports));
  }
  const std::uint64_t most = rtl_cells / ports - control_frames_per_port;
  if (config.receive_pool_cells > most) {
    throw InputError(fmt::format(
        "rtl: {} has scheduled.receive_pool_cells {}; with {} ports its RTL has room for {}", name,
        config.receive_pool_cells, ports, most));
  }
}

}  // namespace

struct RtlFabricElement::Rtl {
  Rtl(const Environment& environment, const std::string& path) : core(environment, path) {}

  RtlCore<Vfabric_element> core;
  std::vector<LinkRate> rates;
  bool configured = false;
};

RtlFabricElement::RtlFabricElement(const sc_core::sc_module_name& module_name,
                                   const Environment& environment, unsigned leaves,
                                   unsigned links_per_leaf, const ScheduledConfig& config)
    : FabricElement(module_name, environment, leaves, links_per_leaf, config) {
  check_sizes(name(), ports(), config);
  rtl_ = std::make_unique<Rtl>(environment, path());
  pins::set(rtl_->core->input_failed_i, 0);
  pins::set(rtl_->core->output_restored_i, 0);
  pins::set(rtl_->core->set_rate_i, 0);
}

RtlFabricElement::~RtlFabricElement() = default;

void RtlFabricElement::open_waves(const std::string& file) const { rtl_->core.open_waves(file); }
void RtlFabricElement::close_waves() const { rtl_->core.close_waves(); }

void RtlFabricElement::cycle() {
  due_.take(0, due_.size(), [](unsigned) {});
  auto& core = rtl_->core;
  configure();
  for (unsigned port = 0; port < ports(); ++port) {  // 1. what has arrived, to the pins
    take_arrivals(port, [&](const Frame& frame) { core.arrive(port, frame); });
  }
  core.edge(now());  // 2. the RTL decides
  for (const auto& [port, frame] : core.arrived()) book_arrival_of(port, frame);
  core.forget_arrived();  // 3. the books, and what the RTL starts on the links
  book_created();
  book_starts();
  show_state();
  const Cycle next = core.idle() ? std::max(core->alarm_o, now() + 1) : now() + 1;
  if (next != never) wake(healing_reason(), next);
}

// --- pins ---------------------------------------------------------------------------------------

void RtlFabricElement::configure() {
  auto& core = rtl_->core;
  pins::set(core->cfg_xoff_cells_i, xoff_cells_);
  pins::set(core->cfg_xon_cells_i, xon_cells_);
  set_rates();
  if (rtl_->configured) return;
  rtl_->configured = true;
  pins::set(core->cfg_ports_i, ports());
  pins::set(core->cfg_links_per_leaf_i, links_per_leaf_);
  pins::set(core->cfg_receive_pool_cells_i, config_.receive_pool_cells);
  pins::set(core->cfg_cell_header_i, config_.cell_header.value);
  pins::set(core->cfg_faults_i, watch_ ? 1 : 0);
  pins::set(core->cfg_reachability_period_i, clock_.cycles(config_.reachability_period));
  pins::set(core->cfg_reachability_watchdog_i, clock_.cycles(config_.reachability_watchdog));
}

/// Events change rates between two cycles.
void RtlFabricElement::set_rates() {
  auto& core = rtl_->core;
  rtl_->rates.resize(rtl_ports);
  for (unsigned port = 0; port < ports(); ++port) {
    const Link& link = outputs_.link(port);
    LinkRate& rate = rtl_->rates[port];
    if (rate.bytes == link.rate().bytes && rate.cycles == link.rate().cycles) continue;
    rate = link.rate();
    pins::change_rate(*core.operator->(), port, link, now());
  }
}

void RtlFabricElement::input_failed(unsigned port, Cycle at) {
  FabricElement::input_failed(port, at);
  pins::set_bits(rtl_->core->input_failed_i, port, 1, 1);
}

void RtlFabricElement::output_restored(unsigned port, Cycle at) {
  pins::set_bits(rtl_->core->output_restored_i, port, 1, 1);
  wake(ports() + port, at);
}

// --- books --------------------------------------------------------------------------------------

void RtlFabricElement::book_arrival_of(unsigned port, const Frame& frame) {
  const auto& core = rtl_->core;
  if (frame.kind == FrameKind::flow_control) {
    outputs_.pause(port, cells, frame.has(frame_flag::off), now());
    ++balance_.consumed;
  } else if (frame.kind == FrameKind::reachability) {
    ++balance_.consumed;
  } else if (pins::get_bits(core->dropped_o, port, 1) != 0) {
    unreachable_.lose(packets_, frame);
    ++balance_.dropped;
  } else {
    const bool cell = frame.kind == FrameKind::cell;
    if (cell) {
      for_each_packet(packets_, frame,
                      [&](PacketRecord& record) { book_arrival(record, input(port), now()); });
      occupancy_.add(frame.wire_bytes, now());
    }
    constexpr unsigned bits = 4;  // of a port's number
    static_assert(rtl_ports == 1U << bits);
    outputs_.book_push(static_cast<unsigned>(pins::get_bits(core->taken_by_o, bits * port, bits)),
                       cell ? cells : control, frame);
  }
}

void RtlFabricElement::book_created() {
  const auto& core = rtl_->core;
  balance_.created += core->created_o;
  pins::set(rtl_->core->input_failed_i, 0);
  pins::set(rtl_->core->output_restored_i, 0);
  pins::set(rtl_->core->set_rate_i, 0);
  if (core->hello_o == 0) return;
  Frame hello;
  hello.kind = FrameKind::reachability;
  hello.wire_bytes = static_cast<std::uint16_t>(config_.cell_header.value);
  for (unsigned port = 0; port < ports(); ++port) outputs_.book_push(port, control, hello);
}

void RtlFabricElement::book_starts() {
  rtl_->core.for_each_start([&](unsigned port, const Frame& frame) {
    const bool cell = frame.kind == FrameKind::cell;
    outputs_.book_start(port, cell ? cells : control, frame, now());
    if (link_local(frame.kind)) return;
    outputs_.book_release(port, frame.wire_bytes, now());
    if (cell) occupancy_.remove(frame.wire_bytes, now());
  });
}

/// What the model's registers, waves and checks show.
void RtlFabricElement::show_state() {
  const auto& core = rtl_->core;
  for (unsigned port = 0; port < ports(); ++port) {
    pool_cells_[port] =
        static_cast<std::uint32_t>(pins::get_bits(core->pool_cells_o, 32 * port, 32));
    stopped_.assign(port, pins::get_bits(core->stopped_o, port, 1) != 0);
  }
  pool_peak_cells_ = core->pool_peak_cells_o;
  links_changed_at_ = core->links_changed_at_o;
}

std::uint32_t RtlFabricElement::queued_frames(unsigned port, unsigned traffic_class) const {
  const auto& core = rtl_->core;
  if (!rtl_->configured) return 0;
  return static_cast<std::uint32_t>(pins::get_bits(
      traffic_class == cells ? core->queued_cells_o : core->queued_control_o, 32 * port, 32));
}

bool RtlFabricElement::hears(unsigned port) const {
  return !rtl_->configured || pins::get_bits(rtl_->core->heard_o, port, 1) != 0;
}

bool RtlFabricElement::uses(unsigned port) const {
  return !rtl_->configured || pins::get_bits(rtl_->core->used_o, port, 1) != 0;
}

FrameBalance RtlFabricElement::balance() const {
  FrameBalance balance = FabricElement::balance();
  balance.held = rtl_->configured ? rtl_->core->held_o : 0;
  return balance;
}

}  // namespace heddle
