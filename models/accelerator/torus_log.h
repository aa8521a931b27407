// What the sources of a torus observe together. Every entry is an integer sum, so the order of
// writing cannot matter.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernel/units.h"
#include "parts/packet_times.h"

namespace heddle {

class TorusLog {
 public:
  /// Packets due before `from` are carried and counted, but are not in the times. Load is counted
  /// from `from` until `to`.
  TorusLog(Cycle from, Cycle to) : from_(from), to_(to) {}

  Cycle from() const { return from_; }
  Cycle to() const { return to_; }

  /// A packet that was due in cycle `due` has left its source.
  void injected(Cycle due, std::uint32_t wire_bytes, Cycle now) {
    ++injected_;
    injected_wire_bytes_ += wire_bytes;
    if (due >= from_ && due < to_) due_wire_bytes_ += wire_bytes;
    first_due_ = std::min(first_due_, due);
    last_progress_ = std::max(last_progress_, now);
  }
  /// A packet's last byte has arrived.
  void delivered(const PacketRecord& record, std::uint16_t payload_bytes, std::uint32_t wire_bytes,
                 Cycle now) {
    ++delivered_;
    delivered_bytes_ += payload_bytes;
    last_progress_ = std::max(last_progress_, now);
    if (now >= from_ && now < to_) accepted_wire_bytes_ += wire_bytes;
    const Cycle latency = PacketTimes::latency_of(record, now);
    if (record.due >= from_ && record.due < to_) times_.add(record, latency);
  }
  std::uint64_t injected() const { return injected_; }
  std::uint64_t injected_wire_bytes() const { return injected_wire_bytes_; }
  std::uint64_t delivered() const { return delivered_; }
  std::uint64_t delivered_bytes() const { return delivered_bytes_; }
  std::uint64_t due_wire_bytes() const { return due_wire_bytes_; }
  std::uint64_t accepted_wire_bytes() const { return accepted_wire_bytes_; }
  Cycle first_due() const { return first_due_; }
  /// The last packet that left its source or reached its destination.
  Cycle last_progress() const { return last_progress_; }
  const PacketTimes& packets() const { return times_; }

 private:
  Cycle from_;
  Cycle to_;
  std::uint64_t injected_ = 0;
  std::uint64_t injected_wire_bytes_ = 0;
  std::uint64_t delivered_ = 0;
  std::uint64_t delivered_bytes_ = 0;
  std::uint64_t due_wire_bytes_ = 0;       // of packets injected that were due in the window
  std::uint64_t accepted_wire_bytes_ = 0;  // delivered in the window
  Cycle first_due_ = never;
  Cycle last_progress_ = 0;
  PacketTimes times_;
};

}  // namespace heddle
