// A Verilated module with its own context, clock and waves: what lockstep tests and the devices in
// RTL of a fabric have in common.
#pragma once

#include <verilated.h>
#include <verilated_fst_c.h>

#include <cstdint>
#include <memory>
#include <string>

namespace heddle {

template <class Top>
class RtlTop {
 public:
  /// What reset does not set begins at random, drawn from `seed`.
  explicit RtlTop(std::uint64_t seed) {
    context_.randReset(2);
    context_.randSeed(static_cast<int>(seed % 0x7fff'ffff + 1));  // 0 would mean: none
    context_.traceEverOn(true);
    top_ = std::make_unique<Top>(&context_);
  }
  ~RtlTop() { end_trace(); }
  RtlTop(const RtlTop&) = delete;
  RtlTop& operator=(const RtlTop&) = delete;

  Top* operator->() { return top_.get(); }
  const Top* operator->() const { return top_.get(); }

  /// Combinational outputs follow the inputs.
  void settle() { top_->eval(); }

  /// The rising edge: registers take their next value; outputs follow.
  void edge() {
    edge_at(context_.time(), 1);
    context_.timeInc(1);
  }
  /// The same at a time of the waves, in picoseconds, and the falling edge so long after it.
  void edge_at(std::uint64_t time_ps, std::uint64_t high_ps) {
    context_.time(time_ps);
    top_->clk_i = 1;
    evaluate();
    context_.timeInc(high_ps);
    top_->clk_i = 0;
    evaluate();
  }

  /// Inputs other than reset are as they were left.
  void reset() {
    top_->clk_i = 0;
    top_->rst_ni = 0;
    edge();
    edge();
    top_->rst_ni = 1;
    settle();
  }

  /// Waves in GTKWave's format from now on.
  void trace(const std::string& path) {
    waves_ = std::make_unique<VerilatedFstC>();
    top_->trace(waves_.get(), 99);
    waves_->open(path.c_str());
  }

  void end_trace() {
    if (waves_) waves_->close();
    waves_.reset();
  }

 private:
  void evaluate() {
    top_->eval();
    if (waves_) waves_->dump(context_.time());
  }

  VerilatedContext context_;
  std::unique_ptr<Top> top_;
  std::unique_ptr<VerilatedFstC> waves_;
};

}  // namespace heddle
