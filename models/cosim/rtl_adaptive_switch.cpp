#include "cosim/rtl_adaptive_switch.h"

#include <Vadaptive_switch.h>
#include <fmt/format.h>

#include "cosim/adaptive_switch_pins.h"
#include "cosim/rtl_device.h"

namespace heddle {

namespace {

constexpr AdaptiveSwitchShape shape{16, 64, 8, 65'536, 1024};  // as in CMakeLists.txt

void limit(const SwitchArguments& arguments, const char* what, std::size_t number, unsigned most) {
  if (number <= most) return;
  throw InputError(fmt::format("rtl: {} has {} {}, the RTL of an adaptive switch at most {}",
                               arguments.name, number, what, most));
}

const SwitchArguments& fitting(const SwitchArguments& arguments) {
  limit(arguments, "ports (fabric.hosts_per_leaf, fabric.spines, fabric.leaves)",
        arguments.ports.size(), shape.ports);
  limit(arguments, "hosts to reach (fabric.leaves x fabric.hosts_per_leaf)",
        arguments.routes.group_of_host.size(), shape.hosts);
  limit(arguments, "classes", arguments.classes.size(), shape.classes);
  return arguments;
}

}  // namespace

struct RtlAdaptiveSwitch::Rtl {
  Rtl(const Environment& environment, const std::string& path)
      : core(environment, path), pins(*core.operator->(), shape) {}

  RtlCore<Vadaptive_switch> core;
  AdaptiveSwitchPins<Vadaptive_switch> pins;
  std::vector<LinkRate> rates;            ///< on the pins, by port
  std::vector<std::uint16_t> left_bytes;  ///< of the packet that has started last, by port
  EcnConfig ecn;                          ///< on the pins
};

RtlAdaptiveSwitch::RtlAdaptiveSwitch(const SwitchArguments& arguments)
    : AdaptiveSwitch(arguments.name, arguments.environment, fitting(arguments).ports,
                     arguments.routes, arguments.config, arguments.routing, arguments.classes,
                     arguments.largest_packet_bytes),
      rtl_(std::make_unique<Rtl>(arguments.environment, path())) {
  configure(arguments);
  rtl_->core.reset();
}

RtlAdaptiveSwitch::~RtlAdaptiveSwitch() = default;

void RtlAdaptiveSwitch::open_waves(const std::string& file) const { rtl_->core.open_waves(file); }
void RtlAdaptiveSwitch::close_waves() const { rtl_->core.close_waves(); }

void RtlAdaptiveSwitch::configure(const SwitchArguments& arguments) {
  for (unsigned port = 0; port < ports(); ++port) {
    rtl_->rates.push_back(LinkRate::of(places_[port].rate, clock_));
    rtl_->pins.set_rate(port, rtl_->rates.back());
  }
  rtl_->left_bytes.resize(ports());
  rtl_->ecn = ecn_;
  rtl_->pins.set_classes(arguments.classes, arguments.largest_packet_bytes);
  rtl_->pins.set_memory(memory_, config_.memory, ports(), class_count_);
  rtl_->pins.set_ecn(ecn_);
  rtl_->pins.set_switching(config_, arguments.routing, clock_.cycles(config_.flowlet_gap));
  rtl_->pins.set_routes(arguments.routes, selector_, marking_);
}

// --- the cycle ----------------------------------------------------------------------------------

void RtlAdaptiveSwitch::cycle() {
  auto& core = rtl_->core;
  follow_configuration();
  const bool any = take_frames();   // 1. what has arrived, to the pins
  if (!any && core.idle()) return;  //    the RTL may miss this edge
  core.edge(now());                 // 2. the RTL decides
  book_edge();                      // 3. the books, and what the RTL starts on the links
  book_starts();
  if (!core.idle()) wake(2 * ports(), now() + 1);
}

bool RtlAdaptiveSwitch::take_frames() {
  bool any = false;
  due_.take(0, due_.size(), [&](unsigned reason) {
    if (reason >= ports()) return;
    take_arrivals(reason, [&](const Frame& frame) {
      take(reason, frame);
      any = true;
    });
  });
  return any;
}

void RtlAdaptiveSwitch::take(unsigned input, const Frame& frame) {
  auto& core = rtl_->core;
  if (frame.kind == FrameKind::pause) {
    outputs_.pause(input, frame.traffic_class, frame.has(frame_flag::off), now());
    ++balance_.consumed;
  } else {
    // A link whose receiver acts on heads again may bring a second packet in the same cycle.
    if (pins::get_bits(core->in_valid_i, input, 1) != 0) edge_ahead(now());
    book_arrival(packets_[frame.packet], this->input(input), now());
  }
  core.arrive(input, frame);
}

/// Registers and events may have changed it since the last edge.
void RtlAdaptiveSwitch::follow_configuration() {
  for (unsigned port = 0; port < ports(); ++port) {
    const LinkRate& rate = outputs_.link(port).rate();
    LinkRate& known = rtl_->rates[port];
    if (rate.bytes == known.bytes && rate.cycles == known.cycles) continue;
    known = rate;
    rtl_->pins.change_rate(port, rate, outputs_.link(port).backlog(now()));
  }
  EcnConfig& known = rtl_->ecn;
  if (ecn_.kmin == known.kmin && ecn_.kmax == known.kmax && ecn_.pmax == known.pmax) return;
  known = ecn_;
  rtl_->pins.set_ecn(ecn_);
}

/// An edge that is not the last of its cycle: nothing is sent.
void RtlAdaptiveSwitch::edge_ahead(Cycle now) {
  pins::set(rtl_->core->more_i, 1);
  rtl_->core.edge_ahead(now);
  pins::set(rtl_->core->more_i, 0);
  book_edge();
}

// --- books --------------------------------------------------------------------------------------

/// What the edge has made of the packets that came in and of those that were leaving.
void RtlAdaptiveSwitch::book_edge() {
  auto& core = rtl_->core;
  pins::set(core->set_rate_i, 0);
  if (core->full_o != 0) {
    throw CheckFailure((core->full_o & 1) != 0
                           ? "the RTL has no room for another packet (parameter Packets)"
                           : "the RTL has no room for another pause frame (PauseFrames)");
  }
  for (const auto& [port, frame] : core.arrived()) {
    if (frame.kind != FrameKind::pause) book_taken(port, frame);
  }
  core.forget_arrived();
  for (std::uint64_t ports = core->released_o; ports != 0; ports &= ports - 1) {
    const auto port = static_cast<unsigned>(__builtin_ctzll(ports));
    const std::uint16_t wire_bytes = rtl_->left_bytes[port];
    outputs_.book_release(port, wire_bytes, now());
    by_role_[role_of_port_[port]].remove(wire_bytes - ethernet_framing_bytes, now());
  }
}

void RtlAdaptiveSwitch::book_taken(unsigned input, Frame frame) {
  const auto& core = rtl_->core;
  if (pins::get_bits(core->taken_marked_o, input, 1) != 0) ++marked_;
  if (pins::get_bits(core->taken_trimmed_o, input, 1) != 0) {
    trim(frame);
    ++trimmed_;
  }
  const auto admission =
      static_cast<Admission>(pins::get_bits(core->taken_admission_o, 3 * input, 3));
  if (!stored(admission)) {
    drops_.count(frame, admission, may_overrun(input));
    return packets_.release(frame.packet);
  }
  const unsigned bits = shape.port_bits();
  const auto output = static_cast<unsigned>(pins::get_bits(core->taken_port_o, bits * input, bits));
  by_role_[role_of_port_[output]].add(stored_bytes(frame), now());
  outputs_.book_push(output, frame.traffic_class, frame);
}

void RtlAdaptiveSwitch::book_starts() {
  rtl_->core.for_each_start([&](unsigned port, const Frame& frame) {
    outputs_.book_start(port, frame.traffic_class, frame, now());
    if (frame.kind != FrameKind::pause) rtl_->left_bytes[port] = frame.wire_bytes;
  });
}

// --- between two cycles -------------------------------------------------------------------------

void RtlAdaptiveSwitch::input_failed(unsigned port, Cycle at) {
  AdaptiveSwitch::input_failed(port, at);
  pins::set_bits(rtl_->core->forget_pauses_i, port, 1, 1);
  edge_ahead(at);
  pins::set(rtl_->core->forget_pauses_i, 0);
}

void RtlAdaptiveSwitch::output_restored(unsigned port, Cycle at) {
  pins::set_bits(rtl_->core->restored_i, port, 1, 1);
  edge_ahead(at);
  pins::set(rtl_->core->restored_i, 0);
  wake(ports() + port, at);
}

void RtlAdaptiveSwitch::set_thresholds(const SharedBuffer::Thresholds& thresholds) {
  memory_.set_thresholds(thresholds);  // where the registers read them
  rtl_->pins.set_thresholds(thresholds);
  pins::set(rtl_->core->thresholds_changed_i, 1);
  edge_ahead(now());
  pins::set(rtl_->core->thresholds_changed_i, 0);
}

void RtlAdaptiveSwitch::set_reachable(unsigned port, HostRange hosts, bool reachable) {
  AdaptiveSwitch::set_reachable(port, hosts, reachable);
  for (unsigned host = hosts.first; host <= hosts.last; ++host) {
    rtl_->pins.set_withdrawn(host, port, !leads_to(port, host));
  }
}

// --- what others may see ------------------------------------------------------------------------

FrameBalance RtlAdaptiveSwitch::balance() const {
  FrameBalance balance = AdaptiveSwitch::balance();
  balance.created = rtl_->core->pauses_made_o;
  balance.held = rtl_->core->held_o;
  return balance;
}

void RtlAdaptiveSwitch::verify(bool drained) const {
  std::uint64_t queued = 0;
  for (unsigned port = 0; port < ports(); ++port) {
    for (unsigned c = 0; c < class_count_; ++c) queued += queue_cells(port, c);
  }
  if (queued != used_cells()) throw CheckFailure(path() + ": its RTL has lost cells");
  if (drained && used_cells() != 0) throw CheckFailure(path() + ": cells left behind");
}

std::uint32_t RtlAdaptiveSwitch::free_cells() const { return rtl_->core->free_cells_o; }

std::uint32_t RtlAdaptiveSwitch::used_cells() const {
  return memory_.shared_cells() - free_cells() + rtl_->core->headroom_used_o;
}

std::uint32_t RtlAdaptiveSwitch::queue_cells(unsigned port, unsigned traffic_class) const {
  return static_cast<std::uint32_t>(
      pins::get_bits(rtl_->core->queue_cells_o, 32 * shape.pair(port, traffic_class), 32));
}

std::uint32_t RtlAdaptiveSwitch::group_cells(unsigned port, unsigned traffic_class) const {
  return static_cast<std::uint32_t>(
      pins::get_bits(rtl_->core->group_cells_o, 32 * shape.pair(port, traffic_class), 32));
}

std::uint32_t RtlAdaptiveSwitch::queued_frames(unsigned port, unsigned traffic_class) const {
  return static_cast<std::uint32_t>(
      pins::get_bits(rtl_->core->queued_packets_o, 32 * shape.pair(port, traffic_class), 32));
}

bool RtlAdaptiveSwitch::sender_paused(unsigned port, unsigned traffic_class) const {
  return pins::get_bits(rtl_->core->xoff_o, shape.pair(port, traffic_class), 1) != 0;
}

unsigned RtlAdaptiveSwitch::grade_of(unsigned port) const {
  return static_cast<unsigned>(pins::get_bits(rtl_->core->grades_o, 8 * port, 8));
}

}  // namespace heddle
