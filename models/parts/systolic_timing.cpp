#include "parts/systolic_timing.h"

#include <fmt/format.h>

#include <algorithm>

#include "kernel/error.h"

namespace heddle {

namespace {

constexpr std::uint64_t largest_size = std::uint64_t{1} << 31;
constexpr std::uint64_t largest_count = ~std::uint64_t{0} >> 1;

std::uint64_t ceil_div(std::uint64_t a, std::uint64_t b) { return (a + b - 1) / b; }

void check_size(const char* name, std::uint64_t size) {
  if (size >= 1 && size <= largest_size) return;
  throw InputError(
      fmt::format("{} = {}: the sizes of a GEMM are from 1 to {}", name, size, largest_size));
}

std::uint64_t product(std::uint64_t a, std::uint64_t b) {
  std::uint64_t result = 0;
  if (__builtin_mul_overflow(a, b, &result) || result > largest_count) {
    throw InputError("a GEMM of this size takes more cycles than 63 bits count");
  }
  return result;
}

}  // namespace

ArrayMapping map_gemm(const GemmShape& shape, Dataflow dataflow) {
  switch (dataflow) {
    case Dataflow::output_stationary:
      return {shape.m, shape.n, shape.k};
    case Dataflow::input_stationary:
      return {shape.k, shape.m, shape.n};
    case Dataflow::weight_stationary:
      break;
  }
  return {shape.k, shape.n, shape.m};
}

Cycle serial_fold_cycles(std::uint64_t rows, std::uint64_t columns, std::uint64_t steps,
                         Dataflow dataflow) {
  const Cycle wave = steps + rows + columns - 2;
  return dataflow == Dataflow::output_stationary ? wave : rows + wave;
}

SerialTiming serial_timing(const GemmShape& shape, std::uint64_t rows, std::uint64_t columns,
                           Dataflow dataflow) {
  check_size("m", shape.m);
  check_size("k", shape.k);
  check_size("n", shape.n);
  check_size("rows", rows);
  check_size("columns", columns);
  const ArrayMapping mapping = map_gemm(shape, dataflow);

  SerialTiming timing;
  timing.folds = product(ceil_div(mapping.rows, rows), ceil_div(mapping.columns, columns));
  timing.fold_cycles = serial_fold_cycles(rows, columns, mapping.steps, dataflow);
  timing.cycles = product(timing.folds, timing.fold_cycles);

  const double elements = static_cast<double>(rows) * static_cast<double>(columns);
  const double held = static_cast<double>(mapping.rows) * static_cast<double>(mapping.columns);
  timing.mapping_efficiency = held / (elements * static_cast<double>(timing.folds));
  timing.utilisation =
      held * static_cast<double>(mapping.steps) / (elements * static_cast<double>(timing.cycles));
  return timing;
}

// --- what the cycles were spent on ---------------------------------------------------------------

namespace {

/// Cycles that [begin, end) and [from, until) have in common.
Cycle overlap(Cycle begin, Cycle end, Cycle from, Cycle until) {
  const Cycle first = std::max(begin, from);
  const Cycle last = std::min(end, until);
  return last > first ? last - first : 0;
}

}  // namespace

/// The cycles of [from, until); the latest pass has begun by `from`.
void ArrayActivity::count(ArrayCycles& to, Cycle from, Cycle until) const {
  const auto within = [&](Cycle begin, Cycle end) { return overlap(begin, end, from, until); };
  const Cycle entering = within(begin_, entered_);
  const Cycle filling = within(begin_, std::min(entered_, filling_until_));
  const Cycle padding = within(entered_, released_);
  const Cycle drain = within(released_, empty_from_);
  // A load shows where nothing else is going on.
  const Cycle occupied_until = std::max(released_, empty_from_);
  const Cycle load = within(std::max(load_begin_, occupied_until), load_end_);

  to.fill += filling;
  to.busy += entering - filling;
  to.padding += padding;
  to.drain += drain;
  to.load += load;
  to.idle += (until - from) - entering - padding - drain - load;
}

void ArrayActivity::settle(Cycle until) {
  if (until <= settled_) return;
  count(counts_, settled_, until);
  settled_ = until;
}

void ArrayActivity::load(Cycle begin, Cycle end) {
  settle(begin);
  load_begin_ = begin;
  load_end_ = end;
}

void ArrayActivity::pass(Cycle begin, Cycle entered, Cycle released) {
  settle(begin);
  if (begin >= empty_from_) filling_until_ = begin + way_;
  begin_ = begin;
  entered_ = entered;
  released_ = released;
  empty_from_ = entered + way_;
}

ArrayCycles ArrayActivity::cycles(Cycle end) const {
  ArrayCycles all = counts_;
  if (end > settled_) count(all, settled_, end);
  return all;
}

// --- the pipeline --------------------------------------------------------------------------------

ArrayPipeline::ArrayPipeline(const SystolicConfig& config)
    : config_(config), activity_(config.rows + config.columns - 2) {}

void ArrayPipeline::check_stationary(std::uint64_t rows_k, std::uint64_t columns_n,
                                     DataType type) const {
  const std::uint64_t rows = config_.rows * config_.operands_per_row(type);
  if (rows_k >= 1 && rows_k <= rows && columns_n >= 1 && columns_n <= config_.columns) return;
  throw InputError(
      fmt::format("a stationary tile of {} x {} {} operands: the array takes 1 x 1 to {} x {}",
                  rows_k, columns_n, data_type_name(type), rows, config_.columns));
}

void ArrayPipeline::check_moving(const Tile& tile, std::uint64_t columns_moving,
                                 DataType type) const {
  if (tile.columns == 0) throw InputError("a moving operand before any stationary tile");
  if (columns_moving < 1 || columns_moving > config_.moving_limit) {
    throw InputError(fmt::format("a moving operand of {} columns: one pass takes 1 to {}",
                                 columns_moving, config_.moving_limit));
  }
  if (type != tile.type) {
    throw InputError(fmt::format("a moving operand of {} with a stationary tile of {}",
                                 data_type_name(type), data_type_name(tile.type)));
  }
}

Cycle ArrayPipeline::load_cycles(std::uint64_t rows_k, DataType type) const {
  const std::uint64_t rows = ceil_div(rows_k, config_.operands_per_row(type));
  return ceil_div(rows, config_.load_rows) * config_.cycles_per_operand(type);
}

Cycle ArrayPipeline::issue_cycles(std::uint64_t columns_n, std::uint64_t columns_moving,
                                  DataType type) const {
  return std::max(std::min(config_.minimum_cycles, columns_n), columns_moving) *
         config_.cycles_per_operand(type);
}

StationaryLoad ArrayPipeline::load_stationary(Cycle now, std::uint64_t rows_k,
                                              std::uint64_t columns_n, DataType type) {
  check_stationary(rows_k, columns_n, type);
  StationaryLoad load;
  load.begin = std::max(now, load_ready_);
  load.end = load.begin + load_cycles(rows_k, type);
  shadow_ = {columns_n, type, load};
  load_ready_ = load.end;
  activity_.load(load.begin, load.end);
  return load;
}

Cycle ArrayPipeline::multiply_ready() const {
  return shadow_.columns == 0 ? issue_ready_ : std::max(issue_ready_, shadow_.load.end);
}

MovingPass ArrayPipeline::multiply_moving(Cycle now, std::uint64_t columns_moving, DataType type) {
  MovingPass pass;
  pass.exchanged = shadow_.columns != 0;
  check_moving(pass.exchanged ? shadow_ : active_, columns_moving, type);
  pass.start = std::max(now, multiply_ready());
  if (pass.exchanged) {
    active_ = shadow_;
    shadow_.columns = 0;
    load_ready_ = std::max(load_ready_, pass.start);
  }
  pass.load = active_.load;

  const Cycle each = config_.cycles_per_operand(type);
  const Cycle entered = pass.start + columns_moving * each;
  pass.issue_end = pass.start + issue_cycles(active_.columns, columns_moving, type);
  pass.first_result = pass.start + each - 1 + config_.rows - 1;
  pass.last_result = entered - 1 + config_.rows - 1 + active_.columns - 1;
  pass.fill_cycles = pass.first_result - pass.start;
  pass.drain_cycles = std::max(pass.last_result + 1, pass.issue_end) - pass.issue_end;
  issue_ready_ = pass.issue_end;
  activity_.pass(pass.start, entered, pass.issue_end);
  return pass;
}

}  // namespace heddle
