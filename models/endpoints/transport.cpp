#include "endpoints/transport.h"

#include <algorithm>
#include <utility>

#include "kernel/error.h"

namespace heddle {

std::uint16_t data_header_bytes(ReceiveMode mode) {
  constexpr std::uint16_t common = 14 + 20 + 8 + 12 + 4 + 4;
  switch (mode) {
    case ReceiveMode::unreliable_datagram:
      return common + 8;
    case ReceiveMode::out_of_order_placement:
      return common + 16;
    default:
      return common;
  }
}

// --- sending end --------------------------------------------------------------------------------

void SendFlow::open(const Message& message, std::uint16_t generation, std::uint64_t mtu) {
  const std::uint64_t packets = (message.bytes + mtu - 1) / mtu;
  if (packets >= 1U << 31) throw InputError("a message of more than 2^31 packets");
  message_ = message;
  packets_ = static_cast<std::uint32_t>(packets);
  next_ = sent_ = acknowledged_ = order_ = 0;
  generation_ = generation;
  open_ = true;
  ask_ = false;
  first_start_.resize(packets_);
  repeat_.clear();
  repeat_next_ = 0;
}

SendFlow::Transmission SendFlow::take(Cycle now) {
  if (!outstanding()) last_news_ = now;  // the time-out counts from the first packet in flight
  std::uint32_t sequence = next_;
  const bool report = std::exchange(ask_, false);
  if (report) asked_at_ = now;
  if (repeat_next_ < repeat_.size()) {
    sequence = repeat_[repeat_next_];
    last_news_ = now;
    drop_first_repeat();
  } else {
    ++next_;
  }
  const bool repeated = sequence < sent_;
  if (!repeated) {
    first_start_[sequence] = static_cast<std::uint32_t>(now - message_.due);
    ++sent_;
  }
  return {sequence, order_++, message_.due + first_start_[sequence], repeated, report};
}

void SendFlow::drop_first_repeat() {
  if (++repeat_next_ < repeat_.size()) return;
  repeat_.clear();
  repeat_next_ = 0;
}

bool SendFlow::acknowledge(std::uint32_t sequence, Cycle now) {
  if (sequence <= acknowledged_) return false;
  acknowledged_ = sequence;
  next_ = std::max(next_, sequence);
  last_news_ = now;
  if (std::exchange(ask_, false)) drop_first_repeat();  // the answer has come before the question
  return true;
}

void SendFlow::go_back(std::uint32_t sequence, Cycle now) {
  if (sequence < acknowledged_) return;  // overtaken by an acknowledgement
  acknowledge(sequence, now);
  next_ = acknowledged_;
}

void SendFlow::repeat(std::uint32_t sequence, Cycle now) {
  if (sequence < acknowledged_ || sequence >= sent_) return;
  last_news_ = now;
  repeat_.push_back(sequence);
}

void SendFlow::time_out(bool selective, Cycle now) {
  last_news_ = now;
  if (!selective) {
    next_ = acknowledged_;
  } else if (repeat_next_ == repeat_.size()) {  // otherwise not even these could be sent
    ask_ = true;
    repeat(acknowledged_, now);
  }
}

/// Sent at least a round trip of the poll before the poll; of packets, the older ones.
bool SendFlow::overdue(std::uint32_t sequence, Cycle now) const {
  const Cycle round_trip = now - asked_at_;
  return sequence < sent_ && message_.due + first_start_[sequence] + round_trip <= asked_at_;
}

void SendFlow::report_missing(std::uint32_t sequence, Cycle now) {
  if (overdue(sequence, now)) repeat(sequence, now);
}

void SendFlow::report_missing_from(std::uint32_t sequence, Cycle now) {
  for (; overdue(sequence, now); ++sequence) repeat(sequence, now);
}

// --- receiving end ------------------------------------------------------------------------------

void ReceiveFlow::open() {
  nak_sent_ = false;
  expected_ = beyond_ = received_ = unacknowledged_ = held_ = release_ = 0;
  packets_ = ~std::uint32_t{0};
  std::fill(seen_.begin(), seen_.end(), 0);
  kept_.clear();
  asked_.clear();
}

bool ReceiveFlow::seen(std::uint32_t sequence) const {
  return sequence < expected_ ||
         (sequence / 64 < seen_.size() && (seen_[sequence / 64] >> sequence % 64 & 1) != 0);
}

void ReceiveFlow::note(std::uint32_t sequence) {
  ++received_;
  beyond_ = std::max(beyond_, sequence + 1);
  if (sequence == expected_ && beyond_ == expected_ + 1) {  // in order, nothing ahead
    ++expected_;
    return;
  }
  if (sequence / 64 >= seen_.size()) seen_.resize(sequence / 64 * 2 + 1);
  seen_[sequence / 64] |= std::uint64_t{1} << sequence % 64;
  while (expected_ / 64 < seen_.size() && (seen_[expected_ / 64] >> expected_ % 64 & 1) != 0) {
    ++expected_;
  }
}

bool ReceiveFlow::due_acknowledgement(const Frame& packet, std::uint64_t ack_interval) {
  if (packet.has(frame_flag::last)) packets_ = packet.sequence + 1;
  if (++unacknowledged_ < ack_interval && !complete()) return false;
  unacknowledged_ = 0;
  return true;
}

Reception ReceiveFlow::receive(const Frame& packet, ReceiveMode mode, std::uint64_t ack_interval) {
  return mode == ReceiveMode::go_back_n ? go_back_n(packet, ack_interval)
                                        : selective(packet, mode, ack_interval);
}

Reception ReceiveFlow::go_back_n(const Frame& packet, std::uint64_t ack_interval) {
  Reception reception{Reception::Fate::discard};
  if (packet.sequence < expected_) {
    reception.acknowledge = true;  // a duplicate: the acknowledgement may have come too late
  } else if (packet.has(frame_flag::trimmed) || packet.sequence > expected_) {
    reception.go_back = !nak_sent_;  // once per gap (InfiniBand 1.4, 9.7.5.2.8)
    nak_sent_ = true;
  } else {
    nak_sent_ = false;
    note(packet.sequence);
    reception.fate = Reception::Fate::deliver;
    reception.acknowledge =
        due_acknowledgement(packet, ack_interval) || packet.has(frame_flag::again);
  }
  return reception;
}

Reception ReceiveFlow::selective(const Frame& packet, ReceiveMode mode,
                                 std::uint64_t ack_interval) {
  Reception reception{Reception::Fate::discard};
  reception.report = packet.has(frame_flag::report);
  if (seen(packet.sequence)) {
    reception.acknowledge = true;
    return reception;
  }
  const std::uint32_t beyond = beyond_;
  if (packet.has(frame_flag::trimmed)) {  // its arrival says that exactly this one is missing
    if (packet.sequence < asked_.size()) asked_[packet.sequence] = false;
    reception.missing_begin = packet.sequence;
    reception.missing_end = packet.sequence + (reception.report ? 0 : 1);  // a report names it
    return reception;
  }
  const std::uint32_t expected = expected_;
  note(packet.sequence);
  reception.fate = Reception::Fate::deliver;
  if (mode == ReceiveMode::selective_repeat) {
    if (packet.sequence > beyond) {
      reception.missing_begin = beyond;
      reception.missing_end = packet.sequence;
    }
    if (packet.sequence != expected) reception.fate = Reception::Fate::hold;
  }
  reception.acknowledge = due_acknowledgement(packet, ack_interval);
  // A hole that closes is news, and a recovering sender wants to hear of each packet (InfiniBand
  // 1.4, 9.2.1: the AckReq bit).
  if (expected_ > expected + 1 || packet.has(frame_flag::again)) reception.acknowledge = true;
  return reception;
}

bool ReceiveFlow::ask(std::uint32_t sequence) {
  if (sequence >= asked_.size()) asked_.resize(std::size_t{sequence} * 2 + 1);
  const bool news = !asked_[sequence];
  asked_[sequence] = true;
  return news;
}

void ReceiveFlow::keep(std::uint32_t sequence, std::uint32_t record) {
  if (kept_.size() <= sequence) kept_.resize(std::size_t{sequence} * 2 + 1, no_packet);
  kept_[sequence] = record;
  ++held_;
}

std::uint32_t ReceiveFlow::take_held() {
  if (held_ == 0) return no_packet;
  // Delivered without being held: passed over. Nothing below expected_ is missing.
  while (release_ < expected_) {
    const std::uint32_t sequence = release_++;
    if (sequence < kept_.size() && kept_[sequence] != no_packet) {
      --held_;
      return std::exchange(kept_[sequence], no_packet);
    }
  }
  return no_packet;
}

}  // namespace heddle
