// Parameters of a systolic array: its size, what stays in it, and how its folds follow each other.
#pragma once

#include "kernel/fields.h"

namespace heddle {

/// Which operand stays in the processing elements (PEs) while the others move.
enum class Dataflow : std::uint8_t { weight_stationary, output_stationary, input_stationary };

/// How the parts (folds) of a product that is larger than the array follow each other.
enum class Folds : std::uint8_t {
  serial,    ///< one begins when the one before has left the array: SCALE-Sim's rule
  pipelined  ///< one enters behind the other; the next stationary tile is loaded meanwhile
};

enum class DataType : std::uint8_t { bf16, fp32, fp8, int8 };

/// Times without PEs, or every PE in every cycle: to the same cycle.
enum class ArrayMode : std::uint8_t { fast, pe_grid };

struct SystolicConfig {
  std::uint64_t rows = 128;
  std::uint64_t columns = 128;
  Frequency clock{2'400'000'000};  ///< that of its device; no key of its own
  Dataflow dataflow = Dataflow::weight_stationary;
  Folds folds = Folds::pipelined;
  ArrayMode mode = ArrayMode::fast;
  std::uint64_t minimum_cycles = 64;
  std::uint64_t load_rows = 4;
  std::uint64_t moving_limit = 512;
  std::uint64_t fp32_cycles = 4;
  std::uint64_t fp8_rows = 2;

  void describe(Fields& fields);

  /// Cycles that an operand takes where another type takes one.
  std::uint64_t cycles_per_operand(DataType type) const {
    return type == DataType::fp32 ? fp32_cycles : 1;
  }
  /// Operands of one column that a PE holds and multiplies in one cycle.
  std::uint64_t operands_per_row(DataType type) const {
    return type == DataType::fp8 ? fp8_rows : 1;
  }
};

/// "bf16".
const char* data_type_name(DataType type);

}  // namespace heddle
