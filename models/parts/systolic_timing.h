// When a systolic array loads, multiplies and gives results, to the cycle, without stepping its PEs
// (parts/pe_grid.h steps them, and agrees).
//
// Serial folds. The operand that stays is cut into folds of the array's size, and a fold begins
// when the one before has left the array completely. Counts are SCALE-Sim's (Samajdar et al.,
// "SCALE-Sim: Systolic CNN Accelerator Simulator", and its v2): a fold at the edge that fills only
// a part of the array takes the time of a whole one. Cycle 0 of a fold is the first in which an
// operand enters.
//   weight stationary   the R x C weights are loaded in cycles 0 to R-1, one row per cycle; the
//                       moving operand m enters row i in cycle R + m + i; its sum leaves column j
//                       in cycle 2R - 1 + m + j; the fold takes 2R + C + T - 2 cycles
//   input stationary    the same with the operands exchanged
//   output stationary   pair t of operands meets in PE (i, j) in cycle t + i + j; the sum of PE
//                       (i, j) leaves column j in cycle T - 1 + i + j, one per column and cycle;
//                       the fold takes T + R + C - 2 cycles
//
// Pipelined. What Trainium2's documentation says of its tensor engine (AWS Neuron, NKI): passes of
// a moving operand follow each other without a gap, each max(min(64, columns of the stationary
// tile), columns of the moving one) cycles, and the next stationary tile is loaded behind the
// current one. The mechanism that gives these numbers here, and in pe_grid.h and
// rtl/systolic_array.sv:
//  - Operand m of a pass that starts in cycle s enters row i in cycle s + m + i and meets PE (i, j)
//    in cycle s + m + i + j. Its sum leaves column j in cycle s + m + R - 1 + j: sums pass all R
//    rows, whatever the height of the tile.
//  - Each PE has one shadow weight. Row i of the next tile, which begins to load in cycle b,
//  reaches
//    PE (i, j) in cycle b + i / load_rows + i + j: it follows the moving operands on their way.
//  - The first operand of the next pass carries an order to exchange: where it meets a PE, the
//    shadow weight becomes the weight, for itself and for those behind it.
//  - So a load may begin in the cycle in which the pass that took the last shadow starts, and a
//    pass may start when the last row of its tile has entered, `rows / load_rows` cycles after its
//    load began; both follow from each PE's own order.
#pragma once

#include <cstdint>
#include <string>

#include "kernel/units.h"
#include "parts/systolic_config.h"

namespace heddle {

/// The product of an m x k matrix and a k x n matrix.
struct GemmShape {
  std::uint64_t m = 1;
  std::uint64_t k = 1;
  std::uint64_t n = 1;
};

/// A GEMM with a name: a layer of a network.
struct GemmLayer {
  std::string name;
  GemmShape shape;
};

/// A GEMM as an array of one dataflow sees it: what stands along its rows and its columns, and how
/// many steps the rest takes. Names as in SCALE-Sim: S_R, S_C, T.
struct ArrayMapping {
  std::uint64_t rows = 1;
  std::uint64_t columns = 1;
  std::uint64_t steps = 1;
};

/// OS: m, n, k. WS: k, n, m. IS: k, m, n.
ArrayMapping map_gemm(const GemmShape& shape, Dataflow dataflow);

/// Times of a GEMM in serial folds.
struct SerialTiming {
  std::uint64_t folds = 0;
  Cycle fold_cycles = 0;
  Cycle cycles = 0;               ///< of all folds
  double utilisation = 0;         ///< products by PEs and cycles
  double mapping_efficiency = 0;  ///< PEs that hold a part of the GEMM, mean over the folds

  /// What SCALE-Sim prints: the number of the last cycle, counted from 0.
  Cycle scale_sim_cycles() const { return cycles - 1; }
};

/// Cycles of one fold of `steps` steps.
Cycle serial_fold_cycles(std::uint64_t rows, std::uint64_t columns, std::uint64_t steps,
                         Dataflow dataflow);

/// Throws InputError unless every size is from 1 to 2^31 and the cycles fit 63 bits.
SerialTiming serial_timing(const GemmShape& shape, std::uint64_t rows, std::uint64_t columns,
                           Dataflow dataflow);

/// What an array did with its cycles. They add up to all cycles.
struct ArrayCycles {
  Cycle load = 0;     ///< it only loads a stationary tile
  Cycle fill = 0;     ///< operands enter, and the first of them has not reached the last PE
  Cycle busy = 0;     ///< operands enter, and the way to the last PE is full
  Cycle padding = 0;  ///< a pass shorter than the minimum keeps the entrance closed
  Cycle drain = 0;    ///< nothing enters, operands are under way
  Cycle idle = 0;

  bool operator==(const ArrayCycles& o) const {
    return load == o.load && fill == o.fill && busy == o.busy && padding == o.padding &&
           drain == o.drain && idle == o.idle;
  }
  Cycle total() const { return load + fill + busy + padding + drain + idle; }
  void add(const ArrayCycles& other) {
    load += other.load;
    fill += other.fill;
    busy += other.busy;
    padding += other.padding;
    drain += other.drain;
    idle += other.idle;
  }
};

/// Attributes cycles to states from what is known of loads and passes. Both are told in the order
/// in which they begin, except that a load may begin before passes that leave no gap before them.
class ArrayActivity {
 public:
  /// `way`: cycles from the first PE to the last, R + C - 2.
  explicit ArrayActivity(Cycle way) : way_(way) {}

  void load(Cycle begin, Cycle end);
  /// Operands enter from `begin` until `entered`, and nothing else until `released`.
  void pass(Cycle begin, Cycle entered, Cycle released);

  /// Of the cycles before `end`, at which the latest load and pass have begun.
  ArrayCycles cycles(Cycle end) const;

 private:
  void settle(Cycle until);
  void count(ArrayCycles& to, Cycle from, Cycle until) const;

  Cycle way_;
  Cycle settled_ = 0;
  ArrayCycles counts_;
  Cycle load_begin_ = 0;
  Cycle load_end_ = 0;
  Cycle filling_until_ = 0;  ///< when the first operand since the array was empty is at the last PE
  Cycle begin_ = 0;          ///< of the latest pass
  Cycle entered_ = 0;
  Cycle released_ = 0;
  Cycle empty_from_ = 0;  ///< when its last operand has left the last PE
};

/// A load of a stationary tile.
struct StationaryLoad {
  Cycle begin = 0;  ///< cycle in which its first rows enter
  Cycle end = 0;    ///< first cycle in which a pass may start with it
};

/// One pass of a moving operand.
struct MovingPass {
  Cycle start = 0;         ///< cycle in which its first column enters the first row
  Cycle issue_end = 0;     ///< first cycle in which another pass may start
  Cycle first_result = 0;  ///< cycle in which the first sum leaves the first column
  Cycle last_result = 0;   ///< cycle in which the last sum leaves the tile's last column
  Cycle fill_cycles = 0;   ///< from `start` to `first_result`
  Cycle drain_cycles = 0;  ///< from `issue_end` until `last_result` is over; 0 if that is before
  StationaryLoad load;     ///< of the tile it uses
  bool exchanged = false;  ///< it is the first pass with that tile
};

/// A weight-stationary array with one set of shadow weights, as the tensor engine of a core drives
/// it: in order, a load before the passes that use it. State without a clock.
///
/// Both calls throw InputError, one sentence, for what the array cannot take.
class ArrayPipeline {
 public:
  explicit ArrayPipeline(const SystolicConfig& config);

  /// Loads a tile of `rows_k` x `columns_n` into the shadow weights, not before cycle `now`, nor
  /// before a pass with the tile that is there has started. A tile that no pass has used is lost.
  StationaryLoad load_stationary(Cycle now, std::uint64_t rows_k, std::uint64_t columns_n,
                                 DataType type);

  /// Passes `columns_moving` columns of a moving operand, each as high as the stationary tile, not
  /// before cycle `now`: through the tile loaded last, as soon as it may be used.
  MovingPass multiply_moving(Cycle now, std::uint64_t columns_moving, DataType type);

  /// First cycle in which a load, or a pass with what has been loaded, could begin.
  Cycle load_ready() const { return load_ready_; }
  Cycle multiply_ready() const;

  /// Cycles that a load, or a pass with a tile of `columns_n`, takes.
  Cycle load_cycles(std::uint64_t rows_k, DataType type) const;
  Cycle issue_cycles(std::uint64_t columns_n, std::uint64_t columns_moving, DataType type) const;

  /// Of the cycles before `end`, at which the latest load and pass have begun.
  ArrayCycles cycles(Cycle end) const { return activity_.cycles(end); }

 private:
  struct Tile {
    std::uint64_t columns = 0;  ///< 0: there is none
    DataType type = DataType::bf16;
    StationaryLoad load;
  };

  void check_stationary(std::uint64_t rows_k, std::uint64_t columns_n, DataType type) const;
  void check_moving(const Tile& tile, std::uint64_t columns_moving, DataType type) const;

  SystolicConfig config_;
  ArrayActivity activity_;
  Tile active_;
  Tile shadow_;
  Cycle load_ready_ = 0;
  Cycle issue_ready_ = 0;
};

}  // namespace heddle
