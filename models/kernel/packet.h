// The record that travels with a packet: not hardware, but the packet's own book of where its time
// went. Whoever holds the packet's last byte may write in it; nobody else.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "kernel/error.h"
#include "kernel/frame.h"
#include "kernel/prefetch.h"
#include "kernel/units.h"

namespace heddle {

/// Every cycle of a packet's life belongs to one of these.
enum class Stage : std::uint8_t {
  source_queue,    ///< due, but not yet started by its host
  serialization,   ///< bytes following the first byte onto a link
  propagation,     ///< time of flight on links
  pipeline,        ///< fixed processing in devices
  credit_wait,     ///< first of its VOQ, which has no credit
  voq_queue,       ///< behind other packets of its VOQ
  hbm,             ///< in the external memory of a leaf
  fabric_queue,    ///< waiting for a link inside the fabric
  reassembly,      ///< last cell there, earlier ones missing
  egress_queue,    ///< waiting for the link to its host
  paused,          ///< waiting for a link that flow control has stopped
  retransmission,  ///< from its first to its last transmission by the host
};
inline constexpr unsigned stage_count = 12;

/// Two cache lines; a hop touches only the first.
struct alignas(64) PacketRecord {
  Cycle due = 0;                    ///< when an idle host would have started it
  std::uint32_t accounted = 0;      ///< cycles since then that have been given to stages
  std::uint32_t paused_before = 0;  ///< pause clock of the queue when the packet joined it
  std::array<std::uint32_t, stage_count> stage{};

  Frame frame;            ///< the packet itself, while it is cut into cells or held by a NIC
  Cycle message_due = 0;  ///< intended start of its message
  std::uint64_t message_bytes = 0;
  std::uint32_t message = 0;       ///< id of its message
  std::uint32_t order = 0;         ///< transmissions of its queue pair before this one
  std::uint32_t next = no_packet;  ///< next packet that ends in the same cell
  std::uint64_t voq_bytes = 0;     ///< in a header: sent by its VOQ so far, this packet included

  /// Up to here every cycle is accounted for.
  Cycle mark() const { return due + accounted; }

  /// The cycles since the mark went to `where`.
  void spend(Stage where, Cycle until) {
    if (until < mark()) throw CheckFailure("a packet's time runs backwards");
    const auto cycles = static_cast<std::uint32_t>(until - mark());
    stage[static_cast<unsigned>(where)] += cycles;
    accounted += cycles;
  }
};
static_assert(sizeof(PacketRecord) == 128);

/// All records of a run, by number. Grows with the packets in flight; a number is used again after
/// `release`, and its value never influences the model.
class PacketPool {
 public:
  std::uint32_t acquire() {
    ++live_;
    if (free_.empty()) {
      records_.emplace_back();
      return static_cast<std::uint32_t>(records_.size() - 1);
    }
    const std::uint32_t number = free_.back();
    free_.pop_back();
    if (!free_.empty()) fetch_all(free_.back());  // for the next call
    records_[number] = PacketRecord{};
    return number;
  }

  void release(std::uint32_t number) {
    --live_;
    free_.push_back(number);
  }

  PacketRecord& operator[](std::uint32_t number) { return records_[number]; }
  std::uint64_t live() const { return live_; }
  /// What a hop touches of a record; nullptr for no_packet.
  const void* address(std::uint32_t number) const {
    return number == no_packet ? nullptr : &records_[number];
  }
  /// Asks for what the ends of a packet's way touch as well.
  void fetch_all(std::uint32_t number) const { prefetch_all(records_[number]); }

 private:
  std::vector<PacketRecord> records_;
  std::vector<std::uint32_t> free_;
  std::uint64_t live_ = 0;
};

}  // namespace heddle
