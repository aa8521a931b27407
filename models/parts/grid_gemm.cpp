#include "parts/grid_gemm.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "kernel/error.h"

namespace heddle {

namespace {

void add(float& to, float sum) { to += sum; }
/// Wraps, as hardware does.
void add(std::int32_t& to, std::int32_t sum) {
  to = static_cast<std::int32_t>(static_cast<std::uint32_t>(to) + static_cast<std::uint32_t>(sum));
}

template <class Operands>
std::variant<StationaryGrid<Operands>, OutputGrid<Operands>> make_grid(
    const SystolicConfig& config) {
  const auto rows = static_cast<unsigned>(config.rows);
  const auto columns = static_cast<unsigned>(config.columns);
  if (config.dataflow == Dataflow::output_stationary) return OutputGrid<Operands>(rows, columns);
  const auto load_rows =
      config.folds == Folds::serial ? 1U : static_cast<unsigned>(config.load_rows);
  return StationaryGrid<Operands>(rows, columns, load_rows);
}

void check_type(const SystolicConfig& config, DataType type) {
  if (config.cycles_per_operand(type) == 1 && config.operands_per_row(type) == 1) return;
  throw InputError(
      fmt::format("a grid of PEs computes with int8 and bf16, not with {}", data_type_name(type)));
}

}  // namespace

template <class Operands>
GridGemm<Operands>::GridGemm(const SystolicConfig& config, const GemmShape& shape, DataType type,
                             std::vector<Operand> a, std::vector<Operand> b)
    : config_(config),
      outputs_stay_(config.dataflow == Dataflow::output_stationary),
      shape_(shape),
      schedule_(config, shape, type),
      a_(std::move(a)),
      b_(std::move(b)),
      c_(shape.m * shape.n),
      grid_(make_grid<Operands>(config)),
      leaving_(config.columns),
      left_(config.columns) {
  check_type(config, type);
  if (a_.size() != shape.m * shape.k || b_.size() != shape.k * shape.n) {
    throw CheckFailure("the matrices of a GEMM do not have its shape");
  }
  const View a_by_row{a_.data(), shape.k, 1};
  const View a_by_column{a_.data(), 1, shape.k};
  const View b_by_row{b_.data(), shape.n, 1};
  switch (config.dataflow) {
    case Dataflow::weight_stationary:
      stays_ = b_by_row;
      moves_ = a_by_column;
      break;
    case Dataflow::input_stationary:
      stays_ = a_by_column;
      moves_ = b_by_row;
      break;
    case Dataflow::output_stationary:
      stays_ = b_by_row;
      moves_ = a_by_row;
      break;
  }
}

/// All that begins in this cycle must be known in it. A load begins at the earliest with the pass
/// that takes the tile before, so beyond a tile that has not begun to load nothing is needed.
template <class Operands>
void GridGemm<Operands>::look_ahead() {
  const auto enough = [&] {
    if (passes_.empty()) return false;
    const FoldPass& last = passes_.back();
    return outputs_stay_ ? last.start > now_ : last.loads && last.load.begin > now_;
  };
  while (!schedule_.done() && !enough()) {
    passes_.push_back(schedule_.next());
    const Fold& fold = passes_.back().fold;
    expected_results_ += fold.columns * (outputs_stay_ ? fold.rows : fold.steps);
  }
}

/// Moves on to the pass whose operands enter in this cycle; false when none do.
template <class Operands>
bool GridGemm<Operands>::advance(std::size_t& number) {
  while (number < known() && pass(number).start + pass(number).fold.steps <= now_) ++number;
  return number < known() && pass(number).start <= now_;
}

template <class Operands>
void GridGemm<Operands>::feed(StationaryGrid<Operands>& grid) {
  const bool loads = feed_tile(grid);
  look(loads, feed_column(grid));
}

template <class Operands>
bool GridGemm<Operands>::feed_tile(StationaryGrid<Operands>& grid) {
  while (loading_ < known() && (!pass(loading_).loads || pass(loading_).load.end <= now_)) {
    ++loading_;
  }
  if (loading_ == known() || pass(loading_).load.begin > now_) return false;
  const Fold& fold = pass(loading_).fold;
  const std::uint64_t height = config_.folds == Folds::serial ? 1 : config_.load_rows;
  const std::uint64_t top = (now_ - pass(loading_).load.begin) * height;
  row_.assign(height * config_.columns, Operand{});
  for (std::uint64_t r = top; r < std::min(top + height, fold.rows); ++r) {
    for (std::uint64_t c = 0; c < fold.columns; ++c) {
      row_[(r - top) * config_.columns + c] = stays_.at(fold.first_row + r, fold.first_column + c);
    }
  }
  grid.load(row_.data(), top == 0);
  return true;
}

template <class Operands>
bool GridGemm<Operands>::feed_column(StationaryGrid<Operands>& grid) {
  if (!advance(entering_)) return false;
  const FoldPass& entering = pass(entering_);
  const Fold& fold = entering.fold;
  const std::uint64_t step = now_ - entering.start;
  column_.assign(config_.rows, Operand{});
  for (std::uint64_t r = 0; r < fold.rows; ++r) {
    column_[r] = moves_.at(fold.first_row + r, fold.first_step + step);
  }
  grid.move(column_.data(), entering.loads && step == 0);
  return true;
}

template <class Operands>
void GridGemm<Operands>::feed(OutputGrid<Operands>& grid) {
  const bool moves = advance(entering_);
  look(false, moves);
  if (!moves) return;
  const Fold& fold = pass(entering_).fold;
  const std::uint64_t step = now_ - pass(entering_).start;
  column_.assign(config_.rows, Operand{});
  row_.assign(config_.columns, Operand{});
  for (std::uint64_t r = 0; r < fold.rows; ++r) column_[r] = moves_.at(fold.first_row + r, step);
  for (std::uint64_t c = 0; c < fold.columns; ++c) row_[c] = stays_.at(step, fold.first_column + c);
  grid.move(column_.data(), row_.data(), step == 0, step + 1 == fold.steps);
}

/// Counts this cycle by what enters the grid in it and has entered before.
template <class Operands>
void GridGemm<Operands>::look(bool loads, bool moves) {
  const Cycle way = config_.rows + config_.columns - 2;
  if (moves) {
    ++(occupied_ < way ? seen_.fill : seen_.busy);
    closed_until_ = pass(entering_).issue_end;
    way_left_ = way;
  } else {
    ++(now_ < closed_until_ ? seen_.padding
       : way_left_ > 0      ? seen_.drain
       : loads              ? seen_.load
                            : seen_.idle);
    if (way_left_ > 0) --way_left_;
  }
  occupied_ = moves || way_left_ > 0 ? occupied_ + 1 : 0;
}

/// Result number `left` of a column leaves in the cycle that its operands' way takes.
template <class Operands>
void GridGemm<Operands>::take(unsigned column, Sum sum) {
  if (leaving_[column] >= known()) throw CheckFailure("a systolic array gives a result of nothing");
  const FoldPass& from = pass(leaving_[column]);
  const Fold& fold = from.fold;
  const std::uint64_t left = left_[column];
  const Cycle due = from.start + (outputs_stay_ ? fold.steps : config_.rows) - 1 + left + column;
  if (now_ != due) {
    throw CheckFailure(
        fmt::format("result {} of column {} of a systolic array leaves in cycle {} instead of {}",
                    left, column, now_, due));
  }
  const std::uint64_t along = outputs_stay_ ? fold.first_row + left : fold.first_step + left;
  const std::uint64_t across = fold.first_column + column;
  const bool wanted = column < fold.columns && (!outputs_stay_ || left < fold.rows);
  if (wanted) {
    const bool across_m = config_.dataflow == Dataflow::input_stationary;
    add(c_[across_m ? across * shape_.n + along : along * shape_.n + across], sum);
    ++results_;
  }
  if (++left_[column] == (outputs_stay_ ? config_.rows : fold.steps)) {
    left_[column] = 0;
    ++leaving_[column];
  }
}

template <class Operands>
template <class Grid>
void GridGemm<Operands>::take_results(const Grid& grid) {
  for (unsigned column = 0; column < config_.columns; ++column) {
    if (grid.has_result(column)) take(column, grid.result(column));
  }
  // The last column is the last to be behind a pass, and the first to enter is behind all.
  while (!passes_.empty() && leaving_.back() > retired_ && (outputs_stay_ || loading_ > retired_) &&
         entering_ > retired_) {
    passes_.pop_front();
    ++retired_;
  }
}

template <class Operands>
bool GridGemm<Operands>::step() {
  // 1. What enters in this cycle, as the schedule says.
  look_ahead();
  if (schedule_.done() && now_ == schedule_.cycles()) return false;
  std::visit([this](auto& grid) { feed(grid); }, grid_);
  // 2. All PEs.
  std::visit([](auto& grid) { grid.step(); }, grid_);
  // 3. What leaves, each in its cycle.
  std::visit([this](auto& grid) { take_results(grid); }, grid_);
  ++now_;
  if (schedule_.done() && now_ == schedule_.cycles()) finish();
  return true;
}

template <class Operands>
void GridGemm<Operands>::finish() const {
  if (results_ == expected_results_) return;
  throw CheckFailure(fmt::format("{} of {} results have left a systolic array at its end", results_,
                                 expected_results_));
}

template <class Operands>
auto GridGemm<Operands>::expected() const -> std::vector<Sum> {
  std::vector<Sum> c(c_.size());
  const std::uint64_t height = outputs_stay_ ? shape_.k : config_.rows;
  for (std::uint64_t m = 0; m < shape_.m; ++m) {
    for (std::uint64_t n = 0; n < shape_.n; ++n) {
      for (std::uint64_t top = 0; top < shape_.k; top += height) {
        Sum sum{};
        for (std::uint64_t k = top; k < std::min(top + height, shape_.k); ++k) {
          add(sum, static_cast<Sum>(a_[m * shape_.k + k]) * static_cast<Sum>(b_[k * shape_.n + n]));
        }
        add(c[m * shape_.n + n], sum);
      }
    }
  }
  return c;
}

template class GridGemm<Int8Operands>;
template class GridGemm<Bf16Operands>;

}  // namespace heddle
