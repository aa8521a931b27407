// What the endpoints of a torus observe of remote memory together, by distance. Every entry is an
// integer sum, so the order of writing cannot matter.
#pragma once

#include <cstdint>
#include <vector>

#include "kernel/histogram.h"
#include "kernel/units.h"

namespace heddle {

class TorusMemoryLog {
 public:
  /// Transactions taken before `from` leave no trace.
  explicit TorusMemoryLog(Cycle from = 0) : from_(from) {}

  /// A transaction that an endpoint took in cycle `taken` is answered in cycle `now`; `hops`: links
  /// between the routers of the two nodes.
  void done(bool write, unsigned hops, std::uint64_t bytes, Cycle taken, Cycle now) {
    if (taken < from_) return;
    (write ? writes_ : reads_).add(now - taken);
    (write ? bytes_written_ : bytes_read_) += bytes;
    if (by_hops_.size() <= hops) by_hops_.resize(hops + 1);
    by_hops_[hops].add(now - taken);
    last_done_ = now > last_done_ ? now : last_done_;
  }

  const Histogram& reads() const { return reads_; }
  const Histogram& writes() const { return writes_; }
  /// Reads and writes; as many as the largest distance seen, and one.
  const std::vector<Histogram>& by_hops() const { return by_hops_; }
  std::uint64_t bytes_read() const { return bytes_read_; }
  std::uint64_t bytes_written() const { return bytes_written_; }
  Cycle last_done() const { return last_done_; }

 private:
  Cycle from_;
  Histogram reads_;
  Histogram writes_;
  std::vector<Histogram> by_hops_;
  std::uint64_t bytes_read_ = 0;
  std::uint64_t bytes_written_ = 0;
  Cycle last_done_ = 0;
};

}  // namespace heddle
