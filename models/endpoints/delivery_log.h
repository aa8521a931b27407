// What the hosts observe: latency of packets by stage, completion of messages, counts. One log per
// run, written by all NICs; every entry is an integer sum, so the order of writing cannot matter.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "endpoints/message.h"
#include "kernel/histogram.h"
#include "kernel/packet.h"
#include "kernel/units.h"
#include "parts/packet_times.h"
#include "parts/reorder_meter.h"

namespace heddle {

class DeliveryLog {
 public:
  /// Packets and messages due before `warmup` are counted, but leave no other trace.
  /// `ideal(source, destination, bytes)`: cycles that a message takes in an idle fabric.
  using Ideal = std::function<Cycle(HostId, HostId, std::uint64_t)>;
  DeliveryLog(Cycle warmup, Ideal ideal) : warmup_(warmup), ideal_(std::move(ideal)) {}

  Cycle warmup() const { return warmup_; }

  /// Reordering of all flows; their meters write into it.
  ReorderTotals& reordering() { return reordering_; }
  const ReorderTotals& reordering() const { return reordering_; }

  void injected() { ++injected_; }
  void discarded() { ++discarded_; }
  /// A host has sent these payload bytes before.
  void resent(std::uint64_t bytes) { resent_bytes_ += bytes; }

  /// A packet has reached its host. Checks that its stages add up to its latency.
  void delivered(const PacketRecord& record, std::uint16_t payload_bytes, Cycle now);

  /// A NIC has taken up a message that was due in cycle `due`.
  void message_started(Cycle due, Cycle now) {
    if (messages_started_++ == messages_completed_) last_progress_ = now;
    first_due_ = std::min(first_due_, due);
  }
  /// The last missing packet of a message has been delivered.
  void message_completed(const PacketRecord& of_any_packet, HostId source, HostId destination,
                         Cycle now);

  bool is_completed(MessageId message) const {
    return message < completed_.size() && completed_[message];
  }

  std::uint64_t injected_packets() const { return injected_; }
  std::uint64_t delivered_packets() const { return delivered_; }
  std::uint64_t discarded_packets() const { return discarded_; }
  std::uint64_t delivered_bytes() const { return delivered_bytes_; }
  std::uint64_t resent_bytes() const { return resent_bytes_; }
  std::uint64_t messages_started() const { return messages_started_; }
  std::uint64_t messages_completed() const { return messages_completed_; }
  Cycle last_delivery() const { return last_delivery_; }
  /// The last delivery of a packet that had to be sent again.
  Cycle last_repair() const { return last_repair_; }
  Cycle first_due() const { return first_due_; }
  /// The last delivery, or the start of a message when no other was waiting to be delivered.
  Cycle last_progress() const { return last_progress_; }

  /// Of packets due after the warm-up.
  const PacketTimes& packets() const { return packets_; }
  const SlowestPacket& slowest() const { return packets_.slowest(); }
  const Histogram& latency() const { return packets_.latency(); }
  const Histogram& stage(Stage stage) const { return packets_.stage(stage); }
  double tail_share(Stage stage) const { return packets_.tail_share(stage); }

  const Histogram& completion() const { return completion_; }
  /// In thousandths.
  const Histogram& slowdown_permille() const { return slowdown_permille_; }

 private:
  Cycle warmup_;
  Ideal ideal_;
  std::uint64_t injected_ = 0;
  std::uint64_t delivered_ = 0;
  std::uint64_t discarded_ = 0;
  std::uint64_t delivered_bytes_ = 0;
  std::uint64_t resent_bytes_ = 0;
  std::uint64_t messages_started_ = 0;
  std::uint64_t messages_completed_ = 0;
  std::vector<bool> completed_;  // by message id
  ReorderTotals reordering_;
  Cycle last_delivery_ = 0;
  Cycle last_repair_ = 0;
  Cycle first_due_ = never;
  Cycle last_progress_ = 0;
  PacketTimes packets_;
  Histogram completion_;
  Histogram slowdown_permille_;
};

}  // namespace heddle
