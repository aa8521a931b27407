#include "cosim/rtl_scheduled_leaf.h"

#include <Vscheduled_leaf.h>
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "cosim/rtl_device.h"
#include "cosim/scheduled_leaf_pins.h"

namespace heddle {

namespace {

// As CMakeLists.txt has it Verilated.
constexpr LeafSizes sizes{8, 8, 8, 8, 8, 8, 5, 270'336, 262'144, 4096};
// Of its egress memory, for packets that end in cells of few bytes that wait for earlier ones.
constexpr std::uint64_t packets_in_short_cells = 65'536;

void refuse_above(const char* name, const char* what, std::uint64_t value, std::uint64_t most) {
  if (value <= most) return;
  throw InputError(
      fmt::format("rtl: {} has {} {}, the RTL of a leaf at most {}", name, value, what, most));
}

void check_place(const char* name, const LeafPlace& place, std::size_t classes) {
  refuse_above(name, "hosts (fabric.hosts_per_leaf)", place.hosts, sizes.host_ports);
  refuse_above(name, "leaves in its fabric (fabric.leaves)", place.leaves, sizes.leaves);
  refuse_above(name, "links to the fabric", place.fabric_links, sizes.fabric_links);
  refuse_above(name, "traffic classes", classes, sizes.classes);
}

void check_config(const char* name, const LeafPlace& place, const ScheduledConfig& config) {
  if (config.spill == Spill::hbm) {
    throw InputError(fmt::format(
        "rtl: {} has scheduled.spill hbm; the RTL of a leaf has no external memory", name));
  }
  refuse_above(name, "scheduled.cells_per_cycle", config.cells_per_cycle, sizes.cells_per_cycle);
  const std::uint64_t ends = (config.cell_payload.value - 1) / smallest_stored_bytes + 1;
  refuse_above(name, "packets that may end in a cell (scheduled.cell_payload)", ends, sizes.ends);
  const std::uint64_t staged = config.staging_cells * (place.fabric_links + 1);
  refuse_above(name, "cells that wait for links (scheduled.staging_cells)", staged,
               sizes.cell_slots);
  refuse_above(name, "packets that fit its VOQs and cells (scheduled.buffer, buffer_cell)",
               config.buffer.value / config.buffer_cell.value + staged * ends + 1,
               sizes.voq_packets);
  refuse_above(name, "packets that fit its egress memory (scheduled.egress_buffer)",
               config.egress_buffer->value / smallest_stored_bytes + packets_in_short_cells,
               sizes.egress_packets);
}

template <class Pin>
std::uint32_t word(const Pin& pin, unsigned index) {
  return static_cast<std::uint32_t>(pins::get_bits(pin, 32 * index, 32));
}

}  // namespace

struct RtlScheduledLeaf::Rtl {
  Rtl(const Environment& environment, const std::string& path) : core(environment, path) {}

  RtlCore<Vscheduled_leaf> core;
  std::vector<LinkRate> rates{sizes.ports(), LinkRate{0, 0}};
};

RtlScheduledLeaf::RtlScheduledLeaf(const sc_core::sc_module_name& module_name,
                                   const Environment& environment, const LeafPlace& place,
                                   const ScheduledConfig& config,
                                   const std::vector<TrafficClassConfig>& classes)
    : ScheduledLeaf(module_name, environment, place, config, classes) {
  check_place(name(), place, classes.size());
  check_config(name(), place, config);
  rtl_ = std::make_unique<Rtl>(environment, path());
  pins::clear_leaf_inputs(*rtl_->core.operator->());
}

RtlScheduledLeaf::~RtlScheduledLeaf() = default;

void RtlScheduledLeaf::cycle() {
  due_.take(0, due_.size(), [](unsigned) {});
  configure();
  take_in();               // 1. what has arrived, to the pins
  rtl_->core.edge(now());  // 2. the RTL decides
  end_events();
  book_arrivals();  // 3. the books, and what the RTL starts on the links
  book_losses();
  book_starts();
  show_state();
  rest();
}

/// Until an input comes, if the RTL has nothing to do before its next timer.
void RtlScheduledLeaf::rest() {
  const auto& core = rtl_->core;
  if (!core.idle() || core->wake_o <= now()) return wake(segment_reason(), now() + 1);
  if (core->wake_o != never) wake(watchdog_reason(), core->wake_o);
}

// --- ports --------------------------------------------------------------------------------------

/// Ports count as in the model: hosts, links to the fabric, paths inside.
unsigned RtlScheduledLeaf::pin_port(unsigned port) const {
  if (port < place_.hosts) return port;
  const unsigned fabric = port - place_.hosts;
  return sizes.host_ports + (fabric < place_.fabric_links
                                 ? fabric
                                 : sizes.fabric_links + fabric - place_.fabric_links);
}

unsigned RtlScheduledLeaf::port_of_pin(unsigned pin) const {
  if (pin < sizes.host_ports) return pin;
  const unsigned fabric = pin - sizes.host_ports;
  return place_.hosts +
         (fabric < sizes.fabric_links ? fabric : place_.fabric_links + fabric - sizes.fabric_links);
}

const Link& RtlScheduledLeaf::link_from(unsigned port) const {
  return port < place_.hosts ? to_hosts_.link(port) : to_fabric_.link(port - place_.hosts);
}

// --- pins ---------------------------------------------------------------------------------------

void RtlScheduledLeaf::configure() {
  auto& core = rtl_->core;
  set_rates();
  if (core.running()) {  // what registers may change
    pins::set(core->cfg_egress_threshold_i, egress_threshold_bytes_);
    return;
  }
  const LeafMake make{place_,
                      config_,
                      classes_,
                      sram_,
                      credit_ports_[0].pacer,
                      spray_.random().state(),
                      staging_limit_,
                      healing_ != nullptr};
  pins::set_leaf(*core.operator->(), sizes, make, clock_);
  pins::set(core->cfg_egress_threshold_i, egress_threshold_bytes_);
}

/// Events change rates between two cycles.
void RtlScheduledLeaf::set_rates() {
  auto& core = rtl_->core;
  for (unsigned port = 0; port < place_.hosts + fabric_ports(); ++port) {
    const Link& link = link_from(port);
    const unsigned pin = pin_port(port);
    LinkRate& rate = rtl_->rates[pin];
    if (rate.bytes == link.rate().bytes && rate.cycles == link.rate().cycles) continue;
    rate = link.rate();
    if (core.running()) {
      pins::change_rate(*core.operator->(), pin, link, now());
    } else {
      pins::set_rate(*core.operator->(), pin, rate);
    }
  }
}

void RtlScheduledLeaf::input_failed(unsigned port, Cycle at) {
  ScheduledLeaf::input_failed(port, at);
  pins::set_bits(rtl_->core->input_failed_i, pin_port(port), 1, 1);
}

void RtlScheduledLeaf::output_restored(unsigned port, Cycle at) {
  if (port >= place_.hosts) return;
  pins::set_bits(rtl_->core->output_restored_i, port, 1, 1);
  wake(to_host_reason() + port, at);
}

void RtlScheduledLeaf::end_events() {
  auto& core = rtl_->core;
  pins::set(core->set_rate_i, 0);
  pins::set(core->input_failed_i, 0);
  pins::set(core->output_restored_i, 0);
}

void RtlScheduledLeaf::take_in() {
  auto& core = rtl_->core;
  for (unsigned port = 0; port < place_.hosts; ++port) {
    take_arrivals(port, [&](const Frame& frame) { core.arrive(port, frame); });
  }
  for (unsigned port = 0; port < fabric_ports(); ++port) {
    const unsigned pin = pin_port(place_.hosts + port);
    take_arrivals(from_fabric_reason() + port, [&](const Frame& frame) {
      core.arrive(pin, frame);
      if (frame.kind != FrameKind::cell) return;
      pins::set_ends(*core.operator->(), sizes, pin - sizes.host_ports, ends_of(packets_, frame));
    });
  }
}

// --- books --------------------------------------------------------------------------------------

void RtlScheduledLeaf::book_arrivals() {
  for (const auto& [pin, frame] : rtl_->core.arrived()) {
    const unsigned port = port_of_pin(pin);
    if (frame.kind == FrameKind::pause) {
      to_hosts_.pause(port, frame.traffic_class, frame.has(frame_flag::off), now());
    } else if (frame.kind == FrameKind::flow_control) {
      to_fabric_.pause(port - place_.hosts, cells, frame.has(frame_flag::off), now());
    } else if (frame.kind == FrameKind::cell) {
      book_cell(port, frame);
    } else if (port < place_.hosts) {
      book_packet(port, frame);
    }
  }
  rtl_->core.forget_arrived();
}

void RtlScheduledLeaf::book_packet(unsigned port, const Frame& frame) {
  PacketRecord& record = packets_[frame.packet];
  book_arrival(record, input(port), now());
  record.frame = frame;
  const auto admission =
      static_cast<Admission>(pins::get_bits(rtl_->core->admission_o, 3 * port, 3));
  if (stored(admission)) return;
  drops_.count(frame, admission, config_.headroom.has_value() || to_hosts_.link(port).disturbed());
  packets_.release(frame.packet);
}

void RtlScheduledLeaf::book_cell(unsigned port, const Frame& cell) {
  const unsigned fabric_port = port - place_.hosts;
  if (pins::get_bits(rtl_->core->late_o, pin_port(port) - sizes.host_ports, 1) != 0) {
    return incomplete_.lose(packets_, cell);
  }
  for (std::uint32_t number = cell.packet; number != no_packet;) {
    PacketRecord& record = packets_[number];
    book_arrival(record, input(from_fabric_reason() + fabric_port), now());
    number = std::exchange(record.next, no_packet);
  }
}

/// Packets that no link leads on, or of which a cell is missing.
void RtlScheduledLeaf::book_losses() {
  const auto& core = rtl_->core;
  for (unsigned i = 0; i < core->losses_o; ++i) {
    const std::uint32_t number = word(core->loss_packet_o, i);
    const bool incomplete = pins::get_bits(core->loss_incomplete_o, i, 1) != 0;
    (incomplete ? incomplete_ : unreachable_).count(packets_[number].frame.kind);
    packets_.release(number);
  }
}

void RtlScheduledLeaf::book_starts() {
  rtl_->core.for_each_start([&](unsigned pin, const Frame& frame) {
    const unsigned port = port_of_pin(pin);
    if (port < place_.hosts) return start_to_host(port, frame);
    if (frame.kind == FrameKind::cell) return start_cell(port, frame);
    to_fabric_.book_start(port - place_.hosts, control, frame, now());
  });
}

void RtlScheduledLeaf::start_to_host(unsigned port, const Frame& frame) {
  if (!link_local(frame.kind)) {
    const auto& core = rtl_->core;
    PacketRecord& record = packets_[frame.packet];
    record.spend(Stage::reassembly, pins::get_bits(core->out_complete_since_o, 64 * port, 64));
    to_hosts_.book_stops(port, frame.traffic_class, record, word(core->out_paused_o, port), now());
  }
  to_hosts_.book_start(port, frame.traffic_class, frame, now());
}

void RtlScheduledLeaf::start_cell(unsigned port, const Frame& cell) {
  const auto& core = rtl_->core;
  const unsigned pin = pin_port(port);
  const unsigned fabric_pin = pin - sizes.host_ports;
  const auto ends = static_cast<unsigned>(pins::get_bits(core->out_ends_o, 4 * fabric_pin, 4));
  std::uint32_t next = no_packet;
  for (unsigned e = ends; e > 0; --e) {
    const unsigned at = fabric_pin * sizes.ends + e - 1;
    const Frame frame = pins::get_frame(core->out_end_frame_o, at);
    PacketRecord& record = packets_[frame.packet];
    record.frame = frame;
    record.next = std::exchange(next, frame.packet);
    if (healing_) record.voq_bytes = pins::get_bits(core->out_end_sent_o, 64 * at, 64);
    const Cycle first =
        std::max(record.mark(), pins::get_bits(core->out_end_head_since_o, 64 * at, 64));
    record.spend(Stage::voq_queue, first);
    record.spend(Stage::credit_wait,
                 std::max(first, pins::get_bits(core->out_end_credited_since_o, 64 * at, 64)));
    to_fabric_.book_stops(port - place_.hosts, cells, record, word(core->out_paused_o, pin), now());
  }
  to_fabric_.book_start(port - place_.hosts, cells, cell, now());
}

/// What the model's registers, waves and checks show.
void RtlScheduledLeaf::show_state() {
  const auto& core = rtl_->core;
  ingress_.follow(core->ingress_peak_o, core->ingress_bytes_o, now());
  egress_.follow(core->egress_peak_o, core->egress_bytes_o, now());
  reassembly_.follow(core->reassembly_peak_o, core->reassembly_bytes_o, now());
  for (unsigned port = 0; port < place_.hosts + fabric_ports(); ++port) {
    const unsigned at = 64 * pin_port(port);
    const std::uint64_t peak = pins::get_bits(core->queued_peak_o, at, 64);
    const std::uint64_t level = pins::get_bits(core->queued_bytes_o, at, 64);
    if (port < place_.hosts) {
      to_hosts_.book_level(port, peak, level, now());
    } else {
      to_fabric_.book_level(port - place_.hosts, peak, level, now());
    }
  }
  balance_.created = core->created_o;
  balance_.consumed = core->consumed_o;
  credits_granted_ = core->credits_granted_o;
  staged_cells_ = core->staged_cells_o;
  if (healing_) healing_->changed_at = core->links_changed_at_o;
}

FrameBalance RtlScheduledLeaf::balance() const {
  FrameBalance balance = ScheduledLeaf::balance();
  balance.held = rtl_->core.running() ? rtl_->core->held_o : 0;
  return balance;
}

bool RtlScheduledLeaf::credits_at_rest() const {
  for (unsigned port = 0; port < fabric_ports(); ++port) {
    if (to_fabric_.queued_bytes(port) != 0) return false;
  }
  for (unsigned port = 0; port < place_.hosts; ++port) {
    if (wanted_credits(port) != 0) return false;
  }
  return true;
}

// --- what the RTL knows -------------------------------------------------------------------------

/// Makes the probes show a VOQ, numbered as in the model. False before the first cycle.
bool RtlScheduledLeaf::look_at(unsigned voq) const {
  const unsigned destination = voqs_.destination_of(voq);
  return look_at(destination % place_.hosts, voqs_.class_of(voq), destination / place_.hosts);
}

bool RtlScheduledLeaf::look_at(unsigned port, unsigned traffic_class, unsigned leaf) const {
  auto& core = rtl_->core;
  if (!core.running()) return false;
  pins::set(core->probe_voq_i, sizes.voq(traffic_class, leaf, port));
  core.settle();
  return true;
}

VoqBank::Account RtlScheduledLeaf::account(unsigned voq) const {
  VoqBank::Account account;
  if (!look_at(voq)) return account;
  const auto& core = rtl_->core;
  account.enqueued_bytes = core->probe_enqueued_bytes_o;
  account.queued_bytes = core->probe_queued_bytes_o;
  account.balance_bytes = static_cast<std::int64_t>(core->probe_balance_bytes_o);
  account.requested = core->probe_requested_o;
  account.granted = core->probe_granted_o;
  return account;
}

std::uint32_t RtlScheduledLeaf::voq_packets(unsigned voq) const {
  return look_at(voq) ? rtl_->core->probe_packets_o : 0;
}

std::uint32_t RtlScheduledLeaf::granted(unsigned port, unsigned leaf,
                                        unsigned traffic_class) const {
  return look_at(port, traffic_class, leaf) ? rtl_->core->probe_port_granted_o : 0;
}

std::uint64_t RtlScheduledLeaf::wanted_credits(unsigned port) const {
  return rtl_->core.running() ? word(rtl_->core->wanted_credits_o, port) : 0;
}

std::int64_t RtlScheduledLeaf::owed_bytes(unsigned port) const {
  if (!rtl_->core.running()) return 0;
  return static_cast<std::int64_t>(pins::get_bits(rtl_->core->owed_bytes_o, 64 * port, 64));
}

bool RtlScheduledLeaf::sender_paused(unsigned port, unsigned traffic_class) const {
  return rtl_->core.running() &&
         pins::get_bits(rtl_->core->xoff_o, port * sizes.classes + traffic_class, 1) != 0;
}

std::uint32_t RtlScheduledLeaf::free_cells() const {
  return rtl_->core.running() ? rtl_->core->free_cells_o : ScheduledLeaf::free_cells();
}

std::uint32_t RtlScheduledLeaf::used_cells() const {
  return rtl_->core.running() ? rtl_->core->used_cells_o : 0;
}

std::uint32_t RtlScheduledLeaf::group_cells(unsigned port, unsigned traffic_class) const {
  return look_at(port, traffic_class, 0) ? rtl_->core->probe_group_cells_o : 0;
}

std::uint32_t RtlScheduledLeaf::host_frames(unsigned port, unsigned traffic_class) const {
  return look_at(port, traffic_class, 0) ? rtl_->core->probe_host_frames_o : 0;
}

std::uint32_t RtlScheduledLeaf::fabric_frames(unsigned port, unsigned traffic_class) const {
  auto& core = rtl_->core;
  if (!core.running()) return 0;
  pins::set(core->probe_fabric_port_i, pin_port(place_.hosts + port) - sizes.host_ports);
  core.settle();
  return traffic_class == cells ? core->probe_fabric_cells_o : core->probe_fabric_control_o;
}

ScheduledLeaf::Missing RtlScheduledLeaf::missing(unsigned source) const {
  if (!look_at(0, 0, source)) return {0, 0};
  return {rtl_->core->probe_waiting_cells_o, rtl_->core->probe_expected_cell_o};
}

std::uint64_t RtlScheduledLeaf::pieces_bytes() const {
  return healing_ && rtl_->core.running() ? rtl_->core->pieces_bytes_o : 0;
}

bool RtlScheduledLeaf::hears(unsigned link) const {
  return !rtl_->core.running() || pins::get_bits(rtl_->core->link_heard_o, link, 1) != 0;
}

bool RtlScheduledLeaf::uses(unsigned link) const {
  return !rtl_->core.running() || pins::get_bits(rtl_->core->link_used_o, link, 1) != 0;
}

void RtlScheduledLeaf::open_waves(const std::string& file) const { rtl_->core.open_waves(file); }
void RtlScheduledLeaf::close_waves() const { rtl_->core.close_waves(); }

}  // namespace heddle
