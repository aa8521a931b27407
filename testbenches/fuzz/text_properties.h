// What must hold for any bytes given as a scenario, a connection matrix, a layer table or a kernel:
// they are accepted and then make sense, or are rejected by an InputError that says where. The
// fuzzers call this with bytes that they make up, the unit tests with those of the corpus.
#pragma once

#include <algorithm>
#include <cctype>
#include <sstream>
#include <stdexcept>
#include <string>

#include "engine/connection_matrix.h"
#include "engine/document.h"
#include "engine/layer_table.h"
#include "engine/loader.h"
#include "engine/programs/kernel_file.h"
#include "kernel/error.h"

namespace heddle::testing {

inline void demand(bool holds, const std::string& property) {
  if (!holds) throw std::logic_error(property);
}

/// The line in "name:LINE..."; 0 when the sentence gives none.
inline std::size_t line_of(const std::string& sentence, const std::string& name) {
  demand(sentence.compare(0, name.size() + 1, name + ":") == 0, "names no file: " + sentence);
  const std::string rest = sentence.substr(name.size() + 1);
  return rest.empty() || std::isdigit(static_cast<unsigned char>(rest[0])) == 0 ? 0
                                                                                : std::stoul(rest);
}

inline std::size_t lines_in(const std::string& text) {
  return 1 + static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

/// A complaint that names a key which stands in the text gives its line.
inline void demand_place(const std::string& text, const std::string& name,
                         const std::string& sentence) {
  const std::size_t line = line_of(sentence, name);
  demand(line <= lines_in(text), "names a line that is not there: " + sentence);
  if (line > 0) return;
  const std::string rest = sentence.substr(name.size() + 2);
  const std::string key = rest.substr(0, rest.find(':'));
  if (key == rest) return;  // about the whole file
  try {
    const Node root = parse_document(text, name);
    demand(&closest(root, key) == &root, "does not say in which line: " + sentence);
  } catch (const InputError&) {  // not even a tree
  }
}

/// Accepted text can be spelled out, and means the same again.
inline void check_scenario_text(const std::string& text) {
  const std::string name = "input.yaml";
  try {
    for (const Scenario& scenario : load_text(text, name)) {
      const nlohmann::ordered_json spelled = parameters_of(scenario);
      const Scenario again = load_text(spelled.dump(1), "spelled.yaml").at(0);
      demand(parameters_of(again) == spelled, "is read differently when spelled out");
    }
  } catch (const InputError& error) {
    demand_place(text, name, error.what());
  }
}

/// An accepted matrix holds together; a rejected one is rejected at one of its lines.
inline void check_matrix_text(const std::string& text) {
  const std::string name = "input.cm";
  std::istringstream input(text);
  try {
    const ConnectionMatrix matrix = parse_connection_matrix(input, name);
    const auto known = [&](std::uint32_t trigger) {
      return trigger == ConnectionMatrix::no_trigger || trigger < matrix.triggers.size();
    };
    demand(!matrix.connections.empty(), "is accepted without a connection");
    for (const ConnectionMatrix::Connection& c : matrix.connections) {
      demand(c.source < matrix.nodes && c.destination < matrix.nodes, "a host is no node");
      demand(c.source != c.destination && c.bytes > 0, "a connection says nothing");
      demand(known(c.trigger) && known(c.send_done_trigger) && known(c.recv_done_trigger),
             "a trigger is not there");
    }
  } catch (const InputError& error) {
    const std::size_t line = line_of(error.what(), name);
    demand(line >= 1 && line <= lines_in(text), std::string("no such line: ") + error.what());
  }
}

/// The layers of an accepted table have sizes and names; a rejected one is rejected at a line.
inline void check_layer_text(const std::string& text) {
  const std::string name = "input.csv";
  std::istringstream input(text);
  try {
    const LayerTable table = parse_layer_table(input, name);
    demand(!table.layers.empty(), "is accepted without a layer");
    demand(table.lines.size() == table.layers.size(), "layers without a line");
    for (const GemmLayer& layer : table.layers) {
      demand(!layer.name.empty(), "a layer has no name");
      for (const std::uint64_t size : {layer.shape.m, layer.shape.k, layer.shape.n}) {
        demand(size >= 1 && size <= std::uint64_t{1} << 31, "a layer's size cannot be");
      }
    }
  } catch (const InputError& error) {
    const std::size_t line = line_of(error.what(), name);
    demand(line >= 1 && line <= lines_in(text), std::string("no such line: ") + error.what());
  }
}

/// What of an instruction a core of this chip could not do; null for nothing.
inline const char* fault_of(const Instruction& made, Engine engine, std::size_t semaphores,
                            const AcceleratorConfig& config, std::uint64_t chips) {
  const bool load = made.opcode == Opcode::load_stationary;
  const bool pass = made.opcode == Opcode::multiply_moving;
  if ((load || pass) && engine != Engine::tensor) return "an engine without an array multiplies";
  for (const auto* uses : {&made.waits, &made.signals}) {
    for (const SemaphoreUse& use : *uses) {
      if (use.count != 0 && use.semaphore >= semaphores) return "a semaphore is not there";
    }
  }
  const bool has_bank = made.psum_bank != no_bank;
  if (has_bank && made.psum_bank >= config.psum_banks) return "a bank is not there";
  if (load) {
    const std::uint64_t rows = config.array.rows * config.array.operands_per_row(made.type);
    if (made.rows < 1 || made.rows > rows) return "a tile has other rows than the array";
    if (made.columns < 1 || made.columns > config.array.columns) return "nor has it its columns";
  }
  if (pass && !has_bank) return "sums go nowhere";
  if (pass && made.elements > config.psum_bank.value / 4) return "sums overflow their bank";
  if ((pass || made.opcode == Opcode::elementwise) && made.elements < 1) return "nothing to do";
  if (made.opcode == Opcode::transfer) {
    const std::uint64_t memory = config.memory_bytes() * (made.remote ? chips : 1);
    if (made.queue >= config.dma.queues) return "a queue is not there";
    if (made.bytes < 1 || made.bytes > memory || made.address > memory - made.bytes) {
      return "a transfer ends beyond the memory";
    }
  }
  return nullptr;
}

/// An accepted kernel holds nothing that a core cannot do, and no pass without a tile of its type.
inline void check_kernel_text(const std::string& text) {
  const std::string name = "input.kernel";
  constexpr std::uint64_t chips = 4;
  const AcceleratorConfig config;
  try {
    const HandKernel read = parse_kernel(text, name, config, chips);
    for (unsigned e = 0; e < engine_count; ++e) {
      const Instruction* tile = nullptr;
      for (const Instruction& made : read.kernel.streams[e]) {
        const char* fault =
            fault_of(made, static_cast<Engine>(e), read.semaphores.size(), config, chips);
        if (fault != nullptr) demand(false, fault);
        if (made.opcode == Opcode::load_stationary) tile = &made;
        if (made.opcode != Opcode::multiply_moving) continue;
        if (tile == nullptr || tile->type != made.type) demand(false, "a pass without its tile");
      }
    }
  } catch (const InputError& error) {
    demand_place(text, name, error.what());
  }
}

}  // namespace heddle::testing
