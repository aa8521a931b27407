// Both ends of a queue pair that carries one message: which packet goes next, and what happens to
// one that arrives. State and rules; the NIC supplies time and the link.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "endpoints/message.h"
#include "endpoints/nic_config.h"
#include "kernel/frame.h"
#include "kernel/packet.h"

namespace heddle {

/// Bytes of each data packet besides its payload, framing excluded: Ethernet 14, IPv4 20, UDP 8,
/// BTH 12, ICRC 4, FCS 4 (RoCEv2, InfiniBand Architecture Specification annex A17). A datagram
/// adds a DETH of 8; a packet that is placed wherever it belongs carries its address, a RETH of 16.
std::uint16_t data_header_bytes(ReceiveMode mode);

/// Wire bytes of an ACK or NAK (BTH and AETH) and of a CNP (BTH and 16 reserved bytes).
inline constexpr std::uint16_t ack_wire_bytes = 62 + 4 + ethernet_framing_bytes;
inline constexpr std::uint16_t cnp_wire_bytes = 62 + 16 + ethernet_framing_bytes;

/// The sending end.
class SendFlow {
 public:
  void open(const Message& message, std::uint16_t generation, std::uint64_t mtu);
  void close() { open_ = false; }

  bool is_open() const { return open_; }
  const Message& message() const { return message_; }
  std::uint16_t generation() const { return generation_; }
  std::uint32_t packets() const { return packets_; }

  /// Whether a packet may be sent: one to repeat, or a new one inside the window of unacknowledged
  /// packets.
  bool can_send(std::uint32_t window_packets) const {
    return repeat_next_ < repeat_.size() ||
           (next_ < packets_ && next_ - acknowledged_ < window_packets);
  }

  /// New packets are left, and the window keeps them from being sent.
  bool window_closed(std::uint32_t window_packets) const {
    return next_ < packets_ && next_ - acknowledged_ >= window_packets;
  }

  /// The packet that take() would send. Only while can_send.
  std::uint32_t next() const {
    return repeat_next_ < repeat_.size() ? repeat_[repeat_next_] : next_;
  }
  std::uint64_t payload_bytes(std::uint32_t sequence, std::uint64_t mtu) const {
    return std::min(mtu, message_.bytes - sequence * mtu);
  }

  struct Transmission {
    std::uint32_t sequence;  ///< PSN, from 0 in each message
    std::uint32_t order;     ///< how many transmissions came before
    Cycle first_start;       ///< when this PSN was first started
    bool repeated;
    bool report;  ///< the receiver is to say which packets it misses
  };

  /// Takes the packet to send in cycle `now`.
  Transmission take(Cycle now);

  /// Everything below `sequence` has been received. True when that is news.
  bool acknowledge(std::uint32_t sequence, Cycle now);
  /// Go back: everything from `sequence` on is sent again.
  void go_back(std::uint32_t sequence, Cycle now);
  /// Only `sequence` is missing: it is sent again.
  void repeat(std::uint32_t sequence, Cycle now);

  /// Nothing was heard for the time-out. Go back, or `selective`: the first unacknowledged packet
  /// is repeated and asks which others are missing (a poll as in 3GPP TS 38.322, 5.3.3). Those that
  /// the report names are repeated at once, as IRN does with the holes in its bitmap (Mittal et
  /// al., SIGCOMM 2018, 3.1). The next time-out counts from the last of them.
  void time_out(bool selective, Cycle now);
  /// A report says that `sequence` is missing. Nothing happens if that may be a matter of order: it
  /// was sent less than a round trip of the poll before the poll (the reordering window of RFC
  /// 8985, 6.2, at its largest).
  void report_missing(std::uint32_t sequence, Cycle now);
  /// The end of a report: nothing from `sequence` on has come.
  void report_missing_from(std::uint32_t sequence, Cycle now);

  std::uint32_t acknowledged() const { return acknowledged_; }
  bool outstanding() const { return acknowledged_ < sent_; }
  bool complete() const { return acknowledged_ >= packets_; }
  /// All packets have been started at least once.
  bool all_sent() const { return sent_ == packets_; }
  Cycle last_news() const { return last_news_; }

  std::uint64_t repeated_packets() const { return order_ - sent_; }

 private:
  void drop_first_repeat();
  bool overdue(std::uint32_t sequence, Cycle now) const;

  Message message_;
  std::uint32_t packets_ = 0;
  std::uint32_t next_ = 0;          // next new packet, or after going back the next again
  std::uint32_t sent_ = 0;          // packets started at least once
  std::uint32_t acknowledged_ = 0;  // all below are received
  std::uint32_t order_ = 0;
  std::uint16_t generation_ = 0;
  bool open_ = false;
  bool ask_ = false;  // the first packet to repeat asks for a report
  Cycle asked_at_ = 0;
  Cycle last_news_ = 0;
  std::vector<std::uint32_t> first_start_;  // by PSN, in cycles after the message was due
  std::vector<std::uint32_t> repeat_;       // PSNs to send again, from repeat_next_ on
  std::size_t repeat_next_ = 0;
};

/// What the receiving end does with a packet.
struct Reception {
  enum class Fate : std::uint8_t { deliver, hold, discard } fate;
  std::uint32_t missing_begin = 0;  ///< selective repeat: newly missing packets, to be asked for
  std::uint32_t missing_end = 0;
  bool acknowledge = false;
  bool go_back = false;  ///< send a NAK for everything from expected() on
  bool report = false;   ///< send a NAK for each missing packet, and one for those never seen
};

/// The receiving end.
class ReceiveFlow {
 public:
  /// Begins afresh, for another message.
  void open();

  std::uint32_t expected() const { return expected_; }
  std::uint32_t held() const { return held_; }
  bool complete() const { return received_ == packets_; }

  /// A data packet has arrived whole.
  Reception receive(const Frame& packet, ReceiveMode mode, std::uint64_t ack_interval);

  /// Whether the missing packet `sequence` must be asked for: its trimmed header may have overtaken
  /// what was sent before, and the gap that it leaves is no news then.
  bool ask(std::uint32_t sequence);

  /// Calls f(sequence) for every packet that is missing below one that has come.
  template <class F>
  void for_each_missing(F&& f) const {
    for (std::uint32_t sequence = expected_; sequence < beyond_; ++sequence) {
      if (!seen(sequence)) f(sequence);
    }
  }
  /// Nothing from here on has come.
  std::uint32_t beyond() const { return beyond_; }

  /// Selective repeat: keeps packet `sequence` until its turn.
  void keep(std::uint32_t sequence, std::uint32_t record);
  /// The next packet whose turn has come, or no_packet. Call after each delivery.
  std::uint32_t take_held();

 private:
  Reception go_back_n(const Frame& packet, std::uint64_t ack_interval);
  Reception selective(const Frame& packet, ReceiveMode mode, std::uint64_t ack_interval);
  bool due_acknowledgement(const Frame& packet, std::uint64_t ack_interval);
  bool seen(std::uint32_t sequence) const;
  void note(std::uint32_t sequence);

  bool nak_sent_ = false;
  std::uint32_t expected_ = 0;  // all below have been received
  std::uint32_t beyond_ = 0;    // highest received + 1
  std::uint32_t received_ = 0;
  std::uint32_t packets_ = ~std::uint32_t{0};  // known when the last one has come
  std::uint32_t unacknowledged_ = 0;
  std::uint32_t held_ = 0;
  std::uint32_t release_ = 0;        // next held packet to release
  std::vector<std::uint64_t> seen_;  // bit per PSN
  std::vector<std::uint32_t> kept_;  // record per PSN
  std::vector<bool> asked_;          // per PSN
};

}  // namespace heddle
