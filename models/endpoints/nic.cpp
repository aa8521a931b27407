#include "endpoints/nic.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace heddle {

namespace {

std::uint32_t window_packets(const NicConfig& config) {
  if (config.receive == ReceiveMode::unreliable_datagram) return ~std::uint32_t{0};
  return static_cast<std::uint32_t>(
      std::clamp<std::uint64_t>(config.window.value / config.mtu.value, 1, 1U << 31));
}

std::uint32_t slot_of(const Frame& frame) { return frame.flow & 0xffff; }
std::uint16_t generation_of(const Frame& frame) {
  return static_cast<std::uint16_t>(frame.flow >> 16);
}

}  // namespace

Nic::Nic(const sc_core::sc_module_name& module_name, const Environment& environment, HostId host,
         unsigned hosts, const NicConfig& config, const std::vector<TrafficClassConfig>& classes,
         Rate rate, TrafficSource& source, DeliveryLog& log, const MessageEvents& events)
    : Device(module_name, environment.clock, reasons),
      packets_(environment.packets),
      log_(log),
      config_(config),
      source_(source),
      host_(host),
      rate_(LinkRate::of(rate, clock_)),
      window_packets_(window_packets(config)),
      transmit_latency_(clock_.cycles(config.transmit_latency)),
      ready_(classes.size()),
      pointer_(classes.size()),
      first_receiver_(hosts, no_receiver),
      classes_(classes, static_cast<std::uint32_t>(config.mtu.value) + 128),
      events_(events),
      dcqcn_rules_(config.dcqcn, rate, Duration{clock_.options().period_ps}),
      receive_latency_(clock_.cycles(config.receive_latency)),
      time_out_cycles_(clock_.cycles(config.retransmission_timeout)),
      datagrams_(reliable() ? 0 : hosts * classes.size()) {
  uses_up_to(control_next_);
}

void Nic::attach(Link& from_network, Link& to_network) {
  from_network.bind_receiver(id(), arrival_reason, Delivery::tail, receive_latency_);
  in_ = &from_network;
  out_ = &to_network;
  if (source_.next_due() != never) expect_message(source_.next_due());
}

void Nic::fetch(unsigned round) const {
  if (round == 0 && ready_classes_ != 0 && out_->ready(now())) {
    const auto c = static_cast<unsigned>(__builtin_ctz(ready_classes_));
    prefetch_all(senders_[ready_[c].next_round(pointer_[c])]);
  }
  const Frame* frame = arrival(arrival_reason);
  if (frame == nullptr || frame->packet == no_packet) return;
  if (frame->kind != FrameKind::packet) {
    if (round == 0) prefetch_all(senders_[slot_of(*frame)]);
  } else if (round == 0) {
    packets_.fetch_all(frame->packet);
    prefetch(&first_receiver_[frame->source]);
  } else if (first_receiver_[frame->source] != no_receiver) {
    prefetch_all(receivers_[first_receiver_[frame->source]]);
  }
}

void Nic::cycle() {
  receive();         // 1. packets are delivered, answers to them queued, answers to us obeyed
  start_messages();  // 2. messages that are due open a queue pair
  run_timers();      // 3. rates that allow the next packet, time-outs
  send();            // 4. the link: strict and weighted classes, queue pairs in turn
}

// --- 1. receive ---------------------------------------------------------------------------------

void Nic::receive() {
  due_.clear(arrival_reason);
  take_arrivals(arrival_reason, [this](const Frame& frame) { accept(frame); });
}

void Nic::accept(const Frame& frame) {
  ++consumed_;
  if (frame.kind == FrameKind::pause) {
    pause_.set(frame.traffic_class, frame.has(frame_flag::off), now());
    out_->note_pause(pause_.mask() != 0, now());
    return;
  }
  if (frame.destination != host_) throw CheckFailure("a packet for another host");
  book_arrival(packets_[frame.packet], input(arrival_reason), now());
  if (frame.kind == FrameKind::packet) return accept_packet(frame);
  ++control_received_;
  accept_answer(frame);
  packets_.release(frame.packet);
}

/// The receiving end of a message or, in the unreliable mode, of a class: what `key` says.
Nic::Receiver& Nic::receiver_of(const Frame& packet, std::uint32_t key) {
  std::uint32_t number = first_receiver_[packet.source];
  while (number != no_receiver && receivers_[number].key != key) number = receivers_[number].next;
  if (number != no_receiver) return receivers_[number];
  if (free_receivers_.empty()) {
    number = static_cast<std::uint32_t>(receivers_.size());
    receivers_.emplace_back(log_.reordering());
  } else {
    number = free_receivers_.back();
    free_receivers_.pop_back();
  }
  Receiver& receiver = receivers_[number];
  receiver.key = key;
  receiver.next = std::exchange(first_receiver_[packet.source], number);
  receiver.flow.open();
  receiver.meter.restart();
  receiver.notification = CnpLimiter();
  return receiver;
}

void Nic::close_receiver(const Frame& packet, std::uint32_t key) {
  std::uint32_t* link = &first_receiver_[packet.source];
  while (receivers_[*link].key != key) link = &receivers_[*link].next;
  Receiver& receiver = receivers_[*link];
  receiver.meter.finish();
  free_receivers_.push_back(std::exchange(*link, receiver.next));
}

void Nic::accept_packet(const Frame& packet) {
  const PacketRecord& record = packets_[packet.packet];
  const std::uint32_t key = reliable() ? record.message : packet.traffic_class;
  if (reliable() && log_.is_completed(key)) return answer_late_copy(packet);
  Receiver& receiver = receiver_of(packet, key);
  if (record.message_due >= log_.warmup()) receiver.meter.arrive(record.order);
  if (packet.has(frame_flag::congestion) &&
      config_.congestion_control == CongestionControl::dcqcn &&
      receiver.notification.on_marked(dcqcn_rules_, now())) {
    queue_control(FrameKind::cnp, packet, 0, 0);
  }
  const Reception reception =
      reliable() ? receiver.flow.receive(packet, config_.receive, config_.ack_interval)
                 : Reception{packet.has(frame_flag::trimmed) ? Reception::Fate::discard
                                                             : Reception::Fate::deliver};
  dispose(packet, receiver, reception);
  if (!reliable()) return;
  answer(packet, receiver, reception);
  if (receiver.flow.complete()) close_receiver(packet, key);
}

/// A copy of a packet whose message is complete: the sender may not know it yet.
void Nic::answer_late_copy(const Frame& packet) {
  const std::uint64_t mtu = config_.mtu.value;
  const std::uint64_t packets = (packets_[packet.packet].message_bytes + mtu - 1) / mtu;
  queue_control(FrameKind::ack, packet, static_cast<std::uint32_t>(packets), 0);
  log_.discarded();
  packets_.release(packet.packet);
}

void Nic::dispose(const Frame& packet, Receiver& receiver, const Reception& reception) {
  switch (reception.fate) {
    case Reception::Fate::discard:
      log_.discarded();
      packets_.release(packet.packet);
      return;
    case Reception::Fate::hold:
      packets_[packet.packet].frame = packet;
      receiver.flow.keep(packet.sequence, packet.packet);
      reorder_buffer_.add(packet.payload_bytes, now());
      return;
    case Reception::Fate::deliver:
      deliver(packet, packet.packet, receiver);
      break;
  }
  for (std::uint32_t held = receiver.flow.take_held(); held != no_packet;
       held = receiver.flow.take_held()) {
    packets_[held].spend(Stage::reassembly, now());
    reorder_buffer_.remove(packets_[held].frame.payload_bytes, now());
    deliver(packets_[held].frame, held, receiver);
  }
}

void Nic::deliver(const Frame& packet, std::uint32_t record, Receiver& receiver) {
  log_.delivered(packets_[record], packet.payload_bytes, now());
  if (completes_message(packet, receiver)) {
    log_.message_completed(packets_[record], packet.source, host_, now());
    Message message;
    message.id = packets_[record].message;
    message.source = packet.source;
    message.destination = host_;
    events_.received(message, now());
  }
  packets_.release(record);
}

/// Nobody keeps account of datagrams: a message has come in with the packet that was sent last.
bool Nic::completes_message(const Frame& packet, const Receiver& receiver) const {
  if (!reliable()) return packet.has(frame_flag::last);
  return receiver.flow.complete() && receiver.flow.held() == 0;
}

void Nic::answer(const Frame& packet, Receiver& receiver, const Reception& reception) {
  const std::uint32_t expected = receiver.flow.expected();
  for (std::uint32_t missing = reception.missing_begin; missing < reception.missing_end;
       ++missing) {
    if (receiver.flow.ask(missing)) {
      queue_control(FrameKind::nak, packet, missing, frame_flag::selective);
    }
  }
  if (reception.report) report(packet, receiver.flow);
  if (reception.go_back) queue_control(FrameKind::nak, packet, expected, 0);
  if (reception.acknowledge) queue_control(FrameKind::ack, packet, expected, 0);
}

/// Which packets of the flow are missing: one NAK for each below the highest that has come, and one
/// for all from there on.
void Nic::report(const Frame& packet, const ReceiveFlow& flow) {
  constexpr std::uint8_t flags = frame_flag::selective | frame_flag::report;
  flow.for_each_missing(
      [&](std::uint32_t missing) { queue_control(FrameKind::nak, packet, missing, flags); });
  if (flow.complete()) return;
  queue_control(FrameKind::nak, packet, flow.beyond(), flags | frame_flag::last);
}

void Nic::queue_control(FrameKind kind, const Frame& about, std::uint32_t sequence,
                        std::uint8_t flags) {
  Frame frame;
  frame.kind = kind;
  frame.traffic_class = static_cast<std::uint8_t>(control_class());
  frame.flags = flags;
  frame.wire_bytes = kind == FrameKind::cnp ? cnp_wire_bytes : ack_wire_bytes;
  frame.source = host_;
  frame.destination = about.source;
  frame.flow = about.flow;
  frame.sequence = sequence;
  control_.push_back(frame);
}

void Nic::accept_answer(const Frame& frame) {
  const std::uint32_t slot = slot_of(frame);
  Sender& sender = senders_[slot];
  if (!sender.flow.is_open() || sender.flow.generation() != generation_of(frame)) return;
  if (frame.kind == FrameKind::cnp) {
    ++notifications_;
    sender.rate.on_cnp(now());
    return;
  }
  obey(frame, sender.flow);
  if (sender.flow.complete()) return close(slot);
  update(slot);
}

void Nic::obey(const Frame& answer, SendFlow& flow) {
  if (answer.kind == FrameKind::ack) {
    flow.acknowledge(answer.sequence, now());
  } else if (!answer.has(frame_flag::selective)) {
    flow.go_back(answer.sequence, now());
  } else if (!answer.has(frame_flag::report)) {
    flow.repeat(answer.sequence, now());
  } else if (answer.has(frame_flag::last)) {
    flow.report_missing_from(answer.sequence, now());
  } else {
    flow.report_missing(answer.sequence, now());
  }
}

// --- 2. messages --------------------------------------------------------------------------------

void Nic::start_messages() {
  if (!due_.test(message_reason)) return;
  due_.clear(message_reason);
  while (source_.next_due() != never && source_.next_due() + transmit_latency_ <= now()) {
    open(source_.take());
  }
  if (source_.next_due() != never) expect_message(source_.next_due());
}

void Nic::open(const Message& message) {
  std::uint32_t slot;
  if (free_slots_.empty()) {
    slot = static_cast<std::uint32_t>(senders_.size());
    if (slot > 0xffff) throw TooManyMessages(path(), message.id);
    senders_.emplace_back(dcqcn_rules_);
    generations_.push_back(0);
    if (slot == ready_[0].size()) {
      for (BitMask& ready : ready_) ready.resize(std::max(64U, 2 * slot));
    }
  } else {
    slot = free_slots_.back();
    free_slots_.pop_back();
  }
  Sender& sender = senders_[slot];
  sender.flow.open(message, ++generations_[slot], config_.mtu.value);
  sender.rate = Dcqcn(dcqcn_rules_);
  sender.allowed_at = 0;
  sender.waits_for_rate = false;
  sender.paused_before = pause_.total(message.traffic_class, now());
  ++open_flows_;
  log_.message_started(message.due, now());
  if (reliable()) {
    set_timer({now() + time_out_cycles_, slot, sender.flow.generation(), false});
  }
  update(slot);
}

void Nic::close(std::uint32_t slot) {
  SendFlow& flow = senders_[slot].flow;
  set_ready(flow.message().traffic_class, slot, false);
  repeated_packets_ += flow.repeated_packets();
  flow.close();
  free_slots_.push_back(slot);
  --open_flows_;
  events_.acknowledged(flow.message(), now());
  if (doorbell_) doorbell_->complete(flow.message().id, reliable(), now());
}

/// Enters the queue pair into the round of its class, or takes it out.
void Nic::update(std::uint32_t slot) {
  const Sender& sender = senders_[slot];
  set_ready(
      sender.flow.message().traffic_class, slot,
      sender.flow.is_open() && sender.flow.can_send(window_packets_) && !sender.waits_for_rate);
}

void Nic::set_ready(unsigned traffic_class, std::uint32_t slot, bool ready) {
  const unsigned bit = 1U << traffic_class;
  ready_[traffic_class].assign(slot, ready);
  if (ready) {
    ready_classes_ |= bit;
  } else if (!ready_[traffic_class].any()) {
    ready_classes_ &= ~bit;
  }
}

// --- 3. timers ----------------------------------------------------------------------------------

void Nic::set_timer(const Timer& timer) {
  if (timers_.empty() || timer.at < timers_.top().at) wake(timer_reason, timer.at);
  timers_.push(timer);
}

void Nic::run_timers() {
  if (!due_.test(timer_reason)) return;
  due_.clear(timer_reason);
  bool any = false;
  while (!timers_.empty() && timers_.top().at <= now()) {
    const Timer timer = timers_.top();
    timers_.pop();
    any = true;
    Sender& sender = senders_[timer.slot];
    if (!sender.flow.is_open() || sender.flow.generation() != timer.generation) continue;
    if (timer.of_rate) {
      sender.waits_for_rate = false;
      update(timer.slot);
    } else {
      retransmission_timer(timer);
    }
  }
  if (any && !timers_.empty()) wake(timer_reason, timers_.top().at);
}

void Nic::retransmission_timer(const Timer& timer) {
  SendFlow& flow = senders_[timer.slot].flow;
  Timer next = timer;
  const Cycle expires = flow.last_news() + time_out_cycles_;
  if (!flow.outstanding() || now() < expires) {
    next.at = std::max(expires, now() + 1);
    if (!flow.outstanding()) next.at = now() + time_out_cycles_;
  } else {
    ++time_outs_;
    flow.time_out(config_.receive != ReceiveMode::go_back_n, now());
    update(timer.slot);
    next.at = now() + time_out_cycles_;
  }
  set_timer(next);
}

// --- 4. send ------------------------------------------------------------------------------------

void Nic::send() {
  due_.clear(link_reason);
  const unsigned eligible = waiting_classes() & ~unsigned{pause_.mask()};
  if (eligible == 0) return;
  if (!out_->ready(now())) return arm_link();
  const unsigned c = classes_.pick(static_cast<std::uint8_t>(eligible), [&](unsigned of_class) {
    return static_cast<std::int64_t>(next_wire_bytes(of_class));
  });
  if (answers_next(c)) {
    send_control();
  } else {
    const unsigned slot = ready_[c].next_round(pointer_[c]);
    pointer_[c] = slot + 1;
    send_packet(slot);
  }
  if (waiting_classes() != 0) arm_link();
}

/// What the class would send next is an answer, not a packet.
bool Nic::answers_next(unsigned traffic_class) const {
  return traffic_class == control_class() && control_next_ < control_.size();
}

std::uint64_t Nic::next_wire_bytes(unsigned traffic_class) const {
  if (answers_next(traffic_class)) return control_[control_next_].wire_bytes;
  const SendFlow& flow = senders_[ready_[traffic_class].next_round(pointer_[traffic_class])].flow;
  return flow.payload_bytes(flow.next(), config_.mtu.value) + overhead_bytes();
}

std::uint64_t Nic::overhead_bytes() const {
  return std::uint64_t{data_header_bytes(config_.receive)} + ethernet_framing_bytes;
}

unsigned Nic::waiting_classes() const {
  const bool answers = control_next_ < control_.size();
  return ready_classes_ | (answers ? 1U << control_class() : 0U);
}

void Nic::arm_link() {
  if (link_armed_for_ == out_->ready_at()) return;
  link_armed_for_ = out_->ready_at();
  clock_.wake(id(), link_reason, link_armed_for_, {out_});
}

void Nic::send_control() {
  Frame frame = control_[control_next_++];
  if (control_next_ == control_.size()) {
    control_.clear();
    control_next_ = 0;
  }
  frame.packet = packets_.acquire();
  packets_[frame.packet].due = now();
  ++created_;
  ++control_packets_;
  out_->send(frame, now());
}

void Nic::send_packet(std::uint32_t slot) {
  Sender& sender = senders_[slot];
  const Message& message = sender.flow.message();
  const SendFlow::Transmission transmission = sender.flow.take(now());
  const std::uint64_t mtu = config_.mtu.value;
  const bool last = transmission.sequence + 1 == sender.flow.packets();
  // The packet that closes the window asks for an answer, or a receiver that answers more rarely
  // than once per window would leave the sender waiting (InfiniBand 1.4, 9.2.1: the AckReq bit).
  const bool again = transmission.repeated || sender.flow.window_closed(window_packets_);

  Frame frame;
  frame.traffic_class = message.traffic_class;
  frame.flags =
      static_cast<std::uint8_t>((last ? frame_flag::last : 0U) | (again ? frame_flag::again : 0U) |
                                (transmission.report ? frame_flag::report : 0U));
  frame.payload_bytes =
      static_cast<std::uint16_t>(sender.flow.payload_bytes(transmission.sequence, mtu));
  frame.wire_bytes = static_cast<std::uint16_t>(frame.payload_bytes + overhead_bytes());
  frame.source = host_;
  frame.destination = message.destination;
  frame.flow = std::uint32_t{sender.flow.generation()} << 16 | slot;
  frame.sequence = transmission.sequence;
  frame.packet = packets_.acquire();
  std::uint32_t order = transmission.order;
  if (!reliable()) {  // one queue pair for all messages to a host: one path by hash, one order
    frame.flow = message.traffic_class;
    if (message.due >= log_.warmup()) {
      order = datagrams_[frame.destination * ready_.size() + message.traffic_class]++;
    }
  }

  // Due is when an idle host would have started this packet, its message's earlier ones first.
  PacketRecord& record = packets_[frame.packet];
  record.due =
      message.due + transmission.sequence * (mtu + overhead_bytes()) * rate_.cycles / rate_.bytes;
  record.message = message.id;
  record.order = order;
  record.message_due = message.due;
  record.message_bytes = message.bytes;
  record.spend(Stage::pipeline, record.due + transmit_latency_);
  const Cycle paused = pause_.total(message.traffic_class, now());
  if (!transmission.repeated) {
    record.spend(Stage::paused, record.mark() + std::min(paused - sender.paused_before,
                                                         transmission.first_start - record.mark()));
  }
  sender.paused_before = paused;
  record.spend(Stage::source_queue, transmission.first_start);
  record.spend(Stage::retransmission, now());

  log_.injected();
  if (transmission.repeated) log_.resent(frame.payload_bytes);
  ++created_;
  out_->send(frame, now());
  if (config_.congestion_control == CongestionControl::dcqcn) pace(slot, frame.wire_bytes);
  if (!reliable() && sender.flow.all_sent()) return close(slot);
  update(slot);
}

/// DCQCN: the next packet may start when this one has left at the flow's own rate.
void Nic::pace(std::uint32_t slot, std::uint16_t wire_bytes) {
  Sender& sender = senders_[slot];
  sender.rate.advance(now());
  sender.allowed_at =
      std::max(sender.allowed_at, static_cast<double>(now())) + wire_bytes / sender.rate.rate();
  sender.rate.on_sent(wire_bytes);
  const auto at = static_cast<Cycle>(std::ceil(sender.allowed_at));
  if (at <= out_->ready_at()) return;
  sender.waits_for_rate = true;
  set_timer({at, slot, sender.flow.generation(), true});
}

// --- what others may see ------------------------------------------------------------------------

bool Nic::idle() const {
  return open_flows_ == 0 && control_next_ == control_.size() && source_.next_due() == never;
}

std::uint64_t Nic::repeated_packets() const {
  std::uint64_t packets = repeated_packets_;
  for (const Sender& sender : senders_) {
    if (sender.flow.is_open()) packets += sender.flow.repeated_packets();
  }
  return packets;
}

void Nic::finish() {
  for (const std::uint32_t first : first_receiver_) {
    for (std::uint32_t number = first; number != no_receiver; number = receivers_[number].next) {
      receivers_[number].meter.finish();
    }
  }
}

void Nic::input_failed(unsigned /*port*/, Cycle at) {
  for (unsigned c = 0; c < ready_.size(); ++c) pause_.set(c, false, at);
  out_->note_pause(false, at);
  wake(link_reason, at);
}

void Nic::waits(std::vector<std::string>& lines) const {
  for (const Sender& sender : senders_) {
    const SendFlow& flow = sender.flow;
    if (!flow.is_open()) continue;
    const bool stopped = (pause_.mask() >> flow.message().traffic_class & 1) != 0;
    lines.push_back(fmt::format(
        "{}: message {} to host {}: {} of {} packets acknowledged, waits for {}", path(),
        flow.message().id, flow.message().destination, flow.acknowledged(), flow.packets(),
        stopped                 ? "its switch, which has paused the class"
        : sender.waits_for_rate ? "the time that DCQCN allows"
        : flow.can_send(window_packets_)
            ? "the link"
            : fmt::format("acknowledgements of host {}", flow.message().destination)));
  }
}

std::vector<BufferView> Nic::buffers() const {
  return {{"reorder", BufferRole::nic, &reorder_buffer_, true}};
}

std::vector<StateView> Nic::state() const {
  using Kind = StateView::Kind;
  return {{"paused", Kind::mask, static_cast<unsigned>(ready_.size()),
           [this] { return std::uint64_t{pause_.mask()}; }},
          {"open_messages", Kind::level, 64, [this] { return open_flows_; }},
          {"waiting_answers", Kind::level, 64,
           [this] { return std::uint64_t{control_.size() - control_next_}; }},
          {"time_out", Kind::strobe, 1, [this] { return time_outs_; }}};
}

FrameBalance Nic::balance() const {
  FrameBalance balance;
  balance.received = frames_taken();
  balance.sent = out_->frames();
  balance.created = created_;
  balance.consumed = consumed_;
  return balance;
}

void Nic::verify(bool drained) const {
  if (drained && (!idle() || reorder_buffer_.level() != 0)) {
    throw CheckFailure(path() + ": something is left to send or to release");
  }
}

}  // namespace heddle
