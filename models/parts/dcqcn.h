// DCQCN, the rate control of RoCEv2 queue pairs: Zhu et al., "Congestion Control for Large-Scale
// RDMA Deployments", SIGCOMM 2015. The sender (reaction point) and the receiver's notification
// point. The marking switch (congestion point) is parts/ecn.h.
//
// Clockless: the caller says what cycle it is. Timers are applied lazily and in order, so a queue
// pair that is silent costs nothing; expiries up to and including cycle `now` have happened after
// `advance(now)`. Rates are in bytes per cycle.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernel/fields.h"

namespace heddle {

struct DcqcnConfig {
  Duration alpha_timer = 55_us;
  Duration decrease_interval = 50_us;
  Duration increase_timer = 55_us;
  Duration cnp_interval = 50_us;
  Bytes byte_counter = 10'000'000_B;
  double gain = 1.0 / 256;
  std::uint64_t fast_recovery_rounds = 5;
  Rate additive_increase = 5_Mbps;
  Rate hyper_increase = 50_Mbps;
  Rate minimum_rate = 100_Mbps;

  void describe(Fields& fields);
};

/// The configuration in cycles and bytes per cycle, for one line rate and one clock. All queue
/// pairs of a port share one.
struct DcqcnRules {
  /// `cycle` is the clock's period. Timers are rounded up to whole cycles, at least one.
  DcqcnRules(const DcqcnConfig& config, Rate line, Duration cycle);

  double line_rate;
  double minimum_rate;
  double additive_increase;
  double hyper_increase;
  double gain;
  Cycle alpha_cycles;
  Cycle decrease_cycles;
  Cycle increase_cycles;
  Cycle cnp_cycles;
  std::uint64_t byte_counter;
  std::uint32_t fast_recovery_rounds;
};

/// The reaction point of one queue pair.
///
/// Starts at line rate with its timers at rest (section 3: no slow start, no limit before the
/// first notification). A CNP
///  - cuts (equation 1): target = rate, rate *= 1 - alpha/2, then alpha = (1-g) alpha + g; and
///    restarts both timers, the byte counter and the rounds of increase. The first one finds
///    alpha = 1. The rate never falls below the minimum.
///  - is put off to the end of `decrease_interval` when the last cut is younger than that; several
///    in one interval are one (the rate-decrease interval of adapters, as in the DCQCN of the HPCC
///    authors' simulator). It is not forgotten.
/// With no cut for `alpha_timer`, and again each such time: alpha *= 1-g (equation 2).
/// Each `increase_timer` and each `byte_counter` bytes is one round of increase (section
/// 3). With T and B the rounds by timer and by bytes since the cut, this one included:
///  - max(T, B) <= F, fast recovery: rate = (rate + target) / 2 (equation 3), F rounds of it by
///    either counter alone;
///  - min(T, B) > F, hyper increase: target += hyper_increase first;
///  - else additive increase: target += additive_increase first (equation 4).
/// (Rounds are counted so that F whole rounds are fast recovery, as the text of section 3 has it.)
/// The target never exceeds line rate. Within one cycle: cut, alpha, increase, then what the caller
/// reports.
class Dcqcn {
 public:
  explicit Dcqcn(const DcqcnRules& rules)
      : rules_(&rules), rate_(rules.line_rate), target_(rules.line_rate) {}

  /// Applies every timer that ran out up to and including `now`. `now` must not go backwards.
  void advance(Cycle now) {
    if (now >= next_due_) expire(now);
  }

  /// A congestion notification arrived at `now`.
  void on_cnp(Cycle now);

  /// `bytes` were put on the wire; `advance` has been called for the cycle in which they were.
  void on_sent(std::uint64_t bytes) {
    if (next_due_ == never) return;  // at rest: there is nothing to recover from
    sent_ += bytes;
    if (sent_ >= rules_->byte_counter) count_bytes();
  }

  double rate() const { return rate_; }
  double target_rate() const { return target_; }
  double alpha() const { return alpha_; }

 private:
  void expire(Cycle now);
  void cut(Cycle now);
  void count_bytes();
  void increase(std::uint32_t& rounds);
  void schedule() { next_due_ = std::min({cut_due_, alpha_due_, increase_due_}); }

  const DcqcnRules* rules_;
  double rate_;
  double target_;
  double alpha_ = 1;
  Cycle next_due_ = never;  // the earliest of the following three
  Cycle cut_due_ = never;   // a notification waits for the decrease interval to end
  Cycle alpha_due_ = never;
  Cycle increase_due_ = never;
  Cycle decrease_allowed_ = 0;      // the decrease interval after the last cut ends
  std::uint64_t sent_ = 0;          // since the byte counter last ran out
  std::uint32_t timer_rounds_ = 0;  // both saturate just beyond fast recovery
  std::uint32_t byte_rounds_ = 0;
};

/// The notification point of one queue pair: a marked packet causes a CNP unless one was sent
/// within the last `cnp_interval` (section 3).
class CnpLimiter {
 public:
  /// A packet marked "congestion experienced" arrived at `now`; true when a CNP must be sent.
  bool on_marked(const DcqcnRules& rules, Cycle now) {
    if (now < next_) return false;
    next_ = now + rules.cnp_cycles;
    return true;
  }

 private:
  Cycle next_ = 0;
};

}  // namespace heddle
