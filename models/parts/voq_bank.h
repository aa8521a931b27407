// The virtual output queues of a leaf: one per destination leaf, port and class, linked lists over
// one memory, each with its credit account.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "kernel/bit_mask.h"
#include "kernel/frame.h"
#include "kernel/units.h"
#include "parts/queue_bank.h"

namespace heddle {

class VoqBank {
 public:
  /// A VOQ has at most `outstanding_limit` credits that it has asked for and not spent.
  VoqBank(unsigned destinations, unsigned classes, std::uint32_t credit_bytes,
          std::uint32_t outstanding_limit, std::uint32_t capacity_packets)
      : destinations_(destinations),
        credit_bytes_(credit_bytes),
        outstanding_limit_(outstanding_limit),
        accounts_(std::size_t{destinations} * classes),
        packets_(destinations * classes, capacity_packets),
        sendable_(classes, BitMask(destinations)) {}

  struct Account {
    std::uint64_t enqueued_bytes = 0;
    std::uint64_t queued_bytes = 0;
    std::int64_t balance_bytes = 0;  ///< positive: may send
    std::uint32_t requested = 0;     ///< credits, since the start of the run
    std::uint32_t granted = 0;       ///< credits, since the start of the run
    Cycle head_since = 0;            ///< when the first packet became the first
    Cycle credited_since = 0;        ///< when the balance last became positive
    Cycle last_news = 0;             ///< last credit received, or first packet of a backlog
    bool held = false;               ///< must not send: its first packet is not here
  };

  unsigned voq(unsigned destination, unsigned traffic_class) const {
    return traffic_class * destinations_ + destination;
  }
  unsigned destination_of(unsigned voq) const { return voq % destinations_; }
  unsigned class_of(unsigned voq) const { return voq / destinations_; }
  unsigned size() const { return static_cast<unsigned>(accounts_.size()); }

  const Account& account(unsigned voq) const { return accounts_[voq]; }
  bool empty(unsigned voq) const { return packets_.empty(voq); }
  std::uint32_t length(unsigned voq) const { return packets_.length(voq); }
  std::uint32_t packets() const { return packets_.used(); }

  void enqueue(unsigned voq, const Frame& packet, Cycle now) {
    Account& account = accounts_[voq];
    if (packets_.empty(voq)) {
      account.head_since = now;
      account.last_news = now;
    }
    packets_.push(voq, packet);
    account.enqueued_bytes += stored_bytes(packet);
    account.queued_bytes += stored_bytes(packet);
    update(voq);
  }

  /// The new total of credits to ask for, if the VOQ has reason and room to ask for more: enough
  /// to cover every byte that ever joined it. Credits that a blocked fabric keeps it from spending
  /// count as outstanding, or it would save up without bound.
  std::optional<std::uint32_t> request(unsigned voq) {
    Account& account = accounts_[voq];
    const auto needed =
        static_cast<std::uint32_t>((account.enqueued_bytes + credit_bytes_ - 1) / credit_bytes_);
    const auto unspent = static_cast<std::uint32_t>(
        std::max<std::int64_t>(account.balance_bytes, 0) / credit_bytes_);
    const std::uint32_t ceiling = account.granted - unspent + outstanding_limit_;
    const std::uint32_t target = static_cast<std::int32_t>(needed - ceiling) < 0 ? needed : ceiling;
    if (static_cast<std::int32_t>(target - account.requested) <= 0) return std::nullopt;
    account.requested = target;
    return target;
  }

  /// A grant has come: `credits` since the start of the run.
  void credit(unsigned voq, std::uint32_t credits, Cycle now) {
    Account& account = accounts_[voq];
    const auto more = static_cast<std::int32_t>(credits - account.granted);
    account.last_news = now;
    if (more <= 0) return;  // overtaken by a later one, or repeated
    account.granted = credits;
    if (account.balance_bytes <= 0) account.credited_since = now;
    account.balance_bytes += std::int64_t{more} * credit_bytes_;
    update(voq);
  }

  /// A VOQ whose first packet is elsewhere must not send, whatever its balance.
  void hold(unsigned voq, bool held) {
    accounts_[voq].held = held;
    update(voq);
  }

  /// VOQs of a class that hold a packet and a positive balance, and are not held, by destination.
  const BitMask& sendable(unsigned traffic_class) const { return sendable_[traffic_class]; }
  bool may_send(unsigned voq) const { return sendable_[class_of(voq)].test(destination_of(voq)); }

  const Frame& front(unsigned voq) const { return packets_.front(voq); }

  /// Takes the first packet and pays for it: the balance may fall below zero by less than one
  /// packet.
  Frame pop(unsigned voq, Cycle now) {
    const Frame packet = packets_.pop(voq);
    Account& account = accounts_[voq];
    account.queued_bytes -= stored_bytes(packet);
    account.balance_bytes -= stored_bytes(packet);
    account.head_since = now;
    update(voq);
    return packet;
  }

 private:
  void update(unsigned voq) {
    const Account& account = accounts_[voq];
    sendable_[class_of(voq)].assign(
        destination_of(voq), !packets_.empty(voq) && account.balance_bytes > 0 && !account.held);
  }

  unsigned destinations_;
  std::uint32_t credit_bytes_;
  std::uint32_t outstanding_limit_;
  std::vector<Account> accounts_;
  QueueBank<Frame> packets_;
  std::vector<BitMask> sendable_;
};

}  // namespace heddle
