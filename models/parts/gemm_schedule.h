// A GEMM on a systolic array, fold by fold: which part is in the array when.
#pragma once

#include <cstdint>
#include <vector>

#include "parts/systolic_config.h"
#include "parts/systolic_timing.h"

namespace heddle {

/// A part of a GEMM that has the array's size, or less at an edge. Places in the mapping of
/// map_gemm(): along the array's rows, its columns, and the steps.
struct Fold {
  std::uint64_t first_row = 0;
  std::uint64_t rows = 0;
  std::uint64_t first_column = 0;
  std::uint64_t columns = 0;
  std::uint64_t first_step = 0;
  std::uint64_t steps = 0;
};

/// One pass of moving operands through the array, and what the array does for it. Cycles count from
/// the beginning of the GEMM.
struct FoldPass {
  Fold fold;
  bool loads = false;   ///< a stationary tile comes in before it
  StationaryLoad load;  ///< empty for output stationary
  Cycle start = 0;      ///< its first operand enters
  Cycle entered = 0;    ///< its last operand has entered
  Cycle issue_end = 0;  ///< nothing else may have entered before
  Cycle end = 0;        ///< the array has given all its results

  void count(ArrayActivity& activity) const {
    if (loads) activity.load(load.begin, load.end);
    activity.pass(start, entered, issue_end);
  }
};

/// The passes of a GEMM in their order: all parts of a sum one after the other, for one block of
/// results after the other. A stationary tile stays for all its passes.
///
/// Serial folds load one row of a stationary tile per cycle, all rows of the array, and take a pass
/// each. Pipelined ones are ArrayPipeline's. Pipelined output stationary, of which no source
/// speaks, follows from the PEs: sums of the next fold begin behind the last operands of this one,
/// but a column can give one result per cycle, so a fold takes at least as many cycles as there are
/// rows.
class GemmSchedule {
 public:
  /// Throws InputError as serial_timing does.
  GemmSchedule(const SystolicConfig& config, const GemmShape& shape, DataType type);

  bool done() const { return next_fold_ == folds_; }
  FoldPass next();

  std::uint64_t folds() const { return folds_; }
  const ArrayMapping& mapping() const { return mapping_; }
  /// Share of the PEs that hold a part of the GEMM, mean over the folds.
  double mapping_efficiency() const;

  /// Cycles until the last result of what next() has given.
  Cycle cycles() const { return end_; }

 private:
  Fold fold_at(std::uint64_t index) const;
  FoldPass serial();
  FoldPass pipelined_stationary();
  FoldPass pipelined_outputs();
  void finish_fold() {
    ++next_fold_;
    next_step_ = 0;
  }

  SystolicConfig config_;
  DataType type_;
  ArrayMapping mapping_;
  std::uint64_t row_height_;  ///< products that a row of PEs adds in a cycle
  std::uint64_t row_folds_;
  std::uint64_t folds_;
  std::uint64_t next_fold_ = 0;
  std::uint64_t next_step_ = 0;
  Cycle free_ = 0;  ///< when the next fold may begin, unless the pipeline says it
  Cycle end_ = 0;
  ArrayPipeline pipeline_;
};

}  // namespace heddle
