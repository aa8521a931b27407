#include "accelerator/accelerator_core.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace heddle {

namespace {

CycleCause cause_of(Engine engine) {
  return static_cast<CycleCause>(static_cast<unsigned>(CycleCause::tensor) +
                                 static_cast<unsigned>(engine));
}

std::uint64_t mixed(std::uint64_t hash, std::uint64_t what) {
  hash = (hash ^ what) * 0x9e3779b97f4a7c15;
  return hash ^ hash >> 29;
}

}  // namespace

AcceleratorCore::AcceleratorCore(const sc_core::sc_module_name& module_name, Clock& clock,
                                 const AcceleratorConfig& config, unsigned number,
                                 std::vector<SemaphoreInfo> semaphores, KernelSource& program)
    : Device(module_name, clock, engine_count + static_cast<unsigned>(config.dma.engines) + 2),
      config_(config),
      number_(number),
      program_(program),
      clock_hertz_{config.array.clock.hertz, config.vector_clock.hertz, config.scalar_clock.hertz,
                   config.gpsimd_clock.hertz, config.array.clock.hertz},
      semaphore_names_(std::move(semaphores)),
      semaphores_(semaphore_names_.size()),
      array_(config.array),
      throttle_(config.throttle, clock.cycles(config.throttle.ramp),
                clock.cycles(config.throttle.window)),
      banks_(config.psum_banks),
      dma_(clock, config, id(), engine_count) {
  for (std::size_t s = 0; s < semaphores_.size(); ++s) {
    semaphores_[s].count = semaphore_names_[s].initial;
  }
  for (State& state : states_) state.waited.resize(semaphores_.size());
  wake(0, 1);
}

void AcceleratorCore::cycle() {
  take_transfers();                              // 1. what memory has answered
  take_completions();                            // 2. signals that are due
  for (unsigned e = 0; e < engine_count; ++e) {  // 3. instructions
    issue(static_cast<Engine>(e));
  }
  dma_.run(now());  // 4. descriptors and requests
  due_.take(0, barrier_reason() + 1, [](unsigned) {});
}

// --- 1, 2: what is done --------------------------------------------------------------------------

void AcceleratorCore::take_transfers() {
  dma_.receive(now());
  dma_.take_finished(now(), [this](const FinishedTransfer& done) {
    Blame blame;
    blame.cause = done.times.remote ? CycleCause::torus : CycleCause::dma;
    blame.at = done.times.done;
    blame.shown_until = done.times.done;
    blame.queue = done.queue;
    blame.transfer = true;
    blame.poster = done.poster;
    blame.times = done.times;
    for (const SemaphoreUse& use : done.signals) signal(use, blame);
    KernelRecord& kernel = record(done.kernel);
    (done.write ? kernel.bytes_written : kernel.bytes_read) += done.bytes;
    kernel.end = std::max(kernel.end, done.times.done);
    finished_at_ = std::max(finished_at_, done.times.done);
    last_progress_ = now();
    if (observer_ != nullptr) observer_->transfer(number_, done);
  });
}

void AcceleratorCore::take_completions() {
  for (; !completions_.empty() && completions_.top().at <= now(); completions_.pop()) {
    const Completion& done = completions_.top();
    Blame blame;
    blame.cause = cause_of(done.engine);
    blame.at = done.at;
    blame.shown_until = done.released;
    blame.opcode = done.opcode;
    for (const SemaphoreUse& use : done.signals) signal(use, blame);
    last_progress_ = now();
  }
  if (barrier_over_ > now()) return;
  Blame blame;
  blame.cause = collective_from_ != never ? CycleCause::collective : CycleCause::barrier;
  blame.collective_from = collective_from_;
  blame.at = now();
  for (const SemaphoreUse& use : barrier_signals_) signal(use, blame);
  barrier_over_ = never;
  at_barrier_ = false;
  last_progress_ = now();
}

void AcceleratorCore::signal(const SemaphoreUse& use, const Blame& blame) {
  if (use.count == 0) return;
  Semaphore& semaphore = semaphores_[use.semaphore];
  semaphore.count += use.count;
  semaphore.blame = blame;
}

void AcceleratorCore::release_barrier(Cycle at, Cycle collective_from) {
  barrier_over_ = at;
  collective_from_ = collective_from;
  wake(barrier_reason(), at);
}

// --- 3. instructions -----------------------------------------------------------------------------

/// At most one instruction of an engine starts in a cycle.
void AcceleratorCore::issue(Engine engine) {
  State& of = state(engine);
  if (of.over || now() < of.free_at) return;
  const Instruction* next = next_instruction(engine);
  if (next == nullptr || !take_semaphores(engine, *next)) return;
  const Ready possible = ready(engine, *next);
  if (possible.at > now()) {
    wait_for(engine, possible.cause, no_semaphore);
    if (possible.at != never) wake(static_cast<unsigned>(engine), possible.at);
    return;
  }
  book_wait(engine);
  start(engine, *next);
}

/// nullptr when the stream is over.
const Instruction* AcceleratorCore::next_instruction(Engine engine) {
  State& of = state(engine);
  for (;;) {
    const Kernel* in = kernel(of.kernel);
    if (in == nullptr) {
      of.over = true;
      return nullptr;
    }
    const auto& stream = in->streams[static_cast<unsigned>(engine)];
    if (of.position < stream.size()) return &stream[of.position];
    ++of.kernel;
    of.position = 0;
    drop_kernels();
  }
}

Kernel* AcceleratorCore::kernel(std::uint32_t number) {
  while (number >= first_kernel_ + kernels_.size()) {
    Kernel next;
    if (program_over_ || !program_.next(number_, next)) {
      program_over_ = true;
      return nullptr;
    }
    records_.push_back({next.name, 0, 0, 0, never, 0});
    kernels_.push_back(std::move(next));
  }
  return &kernels_[number - first_kernel_];
}

/// That all engines have left.
void AcceleratorCore::drop_kernels() {
  std::uint32_t needed = ~std::uint32_t{0};
  for (const State& of : states_) needed = std::min(needed, of.kernel);
  for (; first_kernel_ < needed && !kernels_.empty(); ++first_kernel_) kernels_.pop_front();
}

/// Takes what `next` waits for, in order; what has been taken stays taken.
bool AcceleratorCore::take_semaphores(Engine engine, const Instruction& next) {
  State& of = state(engine);
  for (; of.waits_met < next.waits.size(); ++of.waits_met) {
    const SemaphoreUse& use = next.waits[of.waits_met];
    if (use.count == 0) continue;
    Semaphore& semaphore = semaphores_[use.semaphore];
    if (semaphore.count < use.count) {
      wait_for(engine, CycleCause::idle, use.semaphore);
      return false;
    }
    semaphore.count -= use.count;
    if (of.semaphore != use.semaphore) continue;
    if (observer_ != nullptr) of.dependencies[of.dependency_count++] = semaphore.blame;
    book_wait(engine);
  }
  return true;
}

/// What `next`, which starts, has waited for.
void AcceleratorCore::show_dependencies(Engine engine, const Instruction& next) {
  State& of = state(engine);
  for (unsigned i = 0; i < of.dependency_count; ++i) {
    const Blame& blame = of.dependencies[i];
    const bool by_engine = blame.cause >= CycleCause::tensor && blame.cause <= CycleCause::sync;
    if (!blame.transfer && !by_engine) continue;
    const unsigned from =
        by_engine ? static_cast<unsigned>(blame.cause) - static_cast<unsigned>(CycleCause::tensor)
                  : 0;
    observer_->dependency({number_, blame.transfer, static_cast<Engine>(from), blame.opcode,
                           blame.queue, std::max<Cycle>(blame.shown_until, 1) - 1, engine,
                           next.opcode, now()});
  }
  of.dependency_count = 0;
}

/// From now on, unless it does already.
void AcceleratorCore::wait_for(Engine engine, CycleCause cause, std::uint16_t semaphore) {
  State& of = state(engine);
  if (of.waiting == cause && of.semaphore == semaphore) return;
  book_wait(engine);
  of.waiting = cause;
  of.semaphore = semaphore;
}

/// What the engine has waited for until now gets its name.
void AcceleratorCore::book_wait(Engine engine) {
  State& of = state(engine);
  const Cycle before = of.account.booked_until();
  CycleCause cause = of.waiting;
  if (of.semaphore == no_semaphore) {
    of.account.book(cause, now());
  } else {
    const Blame& blame = semaphores_[of.semaphore].blame;
    cause = blame.cause;
    book_semaphore(engine, blame);
    const Cycle after = of.account.booked_until();
    if (after > before) of.waited[of.semaphore] += after - before;
  }
  if (observer_ != nullptr && now() > before &&
      (of.semaphore != no_semaphore || cause != CycleCause::idle)) {
    observer_->waited(number_, engine, cause,
                      of.semaphore == no_semaphore ? "" : semaphore_names_[of.semaphore].name,
                      before, now());
  }
  of.waiting = CycleCause::idle;
  of.semaphore = no_semaphore;
  forget_causes();
}

/// Those of cycles that no engine has still to book.
void AcceleratorCore::forget_causes() {
  Cycle needed = never;
  for (const State& of : states_) {
    if (!of.over) needed = std::min(needed, of.account.booked_until());
  }
  for (State& of : states_) of.account.forget(needed);
}

/// A wait for a transfer is divided at its times: until it was posted, its poster was late, then
/// the DMA engines, then the memory. A wait for an engine is divided by what that did meanwhile.
void AcceleratorCore::book_semaphore(Engine engine, const Blame& blame) {
  CycleAccount& account = state(engine).account;
  if (blame.transfer) {
    const TransferTimes& times = blame.times;
    const CycleCause memory = times.remote ? CycleCause::torus : CycleCause::hbm;
    const Cycle moved = times.engine_done - times.begun;
    const Cycle late =
        times.stalled == 0 ? 0 : moved * times.stalled / (times.stalled + times.worked);
    book_engine(engine, blame.poster, std::min(times.posted, now()));
    account.book(CycleCause::dma, std::min(times.engine_done - late, now()));
    account.book(memory, std::min(times.done, now()));
  } else if (blame.cause >= CycleCause::tensor && blame.cause <= CycleCause::sync) {
    const auto by = static_cast<Engine>(static_cast<unsigned>(blame.cause) -
                                        static_cast<unsigned>(CycleCause::tensor));
    book_engine(engine, by, now());
  } else if (blame.cause == CycleCause::collective) {
    account.book(CycleCause::barrier, std::min(blame.collective_from, now()));
  }
  account.book(blame.cause, now());
}

/// Until then `by` was late: because it worked, or for the reasons for which it waited.
void AcceleratorCore::book_engine(Engine engine, Engine by, Cycle until) {
  CycleAccount& account = state(engine).account;
  const auto reason = [by](CycleCause cause) {
    return cause <= CycleCause::drain || cause == CycleCause::idle ? cause_of(by) : cause;
  };
  if (by != engine) {
    state(by).account.for_each_since(
        account.booked_until(), until,
        [&](CycleCause cause, Cycle end) { account.book(reason(cause), end); });
  }
  account.book(cause_of(by), until);
}

AcceleratorCore::Ready AcceleratorCore::ready(Engine engine, const Instruction& next) const {
  switch (next.opcode) {
    case Opcode::load_stationary:
      return {array_.load_ready(), CycleCause::load};
    case Opcode::multiply_moving:
      return multiply_ready(next);
    case Opcode::elementwise:
      return elementwise_ready(engine, next);
    case Opcode::barrier:
      return {at_barrier_ ? never : now(), CycleCause::barrier};
    case Opcode::transfer:
    case Opcode::wait:
      break;
  }
  return {now(), CycleCause::idle};
}

/// The first sum reaches its bank when it has passed all rows of the array.
AcceleratorCore::Ready AcceleratorCore::multiply_ready(const Instruction& next) const {
  Ready latest{array_.multiply_ready(), CycleCause::load};
  const auto not_before = [&](Cycle at, CycleCause cause) {
    if (at > latest.at) latest = {at, cause};
  };
  not_before(throttle_.ready_at(), CycleCause::throttle);
  const Bank& bank = banks_[next.psum_bank];
  const Cycle way = config_.array.rows - 1;
  if (bank.user != Engine::tensor && bank.busy_until > way) {
    not_before(bank.busy_until - way, CycleCause::psum_bank);
  }
  return latest;
}

AcceleratorCore::Ready AcceleratorCore::elementwise_ready(Engine engine,
                                                          const Instruction& next) const {
  Ready latest{now(), CycleCause::idle};
  if (next.psum_bank != no_bank) {
    const Bank& bank = banks_[next.psum_bank];
    if (bank.user != engine && bank.busy_until > latest.at) {
      latest = {bank.busy_until, CycleCause::psum_bank};
    }
  }
  const bool shares_port = engine == Engine::vector || engine == Engine::gpsimd;
  if (shares_port && port_user_ != engine && port_busy_until_ > latest.at) {
    latest = {port_busy_until_, CycleCause::sbuf_port};
  }
  return latest;
}

void AcceleratorCore::start(Engine engine, const Instruction& next) {
  State& of = state(engine);
  KernelRecord& in = record(of.kernel);
  in.begin = std::min(in.begin, now());
  hash_ = mixed(hash_, now() << 16 ^ static_cast<std::uint64_t>(engine) << 8 ^
                           static_cast<std::uint64_t>(next.opcode) ^
                           std::uint64_t{next.elements} << 40 ^ next.bytes);
  of.free_at = now() + 1;
  const Course course = begin(engine, next);
  if (observer_ != nullptr) {
    observer_->instruction({number_, engine, &next, &in.name, now(), course.released, course.done});
    show_dependencies(engine, next);
  }
  complete(engine, next, course.released, course.done);
  last_progress_ = now();
  ++of.executed;
  ++of.position;
  of.waits_met = 0;
  wake(static_cast<unsigned>(engine), of.free_at);
  // Another engine may wait for what this one has taken, from the next cycle on.
  if (of.free_at > now() + 1) wake(static_cast<unsigned>(engine), now() + 1);
}

AcceleratorCore::Course AcceleratorCore::begin(Engine engine, const Instruction& next) {
  State& of = state(engine);
  switch (next.opcode) {
    case Opcode::load_stationary:
      return start_load(next);
    case Opcode::multiply_moving:
      return start_multiply(next);
    case Opcode::elementwise:
      return start_elementwise(engine, next);
    case Opcode::transfer:
      dma_.post(next, engine, of.kernel, now());
      break;
    case Opcode::barrier:
      if (chip_ == nullptr) throw CheckFailure("a barrier on a core without a chip");
      at_barrier_ = true;
      barrier_signals_ = next.signals;
      chip_->arrive(number_, next.bytes, now());
      break;
    case Opcode::wait:
      break;
  }
  of.account.book(CycleCause::busy, now() + 1);
  return {now() + 1, now() + 1};
}

AcceleratorCore::Course AcceleratorCore::start_load(const Instruction& next) {
  const StationaryLoad load = array_.load_stationary(now(), next.rows, next.columns, next.type);
  state(Engine::tensor).account.book(CycleCause::load, now() + 1);
  stationary_rows_ = next.rows;
  stationary_columns_ = next.columns;
  return {load.end, load.end};
}

AcceleratorCore::Course AcceleratorCore::start_multiply(const Instruction& next) {
  const MovingPass pass = array_.multiply_moving(now(), next.elements, next.type);
  if (pass.start != now()) throw CheckFailure("a pass does not start when it was due");
  throttle_.pass(now(), pass.issue_end - pass.start);
  if (observer_ != nullptr) observer_->throttle(number_, now(), throttle_.limit(now()));
  banks_[next.psum_bank] = {pass.last_result + 1, Engine::tensor};
  state(Engine::tensor).account.book(CycleCause::busy, pass.issue_end);
  drained_at_ = std::max(drained_at_, pass.last_result + 1);
  const std::uint64_t flops =
      std::uint64_t{2} * stationary_rows_ * stationary_columns_ * next.elements;
  flops_ += flops;
  record(state(Engine::tensor).kernel).flops += flops;
  return {pass.issue_end, pass.last_result + 1};
}

AcceleratorCore::Course AcceleratorCore::start_elementwise(Engine engine, const Instruction& next) {
  State& of = state(engine);
  of.free_at = now() + engine_cycles(engine, config_.instruction_cycles + next.elements);
  of.account.book(CycleCause::busy, of.free_at);
  if (next.psum_bank != no_bank) banks_[next.psum_bank] = {of.free_at, engine};
  if (engine == Engine::vector || engine == Engine::gpsimd) {
    port_busy_until_ = of.free_at;
    port_user_ = engine;
  }
  return {of.free_at, of.free_at};
}

/// Cycles of this clock that cover so many of the engine's own.
Cycle AcceleratorCore::engine_cycles(Engine engine, std::uint64_t own_cycles) const {
  const std::uint64_t own_hertz = clock_hertz_[static_cast<unsigned>(engine)];
  const std::uint64_t hertz = clock_hertz_[static_cast<unsigned>(Engine::tensor)];
  return std::max<Cycle>(1, (own_cycles * hertz + own_hertz - 1) / own_hertz);
}

/// Signals of an instruction that is done at the end of the cycle before `at`; those of transfers
/// and barriers come later.
void AcceleratorCore::complete(Engine engine, const Instruction& instruction, Cycle released,
                               Cycle at) {
  KernelRecord& in = record(state(engine).kernel);
  in.end = std::max(in.end, at);
  finished_at_ = std::max(finished_at_, at);
  if (instruction.opcode == Opcode::transfer || instruction.opcode == Opcode::barrier) return;
  const auto nothing = [](const SemaphoreUse& use) { return use.count == 0; };
  if (std::all_of(instruction.signals.begin(), instruction.signals.end(), nothing)) return;
  const Cycle seen = at - 1 + config_.semaphore_cycles;
  completions_.push(
      {seen, completion_order_++, engine, instruction.opcode, released, instruction.signals});
  if (seen > now()) wake(static_cast<unsigned>(engine), seen);
}

// --- looking from outside ------------------------------------------------------------------------

bool AcceleratorCore::done() const {
  const auto over = [](const State& of) { return of.over; };
  return std::all_of(states_.begin(), states_.end(), over) && completions_.empty() && dma_.idle() &&
         !at_barrier_;
}

/// What an engine waits for at the end has not come, so only its kind is known; what is booked
/// beyond it is work.
CycleAccount AcceleratorCore::account(Engine engine, Cycle end) const {
  const State& of = state(engine);
  CycleAccount account = of.account.before(end, CycleCause::busy);
  if (engine == Engine::tensor && of.over) {
    account.book(CycleCause::drain, std::min(drained_at_, end));
  }
  if (!of.over && of.semaphore != no_semaphore) {
    account.book(semaphores_[of.semaphore].blame.cause, end);
  }
  account.book(of.over ? CycleCause::idle : of.waiting, end);
  return account;
}

void AcceleratorCore::verify(bool drained) const {
  std::uint64_t bytes = 0;
  for (const KernelRecord& kernel : records_) bytes += kernel.bytes_read + kernel.bytes_written;
  const DmaCounts& counts = dma_.counts();
  const std::uint64_t moved = counts.bytes_read + counts.bytes_written + counts.bytes_remote;
  if (!drained) return;
  if (!done()) throw CheckFailure(path() + ": the streams are not over");
  if (bytes != moved) {
    throw CheckFailure(
        fmt::format("{}: {} bytes were to be moved and {} have been", path(), moved, bytes));
  }
  if (dma_.payloads_live() != 0) throw CheckFailure(path() + ": a request was never answered");
}

std::vector<StateView> AcceleratorCore::state() const {
  std::vector<StateView> views;
  for (unsigned e = 0; e < engine_count; ++e) {
    views.push_back({fmt::format("{}_instructions", engine_names[e]), StateView::Kind::strobe, 32,
                     [this, e] { return states_[e].executed; }});
  }
  for (std::size_t s = 0; s < semaphores_.size(); ++s) {
    views.push_back({"semaphore_" + semaphore_names_[s].name, StateView::Kind::level, 32,
                     [this, s] { return std::uint64_t{semaphores_[s].count}; }});
  }
  return views;
}

void AcceleratorCore::waits(std::vector<std::string>& lines) const {
  for (unsigned e = 0; e < engine_count; ++e) {
    if (!states_[e].over) lines.push_back(waits_line(static_cast<Engine>(e)));
  }
  if (!dma_.idle()) {
    lines.push_back(fmt::format("{}: {} transfers wait for memory", path(), dma_.open()));
  }
}

std::string AcceleratorCore::waits_line(Engine engine) const {
  const State& of = state(engine);
  const Kernel& in = kernels_[of.kernel - first_kernel_];
  const auto& stream = in.streams[static_cast<unsigned>(engine)];
  const char* name = engine_names[static_cast<unsigned>(engine)];
  if (of.position >= stream.size()) return fmt::format("{}.{}: between kernels", path(), name);
  const Instruction& next = stream[of.position];
  std::string line =
      fmt::format("{}.{}: {} {} of kernel {} waits for ", path(), name,
                  opcode_names[static_cast<unsigned>(next.opcode)], of.position, in.name);
  if (of.semaphore == no_semaphore) {
    return line + cycle_cause_names[static_cast<unsigned>(of.waiting)];
  }
  for (const SemaphoreUse& use : next.waits) {
    if (use.semaphore != of.semaphore || use.count == 0) continue;
    line += fmt::format("{} of semaphore {}, which has {}", use.count,
                        semaphore_names_[of.semaphore].name, semaphores_[of.semaphore].count);
    break;
  }
  return line + "; " + who_signals(of.semaphore);
}

/// Of what is left of the kernels that engines are in.
std::string AcceleratorCore::who_signals(std::uint16_t semaphore) const {
  for (unsigned e = 0; e < engine_count; ++e) {
    const State& of = states_[e];
    for (std::size_t k = of.kernel - first_kernel_; !of.over && k < kernels_.size(); ++k) {
      const auto& stream = kernels_[k].streams[e];
      for (std::size_t i = k == of.kernel - first_kernel_ ? of.position : 0; i < stream.size();
           ++i) {
        for (const SemaphoreUse& use : stream[i].signals) {
          if (use.count == 0 || use.semaphore != semaphore) continue;
          return fmt::format("{} signals it in its {} {}", engine_names[e],
                             opcode_names[static_cast<unsigned>(stream[i].opcode)], i);
        }
      }
    }
  }
  return dma_.idle() ? "nobody signals it any more" : "a transfer may signal it";
}

}  // namespace heddle
