// A GEMM with real numbers on a grid of PEs, stepped in every cycle.
#pragma once

#include <cstdint>
#include <deque>
#include <variant>
#include <vector>

#include "parts/gemm_schedule.h"
#include "parts/pe_grid.h"

namespace heddle {

/// Computes c = a b, an m x k by a k x n matrix, all row by row in memory.
///
/// The grid gets its operands in the cycles that GemmSchedule says; every result must leave its
/// column in the cycle that follows from parts/systolic_timing.h, or step() throws CheckFailure.
/// Sums of several folds are added up outside the array, in the order of the folds.
template <class Operands>
class GridGemm {
 public:
  using Operand = typename Operands::Operand;
  using Sum = typename Operands::Sum;

  GridGemm(const SystolicConfig& config, const GemmShape& shape, DataType type,
           std::vector<Operand> a, std::vector<Operand> b);

  /// One cycle. False when the GEMM is done.
  bool step();
  void run() {
    while (step()) {
    }
  }

  Cycle cycles() const { return now_; }
  std::uint64_t results() const { return results_; }  ///< that have left the array
  const std::vector<Sum>& c() const { return c_; }
  /// What the PEs have been seen doing in these cycles.
  const ArrayCycles& seen() const { return seen_; }

  /// The same by three loops, the sums of a fold one after the other as in the array.
  std::vector<Sum> expected() const;

 private:
  /// Elements of a matrix, addressed as the array's dataflow sees them.
  struct View {
    const Operand* data;
    std::uint64_t per_first;
    std::uint64_t per_second;
    Operand at(std::uint64_t first, std::uint64_t second) const {
      return data[first * per_first + second * per_second];
    }
  };
  /// Passes from the oldest with results to come, counted since the beginning of the GEMM.
  const FoldPass& pass(std::size_t number) const { return passes_[number - retired_]; }
  std::size_t known() const { return retired_ + passes_.size(); }

  void look_ahead();
  bool advance(std::size_t& number);
  void feed(StationaryGrid<Operands>& grid);
  void feed(OutputGrid<Operands>& grid);
  bool feed_tile(StationaryGrid<Operands>& grid);
  bool feed_column(StationaryGrid<Operands>& grid);
  template <class Grid>
  void take_results(const Grid& grid);
  void take(unsigned column, Sum sum);
  void look(bool loads, bool moves);
  void finish() const;

  SystolicConfig config_;
  bool outputs_stay_;
  GemmShape shape_;
  GemmSchedule schedule_;
  std::vector<Operand> a_;
  std::vector<Operand> b_;
  View stays_{};  ///< (row, column); of output stationary: (step, column)
  View moves_{};  ///< (row, step)
  std::vector<Sum> c_;
  std::variant<StationaryGrid<Operands>, OutputGrid<Operands>> grid_;
  std::deque<FoldPass> passes_;
  std::size_t retired_ = 0;
  std::size_t loading_ = 0;           ///< number of the pass whose tile comes in, or will next
  std::size_t entering_ = 0;          ///< number of the pass whose operands enter, or will next
  std::vector<std::size_t> leaving_;  ///< by column: number of the pass whose results leave
  std::vector<std::uint64_t> left_;   ///< by column: its results that have left
  Cycle now_ = 0;
  Cycle closed_until_ = 0;  ///< nothing may enter: of the latest pass
  Cycle way_left_ = 0;      ///< of the latest operand, to the last PE
  Cycle occupied_ = 0;      ///< cycles since the array was empty
  ArrayCycles seen_;
  std::uint64_t results_ = 0;
  std::uint64_t expected_results_ = 0;
  std::vector<Operand> column_;  ///< that enters
  std::vector<Operand> row_;     ///< or rows
};

extern template class GridGemm<Int8Operands>;
extern template class GridGemm<Bf16Operands>;

}  // namespace heddle
