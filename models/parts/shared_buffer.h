// The packet memory that all ports of a device share: cells, dynamic thresholds, and the ingress
// accounting behind priority flow control.
//
// A packet occupies whole cells and is counted twice: in its ingress *group* (port and class it
// came in by) and in its egress *queue*. The pool is divided once, at construction, into the
// headroom of each group and the shared rest. A packet is admitted against one threshold:
//  - lossless, at ingress: the group's shared cells, packet included, may reach
//    alpha_lossless * (free shared cells). Beyond that the group is xoff, and what still arrives
//    fills the group's headroom; beyond the headroom it is dropped.
//  - lossy, at egress: the queue's cells, packet included, may reach alpha_lossy * (free shared
//    cells); beyond that it is dropped.
// The threshold is that of Choudhury and Hahne, "Dynamic Queue Length Thresholds for Shared-Memory
// Packet Switches", IEEE/ACM ToN 6(2), 1998: free cells are those before the packet is stored. M
// queues that want all they can get settle at alpha*B/(1+alpha*M) cells each.
//
// A group leaves xoff when its headroom is empty and its shared cells are at least xon_offset below
// the threshold, or gone altogether (IEEE 802.1Qbb leaves the hysteresis to the implementation).
// Packets released by *other* groups raise the threshold, so they can end a pause; the smallest
// free space at which any pause ends is kept, so that a release costs O(1) unless a pause really
// ends.
//
// Clockless. All counts are exact; alpha is a multiple of 1/65536 and compared in integers.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "kernel/bit_mask.h"
#include "kernel/fields.h"

namespace heddle {

struct SharedBufferConfig {
  Bytes buffer = 60'817'392_B;
  Bytes cell = 144_B;
  double alpha_lossless = 128;
  double alpha_lossy = 8;
  std::optional<Bytes> xoff;
  Bytes xon_offset = 37'888_B;
  std::optional<Bytes> headroom;  // of each lossless group; the device hands it to SharedBuffer

  void describe(Fields& fields);
};

/// In a cable.
inline constexpr double light_metres_per_second = 1.98e8;

/// Bytes of headroom that a group needs so that nothing is lost between xoff and the last byte sent
/// before the sender stops:
///   ceil to 1 KiB of 1024 + occupancy * (9216 + round trip of the cable + 819.2 + peer response)
/// with light at 1.98e8 m/s in the cable, and `occupancy` the worst ratio of memory to bytes (2.25:
/// a 64 B packet in a 144 B cell). The formula is fitted to a vendor's table and equals it to the
/// byte in all its rows with the defaults given here: sonic-buildimage, SN4700
/// pg_profile_lookup.ini, column xoff.
std::uint64_t pfc_headroom_bytes(Rate rate, double cable_metres, double occupancy = 2.25,
                                 double peer_bytes = 3891.2);

enum class Admission : std::uint8_t {
  shared,          ///< stored
  headroom,        ///< stored in the group's headroom: the group is xoff
  drop_threshold,  ///< lossy: the queue is at its threshold
  drop_pool,       ///< lossy: no free cells
  drop_headroom,   ///< lossless: the group's headroom is full
  unreachable      ///< not for want of room: no port leads to the host any more
};

constexpr bool stored(Admission admission) {
  return admission == Admission::shared || admission == Admission::headroom;
}

class SharedBuffer {
 public:
  /// One group per member of `group_headroom`, which says how much of the pool is reserved for it
  /// (0 for a group that carries only lossy classes). Throws InputError when nothing is left to
  /// share.
  SharedBuffer(const SharedBufferConfig& config, unsigned queues,
               const std::vector<Bytes>& group_headroom);

  /// Stores a packet or says why not.
  Admission admit(unsigned group, unsigned queue, std::uint32_t bytes, bool lossless);

  /// A stored packet has left. Its group's headroom empties first.
  void release(unsigned group, unsigned queue, std::uint32_t bytes);

  /// Whether the sender of the group must be paused.
  bool xoff(unsigned group) const { return xoff_.test(group); }

  /// Calls f(group, xoff) for every group whose state differs from what was last taken.
  template <class F>
  void take_xoff_changes(F&& f) {
    changed_.take(0, changed_.size(), [&](unsigned group) { f(group, xoff_.test(group)); });
  }
  bool has_xoff_changes() const { return changed_.any(); }

  std::uint32_t cells_of(std::uint32_t bytes) const {
    return (bytes + cell_bytes_ - 1) / cell_bytes_;
  }
  std::uint32_t shared_cells() const { return shared_cells_; }
  std::uint32_t free_cells() const { return shared_cells_ - shared_used_; }
  std::uint32_t used_cells() const { return shared_used_ + headroom_used_; }
  std::uint32_t queue_cells(unsigned queue) const { return queues_[queue]; }
  std::uint32_t group_cells(unsigned group) const {
    return groups_[group].shared + groups_[group].headroom;
  }
  std::uint32_t headroom_cells(unsigned group) const { return groups_[group].headroom; }
  std::uint32_t headroom_limit(unsigned group) const { return groups_[group].headroom_limit; }

  /// Cells that a lossless group or a lossy queue may reach now.
  std::uint64_t lossless_threshold() const { return lossless_threshold(free_cells()); }
  std::uint64_t lossy_threshold() const { return lossy_threshold(free_cells()); }
  /// The same, with so many free cells.
  std::uint64_t lossless_threshold(std::uint32_t free_cells) const {
    return xoff_cells_ ? *xoff_cells_ : alpha_lossless_ * free_cells >> alpha_bits;
  }
  std::uint64_t lossy_threshold(std::uint32_t free_cells) const {
    return alpha_lossy_ * free_cells >> alpha_bits;
  }

  /// What an operator may change while packets are stored. Alphas are in units of 2^-alpha_bits.
  struct Thresholds {
    std::uint64_t alpha_lossless;
    std::uint64_t alpha_lossy;
    std::optional<std::uint64_t> xoff_cells;  ///< instead of alpha_lossless
    std::uint64_t xon_offset_cells;
  };
  static constexpr unsigned alpha_bits = 16;
  Thresholds thresholds() const {
    return {alpha_lossless_, alpha_lossy_, xoff_cells_, xon_offset_cells_};
  }
  /// Pauses that now have no reason end; what is stored beyond a lower threshold stays.
  void set_thresholds(const Thresholds& thresholds);

  /// Throws CheckFailure unless groups, queues and totals agree and every limit holds.
  void verify() const;

 private:
  struct Group {
    std::uint32_t shared = 0;
    std::uint32_t headroom = 0;
    std::uint32_t headroom_limit = 0;
  };

  Admission admit_lossless(Group& group, unsigned index, unsigned queue, std::uint32_t cells);
  std::uint64_t free_for_xon(const Group& group) const;
  void set_xoff(unsigned group);
  void end_pauses();

  std::uint32_t cell_bytes_;
  std::uint64_t alpha_lossless_;  // in units of 2^-alpha_bits, as alpha_lossy_
  std::uint64_t alpha_lossy_;
  std::optional<std::uint64_t> xoff_cells_;
  std::uint64_t xon_offset_cells_;
  std::uint32_t shared_cells_ = 0;
  std::uint32_t shared_used_ = 0;
  std::uint32_t headroom_used_ = 0;
  unsigned paused_ = 0;                         // groups that are xoff
  std::uint64_t xon_free_ = ~std::uint64_t{0};  // no pause ends below this many free cells
  std::vector<Group> groups_;
  std::vector<std::uint32_t> queues_;
  BitMask xoff_;
  BitMask changed_;
};

}  // namespace heddle
