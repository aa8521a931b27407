#include "parts/systolic_config.h"

#include <array>
#include <string>
#include <vector>

namespace heddle {

void SystolicConfig::describe(Fields& fields) {
  const std::vector<std::string> alone{"array"};
  const std::string neuron = "AWS Neuron documentation: NKI, Trainium2 tensor engine";
  const std::vector<std::string> with_tiles{"weight_stationary", "input_stationary"};
  fields.add("rows", rows, 1, 1024, "Rows of PEs: products that are summed in one pass.", neuron);
  fields.add("columns", columns, 1, 1024, "Columns of PEs: results that leave in one cycle.",
             neuron);
  fields
      .choice("dataflow", dataflow, {"weight_stationary", "output_stationary", "input_stationary"},
              "What stays in the PEs while the rest moves.", neuron)
      .when("/accelerator.model", alone);
  fields
      .choice("folds", folds, {"serial", "pipelined"},
              "Whether a part of a product waits until the one before has left the array, or "
              "enters behind it.",
              "serial: SCALE-Sim v2; pipelined: " + neuron)
      .when("/accelerator.model", alone);
  fields
      .choice("mode", mode, {"fast", "pe_grid"},
              "Whether times are computed, or every PE is stepped in every cycle: the same "
              "cycles.")
      .when("/accelerator.model", alone);
  fields
      .add("minimum_cycles", minimum_cycles, 1, 4096,
           "A pass of the moving operand takes at least so many cycles, or as many as the "
           "stationary tile has columns, if those are fewer.",
           neuron)
      .when("folds", {"pipelined"})
      .when("dataflow", with_tiles);
  fields
      .add("load_rows", load_rows, 1, 64, "Rows of a stationary tile that are loaded per cycle.",
           neuron + ": up to 4 times as fast, about 32 cycles for 128 rows")
      .when("folds", {"pipelined"})
      .when("dataflow", with_tiles);
  fields
      .add("moving_limit", moving_limit, 1, 65536,
           "Most columns of the moving operand in one pass.",
           neuron + ": one bank of PSUM, 2 KiB per partition")
      .when("folds", {"pipelined"})
      .when("dataflow", with_tiles);
  fields
      .add("fp32_cycles", fp32_cycles, 1, 16,
           "Cycles that an fp32 operand takes where another type takes one.", neuron)
      .when("folds", {"pipelined"});
  fields
      .add("fp8_rows", fp8_rows, 1, 4, "Rows of an fp8 operand that one row of PEs takes.",
           neuron + ": contraction up to 256 for fp8")
      .when("folds", {"pipelined"})
      .when("dataflow", with_tiles);
}

const char* data_type_name(DataType type) {
  static constexpr std::array names{"bf16", "fp32", "fp8", "int8"};
  return names[static_cast<unsigned>(type)];
}

}  // namespace heddle
