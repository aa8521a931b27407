// The controller of one DRAM channel: queues of reads and writes, and which command is next.
//
//  - Turns. Reads and writes are served in batches, because each change of direction costs the data
//    bus about write_to_read + read_latency cycles: a direction keeps its turn until its queue is
//    empty, or `batch` accesses have been served and others wait. Both directions have the same
//    right: what spills is written as often as it is read, and neither can starve.
//  - Column commands: first ready, first served (Rixner et al., ISCA 2000): the oldest access of
//    the first `window` whose row is open, so that rows are used while they are open. An access
//    that `age_limit` younger ones have overtaken goes before all others.
//  - Row commands: the oldest access whose bank is not open at its row closes or opens it, unless
//    an access in the window still hits the open row. When those of this direction need none,
//    banks are prepared for the other one.
//
// Clockless: `advance` does what a cycle may do, and says when to come back. Coming back earlier
// does no harm and changes nothing.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "parts/dram_timing.h"

namespace heddle {

/// Bursts of one row.
struct DramAccess {
  std::uint32_t row;
  std::uint16_t bank;
  bool opened = false;  ///< a row was opened for it: a miss
  std::uint32_t data_cycles;
  std::uint32_t overtaken = 0;
  std::uint32_t tag;  ///< whose it is: given back when it is served
};

class DramScheduler {
 public:
  struct Policy {
    std::uint32_t queue;  ///< accesses held at most, per direction
    std::uint32_t window;
    std::uint32_t batch;
    std::uint32_t age_limit;
  };
  struct Counts {
    std::uint64_t row_hits = 0;
    std::uint64_t row_misses = 0;
    std::uint64_t turns = 0;
    std::uint64_t data_cycles = 0;
  };

  DramScheduler(const DramTiming& timing, unsigned banks, Cycle first_refresh,
                const Policy& policy);

  bool full(bool write) const { return queues_[write].size() == policy_.queue; }
  bool idle() const { return queues_[0].empty() && queues_[1].empty(); }

  /// The queue must not be full. The access takes part from the next `advance` on.
  void push(bool write, const DramAccess& access) { queues_[write].push_back(access); }

  /// Issues at most one row and one column command in cycle `now`. Calls served(tag, end) for the
  /// access whose column command was issued; `end` is the cycle after its last data. Returns the
  /// next cycle in which something can happen without a new access; `never` when idle.
  template <class Served>
  Cycle advance(Cycle now, Served&& served) {
    if (idle()) return never;
    channel_.refresh_until(now);
    take_turns();
    Cycle next = channel_.refresh_due();
    const Choice column = choose_column(now);
    next = std::min(next, column.next);
    if (column.issue) {
      const DramAccess access = take(column.index);
      served(access.tag, channel_.column(access.bank, write_turn_, Cycle{access.data_cycles}, now));
      if (idle()) return never;
    }
    return std::min(next, issue_row_command(now));
  }

  const Counts& counts() const { return counts_; }
  std::uint64_t refreshes(Cycle now) const { return channel_.refreshes(now); }
  std::size_t queued(bool write) const { return queues_[write].size(); }

  const Policy& policy() const { return policy_; }
  /// Between two cycles; the queues keep their length.
  void set_policy(const Policy& policy) { policy_ = policy; }

  void attach(DramProbe* probe) { channel_.attach(probe); }

 private:
  using Queue = std::vector<DramAccess>;
  struct Choice {
    bool issue;
    std::size_t index;
    Cycle next;
  };

  void take_turns();
  Choice choose_column(Cycle now) const;
  DramAccess take(std::size_t index);
  Cycle issue_row_command(Cycle now);
  /// Accesses of a queue that may be served now, oldest first.
  std::size_t candidates(const Queue& queue) const;
  std::uint64_t banks_hit(const Queue& queue) const;

  Policy policy_;
  DramChannel channel_;
  std::array<Queue, 2> queues_;  // reads, writes; oldest first
  bool write_turn_ = false;
  std::uint32_t served_in_turn_ = 0;
  Counts counts_;
};

}  // namespace heddle
