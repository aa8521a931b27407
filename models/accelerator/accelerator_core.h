// A core of an accelerator: tensor, vector, scalar, general and sync engines, each with an
// instruction stream of its own, on one scratchpad (SBUF), a banked memory for sums (PSUM), and
// DMA engines. Counting semaphores are all that orders two engines.
//
//  - An engine takes the instructions of its stream in order. An instruction starts when its
//    semaphores have what it waits for, which it takes, and its resources are free. It signals
//    when it is done; others see that `semaphore_cycles` later.
//  - Tensor engine: parts/systolic_timing.h (ArrayPipeline), behind the droop throttle. It goes on
//    to its next instruction in the cycle after a start, so that a stationary tile loads behind
//    the pass before.
//  - Vector, scalar and general engine: instruction_cycles + elements, in cycles of their own
//    clock. An instruction that reads sums has their PSUM bank for itself, as the array has the
//    bank that its sums go to; the vector and the general engine share a port of SBUF.
//  - Every cycle of every engine has one cause (parts/cycle_account.h).
//
// The core computes no values: parts/pe_grid.h does.
//
// Cycle behaviour: signals that are due in a cycle are given before instructions start in it. Of
// two engines that want the same semaphore, bank or port in a cycle, the one that is named first
// above gets it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <queue>
#include <string>
#include <vector>

#include "accelerator/accelerator_config.h"
#include "accelerator/dma_engines.h"
#include "kernel/device.h"
#include "parts/cycle_account.h"
#include "parts/droop_throttle.h"
#include "parts/instruction.h"
#include "parts/systolic_timing.h"

namespace heddle {

/// What a core has done in a kernel.
struct KernelRecord {
  std::string name;
  std::uint64_t flops = 0;
  std::uint64_t bytes_read = 0;
  std::uint64_t bytes_written = 0;
  Cycle begin = never;  ///< first instruction
  Cycle end = 0;        ///< when the last one is done
};

/// What an engine or a DMA queue does, as a timeline shows it.
struct CoreSpan {
  unsigned core;
  Engine engine;
  const Instruction* instruction;
  const std::string* kernel;
  Cycle begin;
  Cycle released;  ///< when the engine, or the array's entrance, is free for the next one
  Cycle end;       ///< when it is done
};

/// An instruction that has waited for a semaphore starts.
struct CoreDependency {
  unsigned core;
  bool transfer;  ///< signalled by a transfer of `queue`, else by `from` in its `signaller`
  Engine from;
  Opcode signaller;
  unsigned queue;
  Cycle signalled;  ///< last cycle of what has signalled, as the timeline shows it
  Engine to;
  Opcode waiter;
  Cycle at;  ///< its first cycle
};

/// Sees what the cores do: timelines attach here.
class CoreObserver {
 public:
  virtual ~CoreObserver() = default;
  virtual void instruction(const CoreSpan& span) = 0;
  virtual void waited(unsigned core, Engine engine, CycleCause cause, const std::string& semaphore,
                      Cycle begin, Cycle end) = 0;
  virtual void transfer(unsigned core, const FinishedTransfer& transfer) = 0;
  virtual void dependency(const CoreDependency& dependency) = 0;
  /// The share of time that the array may work from now on.
  virtual void throttle(unsigned core, Cycle at, double limit) = 0;
};

/// The other cores of a chip, and the other chips.
class ChipLink {
 public:
  virtual ~ChipLink() = default;
  /// Core `core` is at a barrier in cycle `now`. When all are, each one's `arrived` is called.
  virtual void arrive(unsigned core, std::uint64_t bytes, Cycle now) = 0;
};

class AcceleratorCore : public Device {
 public:
  AcceleratorCore(const sc_core::sc_module_name& module_name, Clock& clock,
                  const AcceleratorConfig& config, unsigned number,
                  std::vector<SemaphoreInfo> semaphores, KernelSource& program);

  /// Where a memory stack's target socket is bound to; then that of other chips' memory.
  DmaEngines::Socket& memory_socket(unsigned stack) { return dma_.socket(stack); }
  DmaEngines::Socket& remote_socket() { return dma_.socket(dma_.remote_socket()); }
  void connect(ChipLink& chip) { chip_ = &chip; }
  void observe(CoreObserver* observer) { observer_ = observer; }

  /// The barrier that this core waits at is over: its instruction signals in cycle `at`, later than
  /// now. From `collective_from` on it was for other chips; never: it was not.
  void release_barrier(Cycle at, Cycle collective_from);

  /// The stream of each engine is over, and everything is done.
  bool done() const;
  /// The latest cycle in which something has happened, or is going on.
  Cycle last_progress() const {
    return std::max(last_progress_, std::min(present(), finished_at()));
  }
  /// Of the cycles before `end`, the latest that has begun or one after it.
  CycleAccount account(Engine engine, Cycle end) const;
  /// Cycles that an engine has waited for a semaphore.
  Cycle waited_for(Engine engine, unsigned semaphore) const {
    return state(engine).waited[semaphore];
  }
  const std::vector<SemaphoreInfo>& semaphores() const { return semaphore_names_; }
  const DmaEngines& dma() const { return dma_; }
  const DroopThrottle& throttle() const { return throttle_; }
  ArrayCycles array_cycles(Cycle end) const { return array_.cycles(end); }
  std::uint64_t instructions(Engine engine) const { return state(engine).executed; }
  std::uint64_t flops() const { return flops_; }
  const std::deque<KernelRecord>& kernels() const { return records_; }
  /// First cycle in which nothing that has begun is under way any more.
  Cycle finished_at() const { return std::max(finished_at_, dma_.busy_until()); }
  /// Over every instruction that has started and its cycle.
  std::uint64_t hash() const { return hash_; }

  void waits(std::vector<std::string>& lines) const override;
  std::vector<BufferView> buffers() const override { return {}; }
  std::vector<StateView> state() const override;
  FrameBalance balance() const override { return {}; }
  void verify(bool drained) const override;

 private:
  static constexpr std::uint16_t no_semaphore = 0xffff;

  /// Who has signalled a semaphore last.
  struct Blame {
    CycleCause cause = CycleCause::idle;
    Cycle at = 0;           ///< of the signal
    Cycle shown_until = 0;  ///< when its instruction or transfer ends on a timeline
    Opcode opcode = Opcode::wait;
    unsigned queue = 0;     ///< of a transfer
    bool transfer = false;  ///< then `times` and `poster` say more
    Engine poster = Engine::sync;
    TransferTimes times;
    Cycle collective_from = never;  ///< of a barrier
  };
  struct Semaphore {
    std::uint32_t count = 0;
    Blame blame;
  };
  struct State {
    std::uint32_t kernel = 0;    ///< number of the kernel it is in
    std::uint32_t position = 0;  ///< in its stream there
    unsigned waits_met = 0;      ///< of the next instruction
    bool over = false;
    CycleCause waiting = CycleCause::idle;  ///< what for, unless it is a semaphore
    std::uint16_t semaphore = no_semaphore;
    Cycle free_at = 0;
    std::uint64_t executed = 0;
    CycleAccount account;
    std::vector<Cycle> waited;          ///< by semaphore
    std::array<Blame, 3> dependencies;  ///< of the next instruction, for the observer
    unsigned dependency_count = 0;
  };
  /// An instruction that is done in cycle `at`.
  struct Completion {
    Cycle at;
    std::uint64_t order;
    Engine engine;
    Opcode opcode;
    Cycle released;
    std::array<SemaphoreUse, 3> signals;
    bool operator>(const Completion& other) const {
      return at != other.at ? at > other.at : order > other.order;
    }
  };
  struct Bank {
    Cycle busy_until = 0;
    Engine user = Engine::tensor;
  };
  /// When an instruction may start, and what it waits for until then.
  struct Ready {
    Cycle at;
    CycleCause cause;
  };

  State& state(Engine engine) { return states_[static_cast<unsigned>(engine)]; }
  const State& state(Engine engine) const { return states_[static_cast<unsigned>(engine)]; }

  void cycle() override;
  void describe(RegisterMap& map) override;
  DeviceKind device_kind() const override { return DeviceKind::accelerator_core; }

  void take_transfers();
  void take_completions();
  void issue(Engine engine);
  const Instruction* next_instruction(Engine engine);
  bool take_semaphores(Engine engine, const Instruction& next);
  void wait_for(Engine engine, CycleCause cause, std::uint16_t semaphore);
  void book_wait(Engine engine);
  void book_semaphore(Engine engine, const Blame& blame);
  void forget_causes();
  void book_engine(Engine engine, Engine by, Cycle until);
  Ready ready(Engine engine, const Instruction& next) const;
  Ready multiply_ready(const Instruction& next) const;
  Ready elementwise_ready(Engine engine, const Instruction& next) const;
  void start(Engine engine, const Instruction& next);
  /// When its resources are free again, and when it is done.
  struct Course {
    Cycle released;
    Cycle done;
  };
  Course begin(Engine engine, const Instruction& next);
  Course start_load(const Instruction& next);
  Course start_multiply(const Instruction& next);
  Course start_elementwise(Engine engine, const Instruction& next);
  void complete(Engine engine, const Instruction& instruction, Cycle released, Cycle at);
  void show_dependencies(Engine engine, const Instruction& next);
  void signal(const SemaphoreUse& use, const Blame& blame);
  Cycle engine_cycles(Engine engine, std::uint64_t own_cycles) const;
  Kernel* kernel(std::uint32_t number);
  void drop_kernels();
  KernelRecord& record(std::uint32_t number) { return records_[number]; }
  std::string waits_line(Engine engine) const;
  std::string who_signals(std::uint16_t semaphore) const;

  unsigned answers_reason() const { return engine_count + dma_.engines(); }
  unsigned barrier_reason() const { return answers_reason() + 1; }

  AcceleratorConfig config_;
  unsigned number_;
  KernelSource& program_;
  ChipLink* chip_ = nullptr;
  CoreObserver* observer_ = nullptr;
  std::array<std::uint64_t, engine_count> clock_hertz_{};

  std::deque<Kernel> kernels_;  // those that some engine is in; the first has number first_kernel_
  std::uint32_t first_kernel_ = 0;
  bool program_over_ = false;
  std::deque<KernelRecord> records_;  // by number of the kernel
  std::array<State, engine_count> states_;
  std::vector<SemaphoreInfo> semaphore_names_;
  std::vector<Semaphore> semaphores_;
  std::priority_queue<Completion, std::vector<Completion>, std::greater<>> completions_;
  std::uint64_t completion_order_ = 0;
  ArrayPipeline array_;
  DroopThrottle throttle_;
  std::uint16_t stationary_rows_ = 0;
  std::uint16_t stationary_columns_ = 0;
  std::vector<Bank> banks_;
  Cycle port_busy_until_ = 0;  // of SBUF, vector and general engine
  Engine port_user_ = Engine::vector;
  DmaEngines dma_;
  Cycle barrier_over_ = never;
  bool at_barrier_ = false;
  Cycle collective_from_ = never;
  std::array<SemaphoreUse, 3> barrier_signals_{};

  std::uint64_t flops_ = 0;
  Cycle last_progress_ = 0;
  Cycle finished_at_ = 0;
  Cycle drained_at_ = 0;  // when the array's last sums have left it
  std::uint64_t hash_ = 0;
};

}  // namespace heddle
