#include "switches/fabric_element.h"

#include <fmt/format.h>

#include <algorithm>

namespace heddle {

FabricElement::FabricElement(const sc_core::sc_module_name& module_name,
                             const Environment& environment, unsigned leaves,
                             unsigned links_per_leaf, const ScheduledConfig& config)
    : Device(module_name, environment.clock, 2 * leaves * links_per_leaf + 1),
      packets_(environment.packets),
      config_(config),
      links_per_leaf_(links_per_leaf),
      xoff_cells_(static_cast<std::uint32_t>(*config.xoff_cells)),
      xon_cells_(static_cast<std::uint32_t>(*config.xon_cells)),
      from_leaf_(std::size_t{leaves} * links_per_leaf),
      pool_cells_(from_leaf_.size()),
      next_link_(leaves),
      stopped_(ports()),
      outputs_(environment, id(), due_, ports(), fabric_output_shape(ports(), config)) {}

void FabricElement::attach(unsigned port, Link& from_leaf, Link& to_leaf) {
  from_leaf.bind_receiver(id(), port, Delivery::tail, clock_.cycles(config_.element_latency));
  from_leaf_[port] = &from_leaf;
  outputs_.attach(port, to_leaf, Stage::fabric_queue);
}

void FabricElement::cycle() {
  receive();  // 1. cells and control frames to their output queues; full pools stop senders
  heal();     //    where links fail: links taken out, the leaves told
  send();     // 2. output links; drained pools restart senders
}

// --- 1. receive ---------------------------------------------------------------------------------

void FabricElement::receive() {
  due_.take(0, ports(), [&](unsigned port) {
    take_arrivals(port, [&](const Frame& frame) { accept(port, frame); });
  });
}

void FabricElement::accept(unsigned port, const Frame& frame) {
  if (frame.kind == FrameKind::flow_control) {
    outputs_.pause(port, cells, frame.has(frame_flag::off), now());
    ++balance_.consumed;
    return;
  }
  if (frame.kind == FrameKind::reachability) {
    changed_ |= watch_->heard(port, !frame.has(frame_flag::off), now());
    wake(healing_reason(), now() + watch_->watchdog());
    ++balance_.consumed;
    return;
  }
  const unsigned output = choose_output(frame.destination);
  if (output == no_port) {
    unreachable_.lose(packets_, frame);
    ++balance_.dropped;
    return;
  }
  outputs_.fetch(output);
  if (frame.kind != FrameKind::cell) {
    outputs_.push(output, control, frame, port);
    return;
  }
  for_each_packet(packets_, frame,
                  [&](PacketRecord& record) { book_arrival(record, input(port), now()); });
  occupancy_.add(frame.wire_bytes, now());
  const std::uint32_t held = ++pool_cells_[port];
  pool_peak_cells_ = std::max(pool_peak_cells_, held);
  if (held > config_.receive_pool_cells) {
    throw CheckFailure(fmt::format("receive pool of port {} overflows at {} cells", port, held));
  }
  if (held >= xoff_cells_ && !stopped_.test(port)) flow_control(port, true);
  outputs_.push(output, cells, frame, port);
}

/// The links to a leaf in turn; no_port when none is up.
unsigned FabricElement::choose_output(unsigned leaf) {
  for (unsigned n = 0; n < links_per_leaf_; ++n) {
    const unsigned output = leaf * links_per_leaf_ + next_link_[leaf];
    next_link_[leaf] = static_cast<std::uint16_t>((next_link_[leaf] + 1U) % links_per_leaf_);
    if (may_use(output)) return output;
  }
  return no_port;
}

void FabricElement::flow_control(unsigned port, bool off) {
  stopped_.assign(port, off);
  Frame frame;
  frame.kind = FrameKind::flow_control;
  frame.flags = off ? frame_flag::off : std::uint8_t{0};
  frame.wire_bytes = static_cast<std::uint16_t>(config_.cell_header.value);
  outputs_.push_link_local(port, frame);
  ++balance_.created;
}

// --- links that fail ----------------------------------------------------------------------------

void FabricElement::expect_faults() {
  watch_.emplace(ports(), clock_.cycles(config_.reachability_watchdog));
  wake(healing_reason(), next_hello_);
  wake(healing_reason(), watch_->watchdog());  // a link may never be heard at all
}

void FabricElement::heal() {
  if (!watch_) return;
  if (due_.test(healing_reason())) changed_ |= watch_->expire(now());
  due_.clear(healing_reason());
  if (changed_) links_changed_at_ = now();
  if (changed_ || now() >= next_hello_) say_hello();
  changed_ = false;
}

unsigned FabricElement::links_up(unsigned first, unsigned end) const {
  unsigned up = 0;
  for (unsigned port = first; port < end; ++port) up += may_use(port) ? 1U : 0U;
  return up;
}

/// Tells each leaf, on each of its links, which leaves it may send to that way. A leaf has at most
/// as many links for a destination as lead on to it: input balanced mode, which keeps what comes in
/// at or below what can go out (Meta DSF).
void FabricElement::say_hello() {
  const unsigned leaves = ports() / links_per_leaf_;
  for (unsigned port = 0; port < ports(); ++port) {
    const unsigned own = port / links_per_leaf_ * links_per_leaf_;
    const unsigned rank = links_up(own, port);  // of this link among those of its leaf
    for (unsigned group = 0; group * 64 < leaves; ++group) {
      std::uint64_t reached = 0;
      for (unsigned leaf = group * 64; leaf < std::min(leaves, group * 64 + 64); ++leaf) {
        const unsigned on = links_up(leaf * links_per_leaf_, (leaf + 1) * links_per_leaf_);
        if (rank < on) reached |= std::uint64_t{1} << leaf % 64;
      }
      Frame hello;
      hello.kind = FrameKind::reachability;
      hello.wire_bytes = static_cast<std::uint16_t>(config_.cell_header.value);
      hello.source = static_cast<std::uint16_t>(group);
      hello.destination = static_cast<std::uint16_t>(port / links_per_leaf_);
      hello.flow = static_cast<std::uint32_t>(reached >> 32);
      hello.sequence = static_cast<std::uint32_t>(reached);
      if (!watch_->hears(port)) hello.flags = frame_flag::off;
      outputs_.push(port, control, hello, port);
      ++balance_.created;
    }
  }
  if (now() < next_hello_) return;
  next_hello_ = now() + clock_.cycles(config_.reachability_period);
  wake(healing_reason(), next_hello_);
}

// --- 2. send ------------------------------------------------------------------------------------

void FabricElement::send() {
  outputs_.transmit(now(), [&](unsigned, const OutputPorts::Departure& out) {
    if (out.kind != FrameKind::cell) return;
    occupancy_.remove(out.wire_bytes, now());
    if (--pool_cells_[out.input] <= xon_cells_ && stopped_.test(out.input)) {
      flow_control(out.input, false);
    }
  });
}

// --- what others may see ------------------------------------------------------------------------

void FabricElement::input_failed(unsigned port, Cycle at) {
  outputs_.forget_pauses(port, at);
  wake(ports() + port, at);
}

void FabricElement::output_restored(unsigned port, Cycle at) {
  if (!stopped_.test(port)) return;
  flow_control(port, true);
  wake(ports() + port, at);
}

void FabricElement::waits(std::vector<std::string>& lines) const {
  outputs_.waits(path(), lines,
                 [this](unsigned port, unsigned c) { return queued_frames(port, c); });
}

std::vector<BufferView> FabricElement::buffers() const {
  std::vector<BufferView> views{{"fabric", BufferRole::fabric, &occupancy_, true}};
  for (unsigned port = 0; port < ports(); ++port) {
    views.push_back(
        {fmt::format("fabric_port{}", port), BufferRole::fabric, &outputs_.occupancy(port)});
  }
  return views;
}

std::vector<StateView> FabricElement::state() const {
  std::vector<StateView> views;
  for (unsigned port = 0; port < ports(); ++port) {
    const std::string name = fmt::format("fabric_port{}", port);
    views.push_back({name + "_pool_cells", StateView::Kind::level, 32,
                     [this, port] { return pool_cells_[port]; }});
    views.push_back({name + "_stopping", StateView::Kind::mask, 1,
                     [this, port] { return std::uint64_t{stopped_.test(port)}; }});
    views.push_back(outputs_.paused_view(port, name));
  }
  return views;
}

FrameBalance FabricElement::balance() const {
  FrameBalance balance = balance_;
  balance.received = frames_taken();
  balance.sent = outputs_.frames_sent();
  balance.held = outputs_.held();
  return balance;
}

void FabricElement::verify(bool drained) const {
  std::uint64_t pooled = 0;
  for (const std::uint32_t cells_held : pool_cells_) pooled += cells_held;
  std::uint64_t queued = 0;
  for (unsigned port = 0; port < ports(); ++port) queued += queued_frames(port, cells);
  if (pooled != queued || (drained && queued != 0)) {
    throw CheckFailure(fmt::format("{}: {} cells in pools, {} in queues", path(), pooled, queued));
  }
}

}  // namespace heddle
