// How much a flow was reordered on its way: the metrics of RFC 4737 and RFC 5236, measured on
// arrival and before any repair.
//
// A flow's packets carry their number in the order of sending. The first copy of a packet counts, a
// further one is a duplicate and is left out (RFC 4737, 3; RFC 5236, 3). Positions of arrival
// count from 1.
//
// RFC 4737. A packet is *reordered* when a higher number came before it (3). Its *extent* is the
// distance back to the first such packet (4.2); it is *n-reordered* when the n packets right
// before it all have higher numbers (5); the *reordering-free run* that it ends is the number
// of in-order packets since the reordered packet before (4.6).
//
// RFC 5236. Every packet that is not lost is given a *receive index*, the numbers of the lost
// left out; displacement = receive index - number (3): negative is early, positive late. A
// number counts as lost when its turn comes and it is neither among the packets that came nor among
// the next `displacement_threshold` ones. Reorder density is the histogram of displacements from
// -threshold to +threshold, normalised. Reorder buffer density is the histogram, over arrivals, of
// the packets that a receiver would hold to restore the order (3.8), who gives a missing packet up
// when `buffer_threshold` packets are held already and one more would have to be.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

namespace heddle {

/// Sums over flows: the order in which meters write cannot matter.
struct ReorderTotals {
  static constexpr unsigned threshold_limit = 64;  ///< both thresholds lie in 1..64
  static constexpr unsigned default_threshold = 8;

  /// Throws InputError when a threshold is out of range.
  explicit ReorderTotals(unsigned displacement = default_threshold,
                         unsigned buffer = default_threshold);

  unsigned displacement_threshold;
  unsigned buffer_threshold;

  std::uint64_t packets = 0;     ///< first copies that arrived
  std::uint64_t duplicates = 0;  ///< further copies
  std::uint64_t lost = 0;        ///< numbers below a flow's highest that never came (at finish)
  /// Arrivals that the bounded memory of a flow could not classify (see ReorderMeter): in no other
  /// count, and their numbers remain in `lost`. Unless 0, the other counts are lower bounds and
  /// `lost` is an upper one.
  std::uint64_t unclassified = 0;

  std::uint64_t reordered = 0;  ///< also the number of reordering-free runs (x of RFC 4737, 4.6)
  std::uint64_t extent_sum = 0;
  std::uint64_t extent_max = 0;
  /// Reordered packets by degree: the largest n for which they are n-reordered. The last entry
  /// holds that degree and all above.
  std::array<std::uint64_t, threshold_limit + 1> n_reordering{};
  std::uint64_t n_reordering_max = 0;
  std::uint64_t run_packets = 0;  ///< packets in the completed runs
  std::uint64_t run_squares = 0;  ///< sum of their squared lengths (q of RFC 4737, 4.6)

  /// Entry `threshold_limit + d` counts packets displaced by d, |d| <= displacement_threshold.
  std::array<std::uint64_t, 2 * threshold_limit + 1> displacement{};
  /// Packets displaced further, or arrived when their number was already lost to the threshold.
  std::uint64_t displaced_beyond = 0;
  /// Arrivals after which that many packets were held.
  std::array<std::uint64_t, threshold_limit + 1> buffered{};
  std::uint64_t too_late_to_buffer = 0;  ///< came after the receiver had given them up

  /// Type-P-Reordered-Ratio: reordered packets over packets (RFC 4737, 4.1).
  double ratio() const;
  /// Share of packets that are n-reordered, n >= 1 (RFC 4737, 5.4); exact for n <= 64.
  double n_reordered(unsigned n) const;
  /// Share of packets with a displacement other than 0: 1 - RD[0] of RFC 5236, but with packets
  /// displaced beyond the threshold counted among the displaced, not left out.
  double density() const;
  /// Mean number of packets held: the mean of RBD of RFC 5236.
  double buffer_density() const;
  /// RD[d] of RFC 5236.
  double reorder_density(int d) const;
  /// RBD[held] of RFC 5236.
  double reorder_buffer_density(unsigned held) const;
};

/// Measures one flow into totals that it shares with other flows of the same thread.
///
/// An arrival in order costs a comparison and an increment. Memory beyond the object is allocated
/// when a number is first passed over. An arrival out of order costs a binary search plus a
/// sequential pass over the open gaps above its number, a gap being a range of missing numbers.
/// A flow keeps at most `gap_limit` gaps (16 bytes each); the older half is then forgotten, and an
/// arrival from there on is counted as `unclassified`.
class ReorderMeter {
 public:
  static constexpr unsigned gap_limit = 1024;

  /// The flow's first packet has number `first`. `totals` must outlive the meter.
  explicit ReorderMeter(ReorderTotals& totals, std::uint32_t first = 0);
  ~ReorderMeter();
  ReorderMeter(ReorderMeter&& other) noexcept;
  ReorderMeter& operator=(ReorderMeter&& other) noexcept;

  /// Precondition: first <= sequence < 2^32 - 1.
  void arrive(std::uint32_t sequence) {
    if (sequence == fast_next_) {
      ++fast_next_;
    } else {
      arrive_slow(sequence);
    }
  }

  /// The flow is over: adds what the totals do not hold yet. Until then they lag behind by runs of
  /// packets in order and by packets whose displacement the threshold leaves open. No arrival may
  /// follow.
  void finish();

  /// Measures another flow, from its first packet on.
  void restart(std::uint32_t first = 0);

 private:
  struct Open;  // what is kept once a number has been passed over

  static constexpr std::uint32_t no_fast_path = ~std::uint32_t{0};

  void arrive_slow(std::uint32_t sequence);
  void leave_fast_path();
  void ahead(std::uint32_t sequence);
  void late(std::uint32_t sequence);
  void add_reordered(std::uint32_t position, std::uint32_t extent, std::uint32_t degree);
  void hold();
  void displace(std::uint32_t sequence);
  void settle_displacements(bool last);
  void forget_old_gaps();
  std::uint32_t position() const { return expected_ - first_ - missing_; }

  ReorderTotals* totals_;
  std::unique_ptr<Open> open_;
  std::uint32_t fast_next_;   // the number that may take the fast path
  std::uint32_t fast_start_;  // where the present stretch of fast arrivals began
  std::uint32_t first_;
  std::uint32_t expected_;       // highest number that came + 1; stale on the fast path
  std::uint32_t missing_ = 0;    // numbers below `expected_` that have not come
  std::uint32_t reordered_ = 0;  // of this flow
  std::uint32_t run_start_ = 0;  // packets in order up to the last reordered one
};

}  // namespace heddle
