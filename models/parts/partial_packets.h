// What an egress leaf holds of the packet that each source is sending it, and whether that packet
// has lost a piece: cells may be missing for good.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "kernel/frame.h"

namespace heddle {

class PartialPackets {
 public:
  explicit PartialPackets(unsigned sources) : sources_(sources) {}

  /// What a cell in order means for the packet that it continues.
  struct Verdict {
    std::uint32_t useless_bytes = 0;  ///< of the cell: they continue a packet that is lost
    bool first_is_lost = false;       ///< so the first packet that ends in the cell is
  };

  /// The next cell in order; `cell.flow` of its bytes continue an earlier cell's packet.
  Verdict arrive(unsigned source, const Frame& cell) {
    Source& s = sources_[source];
    s.open_bytes += cell.payload_bytes;
    if (!s.damaged) return {};
    const std::uint32_t useless = cell.flow;
    s.open_bytes -= useless;
    const bool goes_on = useless == cell.payload_bytes && cell.packet == no_packet;
    s.damaged = goes_on;
    return {useless, useless != 0 && !goes_on};
  }

  /// A packet of this size has ended in the cell.
  void complete(unsigned source, std::uint32_t bytes) { sources_[source].open_bytes -= bytes; }

  /// Cells of the source are missing: returns how many bytes are held in vain.
  std::uint32_t damage(unsigned source) {
    sources_[source].damaged = true;
    return std::exchange(sources_[source].open_bytes, 0);
  }

  /// Held of packets that have not ended, over all sources.
  std::uint64_t open_bytes() const {
    std::uint64_t bytes = 0;
    for (const Source& source : sources_) bytes += source.open_bytes;
    return bytes;
  }

 private:
  struct Source {
    std::uint32_t open_bytes = 0;  ///< of a packet that has not ended
    bool damaged = false;
  };
  std::vector<Source> sources_;
};

}  // namespace heddle
