#include "kernel/link.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace heddle {

LinkRate LinkRate::of(Rate rate, std::uint64_t period_ps, std::uint64_t cycles) {
  // bits/s * ps/cycle / (8 bits/byte * 1e12 ps/s); 1e13 bits/s * 1e4 ps stays below 2^64.
  const std::uint64_t numerator = rate.bits_per_second * period_ps;
  const std::uint64_t denominator = 8'000'000'000'000 * cycles;
  const std::uint64_t common = std::gcd(numerator, denominator);
  const std::uint64_t largest = ~std::uint32_t{0};
  if (numerator / common > largest || denominator / common > largest) {
    throw InputError("the rate of a link has no exact fraction in 32 bits at this clock");
  }
  return {static_cast<std::uint32_t>(numerator / common),
          static_cast<std::uint32_t>(denominator / common)};
}

Link::Link(std::string name, Clock& clock, PacketPool& packets, LinkRate rate, Cycle latency)
    : clock_(clock),
      rate_(rate),
      latency_(static_cast<std::uint32_t>(std::max<Cycle>(latency, 1))),
      packets_(packets),
      name_(std::move(name)) {}

void Link::bind_receiver(std::uint32_t device, unsigned reason, Delivery delivery, Cycle pipeline) {
  if (reason > 0xffff) throw CheckFailure("a link's reason does not fit 16 bits");
  receiver_ = device;
  reason_ = static_cast<std::uint16_t>(reason);
  delivery_ = delivery;
  pipeline_ = static_cast<std::uint32_t>(pipeline);
  bound_ = true;
  bind_input();
}

void Link::set_waiting(Stage waiting) {
  waiting_ = waiting;
  if (bound_) bind_input();
}

void Link::bind_input() {
  Input input;
  input.latency = latency_;
  input.pipeline = pipeline_;
  input.waiting = waiting_;
  clock_.bind_input(receiver_, reason_, input);
}

std::uint64_t Link::in_flight() const {
  std::uint64_t frames = 0;
  under_way([&](Cycle, const Frame&) { ++frames; });
  return frames;
}

Link::Attached& Link::attached() {
  if (attached_ == nullptr) {
    attached_ = std::make_unique<Attached>();
    attached_->nominal = rate_;
    watched_ = true;
    attached_->nominal_delivery = delivery_;
  }
  return *attached_;
}

LinkFault& Link::fault() {
  attached().disturbed = true;
  std::optional<LinkFault>& fault = attached().fault;
  if (!fault) fault.emplace(Rng(clock_.options().seed, name_, "bit errors"));
  return *fault;
}

bool Link::is_lost(const Frame& frame, Cycle now) {
  if (attached_->probe != nullptr) attached_->probe->started(frame, now);
  if (!attached_->fault || !attached_->fault->loses(frame)) return false;
  lose(frame);
  return true;
}

void Link::lose(const Frame& frame) {
  LinkLosses& losses = attached_->losses;
  ++losses.frames;
  losses.bytes += frame.wire_bytes;
  for (std::uint32_t number = frame.packet; number != no_packet;) {
    const bool in_cell = frame.kind == FrameKind::cell;
    const FrameKind kind = in_cell ? packets_[number].frame.kind : frame.kind;
    const bool data = kind == FrameKind::packet || kind == FrameKind::torus_packet;
    ++(data ? losses.packets : losses.answers);
    const std::uint32_t next = in_cell ? packets_[number].next : no_packet;
    packets_.release(std::exchange(number, next));
  }
}

void Link::fail() {
  fault().set_down(true);
  clock_.lose(receiver_, reason_, [this](const Frame& frame) { lose(frame); });
}

void Link::set_rate(LinkRate rate) {
  attached().disturbed = true;
  __extension__ using Wide = unsigned __int128;
  busy_until_ =
      static_cast<std::uint64_t>((Wide{busy_until_} * rate.bytes + rate_.bytes - 1) / rate_.bytes);
  rate_ = rate;
  const bool slower = rate.bytes_per_cycle() < attached_->nominal.bytes_per_cycle();
  delivery_ = slower ? Delivery::tail : attached_->nominal_delivery;
}

double Link::utilization(Cycle end) const {
  const LinkRate& rate = watched_ ? attached_->nominal : rate_;
  return end == 0
             ? 0
             : static_cast<double>(bytes_) / (rate.bytes_per_cycle() * static_cast<double>(end));
}

}  // namespace heddle
