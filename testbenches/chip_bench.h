// A chip that executes hand-made streams, and an observer that writes down what its cores do.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "accelerator/chip.h"
#include "device_bench.h"
#include "engine/programs/kernel_file.h"

namespace heddle::testing {

/// An instruction with what it waits for and signals: `Step(...).after(0).then(1, 2)`.
struct Step {
  Instruction what;

  Step& after(std::uint16_t semaphore, std::uint16_t count = 1) {
    return add(what.waits, semaphore, count);
  }
  Step& then(std::uint16_t semaphore, std::uint16_t count = 1) {
    return add(what.signals, semaphore, count);
  }

 private:
  Step& add(std::array<SemaphoreUse, 3>& uses, std::uint16_t semaphore, std::uint16_t count) {
    unsigned i = 0;
    while (uses[i].count != 0) ++i;
    uses[i] = {semaphore, count};
    return *this;
  }
};

inline Step load(std::uint16_t rows = 128, std::uint16_t columns = 128,
                 DataType type = DataType::bf16) {
  Step step;
  step.what.opcode = Opcode::load_stationary;
  step.what.rows = rows;
  step.what.columns = columns;
  step.what.type = type;
  return step;
}
inline Step pass(std::uint32_t columns, std::uint8_t bank = 0, DataType type = DataType::bf16) {
  Step step;
  step.what.opcode = Opcode::multiply_moving;
  step.what.elements = columns;
  step.what.psum_bank = bank;
  step.what.type = type;
  return step;
}
inline Step elementwise(std::uint32_t elements, std::uint8_t bank = no_bank) {
  Step step;
  step.what.opcode = Opcode::elementwise;
  step.what.elements = elements;
  step.what.psum_bank = bank;
  return step;
}
inline Step transfer(std::uint64_t bytes, std::uint64_t address = 0, std::uint8_t queue = 0,
                     bool write = false) {
  Step step;
  step.what.opcode = Opcode::transfer;
  step.what.bytes = bytes;
  step.what.address = address;
  step.what.queue = queue;
  step.what.write = write;
  return step;
}
inline Step remote(std::uint64_t bytes, std::uint64_t address, std::uint8_t queue = 0) {
  Step step = transfer(bytes, address, queue);
  step.what.remote = true;
  return step;
}
inline Step barrier(std::uint64_t bytes = 0) {
  Step step;
  step.what.opcode = Opcode::barrier;
  step.what.bytes = bytes;
  return step;
}
inline Step pause() { return {}; }

/// A kernel of the same semaphores for all: `initial` of each.
struct Streams {
  std::vector<std::uint32_t> initial;
  Kernel kernel;

  Streams& add(Engine engine, const Step& step, unsigned times = 1) {
    kernel.stream(engine).insert(kernel.stream(engine).end(), times, step.what);
    return *this;
  }
};

/// Writes down what the cores of a chip do.
class CoreSpy : public CoreObserver {
 public:
  struct Span {
    unsigned core;
    Engine engine;
    Opcode opcode;
    Cycle begin;
    Cycle released;
    Cycle end;
  };
  struct Wait {
    Engine engine;
    CycleCause cause;
    std::string semaphore;
    Cycle begin;
    Cycle end;
  };

  void instruction(const CoreSpan& span) override {
    spans.push_back(
        {span.core, span.engine, span.instruction->opcode, span.begin, span.released, span.end});
  }
  void waited(unsigned, Engine engine, CycleCause cause, const std::string& semaphore, Cycle begin,
              Cycle end) override {
    waits.push_back({engine, cause, semaphore, begin, end});
  }
  void transfer(unsigned, const FinishedTransfer& transfer) override {
    transfers.push_back(transfer);
  }
  void dependency(const CoreDependency& dependency) override { arrows.push_back(dependency); }
  void throttle(unsigned, Cycle at, double limit) override { limits.emplace_back(at, limit); }

  /// In the order of starting.
  std::vector<Span> of(Engine engine, unsigned core = 0) const {
    std::vector<Span> all;
    for (const Span& span : spans) {
      if (span.engine == engine && span.core == core) all.push_back(span);
    }
    return all;
  }
  Cycle begin(Engine engine, std::size_t number) const { return of(engine).at(number).begin; }

  std::vector<Span> spans;
  std::vector<Wait> waits;
  std::vector<FinishedTransfer> transfers;
  std::vector<CoreDependency> arrows;
  std::vector<std::pair<Cycle, double>> limits;
};

/// 2.4 GHz.
inline ClockOptions core_clock() {
  ClockOptions options;
  options.period_ps = 1250;
  options.period_cycles = 3;
  return options;
}

/// One core, an array that is not throttled, and a memory that does not refresh.
inline AcceleratorConfig one_core() {
  AcceleratorConfig config;
  config.cores = 1;
  config.memory.stack.refresh_interval = 1_s;
  config.throttle.enabled = false;
  return config;
}

class ChipBench {
 public:
  ChipBench(const AcceleratorConfig& config, const Streams& streams,
            const ClockOptions& options = core_clock(), Chip::Collective collective = {})
      : clock_("clock", options),
        hand_(streams.kernel),
        program_(hand_, config.cores),
        chip_("chip0", clock_, config, names(streams), program_, std::move(collective)) {
    for (const auto& core : chip_.cores()) core->observe(&spy_);
  }
  ChipBench(const AcceleratorConfig& config, std::vector<SemaphoreInfo> semaphores,
            KernelSource& program, const ClockOptions& options = core_clock())
      : clock_("clock", options),
        program_(hand_, config.cores),
        chip_("chip0", clock_, config, semaphores, program, {}) {
    for (const auto& core : chip_.cores()) core->observe(&spy_);
  }

  /// Up to and including cycle `last`.
  void run(Cycle last) {
    if (!started_) clock_.start();
    started_ = true;
    sc_core::sc_start(clock_.time_of(last + 1) - sc_core::sc_time_stamp());
    if (clock_.failure()) std::rethrow_exception(clock_.failure());
  }
  /// Until the chip is done, and everything under way is over; then the laws are checked.
  void finish(Cycle most = 10'000'000) {
    Cycle last = 0;
    while (!chip_.done() && last < most) run(last += 1000);
    std::vector<std::string> lines;
    for (const auto& core : chip_.cores()) core->waits(lines);
    ASSERT_TRUE(chip_.done()) << (lines.empty() ? "" : lines.front());
    run(std::max(last, chip_.finished_at()) + 1);
    check_laws();
  }
  /// Every cycle of every engine has one cause, whenever one looks.
  void check_laws() {
    const Cycle end = std::max(chip_.finished_at(), clock_.now() + 1);
    for (const auto& core : chip_.cores()) {
      core->verify(chip_.done());
      for (unsigned e = 0; e < engine_count; ++e) {
        core->account(static_cast<Engine>(e), end).verify(end);
      }
      for (unsigned e = 0; e < core->dma().engines(); ++e) core->dma().account(e, end).verify(end);
    }
    for (const auto& memory : chip_.memories()) memory->verify(chip_.done());
  }

  Clock& clock() { return clock_; }
  Chip& chip() { return chip_; }
  AcceleratorCore& core(unsigned number = 0) { return *chip_.cores()[number]; }
  const CoreSpy& spy() const { return spy_; }
  Cycle spent(Engine engine, CycleCause cause, unsigned number = 0) {
    return core(number).account(engine, chip_.finished_at()).cycles(cause);
  }

 private:
  static std::vector<SemaphoreInfo> names(const Streams& streams) {
    std::vector<SemaphoreInfo> all;
    for (std::size_t s = 0; s < streams.initial.size(); ++s) {
      all.push_back({std::string(1, static_cast<char>('a' + s)), streams.initial[s]});
    }
    return all;
  }

  Clock clock_;
  Kernel hand_;
  HandProgram program_;
  Chip chip_;
  CoreSpy spy_;
  bool started_ = false;
};

}  // namespace heddle::testing
