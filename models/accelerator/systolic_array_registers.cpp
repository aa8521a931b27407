// The registers of a systolic array; docs/models/systolic_array.md lists them.
#include "accelerator/systolic_array.h"
#include "kernel/error.h"

namespace heddle {

namespace {

constexpr std::uint64_t program_registers = 0x80 + 0x200;
constexpr std::uint64_t largest_size = std::uint64_t{1} << 31;

std::string key(const std::string& name) { return "`accelerator.array." + name + "`"; }

}  // namespace

void SystolicArray::describe(RegisterMap& map) {
  describe_configuration(map);
  RegisterBlock& counters = map.block("counters", counter_registers, "Since the start of the run.");
  counters.add("layers", 0x00, 4, "GEMMs that are done.", [this] { return reports_.size(); });
  counters.add("passes", 0x08, 8, "Passes of moving operands that have started.",
               [this] { return passes_; });
  counters.add("products", 0x10, 8, "Products of the GEMMs that are done.",
               [this] { return products_; });
  counters.add("finished", 0x18, 8, "The cycle after the last result of the latest GEMM done.",
               [this] { return finished_; });
  const auto count = [&](const char* name, std::uint64_t offset, const char* text,
                         Cycle ArrayCycles::*which) {
    counters.add(name, offset, 8, text, [this, which] { return cycles(present() + 1).*which; });
  };
  count("load_cycles", 0x20, "Cycles in which it only loads a stationary tile.",
        &ArrayCycles::load);
  count("fill_cycles", 0x28,
        "Cycles in which operands enter, and the first has not reached the last PE.",
        &ArrayCycles::fill);
  count("busy_cycles", 0x30, "Cycles in which operands enter, and the way to the last PE is full.",
        &ArrayCycles::busy);
  count("padding_cycles", 0x38, "Cycles in which a pass below the minimum keeps others out.",
        &ArrayCycles::padding);
  count("drain_cycles", 0x40, "Cycles in which nothing enters and operands are under way.",
        &ArrayCycles::drain);
  count("idle_cycles", 0x48, "All other cycles.", &ArrayCycles::idle);
  describe_program(map);
}

void SystolicArray::describe_configuration(RegisterMap& map) {
  RegisterBlock& config = map.block("config", config_registers, "What the scenario says.");
  const auto number = [&](const char* name, std::uint64_t offset, const char* text,
                          std::uint64_t value) {
    config.add(name, offset, 4, text, [value] { return value; }).resets_to(key(name));
  };
  number("rows", 0x00, "Rows of PEs.", config_.rows);
  number("columns", 0x04, "Columns of PEs.", config_.columns);
  number("dataflow", 0x08, "0 weight stationary, 1 output stationary, 2 input stationary.",
         static_cast<std::uint64_t>(config_.dataflow));
  number("folds", 0x0c, "0 serial, 1 pipelined.", static_cast<std::uint64_t>(config_.folds));
  number("mode", 0x10, "0 fast, 1 every PE stepped.", static_cast<std::uint64_t>(config_.mode));
  number("minimum_cycles", 0x14, "Least cycles of a pass.", config_.minimum_cycles);
  number("load_rows", 0x18, "Rows of a stationary tile per cycle.", config_.load_rows);
  number("moving_limit", 0x1c, "Most columns of a moving operand in a pass.", config_.moving_limit);
  number("fp32_cycles", 0x20, "Cycles of an fp32 operand.", config_.fp32_cycles);
  number("fp8_rows", 0x24, "Rows of an fp8 operand in one row of PEs.", config_.fp8_rows);
  config
      .add("type", 0x28, 4, "Of the operands: 0 bf16, 1 fp32, 2 fp8, 3 int8.",
           [this] { return type_; })
      .resets_to("");
}

/// A user's own initiator runs GEMMs by these.
void SystolicArray::describe_program(RegisterMap& map) {
  RegisterBlock& program =
      map.block("program", program_registers, "A GEMM, and the command to run it.");
  const auto size = [&](const char* name, std::uint64_t offset, const char* text,
                        std::uint64_t GemmShape::*which) {
    program.add(name, offset, 4, text, [this, which] { return by_registers_.*which; })
        .resets_to("1")
        .writable(1, largest_size,
                  [this, which](std::uint64_t value) { by_registers_.*which = value; });
  };
  size("m", 0x00, "Rows of the first matrix.", &GemmShape::m);
  size("k", 0x04, "Columns of the first matrix, rows of the second.", &GemmShape::k);
  size("n", 0x08, "Columns of the second matrix.", &GemmShape::n);
  program.command("start", 0x0c, "Runs m x k x n behind what has been asked for before.")
      .writable(1, 1, [this](std::uint64_t) { ask_by_registers(); });
  program.add("waiting", 0x10, 4, "GEMMs that are not done.", [this] { return layers_.size(); });
  program.add("refused", 0x14, 4,
              "Commands to run what takes more cycles than 63 bits count, or is "
              "too large to step every PE.",
              [this] { return refused_; });
}

/// At the beginning of a cycle, for which the device is woken.
void SystolicArray::ask_by_registers() {
  const GemmLayer layer{"registers", by_registers_};
  try {
    check_layer(layer);
    ask({layer}, now());
  } catch (const InputError&) {
    ++refused_;  // a bus is told by a register, since the write has been answered
  }
}

}  // namespace heddle
