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
        period_ps_(environment.clock.options().period_ps),
        top_(environment.clock.options().seed ^ text_hash(path)) {
    pins::set(top_->in_valid_i, 0);
    pins::set(top_->local_valid_i, 0);
  }

  Top* operator->() { return top_.operator->(); }
  const Top* operator->() const { return top_.operator->(); }

  /// As RtlWaves.
  void open_waves(const std::string& file) { top_.trace(file); }
  void close_waves() { top_.end_trace(); }

  void arrive(unsigned port, const Frame& frame) {
    const bool local = link_local(frame.kind);
    auto& valid = local ? top_->local_valid_i : top_->in_valid_i;
    if (pins::get_bits(valid, port, 1) != 0) {
      throw CheckFailure(fmt::format("{}: two frames arrive in a cycle at port {}", path_, port));
    }
    pins::set_bits(valid, port, 1, 1);
    pins::set_frame(local ? top_->local_frame_i : top_->in_frame_i, port, frame);
    arrived_.push_back({port, frame});
  }
  /// Before the edge and after it, in the order in which they were given.
  const std::vector<PortFrame>& arrived() const { return arrived_; }

  /// With all pins set.
  void reset() {
    top_.reset();
    running_ = true;
  }
  /// The rising edge of cycle `now`; before the first the reset, unless it has been given.
  void edge(Cycle now) { edge_at(now, now * period_ps_, period_ps_ / 2); }
  /// One more before it, where the RTL takes a cycle in several: in waves a quarter earlier.
  void edge_ahead(Cycle now) { edge_at(now, now * period_ps_ - period_ps_ / 4, period_ps_ / 8); }
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
  void edge_at(Cycle now, std::uint64_t time_ps, std::uint64_t high_ps) {
    pins::set(top_->now_i, now);
    if (!running_) reset();
    top_.edge_at(time_ps, high_ps);
    pins::set(top_->in_valid_i, 0);
    pins::set(top_->local_valid_i, 0);
  }

  std::string path_;
  std::uint64_t period_ps_;
  RtlTop<Top> top_;
  bool running_ = false;
  std::vector<PortFrame> arrived_;
};

}  // namespace heddle
