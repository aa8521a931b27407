// A systolic array, processing element by processing element: every PE multiplies and adds in every
// cycle, with real operands. parts/systolic_timing.h says when what happens; here it happens.
//
// What a PE (i, j) has: a weight and its shadow (StationaryGrid) or a sum (OutputGrid), and between
// neighbours moving operands to the right, sums or other operands downwards, orders to exchange,
// clear, load, begin and end to the right. Row i gets everything i cycles after row 0, column j
// gets what comes from above j cycles after column 0; the delays in front of the rows and columns
// are part of the grid, so a user hands over whole rows and columns.
//
// A register that only passes on what it got is not stored PE by PE. All that entered in one cycle
// stands on one diagonal, i + j = its age, and a diagonal moves on by one index:
//  - moving operands stand in a line per row, newest first, and what moves is the line's beginning;
//  - orders stand in one ring of the latest cycles;
//  - so do the stationary rows on their way down.
// Weights and sums are stored PE by PE, and each is computed in each cycle. The twin in rtl/
// has all registers where they are in hardware, and agrees in every cycle.
//
// Operands are int8 with sums of int32, or bf16 (kept in float, parts/bf16.h) with sums of fp32.
// The product of two bf16 numbers is exact in fp32, so sums depend on their order alone: from the
// first row to the last, from the first step to the last.
#pragma once

#include <cstdint>
#include <vector>

#include "kernel/units.h"

namespace heddle {

struct Int8Operands {
  using Operand = std::int8_t;
  using Sum = std::int32_t;
};
struct Bf16Operands {
  using Operand = float;
  using Sum = float;
};

/// The moving operands of all PEs: one line per row.
template <class Operand>
class MovingLines {
 public:
  MovingLines(unsigned rows, unsigned columns);

  /// Everything moves on by one PE; element i of `column` enters row i, i cycles later. Zeros for
  /// nullptr.
  void enter(const Operand* column);

  /// Operands of row i, from column 0 on: at begin() + i * stride().
  const Operand* begin() const { return lines_.data() + first_; }
  std::size_t stride() const { return length_ + 1; }

 private:
  unsigned rows_;
  std::size_t length_;  ///< of a line in memory
  std::size_t kept_;    ///< of it, what a PE may still see
  std::size_t first_;
  std::vector<Operand> lines_;
};

/// Weight-stationary PEs with shadow weights (input stationary: with inputs as weights).
///
/// In a cycle: load and move at most once, in any order, then step; then the results are those that
/// leave in this cycle.
template <class Operands>
class StationaryGrid {
 public:
  using Operand = typename Operands::Operand;
  using Sum = typename Operands::Sum;

  /// `load_rows`: rows of the stationary tile that enter in one cycle.
  StationaryGrid(unsigned rows, unsigned columns, unsigned load_rows);

  /// The next `load_rows` rows of a tile, `columns` operands each, enter; with `first`, those of a
  /// new one. Rows that a tile does not have are 0.
  void load(const Operand* rows, bool first);

  /// An operand of each row enters; with `exchange`, the weights are those loaded last from here
  /// on.
  void move(const Operand* column, bool exchange);

  void step();

  bool has_result(unsigned column) const;
  Sum result(unsigned column) const { return sums_[(rows_ - 1) * columns_ + column]; }

  /// Something is under way.
  bool active() const { return quiet_ < rows_ + columns_; }

 private:
  /// What entered in one cycle.
  struct Orders {
    bool moves = false;
    bool exchange = false;
    bool clear = false;
    bool loads = false;
    unsigned group = 0;  ///< which rows are loaded: from group * load_rows
  };

  const Orders& entered(std::size_t age) const { return orders_[(now_ - age) & mask_]; }
  void obey(std::size_t age);

  unsigned rows_;
  unsigned columns_;
  unsigned load_rows_;
  std::size_t mask_;
  std::size_t now_ = 0;
  std::size_t quiet_;  ///< cycles since something entered
  unsigned next_group_ = 0;
  Orders entering_;
  const Operand* column_ = nullptr;
  std::vector<Orders> orders_;       ///< ring over the latest cycles
  std::vector<Operand> stationary_;  ///< the same: rows on their way down
  MovingLines<Operand> moving_;
  std::vector<Operand> shadows_;
  std::vector<char> loaded_;  ///< the shadow holds a weight
  std::vector<Operand> weights_;
  std::vector<Sum> sums_;
  std::vector<Sum> zeros_;  ///< what the first row adds to
};

/// Output-stationary PEs: operands move to the right and down, sums stay until they are complete.
///
/// In a cycle: move at most once, then step; then the results are those that leave in this cycle,
/// at most one per column, on a wire that the column's PEs share.
template <class Operands>
class OutputGrid {
 public:
  using Operand = typename Operands::Operand;
  using Sum = typename Operands::Sum;

  OutputGrid(unsigned rows, unsigned columns);

  /// An operand of each row and one of each column enter. `first` begins new sums, `last` completes
  /// them. Between two `last` pass at least as many cycles as there are rows.
  void move(const Operand* column, const Operand* row, bool first, bool last);

  void step();

  bool has_result(unsigned column) const { return results_[column].row < rows_; }
  Sum result(unsigned column) const {
    return sums_[std::size_t{results_[column].row} * columns_ + column];
  }

  bool active() const { return quiet_ < rows_ + columns_; }

 private:
  struct Orders {
    bool moves = false;
    bool first = false;
    bool last = false;
  };
  struct Result {
    unsigned row;  ///< rows_: none
  };

  const Orders& entered(std::size_t age) const { return orders_[(now_ - age) & mask_]; }
  void begin_sums(std::size_t age);
  void complete_sums(std::size_t age);

  unsigned rows_;
  unsigned columns_;
  std::size_t mask_;
  std::size_t now_ = 0;
  std::size_t quiet_;
  Orders entering_;
  const Operand* column_ = nullptr;
  const Operand* row_ = nullptr;
  std::vector<Orders> orders_;
  std::vector<Operand> falling_;  ///< ring of rows on their way down, each skewed as it enters
  MovingLines<Operand> moving_;
  std::vector<Sum> sums_;
  std::vector<Result> results_;  ///< by column
};

extern template class MovingLines<std::int8_t>;
extern template class MovingLines<float>;
extern template class StationaryGrid<Int8Operands>;
extern template class StationaryGrid<Bf16Operands>;
extern template class OutputGrid<Int8Operands>;
extern template class OutputGrid<Bf16Operands>;

}  // namespace heddle
