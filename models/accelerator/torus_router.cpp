#include "accelerator/torus_router.h"

#include <fmt/format.h>

#include <algorithm>

namespace heddle {

namespace {

constexpr std::uint32_t unbounded_packets = 1U << 24;  // credits bound them

}  // namespace

std::string torus_port_name(unsigned dimension, Way way) {
  return fmt::format("{}{}", "xyz"[dimension], way == Way::up ? 'p' : 'm');
}

TorusRouter::TorusRouter(const sc_core::sc_module_name& module_name, const Environment& environment,
                         const TorusShape& shape, unsigned node, const TorusConfig& config)
    : Device(module_name, environment.clock, 3 * most_ports + 1),
      packets_(environment.packets),
      shape_(shape),
      config_(config),
      node_(node),
      channels_(config.virtual_channels()),
      lanes_(static_cast<unsigned>(config.lanes)),
      flit_bytes_(static_cast<std::uint32_t>(config.flit.value)),
      here_(shape.place(node)),
      queues_(most_ports * channels_, unbounded_packets),
      heads_(std::size_t{most_ports} * channels_),
      held_flits_(std::size_t{most_ports} * channels_) {
  dimension_of_port_.fill(torus_dimensions);
  straight_on_.fill(no_port);
  for (unsigned d = 0; d < torus_dimensions; ++d) {
    ring_port_[d].fill(no_port);
    if (shape.size(d) == 1) continue;
    for (const Way way : {Way::up, Way::down}) {
      const auto port = static_cast<std::uint8_t>(names_.size());
      ring_port_[d][index(way)] = port;
      dimension_of_port_[port] = static_cast<std::uint8_t>(d);
      crosses_dateline_[port] = config.dateline && crosses_dateline(shape.size(d), here_[d], way);
      names_.push_back(torus_port_name(d, way));
    }
    straight_on_[port(d, Way::up)] = ring_port_[d][index(Way::down)];
    straight_on_[port(d, Way::down)] = ring_port_[d][index(Way::up)];
  }
  names_.emplace_back(torus_local_name);
  inputs_.resize(ports());
  outputs_.resize(ports());
  by_input_.resize(ports());
  route_rings();
}

std::uint8_t TorusRouter::output_for(RingChoice choice, unsigned dimension) const {
  if (choice == RingChoice::up) return ring_port_[dimension][index(Way::up)];
  if (choice == RingChoice::down) return ring_port_[dimension][index(Way::down)];
  return no_port;
}

/// The choice at the entry of each ring.
void TorusRouter::route_rings() {
  for (unsigned tie = 0; tie < 2; ++tie) {
    for (unsigned d = 0; d < torus_dimensions; ++d) {
      for (unsigned to = 0; to < shape_.size(d); ++to) {
        route_[tie][d][to] =
            output_for(choose_way(shape_.size(d), here_[d], to, tie == 1, faults_[d]), d);
      }
    }
  }
}

void TorusRouter::attach(unsigned port, const TorusLinks& links, std::uint32_t room,
                         std::uint32_t peer_room) {
  Input& input = inputs_[port];
  Output& output = outputs_[port];
  input.link = &links.in;
  input.capacity = room;
  input.returns.attach(links.credits_out);
  output.link = &links.out;
  output.credits.fill(peer_room);
  links.credits_in.bind_receiver(id(), credit_reason(port), Delivery::tail, 0);
  if (port == local_port()) links.out.set_waiting(Stage::egress_queue);
}

void TorusRouter::wired() {
  LinkRate fastest{1, 1U << 20};
  for (unsigned p = 0; p < ports(); ++p) {
    for (const Link* link : {inputs_[p].link, outputs_[p].link}) {
      if (fastest.bytes_per_cycle() < link->rate().bytes_per_cycle()) fastest = link->rate();
    }
  }
  // Thousandths of the speed-up: the exact rate stays a fraction of whole numbers.
  const auto speedup = static_cast<std::uint64_t>(config_.read_speedup * 1000 + 0.5);
  for (unsigned p = 0; p < ports(); ++p) {
    inputs_[p].read.set_rate(fastest.bytes * speedup, fastest.cycles * std::uint64_t{1000});
    inputs_[p].link->bind_receiver(id(), p, delivery(p), clock_.cycles(config_.router_latency));
  }
}

/// Cutting through to a faster link would run out of bytes.
Delivery TorusRouter::delivery(unsigned port) const {
  const double rate = inputs_[port].link->rate().bytes_per_cycle();
  const bool outrun = std::any_of(outputs_.begin(), outputs_.end(), [&](const Output& output) {
    return output.link != nullptr && rate < output.link->rate().bytes_per_cycle();
  });
  return outrun ? Delivery::tail : Delivery::head;
}

void TorusRouter::cycle() {
  if (has_news_) learn();  // 0. after an event: first packets are routed anew
  receive_credits();       // 1. room in the buffers behind the outputs
  receive_packets();       // 2. packets to the queues of their channels; first ones are routed
  finish_packets();        // 3. tails have left: their room is free
  start_packets();         // 4. each input picks a channel, each output an input
  return_credits();        // 5. free room to those who send here
}

// --- 0. learn -----------------------------------------------------------------------------------

void TorusRouter::set_ring_faults(unsigned dimension, RingFaults faults, Cycle at) {
  faults_[dimension] = faults;
  for (const Way way : {Way::up, Way::down}) {
    const unsigned cable = ring_cable(shape_.size(dimension), here_[dimension], way);
    broken_[port(dimension, way)] = (faults >> cable & 1) != 0;
  }
  has_news_ = true;
  wake(arbitration_reason(), at);
}

void TorusRouter::learn() {
  has_news_ = false;
  route_rings();
  for (unsigned i = 0; i < ports(); ++i) {
    for_each_port(inputs_[i].waiting, [&](unsigned channel) { route_head(i, channel); });
  }
}

void TorusRouter::forget_room(unsigned port, Cycle) { outputs_[port].credits.forget(); }

void TorusRouter::tell_room(unsigned port, Cycle at) {
  for (unsigned c = 0; c < channels_; ++c) {
    inputs_[port].returns.set(c, inputs_[port].capacity - held_flits(port, c));
  }
  returning_ |= 1U << port;
  wake(arbitration_reason(), at);
}

// --- 1. receive credits -------------------------------------------------------------------------

void TorusRouter::receive_credits() {
  due_.take(credit_reason(0), credit_reason(ports()), [&](unsigned reason) {
    take_arrivals(reason, [&](const Frame& frame) {
      outputs_[reason - ports()].credits.give(frame);
      ++balance_.consumed;
    });
  });
}

// --- 2. receive packets -------------------------------------------------------------------------

void TorusRouter::receive_packets() {
  due_.take(0, ports(), [&](unsigned port) {
    take_arrivals(port, [&](const Frame& frame) { accept(port, frame); });
  });
}

void TorusRouter::accept(unsigned input, const Frame& frame) {
  const unsigned channel = frame.traffic_class;
  const unsigned q = queue(input, channel);
  if (frame.packet != no_packet) book_arrival(packets_[frame.packet], this->input(input), now());
  if ((held_flits_[q] += frame.wire_bytes / flit_bytes_) > inputs_[input].capacity) {
    throw CheckFailure(fmt::format("the buffer of input {}, channel {} overflows at {} flits",
                                   names_[input], channel, held_flits_[q]));
  }
  book_push(input, channel, frame);
  ++held_;
  if (queues_.length(q) == 1) route_head(input, channel);
}

/// Packets that have no way to go are dropped until one has.
void TorusRouter::route_head(unsigned input, unsigned channel) {
  const unsigned q = queue(input, channel);
  inputs_[input].waiting &= ~(1U << channel);
  while (!queues_.empty(q)) {
    if (const auto head = route(input, channel, queues_.front(q))) {
      heads_[q] = *head;
      inputs_[input].waiting |= 1U << channel;
      return;
    }
    drop_first(input, channel);
  }
}

std::optional<TorusRouter::Head> TorusRouter::route(unsigned input, unsigned channel,
                                                    const Frame& frame) const {
  const TorusShape::Place& to = shape_.place(frame.destination);
  const unsigned lane = channel % lanes_;
  const unsigned message_class = channel / (2 * lanes_);
  unsigned output = local_port();
  unsigned behind_dateline = 0;
  for (unsigned d = 0; d < torus_dimensions; ++d) {
    if (to[d] == here_[d]) continue;
    if (dimension_of_port_[input] == d) {
      output = broken_[straight_on_[input]] ? no_port : straight_on_[input];
      behind_dateline = channel / lanes_ & 1;
    } else {
      output = route_[tie_goes_up(shape_.place(frame.source), to, d) ? 1 : 0][d][to[d]];
    }
    if (output == no_port) return std::nullopt;
    behind_dateline |= crosses_dateline_[output] ? 1U : 0U;
    break;
  }
  return Head{static_cast<std::uint8_t>(output),
              static_cast<std::uint8_t>((message_class * 2 + behind_dateline) * lanes_ + lane),
              static_cast<std::uint16_t>(frame.wire_bytes / flit_bytes_)};
}

void TorusRouter::drop_first(unsigned input, unsigned channel) {
  const std::uint32_t flits = book_drop(input, channel);
  --held_;
  leave(input, channel, flits);
}

// --- 3. finish ----------------------------------------------------------------------------------

void TorusRouter::finish_packets() {
  due_.take(tail_reason(0), tail_reason(ports()), [&](unsigned reason) {
    Transfer& transfer = outputs_[reason - tail_reason(0)].transfer;
    if (transfer.until > now()) return;  // of the packet after the one that asked to be woken
    transfer.until = never;
    book_leave(transfer.input, transfer.flits);
    leave(transfer.input, transfer.channel, transfer.flits);
  });
}

/// The room of a packet that is no longer there.
void TorusRouter::leave(unsigned input, unsigned channel, std::uint32_t flits) {
  held_flits_[queue(input, channel)] -= flits;
  inputs_[input].returns.free(channel, flits);
  returning_ |= 1U << input;
}

// --- 4. start -----------------------------------------------------------------------------------

void TorusRouter::start_packets() {
  due_.clear(arbitration_reason());
  std::array<std::uint8_t, most_ports> picked{};    // by input: a channel
  std::array<std::uint8_t, most_ports> requests{};  // by output: mask of inputs
  unsigned asking = 0;
  for (unsigned i = 0; i < ports(); ++i) {
    const std::uint32_t ready = may_start(i);
    if (ready == 0) continue;
    const unsigned channel = inputs_[i].turn.pick(ready);
    picked[i] = static_cast<std::uint8_t>(channel);
    std::uint8_t& request = requests[heads_[queue(i, channel)].output];
    request = static_cast<std::uint8_t>(request | 1U << i);
    ++asking;
  }
  for (unsigned o = 0; asking != 0 && o < ports(); ++o) {
    if (requests[o] == 0) continue;
    const unsigned winner = outputs_[o].turn.pick(requests[o]);
    outputs_[o].turn.move_behind(winner);
    if ((requests[o] & (requests[o] - 1)) != 0) wake(arbitration_reason(), now() + 1);
    start(winner, picked[winner]);
  }
}

/// The channels of an input whose first packet could start now.
std::uint32_t TorusRouter::may_start(unsigned i) const {
  const Input& input = inputs_[i];
  if (input.waiting == 0 || !input.read.ready(now())) return 0;
  std::uint32_t ready = 0;
  for_each_port(input.waiting, [&](unsigned channel) {
    const Head& head = heads_[queue(i, channel)];
    const Output& output = outputs_[head.output];
    if (output.link->ready(now()) && output.credits.room(head.channel) >= head.flits) {
      ready |= 1U << channel;
    }
  });
  return ready;
}

void TorusRouter::start(unsigned i, unsigned channel) {
  Input& input = inputs_[i];
  const Head head = heads_[queue(i, channel)];
  Output& output = outputs_[head.output];
  Frame frame = queues_.pop(queue(i, channel));
  frame.traffic_class = head.channel;
  output.credits.take(head.channel, head.flits);
  output.link->send(frame, now());
  input.turn.move_behind(channel);
  input.read.start(frame.wire_bytes, now());
  output.transfer = {output.link->ready_at(), head.flits, static_cast<std::uint8_t>(i),
                     static_cast<std::uint8_t>(channel)};
  wake(tail_reason(head.output), output.link->ready_at());
  if (input.read.ready_at() != output.link->ready_at()) {
    wake(arbitration_reason(), input.read.ready_at());
  }
  --held_;
  book_start(head.output, head.flits);
  route_head(i, channel);
}

// --- 5. return credits --------------------------------------------------------------------------

void TorusRouter::return_credits() {
  for_each_port(returning_, [&](unsigned i) {
    CreditReturn& returns = inputs_[i].returns;
    if (returns.send(now())) {
      ++balance_.sent;
      ++balance_.created;
    }
    if (returns.idle()) {
      returning_ &= ~(1U << i);
    } else {
      wake(arbitration_reason(), now() + 1);
    }
  });
}

// --- books --------------------------------------------------------------------------------------

void TorusRouter::book_push(unsigned input, unsigned channel, const Frame& frame) {
  all_.add(frame.wire_bytes, now());
  by_input_[input].add(frame.wire_bytes, now());
  queues_.push(queue(input, channel), frame);
}

void TorusRouter::book_start(unsigned output, std::uint32_t flits) {
  ++balance_.sent;
  if (output == local_port()) return;
  ++ring_packets_;
  ring_flits_ += flits;
}

/// So many flits of a packet have left their buffer.
void TorusRouter::book_leave(unsigned input, std::uint32_t flits) {
  all_.remove(std::uint64_t{flits} * flit_bytes_, now());
  by_input_[input].remove(std::uint64_t{flits} * flit_bytes_, now());
}

std::uint32_t TorusRouter::book_drop(unsigned input, unsigned channel) {
  const Frame frame = queues_.pop(queue(input, channel));
  if (frame.packet != no_packet) packets_.release(frame.packet);
  ++unreachable_;
  ++balance_.dropped;
  const auto flits = static_cast<std::uint32_t>(frame.wire_bytes / flit_bytes_);
  book_leave(input, flits);
  return flits;
}

// --- what others may see ------------------------------------------------------------------------

TorusRouter::Hop TorusRouter::next_hop(unsigned input, unsigned channel) const {
  const Head& head = heads_[queue(input, channel)];
  return {head.output, head.channel};
}

std::optional<TorusRouter::Hop> TorusRouter::blocked(unsigned input, unsigned channel) const {
  if ((waiting(input) >> channel & 1) == 0) return std::nullopt;
  const Hop hop = next_hop(input, channel);
  const Frame& first = queues_.front(queue(input, channel));
  if (room(hop.output, hop.channel) >= first.wire_bytes / flit_bytes_) return std::nullopt;
  return hop;
}

std::string TorusRouter::describe_wait(unsigned input, unsigned channel) const {
  const unsigned q = queue(input, channel);
  const Hop hop = next_hop(input, channel);
  const Frame& first = queues_.front(q);
  const char* reason = blocked(input, channel) ? "room" : "its turn";
  return fmt::format(
      "{}: {} packet(s) at {}, channel {}, the first from node {} to node {}, wait for {} in "
      "channel {} of {}",
      path(), queues_.length(q), names_[input], channel, first.source, first.destination, reason,
      hop.channel, names_[hop.output]);
}

void TorusRouter::waits(std::vector<std::string>& lines) const {
  for (unsigned i = 0; i < ports(); ++i) {
    for_each_port(waiting(i), [&](unsigned c) { lines.push_back(describe_wait(i, c)); });
  }
}

std::vector<BufferView> TorusRouter::buffers() const {
  std::vector<BufferView> views{{"inputs", BufferRole::fabric, &all_, true}};
  for (unsigned i = 0; i < ports(); ++i) {
    views.push_back({names_[i], BufferRole::fabric, &by_input_[i]});
  }
  return views;
}

std::vector<StateView> TorusRouter::state() const {
  std::vector<StateView> views;
  for (unsigned o = 0; o < ports(); ++o) {
    for (unsigned c = 0; c < channels_; ++c) {
      views.push_back({fmt::format("{}_channel{}_room_flits", names_[o], c), StateView::Kind::level,
                       32, [this, o, c] { return room(o, c); }});
    }
  }
  views.push_back(
      {"queued_packets", StateView::Kind::level, 32, [this] { return queued_packets(); }});
  views.push_back({"drop", StateView::Kind::strobe, 1, [this] { return unreachable_; }});
  return views;
}

FrameBalance TorusRouter::balance() const {
  FrameBalance balance = balance_;
  balance.received = frames_taken();
  balance.held = queued_packets();
  return balance;
}

void TorusRouter::verify(bool drained) const {
  for (unsigned i = 0; i < ports(); ++i) {
    for (unsigned c = 0; c < channels_; ++c) {
      const std::uint32_t held = held_flits(i, c);
      if (held > inputs_[i].capacity || (drained && held != 0)) {
        throw CheckFailure(fmt::format("{}: input {}, channel {} holds {} flits{}", path(),
                                       names_[i], c, held, drained ? " at the end" : ""));
      }
    }
  }
}

}  // namespace heddle
