// What the devices of a fabric that are Verilated RTL have in common: the clock, which rests while
// the RTL is idle, the pins of the ports, and waves.
//
// Such a device is derived from the model in whose place it stands, and uses its links and its
// books. Its cycle:
//
//   void RtlBox::cycle() {
//     due_.take(0, due_.size(), [](unsigned) {});
//     core.arrive(port, frame) for each that take_arrivals gives;  // 1. to the pins
//     core.edge(now());                                            // 2. the RTL decides
//     books of what arrived, was dropped, and departs (OutputPorts::book_...)  // 3.
//     core.for_each_start([&](unsigned port, const Frame& frame) { ... book_start ... });
//     if (!core.idle()) wake(some_reason, now() + 1);
//   }
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "cosim/pins.h"
#include "cosim/rtl_top.h"
#include "cosim/rtl_waves.h"
#include "kernel/environment.h"
#include "kernel/text_hash.h"

namespace heddle {

/// A frame that arrives in this cycle.
struct PortFrame {
  unsigned port;
  Frame frame;
};

template <class Top>
class RtlCore {
 public:
  /// `path`: of the device. What reset does not set begins at random, drawn from the run's seed.
  RtlCore(const Environment& environment, const std::string& path)
      : path_(path),
        clock_(environment.clock),
        top_(environment.clock.options().seed ^ text_hash(path)) {
    clear_arrivals();
  }

  Top* operator->() { return top_.operator->(); }
  const Top* operator->() const { return top_.operator->(); }

  /// As RtlWaves.
  void open_waves(const std::string& file) { top_.trace(file); }
  void close_waves() { top_.end_trace(); }

  void arrive(unsigned port, const Frame& frame) {
    if constexpr (pins::has_local_lane<Top>) {
      if (link_local(frame.kind)) {
        return arrive(port, frame, top_->local_valid_i, top_->local_frame_i);
      }
    }
    arrive(port, frame, top_->in_valid_i, top_->in_frame_i);
  }
  /// Before the edge and after it, in the order in which they were given.
  const std::vector<PortFrame>& arrived() const { return arrived_; }

  /// With all pins set.
  void reset() {
    top_.reset();
    running_ = true;
  }
  /// The rising edge of cycle `now`; before the first the reset, unless it has been given.
  void edge(Cycle now) { edge_at(now, ps(now), ps(1) / 2); }
  /// One more before it, where the RTL takes a cycle in several: in waves up to a quarter earlier.
  void edge_ahead(Cycle now) {
    aheads_ = now == ahead_of_ ? aheads_ + 1 : 0;
    ahead_of_ = now;
    const std::uint64_t step = std::max<std::uint64_t>(ps(1) / 128, 2);
    const std::uint64_t early = ps(1) / 4 - std::min(ps(1) / 4, aheads_ * step);
    edge_at(now, ps(now) - std::min(ps(now), early), step / 2);
  }
  /// The cycle is over.
  void forget_arrived() { arrived_.clear(); }

  /// Combinational outputs follow the inputs; no edge.
  void settle() { top_.settle(); }
  /// There was an edge, so outputs mean something.
  bool running() const { return running_; }

  /// Nothing happens without a new input, so there need be no edge.
  bool idle() const { return top_->idle_o != 0; }

  /// Calls f(port, frame) for what starts on the links in this cycle.
  template <class F>
  void for_each_start(F&& f) const {
    for (std::uint64_t starts = top_->out_sop_o; starts != 0; starts &= starts - 1) {
      const auto port = static_cast<unsigned>(__builtin_ctzll(starts));
      f(port, pins::get_frame(top_->out_frame_o, port));
    }
  }

 private:
  template <class Valid, class Frames>
  void arrive(unsigned port, const Frame& frame, Valid& valid, Frames& frames) {
    if (pins::get_bits(valid, port, 1) != 0) {
      throw CheckFailure(fmt::format("{}: two frames arrive in a cycle at port {}", path_, port));
    }
    pins::set_bits(valid, port, 1, 1);
    pins::set_frame(frames, port, frame);
    arrived_.push_back({port, frame});
  }
  void clear_arrivals() {
    pins::set(top_->in_valid_i, 0);
    if constexpr (pins::has_local_lane<Top>) pins::set(top_->local_valid_i, 0);
  }

  void edge_at(Cycle now, std::uint64_t time_ps, std::uint64_t high_ps) {
    if constexpr (pins::has_clock_pin<Top>) pins::set(top_->now_i, now);
    if (!running_) reset();
    top_.edge_at(time_ps, high_ps);
    clear_arrivals();
  }
  /// As Heddle's own waves have it.
  std::uint64_t ps(Cycle cycle) const {
    return cycle * clock_.options().period_ps / clock_.options().period_cycles;
  }

  std::string path_;
  const Clock& clock_;
  RtlTop<Top> top_;
  bool running_ = false;
  Cycle ahead_of_ = never;    ///< the latest that had an edge ahead
  std::uint64_t aheads_ = 0;  ///< more of them
  std::vector<PortFrame> arrived_;
};

}  // namespace heddle
