#include "parts/reorder_meter.h"

#include <algorithm>
#include <cstdlib>
#include <numeric>
#include <string>
#include <vector>

#include "kernel/error.h"

namespace heddle {

namespace {

double share(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

template <class Array>
std::uint64_t sum(const Array& counts) {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

bool within_limit(unsigned threshold) {
  return threshold >= 1 && threshold <= ReorderTotals::threshold_limit;
}

}  // namespace

ReorderTotals::ReorderTotals(unsigned displacement_limit, unsigned buffer)
    : displacement_threshold(displacement_limit), buffer_threshold(buffer) {
  if (!within_limit(displacement_limit) || !within_limit(buffer)) {
    throw InputError("the thresholds of reorder density must lie in 1.." +
                     std::to_string(threshold_limit));
  }
}

double ReorderTotals::ratio() const { return share(reordered, packets); }

double ReorderTotals::n_reordered(unsigned n) const {
  const auto first = n_reordering.begin() + std::min(n, threshold_limit);
  return share(std::accumulate(first, n_reordering.end(), std::uint64_t{0}), packets);
}

double ReorderTotals::density() const {
  const std::uint64_t measured = sum(displacement) + displaced_beyond;
  return share(measured - displacement[threshold_limit], measured);
}

double ReorderTotals::buffer_density() const {
  std::uint64_t held = 0;
  for (std::size_t i = 0; i < buffered.size(); ++i) held += i * buffered[i];
  return share(held, sum(buffered));
}

double ReorderTotals::reorder_density(int d) const {
  const int middle = static_cast<int>(threshold_limit);
  if (std::abs(d) > middle) return 0;
  const int entry = middle + d;
  return share(displacement[static_cast<std::size_t>(entry)], sum(displacement));
}

double ReorderTotals::reorder_buffer_density(unsigned held) const {
  return held > threshold_limit ? 0 : share(buffered[held], sum(buffered));
}

/// A range of numbers that have not come, with what decides the fate of each one that still may.
struct Gap {
  std::uint32_t first;
  std::uint32_t last;
  std::uint32_t passed_at;   // position of the first packet with a higher number
  std::uint32_t last_below;  // position of the latest packet with a lower number; 0 for none
};

struct ReorderMeter::Open {
  std::vector<Gap> gaps;  // ascending
  // RFC 5236, receive index. `turn` is the number whose turn it is; it skips a gap as a whole.
  std::vector<std::uint32_t> pending;  // ring: packets that have no receive index yet
  std::uint32_t pending_head = 0;
  std::uint32_t pending_count = 0;
  std::uint32_t turn;
  std::size_t turn_gap = 0;  // first gap that the turn has not skipped
  // RFC 5236, hypothetical buffer.
  std::size_t awaited_gap = 0;  // first gap that the receiver has not given up
  std::uint32_t held = 0;
  std::uint32_t remembered;  // below this, gaps have been forgotten

  Open(unsigned displacement_threshold, std::uint32_t first)
      : pending(displacement_threshold + 1), turn(first), remembered(first) {}

  void restart(std::uint32_t first) {
    gaps.clear();
    pending_head = pending_count = held = 0;
    turn_gap = awaited_gap = 0;
    turn = remembered = first;
  }

  bool idle() const { return pending_count == 0 && held == 0; }

  /// The gap that holds `sequence`, or gaps.size().
  std::size_t find(std::uint32_t sequence) const {
    const auto gap = std::lower_bound(
        gaps.begin(), gaps.end(), sequence,
        [](const Gap& candidate, std::uint32_t number) { return candidate.last < number; });
    if (gap == gaps.end() || sequence < gap->first) return gaps.size();
    return static_cast<std::size_t>(gap - gaps.begin());
  }

  /// The lowest missing number at or after gap `index`; `end` when there is none.
  std::uint32_t first_missing(std::size_t index, std::uint32_t end) const {
    return index < gaps.size() ? gaps[index].first : end;
  }

  /// `sequence`, a member of gap `index`, came at `position`.
  void fill(std::size_t index, std::uint32_t sequence, std::uint32_t position) {
    for (std::size_t i = index + 1; i < gaps.size(); ++i) gaps[i].last_below = position;
    Gap& gap = gaps[index];
    if (gap.first == gap.last) {
      gaps.erase(gaps.begin() + static_cast<std::ptrdiff_t>(index));
      if (turn_gap > index) --turn_gap;
      if (awaited_gap > index) --awaited_gap;
    } else if (sequence == gap.first) {
      gap.first = sequence + 1;
      gap.last_below = position;
    } else if (sequence == gap.last) {
      gap.last = sequence - 1;
    } else {
      const Gap above{sequence + 1, gap.last, gap.passed_at, position};
      gap.last = sequence - 1;
      gaps.insert(gaps.begin() + static_cast<std::ptrdiff_t>(index) + 1, above);
      if (turn_gap > index) ++turn_gap;
      if (awaited_gap > index) ++awaited_gap;
    }
  }
};

ReorderMeter::ReorderMeter(ReorderTotals& totals, std::uint32_t first)
    : totals_(&totals), fast_next_(first), fast_start_(first), first_(first), expected_(first) {}

ReorderMeter::~ReorderMeter() = default;
ReorderMeter::ReorderMeter(ReorderMeter&& other) noexcept = default;
ReorderMeter& ReorderMeter::operator=(ReorderMeter&& other) noexcept = default;

void ReorderMeter::restart(std::uint32_t first) {
  fast_next_ = fast_start_ = first_ = expected_ = first;
  missing_ = reordered_ = run_start_ = 0;
  if (open_) open_->restart(first);
}

void ReorderMeter::arrive_slow(std::uint32_t sequence) {
  if (sequence < first_ || sequence == no_fast_path) {
    throw CheckFailure("reorder meter: packet " + std::to_string(sequence) +
                       " cannot belong to a flow that starts at " + std::to_string(first_));
  }
  leave_fast_path();
  if (sequence >= expected_) {
    ahead(sequence);
  } else {
    late(sequence);
  }
  if (!open_ || open_->idle()) fast_next_ = fast_start_ = expected_;
}

/// Packets of the fast path are in order, displaced by 0 and never held.
void ReorderMeter::leave_fast_path() {
  if (fast_next_ == no_fast_path) return;
  const std::uint32_t arrived = fast_next_ - fast_start_;
  totals_->packets += arrived;
  totals_->displacement[ReorderTotals::threshold_limit] += arrived;
  totals_->buffered[0] += arrived;
  expected_ = fast_next_;
  if (open_) open_->turn = expected_;
  fast_next_ = no_fast_path;
}

/// A packet with a higher number than all before it.
void ReorderMeter::ahead(std::uint32_t sequence) {
  if (!open_) {
    open_ = std::make_unique<Open>(totals_->displacement_threshold, first_);
    open_->turn = expected_;
  }
  if (sequence > expected_) {
    if (open_->gaps.size() == gap_limit) forget_old_gaps();
    open_->gaps.push_back({expected_, sequence - 1, position() + 1, position()});
    missing_ += sequence - expected_;
  }
  expected_ = sequence + 1;
  ++totals_->packets;
  if (open_->awaited_gap == open_->gaps.size()) {
    ++totals_->buffered[0];
  } else {
    hold();
  }
  displace(sequence);
}

/// A number below the highest: reordered, or a duplicate.
void ReorderMeter::late(std::uint32_t sequence) {
  const std::size_t index = open_ ? open_->find(sequence) : 0;
  if (!open_ || index == open_->gaps.size()) {
    ++(open_ && sequence < open_->remembered ? totals_->unclassified : totals_->duplicates);
    return;
  }
  const Gap gap = open_->gaps[index];
  const bool given_up = index < open_->awaited_gap;
  const bool awaited = index == open_->awaited_gap && sequence == gap.first;
  const bool skipped = index < open_->turn_gap;
  --missing_;
  ++totals_->packets;
  const std::uint32_t here = position();
  add_reordered(here, here - gap.passed_at, here - 1 - gap.last_below);
  open_->fill(index, sequence, here);
  if (given_up) {
    ++totals_->too_late_to_buffer;
  } else if (awaited) {
    const std::uint32_t next = open_->first_missing(open_->awaited_gap, expected_);
    open_->held -= next - sequence - 1;
    ++totals_->buffered[open_->held];
  } else {
    hold();
  }
  if (skipped) {
    ++totals_->displaced_beyond;
  } else {
    displace(sequence);
  }
}

void ReorderMeter::add_reordered(std::uint32_t position, std::uint32_t extent,
                                 std::uint32_t degree) {
  ReorderTotals& totals = *totals_;
  ++reordered_;
  const std::uint32_t in_order = position - reordered_;
  const std::uint64_t run = in_order - run_start_;
  run_start_ = in_order;
  ++totals.reordered;
  totals.extent_sum += extent;
  totals.extent_max = std::max<std::uint64_t>(totals.extent_max, extent);
  ++totals.n_reordering[std::min(degree, ReorderTotals::threshold_limit)];
  totals.n_reordering_max = std::max<std::uint64_t>(totals.n_reordering_max, degree);
  totals.run_packets += run;
  totals.run_squares += run * run;
}

/// The receiver holds one more packet; beyond its threshold it gives up what it waits for, and
/// hands over all that this sets free.
void ReorderMeter::hold() {
  Open& open = *open_;
  ++open.held;
  while (open.held > totals_->buffer_threshold) {
    const std::uint32_t resumed = open.gaps[open.awaited_gap].last + 1;
    ++open.awaited_gap;
    open.held -= open.first_missing(open.awaited_gap, expected_) - resumed;
  }
  ++totals_->buffered[open.held];
}

void ReorderMeter::displace(std::uint32_t sequence) {
  Open& open = *open_;
  const auto size = static_cast<std::uint32_t>(open.pending.size());
  const std::uint32_t tail = open.pending_head + open.pending_count++;
  open.pending[tail < size ? tail : tail - size] = sequence;
  settle_displacements(false);
}

/// Gives receive indices to pending packets as far as it is known which numbers are lost; all that
/// are missing, if this is the `last` call.
void ReorderMeter::settle_displacements(bool last) {
  Open& open = *open_;
  while (open.pending_count > 0) {
    if (open.turn == open.first_missing(open.turn_gap, expected_)) {
      if (!last && open.pending_count <= totals_->displacement_threshold) return;
      open.turn = open.gaps[open.turn_gap++].last + 1;
      continue;
    }
    const auto displaced = static_cast<std::int64_t>(open.turn) - open.pending[open.pending_head];
    if (std::abs(displaced) <= static_cast<std::int64_t>(totals_->displacement_threshold)) {
      ++totals_->displacement[static_cast<std::size_t>(ReorderTotals::threshold_limit + displaced)];
    } else {
      ++totals_->displaced_beyond;
    }
    ++open.turn;
    --open.pending_count;
    if (++open.pending_head == open.pending.size()) open.pending_head = 0;
  }
}

/// Whoever waits, waits for a gap that at most `threshold_limit` packets have passed, so both
/// waiting positions lie in the newer half.
void ReorderMeter::forget_old_gaps() {
  constexpr std::size_t forgotten = gap_limit / 2;
  static_assert(gap_limit - forgotten > ReorderTotals::threshold_limit + 1);
  Open& open = *open_;
  open.remembered = open.gaps[forgotten - 1].last + 1;
  open.gaps.erase(open.gaps.begin(), open.gaps.begin() + forgotten);
  open.turn_gap -= forgotten;
  open.awaited_gap -= forgotten;
}

void ReorderMeter::finish() {
  leave_fast_path();
  if (open_) settle_displacements(true);
  totals_->lost += missing_;
}

}  // namespace heddle
