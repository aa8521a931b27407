#include "engine/timeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <system_error>

#include "engine/quantity.h"
#include "kernel/error.h"

namespace heddle {

namespace {

constexpr std::array<const char*, 3> counter_names{"PSUM banks in use", "memory GB/s",
                                                   "throttle limit"};

/// Microseconds, with a cycle as a nanosecond.
std::string shown_time(Cycle cycle) { return fmt::format("{}.{:03}", cycle / 1000, cycle % 1000); }

/// Names come from files of users.
std::string quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

Timeline::Timeline(const TimelineOptions& options, const AcceleratorConfig& config,
                   const Clock& clock)
    : path_(options.file),
      unfinished_(options.file.string() + ".part"),
      file_(std::fopen(unfinished_.c_str(), "w")),
      begin_(clock.cycles(options.begin)),
      end_(options.end.picoseconds == ~std::uint64_t{0} ? never : clock.cycles(options.end)),
      rate_window_(std::max<Cycle>(1, clock.cycles(1_us))),
      bytes_per_cycle_to_gb_(static_cast<double>(config.array.clock.hertz) * 1e-9),
      cores_(config.cores) {
  if (!file_) {
    throw InputError(
        fmt::format("--timeline {}: {}", path_.string(), std::generic_category().message(errno)));
  }
  for (CoreState& core : cores_) {
    core.bank_filled.resize(config.psum_banks);
    core.bank_free_at.resize(config.psum_banks);
    core.queue_shown_until.resize(config.dma.queues);
  }
  fmt::print(file_.get(),
             "{{\"displayTimeUnit\":\"ns\",\"otherData\":{{\"clock\":\"{}\","
             "\"note\":\"one cycle is shown as 1 ns\"}},\"traceEvents\":[",
             print_quantity(config.array.clock.hertz, frequency_units()));
  name_rows(config);
}

Timeline::~Timeline() {
  if (!file_) return;
  file_.reset();
  std::error_code ignored;
  std::filesystem::remove(unfinished_, ignored);
}

unsigned Timeline::row_of(Engine engine, Opcode opcode) {
  switch (engine) {
    case Engine::tensor:
      return opcode == Opcode::load_stationary ? tensor_load : tensor_multiply;
    case Engine::vector:
      return vector_row;
    case Engine::scalar:
      return scalar_row;
    case Engine::gpsimd:
      return gpsimd_row;
    case Engine::sync:
      break;
  }
  return sync_row;
}

void Timeline::name_rows(const AcceleratorConfig& config) {
  const std::string clock = print_quantity(config.array.clock.hertz, frequency_units());
  for (unsigned core = 0; core < cores_.size(); ++core) {
    write(
        fmt::format("{{\"ph\":\"M\",\"pid\":{},\"name\":\"process_name\",\"args\":{{\"name\":"
                    "\"core {} (1 ns shown = 1 cycle at {})\"}}}}",
                    core, core, clock));
    metadata(core, tensor_multiply, "thread_name", "tensor: MultiplyMoving");
    metadata(core, tensor_load, "thread_name", "tensor: LoadStationary");
    for (unsigned e = 1; e < engine_count; ++e) {
      metadata(core, row_of(static_cast<Engine>(e), Opcode::wait), "thread_name", engine_names[e]);
    }
    for (unsigned e = 0; e < engine_count; ++e) {
      metadata(core, waits_row + e, "thread_name", fmt::format("{} waits for", engine_names[e]));
    }
    for (unsigned queue = 0; queue < config.dma.queues; ++queue) {
      metadata(core, first_queue + queue, "thread_name", fmt::format("DMA queue {}", queue));
    }
  }
}

void Timeline::metadata(unsigned core, unsigned row, const char* what, const std::string& name) {
  write(
      fmt::format("{{\"ph\":\"M\",\"pid\":{},\"tid\":{},\"name\":\"{}\",\"args\":{{\"name\":"
                  "\"{}\"}}}}",
                  core, row, what, name));
  write(
      fmt::format("{{\"ph\":\"M\",\"pid\":{},\"tid\":{},\"name\":\"thread_sort_index\","
                  "\"args\":{{\"sort_index\":{}}}}}",
                  core, row, row));
}

void Timeline::slice(unsigned core, unsigned row, const std::string& name, Cycle begin, Cycle end,
                     const std::string& arguments) {
  cores_[core].latest = std::max(cores_[core].latest, std::min(end, end_));
  write(
      fmt::format("{{\"ph\":\"X\",\"pid\":{},\"tid\":{},\"ts\":{},\"dur\":{},\"name\":\"{}\","
                  "\"args\":{{{}}}}}",
                  core, row, shown_time(begin), shown_time(end - begin), name, arguments));
}

void Timeline::counter(Counter which, unsigned core, Cycle at, double value) {
  cores_[core].counted[which] = {at, value};
  cores_[core].latest = std::max(cores_[core].latest, at);
  write(
      fmt::format("{{\"ph\":\"C\",\"pid\":{},\"ts\":{},\"name\":\"{}\",\"args\":{{\"value\":{}}}}}",
                  core, shown_time(at), counter_names[which], value));
}

/// chrome://tracing draws a counter up to its last value only: that is repeated where the timeline
/// ends.
void Timeline::prolong_counters() {
  Cycle latest = 0;
  for (const CoreState& core : cores_) latest = std::max(latest, core.latest);
  for (unsigned core = 0; core < cores_.size(); ++core) {
    for (unsigned which = 0; which < counters; ++which) {
      const Counted last = cores_[core].counted[which];
      if (last.at == never || last.at >= latest) continue;
      counter(static_cast<Counter>(which), core, latest, last.value);
    }
  }
}

void Timeline::instruction(const CoreSpan& span) {
  count_banks(span);
  if (!shown(span.begin, span.released)) return;
  const Instruction& what = *span.instruction;
  std::string arguments =
      fmt::format("\"kernel\":{},\"done in cycle\":{}", quoted(*span.kernel), span.end);
  if (what.rows != 0) {
    arguments += fmt::format(",\"rows\":{},\"columns\":{}", what.rows, what.columns);
  }
  if (what.elements != 0) arguments += fmt::format(",\"elements\":{}", what.elements);
  if (what.bytes != 0) arguments += fmt::format(",\"bytes\":{}", what.bytes);
  if (what.psum_bank != no_bank) arguments += fmt::format(",\"bank\":{}", what.psum_bank);
  slice(span.core, row_of(span.engine, what.opcode),
        opcode_names[static_cast<unsigned>(what.opcode)], span.begin, span.released, arguments);
}

/// A bank is full from the first pass into it until its sums have been taken.
void Timeline::count_banks(const CoreSpan& span) {
  const Instruction& what = *span.instruction;
  if (what.psum_bank == no_bank) return;
  CoreState& core = cores_[span.core];
  show_banks(span.core, span.begin);
  const bool fills = what.opcode == Opcode::multiply_moving;
  if (core.bank_filled[what.psum_bank] == fills) return;
  core.bank_filled[what.psum_bank] = fills;
  Cycle& free_at = core.bank_free_at[what.psum_bank];
  // A pass may start while the sums of the one before are still being taken.
  if (!fills) free_at = span.end;
  core.changes.emplace(fills ? std::max(span.begin, free_at) : free_at, fills ? 1 : -1);
}

/// What has changed before cycle `until`, from which on changes may still come.
void Timeline::show_banks(unsigned number, Cycle until) {
  CoreState& core = cores_[number];
  while (!core.changes.empty() && core.changes.top().first < until) {
    const Cycle at = core.changes.top().first;
    const int before = core.banks_filled;
    for (; !core.changes.empty() && core.changes.top().first == at; core.changes.pop()) {
      core.banks_filled += core.changes.top().second;
    }
    if (core.banks_filled == before || !shown(at)) continue;
    counter(psum_banks, number, at, core.banks_filled);
  }
}

void Timeline::waited(unsigned core, Engine engine, CycleCause cause, const std::string& semaphore,
                      Cycle begin, Cycle end) {
  if (!shown(begin, end)) return;
  const char* name = cycle_cause_names[static_cast<unsigned>(cause)];
  slice(core, waits_row + static_cast<unsigned>(engine), name, begin, end,
        semaphore.empty() ? "" : "\"semaphore\":" + quoted(semaphore));
}

/// Transfers of a queue overlap; each is shown from when the one before has ended.
void Timeline::transfer(unsigned core, const FinishedTransfer& transfer) {
  const TransferTimes& times = transfer.times;
  count_bytes(transfer);
  Cycle& until = cores_[core].queue_shown_until[transfer.queue];
  const Cycle begin = std::max(times.begun, until);
  until = std::max(begin, times.done);
  if (until == begin || !shown(begin, until)) return;
  slice(core, first_queue + transfer.queue, transfer.write ? "write" : "read", begin, until,
        fmt::format("\"bytes\":{},\"posted\":{},\"begun\":{},\"engines done\":{},\"done\":{},"
                    "\"remote\":{}",
                    transfer.bytes, times.posted, times.begun, times.engine_done, times.done,
                    times.remote));
}

/// They come evenly, from the first descriptor's begin to the end.
void Timeline::count_bytes(const FinishedTransfer& transfer) {
  const Cycle begin = transfer.times.begun;
  const Cycle end = std::max(transfer.times.done, begin + 1);
  const std::size_t windows = (end - 1) / rate_window_ + 1;
  if (bytes_.size() < windows) bytes_.resize(windows);
  std::uint64_t counted = 0;
  for (Cycle at = begin; at < end;) {
    const std::size_t window = at / rate_window_;
    at = std::min(end, (window + 1) * rate_window_);
    const std::uint64_t until = transfer.bytes * (at - begin) / (end - begin);
    bytes_[window] += until - counted;
    counted = until;
  }
}

void Timeline::dependency(const CoreDependency& dependency) {
  if (!shown(dependency.signalled) || !shown(dependency.at)) return;
  const unsigned from = dependency.transfer ? first_queue + dependency.queue
                                            : row_of(dependency.from, dependency.signaller);
  write(
      fmt::format("{{\"ph\":\"s\",\"pid\":{},\"tid\":{},\"ts\":{},\"id\":{},\"name\":\"signals\","
                  "\"cat\":\"semaphore\"}}",
                  dependency.core, from, shown_time(dependency.signalled), arrows_));
  write(
      fmt::format("{{\"ph\":\"f\",\"bp\":\"e\",\"pid\":{},\"tid\":{},\"ts\":{},\"id\":{},"
                  "\"name\":\"signals\",\"cat\":\"semaphore\"}}",
                  dependency.core, row_of(dependency.to, dependency.waiter),
                  shown_time(dependency.at), arrows_));
  ++arrows_;
}

void Timeline::throttle(unsigned core, Cycle at, double limit) {
  if (!shown(at) || limit == cores_[core].limit) return;
  cores_[core].limit = limit;
  counter(throttle_limit, core, at, limit);
}

void Timeline::write_rates() {
  std::uint64_t latest = ~std::uint64_t{0};
  for (std::size_t window = 0; window < bytes_.size(); ++window) {
    if (bytes_[window] == latest || !shown(window * rate_window_)) continue;
    latest = bytes_[window];
    counter(
        memory_rate, 0, window * rate_window_,
        static_cast<double>(latest) / static_cast<double>(rate_window_) * bytes_per_cycle_to_gb_);
  }
  const Cycle end = bytes_.size() * rate_window_;
  if (latest != ~std::uint64_t{0} && latest != 0 && shown(end)) counter(memory_rate, 0, end, 0);
}

void Timeline::write(const std::string& event) {
  if (std::fputs(first_ ? "\n" : ",\n", file_.get()) < 0 ||
      std::fputs(event.c_str(), file_.get()) < 0) {
    failed_ = true;
  }
  first_ = false;
}

void Timeline::close() {
  for (unsigned core = 0; core < cores_.size(); ++core) show_banks(core, never);
  write_rates();
  prolong_counters();
  if (std::fputs("\n]}\n", file_.get()) < 0) failed_ = true;
  if (std::fclose(file_.release()) != 0) failed_ = true;
  std::error_code error;
  if (!failed_) std::filesystem::rename(unfinished_, path_, error);
  if (!failed_ && !error) return;
  const std::string reason = error ? error.message() : "it cannot be written";
  std::filesystem::remove(unfinished_, error);
  throw InputError(fmt::format("--timeline {}: {}", path_.string(), reason));
}

}  // namespace heddle
