// Cuts the packets of one VOQ at a time into cells.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernel/frame.h"
#include "kernel/packet.h"

namespace heddle {

enum class Segmentation : std::uint8_t { packed, unpacked };

class Segmenter {
 public:
  Segmenter(Segmentation mode, std::uint32_t payload_bytes, std::uint32_t header_bytes)
      : mode_(mode), payload_bytes_(payload_bytes), header_bytes_(header_bytes) {}

  /// Whether a packet is only partly cut.
  bool busy() const { return left_bytes_ != 0; }
  unsigned voq() const { return voq_; }

  /// Starts to cut `packet` of `voq`. Not while busy.
  void start(unsigned voq, const Frame& packet) {
    voq_ = voq;
    packet_ = packet;
    left_bytes_ = stored_bytes(packet);
  }

  /// The next cell. A packet that ends in it is appended to its chain of packets;
  /// `next_packet(finished)` is then asked to start another packet of the same VOQ, which it may
  /// decline with false; the rest of a packed cell is filled from that.
  template <class NextPacket>
  Frame cut(PacketPool& packets, NextPacket&& next_packet) {
    Frame cell;
    cell.kind = FrameKind::cell;
    std::uint32_t filled = 0;
    std::uint32_t last_of_chain = no_packet;
    if (left_bytes_ != stored_bytes(packet_)) cell.flow = std::min(left_bytes_, payload_bytes_);
    for (;;) {
      const std::uint32_t piece = std::min(left_bytes_, payload_bytes_ - filled);
      filled += piece;
      left_bytes_ -= piece;
      if (left_bytes_ != 0) break;  // the cell is full
      const Frame finished = packet_;
      PacketRecord& record = packets[finished.packet];
      record.frame = finished;
      record.next = no_packet;
      (last_of_chain == no_packet ? cell.packet : packets[last_of_chain].next) = finished.packet;
      last_of_chain = finished.packet;
      if (!next_packet(finished) || mode_ == Segmentation::unpacked || filled == payload_bytes_)
        break;
    }
    cell.payload_bytes = static_cast<std::uint16_t>(filled);
    cell.wire_bytes = static_cast<std::uint16_t>(filled + header_bytes_);
    return cell;
  }

 private:
  Segmentation mode_;
  std::uint32_t payload_bytes_;
  std::uint32_t header_bytes_;
  unsigned voq_ = 0;
  Frame packet_;
  std::uint32_t left_bytes_ = 0;
};

}  // namespace heddle
