// Where the cycles of an engine went. Each cycle has one cause, so the parts sum to the whole;
// verify() holds them against it. A cycle in which an engine waits for another one that waits
// itself has the cause of that one: what is named is what everybody waits for.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>

#include "kernel/error.h"
#include "kernel/units.h"

namespace heddle {

enum class CycleCause : std::uint8_t {
  busy,    ///< it works
  load,    ///< tensor: nothing streams, a stationary operand is being loaded
  drain,   ///< tensor: the last sums leave the array
  tensor,  ///< waits for a semaphore that the tensor engine signals
  vector,
  scalar,
  gpsimd,
  sync,
  dma,         ///< waits for a transfer: queue, start, or the DMA engines' own rate
  hbm,         ///< waits for a transfer whose memory is slower than the DMA engines
  torus,       ///< waits for a transfer from or to another chip
  barrier,     ///< waits for the chip's other cores
  collective,  ///< waits for the other chips
  psum_bank,   ///< another engine uses the PSUM bank
  sbuf_port,   ///< another engine uses the SBUF port that both share
  throttle,    ///< the droop throttle holds the array back
  idle         ///< its stream is over, or has not begun
};
inline constexpr unsigned cycle_cause_count = 17;
inline constexpr std::array<const char*, cycle_cause_count> cycle_cause_names{
    "busy", "load",  "drain",   "tensor",     "vector",    "scalar",    "gpsimd",   "sync", "dma",
    "hbm",  "torus", "barrier", "collective", "psum_bank", "sbuf_port", "throttle", "idle"};

class CycleAccount {
 public:
  /// The cycles up to `until` (exclusive) that have no cause yet have this one.
  void book(CycleCause cause, Cycle until) {
    if (until <= booked_until_) return;
    cycles_[static_cast<unsigned>(cause)] += until - booked_until_;
    booked_until_ = until;
    if (!latest_.empty() && latest_.back().cause == cause) {
      latest_.back().until = until;
    } else {
      latest_.push_back({cause, until});
    }
  }

  /// Calls f(cause, until) for what the cycles from booked_until() of somebody else, `from`, up to
  /// `to` were booked to here, as far as that is known.
  template <class F>
  void for_each_since(Cycle from, Cycle to, F&& f) const {
    for (const Stretch& stretch : latest_) {
      if (stretch.until <= from) continue;
      f(stretch.cause, std::min(stretch.until, to));
      if (stretch.until >= to) return;
    }
  }
  /// Nobody will ask for cycles before this one.
  void forget(Cycle before) {
    while (latest_.size() > 1 && latest_.front().until <= before) latest_.pop_front();
  }

  /// The account of the cycles before `end`: what is booked beyond it, for what goes on, is of
  /// cause `cause` and taken off.
  CycleAccount before(Cycle end, CycleCause cause) const {
    CycleAccount account = *this;
    if (booked_until_ <= end) return account;
    account.cycles_[static_cast<unsigned>(cause)] -= booked_until_ - end;
    account.booked_until_ = end;
    return account;
  }

  Cycle booked_until() const { return booked_until_; }
  Cycle cycles(CycleCause cause) const { return cycles_[static_cast<unsigned>(cause)]; }

  Cycle total() const {
    Cycle sum = 0;
    for (const Cycle cycles : cycles_) sum += cycles;
    return sum;
  }

  /// Throws CheckFailure unless each of the first `end` cycles has exactly one cause.
  void verify(Cycle end) const {
    if (total() != end || booked_until_ != end) {
      throw CheckFailure("the causes of an engine's cycles do not add up to its cycles");
    }
  }

 private:
  /// Cycles in a row with one cause.
  struct Stretch {
    CycleCause cause;
    Cycle until;
  };

  std::array<Cycle, cycle_cause_count> cycles_{};
  Cycle booked_until_ = 0;
  std::deque<Stretch> latest_;  // in order of time
};

}  // namespace heddle
