#include "accelerator/torus_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace heddle {

namespace {

std::uint64_t message_bytes_on_wire(const TorusConfig& config, std::uint64_t message_bytes) {
  const std::uint64_t full = message_bytes / config.payload.value;
  const std::uint64_t rest = message_bytes % config.payload.value;
  return (full * config.largest_packet_flits() + (rest == 0 ? 0 : config.flits(rest))) *
         config.flit.value;
}

}  // namespace

// --- the stream ---------------------------------------------------------------------------------

TorusStream::TorusStream(const TorusConfig& config, const TorusTraffic& traffic, unsigned node,
                         unsigned nodes, LinkRate rate, const Rng& rng)
    : config_(&config),
      traffic_(traffic),
      node_(node),
      nodes_(nodes),
      rate_(rate),
      rng_(rng),
      message_wire_bytes_(message_bytes_on_wire(config, traffic.message_bytes)) {
  if (traffic.to_itself || nodes > 1) draw_message();
}

std::uint16_t TorusStream::payload() const {
  return static_cast<std::uint16_t>(std::min(left_bytes_, config_->payload.value));
}

void TorusStream::advance() {
  sent_wire_bytes_ += wire_bytes();
  left_bytes_ -= payload();
  if (left_bytes_ == 0) return draw_message();
  due_ = slot_begin(slot_ - 1, sent_wire_bytes_);
}

/// When so many bytes of a message that begins with `slot` would have left an idle node.
Cycle TorusStream::slot_begin(std::uint64_t slot, std::uint64_t sent_wire_bytes) const {
  __extension__ using Wide = unsigned __int128;
  const Wide bytes = Wide{slot} * message_wire_bytes_ + sent_wire_bytes;
  const Wide cycles = (bytes * rate_.cycles + rate_.bytes - 1) / rate_.bytes;
  return traffic_.start + static_cast<Cycle>(std::min<Wide>(cycles, never / 2));
}

void TorusStream::draw_message() {
  if (traffic_.load < 1) {
    slot_ += static_cast<std::uint64_t>(std::log1p(-rng_.uniform()) / std::log1p(-traffic_.load));
  }
  due_ = slot_begin(slot_++, 0);
  left_bytes_ = traffic_.message_bytes;
  sent_wire_bytes_ = 0;
  if (due_ >= traffic_.stop) {
    due_ = never;
    return;
  }
  if (traffic_.to_itself) {
    destination_ = static_cast<std::uint16_t>(rng_.below(nodes_));
  } else {
    const std::uint32_t other = rng_.below(nodes_ - 1);
    destination_ = static_cast<std::uint16_t>(other < node_ ? other : other + 1);
  }
  ++message_;
}

// --- the device ---------------------------------------------------------------------------------

TorusSource::TorusSource(const sc_core::sc_module_name& module_name, const Environment& environment,
                         unsigned node, unsigned nodes, const TorusConfig& config,
                         const TorusTraffic& traffic, std::uint32_t flits, TorusLog& log)
    : TorusNode(module_name, environment.clock, reasons, flits),
      packets_(environment.packets),
      config_(config),
      traffic_(traffic),
      node_(node),
      nodes_(nodes),
      log_(log) {}

void TorusSource::attach(const TorusLinks& links, std::uint32_t router_room) {
  TorusNode::attach(links, router_room);
  stream_.emplace(config_, traffic_, node_, nodes_, links.out.rate(),
                  Rng(clock_.options().seed, path(), "traffic"));
  if (!exhausted()) wake(send, std::max<Cycle>(stream_->due(), 1));
}

void TorusSource::cycle() {
  receive();   // 1. room at the router; packets that end here
  send_due();  // 2. the next packet, if it is due and fits
  // 3. room to the router
  if (returns_.send(now())) {
    ++balance_.sent;
    ++balance_.created;
  }
  if (!returns_.idle()) wake(give_back, now() + 1);
}

// --- 1. receive ---------------------------------------------------------------------------------

void TorusSource::receive() {
  due_.clear(send);
  due_.clear(give_back);
  due_.take(packet, send, [&](unsigned reason) {
    take_arrivals(reason, [&](const Frame& frame) {
      ++balance_.consumed;
      if (frame.kind == FrameKind::torus_credit) return credits_.give(frame);
      accept(frame);
    });
  });
}

void TorusSource::accept(const Frame& frame) {
  if (frame.destination != node_) {
    throw CheckFailure(
        fmt::format("a packet for node {} has come to node {}", frame.destination, node_));
  }
  PacketRecord& record = packets_[frame.packet];
  book_arrival(record, input(packet), now());
  log_.delivered(record, frame.payload_bytes, frame.wire_bytes, now());
  packets_.release(frame.packet);
  returns_.free(frame.traffic_class,
                frame.wire_bytes / static_cast<std::uint32_t>(config_.flit.value));
}

// --- 2. send ------------------------------------------------------------------------------------

void TorusSource::send_due() {
  if (stream_->due() > now() || !out_->ready(now())) return;
  const unsigned channel = best_lane();
  if (credits_.room(channel) < stream_->flits()) return;  // a credit wakes
  send_packet(channel);
  if (!exhausted()) wake(send, std::max(stream_->due(), out_->ready_at()));
}

/// Of the channels of requests before the dateline.
unsigned TorusSource::best_lane() const {
  unsigned best = 0;
  for (unsigned lane = 1; lane < config_.lanes; ++lane) {
    if (credits_.room(lane) > credits_.room(best)) best = lane;
  }
  return best;
}

void TorusSource::send_packet(unsigned channel) {
  const std::uint32_t number = packets_.acquire();
  PacketRecord& record = packets_[number];
  record.due = stream_->due();
  record.message = stream_->message();
  record.order = order_++;
  record.message_bytes = traffic_.message_bytes;

  Frame frame;
  frame.kind = FrameKind::torus_packet;
  frame.traffic_class = static_cast<std::uint8_t>(channel);
  frame.wire_bytes = static_cast<std::uint16_t>(stream_->wire_bytes());
  frame.payload_bytes = stream_->payload();
  frame.source = static_cast<std::uint16_t>(node_);
  frame.destination = stream_->destination();
  frame.sequence = record.order;
  frame.packet = number;
  credits_.take(channel, stream_->flits());
  out_->send(frame, now());
  log_.injected(record.due, frame.wire_bytes, now());
  ++balance_.created;
  ++balance_.sent;
  stream_->advance();
}

// --- what others may see ------------------------------------------------------------------------

void TorusSource::waits(std::vector<std::string>& lines) const {
  if (exhausted() || stream_->due() >= present()) return;
  lines.push_back(
      fmt::format("{}: a packet to node {}, due in cycle {}, waits for room at its router", path(),
                  stream_->destination(), stream_->due()));
}

std::uint64_t TorusSource::unsent_wire_bytes() const {
  std::uint64_t bytes = 0;
  if (!stream_) return bytes;
  for (TorusStream rest = *stream_; rest.due() < log_.to(); rest.advance()) {
    if (rest.due() >= log_.from()) bytes += rest.wire_bytes();
  }
  return bytes;
}

FrameBalance TorusSource::balance() const {
  FrameBalance balance = balance_;
  balance.received = frames_taken();
  return balance;
}

void TorusSource::verify(bool drained) const {
  if (drained && !exhausted()) throw CheckFailure(path() + ": packets left to be sent");
}

}  // namespace heddle
