#include "parts/gemm_schedule.h"

#include <algorithm>

namespace heddle {

namespace {

std::uint64_t ceil_div(std::uint64_t a, std::uint64_t b) { return (a + b - 1) / b; }

}  // namespace

GemmSchedule::GemmSchedule(const SystolicConfig& config, const GemmShape& shape, DataType type)
    : config_(config),
      type_(type),
      mapping_(map_gemm(shape, config.dataflow)),
      row_height_(config.folds == Folds::pipelined && config.dataflow != Dataflow::output_stationary
                      ? config.operands_per_row(type)
                      : 1),
      row_folds_(ceil_div(mapping_.rows, config.rows * row_height_)),
      folds_(row_folds_ * ceil_div(mapping_.columns, config.columns)),
      pipeline_(config) {
  serial_timing(shape, config.rows, config.columns, config.dataflow);  // refuses what is too large
}

/// Sums run over the array's rows, so folds along the rows follow each other. Of outputs that stay,
/// any order will do.
Fold GemmSchedule::fold_at(std::uint64_t index) const {
  const std::uint64_t height = config_.rows * row_height_;
  Fold fold;
  fold.first_row = index % row_folds_ * height;
  fold.rows = std::min(height, mapping_.rows - fold.first_row);
  fold.first_column = index / row_folds_ * config_.columns;
  fold.columns = std::min(config_.columns, mapping_.columns - fold.first_column);
  fold.steps = mapping_.steps;
  return fold;
}

double GemmSchedule::mapping_efficiency() const {
  const double held = static_cast<double>(mapping_.rows) * static_cast<double>(mapping_.columns);
  const double room = static_cast<double>(config_.rows * row_height_ * config_.columns);
  return held / (room * static_cast<double>(folds_));
}

FoldPass GemmSchedule::next() {
  FoldPass pass = config_.folds == Folds::serial                    ? serial()
                  : config_.dataflow == Dataflow::output_stationary ? pipelined_outputs()
                                                                    : pipelined_stationary();
  end_ = std::max(end_, pass.end);
  return pass;
}

FoldPass GemmSchedule::serial() {
  FoldPass pass;
  pass.fold = fold_at(next_fold_);
  pass.loads = config_.dataflow != Dataflow::output_stationary;
  pass.load.begin = free_;
  pass.load.end = free_ + (pass.loads ? config_.rows : 0);
  pass.start = pass.load.end;
  pass.end =
      free_ + serial_fold_cycles(config_.rows, config_.columns, mapping_.steps, config_.dataflow);
  pass.entered = pass.start + pass.fold.steps;
  pass.issue_end = pass.entered;
  free_ = pass.end;
  finish_fold();
  return pass;
}

FoldPass GemmSchedule::pipelined_stationary() {
  FoldPass pass;
  pass.fold = fold_at(next_fold_);
  pass.loads = next_step_ == 0;
  if (pass.loads) pipeline_.load_stationary(0, pass.fold.rows, pass.fold.columns, type_);
  pass.fold.first_step = next_step_;
  pass.fold.steps = std::min(config_.moving_limit, mapping_.steps - next_step_);
  const MovingPass moving = pipeline_.multiply_moving(0, pass.fold.steps, type_);
  pass.load = moving.load;
  pass.start = moving.start;
  pass.entered = pass.start + pass.fold.steps * config_.cycles_per_operand(type_);
  pass.issue_end = moving.issue_end;
  pass.end = moving.last_result + 1;
  next_step_ += pass.fold.steps;
  if (next_step_ == mapping_.steps) finish_fold();
  return pass;
}

FoldPass GemmSchedule::pipelined_outputs() {
  const Cycle each = config_.cycles_per_operand(type_);
  FoldPass pass;
  pass.fold = fold_at(next_fold_);
  pass.start = free_;
  pass.entered = pass.start + pass.fold.steps * each;
  pass.issue_end = std::max(pass.entered, pass.start + config_.rows);
  pass.end = pass.entered + config_.rows + config_.columns - 2;
  free_ = pass.issue_end;
  finish_fold();
  return pass;
}

}  // namespace heddle
