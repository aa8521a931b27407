#include "switches/adaptive_switch.h"

#include <fmt/format.h>

#include <algorithm>

namespace heddle {

namespace {

constexpr std::array<const char*, 3> role_names{"uplinks", "downlinks", "host_links"};
constexpr std::uint32_t unbounded_packets = 1U << 24;  // the shared memory bounds them

std::vector<PausedLink> cables(const std::vector<SwitchPort>& ports, const AdaptiveConfig& config) {
  std::vector<PausedLink> links;
  links.reserve(ports.size());
  for (const SwitchPort& port : ports) {
    links.push_back({port.rate, port.latency, config.pipeline_latency});
  }
  return links;
}

PathSelector::Rules selector_rules(const AdaptiveConfig& config, Routing routing,
                                   const Clock& clock) {
  return {routing, config.spray, clock.cycles(config.flowlet_gap)};
}

}  // namespace

SharedBuffer switch_memory(const std::vector<SwitchPort>& ports, const AdaptiveConfig& config,
                           const std::vector<TrafficClassConfig>& classes) {
  return SharedBuffer(config.memory, static_cast<unsigned>(ports.size() * classes.size()),
                      group_headroom(config.memory, cables(ports, config), classes));
}

AdaptiveSwitch::AdaptiveSwitch(const sc_core::sc_module_name& module_name,
                               const Environment& environment, const std::vector<SwitchPort>& ports,
                               const SwitchRoutes& routes, const AdaptiveConfig& config,
                               Routing routing, const std::vector<TrafficClassConfig>& classes,
                               std::uint32_t largest_packet_bytes)
    : Device(module_name, environment.clock, static_cast<unsigned>(2 * ports.size() + 1)),
      packets_(environment.packets),
      config_(config),
      places_(ports),
      class_count_(static_cast<unsigned>(classes.size())),
      lossless_(lossless_classes(classes)),
      group_of_host_(routes.group_of_host),
      ports_of_group_(routes.ports_of_group),
      in_(ports.size()),
      memory_(switch_memory(ports, config, classes)),
      selector_(selector_rules(config, routing, clock_), routes.ports_of_group,
                Rng(clock_.options().seed, path(), "path")),
      grades_(ports.size()),
      ecn_(config.ecn),
      marking_(Rng(clock_.options().seed, path(), "marking").bits()),
      outputs_(environment, id(), due_, static_cast<unsigned>(ports.size()),
               {static_cast<unsigned>(ports.size()), classes, largest_packet_bytes,
                unbounded_packets, Release::last_byte}) {
  for (const SwitchPort& port : ports) {
    role_of_port_.push_back(static_cast<std::uint8_t>(port.role));
  }
}

void AdaptiveSwitch::attach(unsigned port, Link& in, Link& out) {
  // Cutting through to a faster link would run out of bytes; such a packet must be whole first.
  const bool outrun = std::any_of(places_.begin(), places_.end(), [&](const SwitchPort& other) {
    return places_[port].rate < other.rate;
  });
  const bool cut_through = config_.forwarding == Forwarding::cut_through && !outrun;
  in.bind_receiver(id(), port, cut_through ? Delivery::head : Delivery::tail,
                   clock_.cycles(config_.pipeline_latency));
  in_[port] = &in;
  outputs_.attach(
      port, out,
      places_[port].role == BufferRole::egress ? Stage::egress_queue : Stage::fabric_queue);
}

void AdaptiveSwitch::cycle() {
  receive();  // 1. packets routed, marked, admitted, queued; senders paused
  send();     // 2. output links; freed memory ends pauses
}

// --- 1. receive ---------------------------------------------------------------------------------

void AdaptiveSwitch::receive() {
  due_.take(0, ports(), [&](unsigned port) {
    take_arrivals(port, [&](const Frame& frame) { accept(port, frame); });
  });
  if (memory_.has_xoff_changes()) announce_pauses();
}

void AdaptiveSwitch::accept(unsigned input, const Frame& arrived) {
  Frame frame = arrived;
  const unsigned output = admit(input, frame);
  if (output == no_port) return;
  outputs_.push(output, frame.traffic_class, frame, input);
  grade(output);
}

unsigned AdaptiveSwitch::admit(unsigned input, Frame& frame) {
  if (frame.kind == FrameKind::pause) {
    outputs_.pause(input, frame.traffic_class, frame.has(frame_flag::off), now());
    ++balance_.consumed;
    return no_port;
  }
  book_arrival(packets_[frame.packet], this->input(input), now());
  const unsigned output =
      detours_.empty() ? selector_.choose(group_of_host_[frame.destination], frame, now(), grades_)
                       : choose_output(frame);
  if (output == no_port) {
    drops_.count(frame, Admission::unreachable, false);
    packets_.release(frame.packet);
    return no_port;
  }
  outputs_.fetch(output);
  mark_congestion(output, frame);
  if (!store(input, output, frame)) {
    packets_.release(frame.packet);
    return no_port;
  }
  by_role_[role_of_port_[output]].add(stored_bytes(frame), now());
  return output;
}

/// As the selector chooses, among the ports that still lead to the host.
unsigned AdaptiveSwitch::choose_output(const Frame& frame) {
  const unsigned group = group_of_host_[frame.destination];
  candidates_.clear();
  for (const std::uint16_t port : ports_of_group_[group]) {
    if (leads_to(port, frame.destination)) candidates_.push_back(port);
  }
  if (candidates_.empty()) return no_port;
  return selector_.choose_among(candidates_, group, frame, now(), grades_);
}

bool AdaptiveSwitch::leads_to(unsigned port, unsigned host) const {
  return std::none_of(detours_.begin(), detours_.end(), [&](const Detour& detour) {
    return detour.port == port && detour.hosts.first <= host && host <= detour.hosts.last;
  });
}

/// Port load as routing sees it: the queue in steps of `grade` bytes.
void AdaptiveSwitch::grade(unsigned port) {
  const std::uint64_t step = config_.grade.value;
  const std::uint64_t queued = outputs_.queued_bytes(port);
  if (queued - grades_[port] * step < step) return;  // the usual case, and divisions are slow
  grades_[port] =
      static_cast<std::uint8_t>(std::min<std::uint64_t>(queued / step, config_.grades - 1));
}

bool AdaptiveSwitch::store(unsigned input, unsigned output, Frame& frame) {
  // Nobody pauses the sender of what was trimmed on the way: it is lossy in every class.
  const auto admit = [&] {
    const unsigned c = frame.traffic_class;
    const bool lossless = (lossless_ >> c & 1) != 0 && !frame.has(frame_flag::trimmed);
    return memory_.admit(pair(input, c), pair(output, c), stored_bytes(frame), lossless);
  };
  const bool lossy = (lossless_ >> frame.traffic_class & 1) == 0;
  Admission admission = admit();
  if (!stored(admission) && config_.trimming && lossy && frame.kind == FrameKind::packet &&
      !frame.has(frame_flag::trimmed)) {
    trim(frame);
    ++trimmed_;
    admission = admit();
  }
  if (stored(admission)) return true;
  drops_.count(frame, admission, may_overrun(input));
  return false;
}

void AdaptiveSwitch::trim(Frame& frame) const {
  frame.flags |= frame_flag::trimmed;
  frame.wire_bytes = static_cast<std::uint16_t>(frame.wire_bytes - frame.payload_bytes);
  frame.payload_bytes = 0;
  frame.traffic_class = static_cast<std::uint8_t>(class_count_ - 1);
}

void AdaptiveSwitch::mark_congestion(unsigned output, Frame& frame) {
  if (frame.kind != FrameKind::packet || frame.has(frame_flag::congestion)) return;
  const std::uint64_t depth =
      std::uint64_t{memory_.queue_cells(pair(output, frame.traffic_class))} *
      config_.memory.cell.value;
  if (depth <= ecn_.kmin.value) return;
  if (mark(ecn_, depth, marking_.bits())) {
    frame.flags |= frame_flag::congestion;
    ++marked_;
  }
}

void AdaptiveSwitch::announce_pauses() {
  memory_.take_xoff_changes([&](unsigned group, bool off) {
    outputs_.push_link_local(group / class_count_, pause_frame(group % class_count_, off));
    ++balance_.created;
  });
}

// --- 2. send ------------------------------------------------------------------------------------

void AdaptiveSwitch::send() {
  outputs_.transmit(now(), [&](unsigned output, const OutputPorts::Departure& out) {
    const std::uint32_t bytes = out.wire_bytes - ethernet_framing_bytes;
    memory_.release(pair(out.input, out.traffic_class), pair(output, out.traffic_class), bytes);
    by_role_[role_of_port_[output]].remove(bytes, now());
    grade(output);
    if (memory_.has_xoff_changes()) announce_pauses();
  });
}

// --- what others may see ------------------------------------------------------------------------

void AdaptiveSwitch::input_failed(unsigned port, Cycle at) {
  outputs_.forget_pauses(port, at);
  wake(ports() + port, at);
}

void AdaptiveSwitch::output_restored(unsigned port, Cycle at) {
  for (unsigned c = 0; c < class_count_; ++c) {
    if (!memory_.xoff(pair(port, c))) continue;
    outputs_.push_link_local(port, pause_frame(c, true));
    ++balance_.created;
  }
  wake(ports() + port, at);
}

void AdaptiveSwitch::set_usable(unsigned port, bool usable) {
  set_reachable(port, all_hosts(), usable);
}

void AdaptiveSwitch::set_reachable(unsigned port, HostRange hosts, bool reachable) {
  if (!reachable) return detours_.push_back({port, hosts});
  const auto same = [&](const Detour& detour) {
    return detour.port == port && detour.hosts == hosts;
  };
  const auto found = std::find_if(detours_.begin(), detours_.end(), same);
  if (found != detours_.end()) detours_.erase(found);
}

bool AdaptiveSwitch::usable(unsigned port) const {
  return std::none_of(detours_.begin(), detours_.end(), [&](const Detour& detour) {
    return detour.port == port && detour.hosts == all_hosts();
  });
}

unsigned AdaptiveSwitch::withdrawn(unsigned port) const {
  const auto of_others = [&](const Detour& detour) {
    return detour.port == port && !(detour.hosts == all_hosts());
  };
  return static_cast<unsigned>(std::count_if(detours_.begin(), detours_.end(), of_others));
}

void AdaptiveSwitch::waits(std::vector<std::string>& lines) const {
  outputs_.waits(path(), lines,
                 [this](unsigned port, unsigned c) { return queued_frames(port, c); });
}

std::vector<BufferView> AdaptiveSwitch::buffers() const {
  std::vector<BufferView> views;
  for (const BufferRole role : {BufferRole::ingress, BufferRole::fabric, BufferRole::egress}) {
    views.push_back({role_names[static_cast<unsigned>(role)], role,
                     &by_role_[static_cast<unsigned>(role)], true});
  }
  for (unsigned port = 0; port < ports(); ++port) {
    views.push_back({fmt::format("port{}", port), places_[port].role, &outputs_.occupancy(port)});
  }
  return views;
}

std::vector<StateView> AdaptiveSwitch::state() const {
  std::vector<StateView> views;
  for (unsigned port = 0; port < ports(); ++port) {
    views.push_back(outputs_.paused_view(port, fmt::format("port{}", port)));
    views.push_back(pausing_view(port, class_count_,
                                 [this, port](unsigned c) { return sender_paused(port, c); }));
  }
  views.push_back({"free_cells", StateView::Kind::level, 32, [this] { return free_cells(); }});
  drops_.add_views(views);
  views.push_back({"trim", StateView::Kind::strobe, 1, [this] { return trimmed_; }});
  views.push_back({"mark", StateView::Kind::strobe, 1, [this] { return marked_; }});
  return views;
}

FrameBalance AdaptiveSwitch::balance() const {
  FrameBalance balance = balance_;
  balance.received = frames_taken();
  balance.sent = outputs_.frames_sent();
  balance.held = outputs_.held();
  balance.dropped = drops_.total();
  return balance;
}

void AdaptiveSwitch::verify(bool drained) const {
  memory_.verify();
  if (drained && memory_.used_cells() != 0) throw CheckFailure(path() + ": cells left behind");
}

}  // namespace heddle
