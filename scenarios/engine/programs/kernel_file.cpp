#include "engine/programs/kernel_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/document.h"
#include "engine/nearest.h"
#include "engine/quantity.h"
#include "engine/reader.h"
#include "kernel/error.h"

namespace heddle {

namespace {

constexpr std::size_t most_instructions = 4'000'000;  // 64 bytes each

/// What an instruction may say beside its semaphores; each uses some of it.
struct Operands {
  std::uint64_t rows = 0;
  std::uint64_t columns = 0;
  std::uint64_t elements = 0;
  std::uint64_t bank = no_bank;
  DataType type = DataType::bf16;
  Bytes bytes = 0_B;
  Bytes address = 0_B;
  std::uint64_t node = 0;
  std::uint64_t queue = 0;
  Bytes reduce = 0_B;
};

struct Word {
  const char* name;
  Opcode opcode;
};
constexpr Word words[] = {{"load_stationary", Opcode::load_stationary},
                          {"multiply_moving", Opcode::multiply_moving},
                          {"elementwise", Opcode::elementwise},
                          {"read", Opcode::transfer},
                          {"write", Opcode::transfer},
                          {"barrier", Opcode::barrier},
                          {"wait", Opcode::wait}};

class KernelReader {
 public:
  KernelReader(const AcceleratorConfig& config, std::uint64_t chips)
      : config_(config),
        chips_(chips),
        capacity_(config.memory.stacks * config.memory.stack.capacity.value) {}

  HandKernel read(const Node& root, const std::string& name) {
    read_.kernel.name = name;
    for (const Node& child : root.children) {
      if (child.key == "semaphores") {
        read_semaphores(child);
      } else if (child.key != "streams") {
        fail_at(child, child.key, "unknown key" + suggestion(child.key, {"semaphores", "streams"}));
      }
    }
    const Node* streams = root.find("streams");
    if (streams == nullptr || streams->kind != Node::Kind::map) {
      fail_at(root, "streams", "expected the streams of engines");
    }
    for (const Node& stream : streams->children) read_stream(stream);
    return std::move(read_);
  }

 private:
  void read_semaphores(const Node& node) {
    if (node.kind != Node::Kind::map) {
      fail_at(node, "semaphores", "expected semaphores, each with what it begins with");
    }
    for (const Node& child : node.children) {
      std::uint64_t initial = 0;
      Section section;
      section.fields.push_back({child.key, &initial, 0, 1e9, "", "", {}});
      read_one(section, child, "semaphores");
      read_.semaphores.push_back({child.key, static_cast<std::uint32_t>(initial)});
    }
  }

  /// A node alone under a description of its keys.
  static void read_one(const Section& section, const Node& child, const std::string& path) {
    Node alone;
    alone.kind = Node::Kind::map;
    alone.key = path;
    alone.place = child.place;
    alone.children = {child};
    read_into(section, alone);
  }

  void read_stream(const Node& node) {
    const auto known = std::find(engine_names.begin(), engine_names.end(), node.key);
    if (known == engine_names.end()) {
      fail_at(node, "streams." + node.key,
              "no such engine" + suggestion(node.key, {engine_names.begin(), engine_names.end()}));
    }
    engine_ = static_cast<Engine>(known - engine_names.begin());
    loaded_ = false;
    read_body(node, "streams." + node.key, read_.kernel.stream(engine_));
    if (engine_ == Engine::tensor) check_types(node);
    in_other_streams_ += read_.kernel.stream(engine_).size();
  }

  /// Beyond what check_multiply sees: a loop may begin with the tile that its end has loaded.
  void check_types(const Node& node) {
    const auto& stream = read_.kernel.stream(Engine::tensor);
    for (std::size_t i = 0; i < stream.size(); ++i) {
      if (stream[i].opcode == Opcode::load_stationary) loaded_type_ = stream[i].type;
      if (stream[i].opcode == Opcode::multiply_moving && stream[i].type != loaded_type_) {
        fail_at(node, "streams.tensor", fmt::format("instruction {}: ", i) + other_type(stream[i]));
      }
    }
  }

  std::string other_type(const Instruction& made) const {
    return fmt::format("a moving operand of {} with a stationary tile of {}",
                       data_type_name(made.type), data_type_name(loaded_type_));
  }

  void read_body(const Node& node, const std::string& path, std::vector<Instruction>& stream) {
    if (node.kind != Node::Kind::list) fail_at(node, path, "expected a list of instructions");
    for (std::size_t i = 0; i < node.children.size(); ++i) {
      const Node& item = node.children[i];
      const std::string here = fmt::format("{}.{}", path, i);
      if (item.kind != Node::Kind::map || item.children.empty()) {
        fail_at(item, here, "expected an instruction");
      }
      if (item.find("repeat") != nullptr || item.find("body") != nullptr) {
        read_loop(item, here, stream);
      } else {
        if (item.children.size() != 1) fail_at(item, here, "expected one instruction");
        append(stream, read_instruction(item.children.front(), here), item, here);
      }
    }
  }

  void read_loop(const Node& item, const std::string& path, std::vector<Instruction>& stream) {
    std::uint64_t times = 1;
    Node count = item;
    count.children.clear();
    const Node* body = nullptr;
    for (const Node& child : item.children) {
      child.key == "body" ? void(body = &child) : void(count.children.push_back(child));
    }
    if (body == nullptr) fail_at(item, path, "`repeat` has no `body`");
    Section section;
    section.fields.push_back({"repeat", &times, 1, 1e6, "", "", {}});
    read_into(section, count);
    std::vector<Instruction> once;
    read_body(*body, path + ".body", once);
    if (times * once.size() + stream.size() + in_other_streams_ > most_instructions) {
      too_many(item, path);
    }
    for (std::uint64_t n = 0; n < times && !once.empty(); ++n) {
      stream.insert(stream.end(), once.begin(), once.end());
    }
  }

  void append(std::vector<Instruction>& stream, const Instruction& instruction, const Node& item,
              const std::string& path) const {
    if (stream.size() + in_other_streams_ == most_instructions) too_many(item, path);
    stream.push_back(instruction);
  }

  [[noreturn]] static void too_many(const Node& item, const std::string& path) {
    fail_at(item, path, fmt::format("more than {} instructions in a kernel", most_instructions));
  }

  Instruction read_instruction(const Node& node, const std::string& path) {
    const auto word = std::find_if(std::begin(words), std::end(words),
                                   [&](const Word& w) { return node.key == w.name; });
    if (word == std::end(words)) {
      std::vector<std::string> names;
      for (const Word& w : words) names.emplace_back(w.name);
      fail_at(node, path,
              fmt::format("no such instruction: {}{}", node.key, suggestion(node.key, names)));
    }
    const std::string here = path + "." + node.key;
    if (node.kind != Node::Kind::map && node.kind != Node::Kind::empty) {
      fail_at(node, here, "expected keys with values, as {rows: 128}");
    }
    Instruction instruction;
    instruction.opcode = word->opcode;
    instruction.write = node.key == "write";
    Node operands = node;
    operands.children.clear();
    operands.kind = Node::Kind::map;
    for (const Node& child : node.children) {
      if (child.key == "wait") {
        read_uses(child, here + ".wait", instruction.waits);
      } else if (child.key == "signal") {
        read_uses(child, here + ".signal", instruction.signals);
      } else {
        operands.children.push_back(child);
      }
    }
    Operands values;
    read_operands(describe(instruction, values), operands, here);
    take(instruction, values);
    check(instruction, values, node, here);
    return instruction;
  }

  /// Sizes have no default.
  static void read_operands(Section section, const Node& operands, const std::string& path) {
    for (const Field& field : section.fields) {
      const bool size = field.key == "rows" || field.key == "columns" || field.key == "elements" ||
                        field.key == "bytes";
      if (size && operands.find(field.key) == nullptr) {
        fail_at(operands, path, fmt::format("has no `{}`", field.key));
      }
    }
    // Below a key, so that messages name it.
    section.key = operands.key;
    Section root;
    root.sections = {std::move(section)};
    Node alone;
    alone.kind = Node::Kind::map;
    alone.children = {operands};
    read_into(root, alone);
  }

  Section describe(const Instruction& instruction, Operands& values) const {
    Section section;
    Fields fields(section);
    const std::vector<std::string> types{"bf16", "fp32", "fp8", "int8"};
    const double largest = static_cast<double>(capacity_);
    switch (instruction.opcode) {
      case Opcode::load_stationary:
        fields.add("rows", values.rows, 1, 65535, "Of the contraction.");
        fields.add("columns", values.columns, 1, 65535, "Of the result.");
        fields.choice("type", values.type, types, "Of the operands.");
        break;
      case Opcode::multiply_moving:
        fields.add("columns", values.elements, 1, 65535, "Of the moving operand.");
        fields.add("bank", values.bank, 0, 254, "Of PSUM, where the sums go.");
        fields.choice("type", values.type, types, "Of the operands.");
        break;
      case Opcode::elementwise:
        fields.add("elements", values.elements, 1, 1e9, "Of each partition.");
        fields.add("bank", values.bank, 0, 254, "Of PSUM, when sums are read.");
        break;
      case Opcode::transfer:
        fields.add("bytes", values.bytes, 1, 4e9, "Between SBUF and memory.");
        fields.add("address", values.address, 0, largest, "In the chip's memory.");
        fields.add("node", values.node, 0, 65535, "Whose memory; its own without this key.");
        fields.add("queue", values.queue, 0, 15, "Of the DMA engines.");
        break;
      case Opcode::barrier:
        fields.add("reduce", values.reduce, 0, 1e12, "That the chips reduce first.");
        break;
      case Opcode::wait:
        break;
    }
    return section;
  }

  void take(Instruction& to, const Operands& values) const {
    to.type = values.type;
    to.psum_bank = static_cast<std::uint8_t>(values.bank);
    to.queue = static_cast<std::uint8_t>(values.queue);
    to.rows = static_cast<std::uint16_t>(values.rows);
    to.columns = static_cast<std::uint16_t>(values.columns);
    to.elements = static_cast<std::uint32_t>(values.elements);
    to.bytes = to.opcode == Opcode::barrier ? values.reduce.value : values.bytes.value;
    to.address = values.address.value;
  }

  void check(Instruction& made, const Operands& values, const Node& node, const std::string& path) {
    const bool tensor =
        made.opcode == Opcode::load_stationary || made.opcode == Opcode::multiply_moving;
    if (tensor != (engine_ == Engine::tensor) && (tensor || made.opcode == Opcode::elementwise)) {
      fail_at(node, path,
              fmt::format("the {} engine has no {}", engine_names[static_cast<unsigned>(engine_)],
                          node.key));
    }
    if (engine_ == Engine::sync && made.opcode == Opcode::elementwise) {
      fail_at(node, path, "the sync engine has no elementwise");
    }
    if (made.opcode == Opcode::load_stationary) check_load(made, node, path);
    if (made.opcode == Opcode::multiply_moving) check_multiply(made, node, path);
    if (made.psum_bank != no_bank && made.psum_bank >= config_.psum_banks) {
      fail_at(node, path,
              fmt::format("bank {} of PSUM, which has {}", made.psum_bank, config_.psum_banks));
    }
    if (made.opcode == Opcode::transfer) check_transfer(made, values, node, path);
  }

  void check_load(const Instruction& made, const Node& node, const std::string& path) {
    const std::uint64_t rows = config_.array.rows * config_.array.operands_per_row(made.type);
    if (made.rows > rows || made.columns > config_.array.columns) {
      fail_at(node, path,
              fmt::format("a tile of {} x {} does not fit the array, which takes {} x {}",
                          made.rows, made.columns, rows, config_.array.columns));
    }
    loaded_ = true;
    loaded_type_ = made.type;
  }

  void check_multiply(const Instruction& made, const Node& node, const std::string& path) const {
    if (made.psum_bank == no_bank) fail_at(node, path, "has no `bank` for its sums");
    const std::uint64_t sums = config_.psum_bank.value / 4;
    if (made.elements > sums) {
      fail_at(node, path,
              fmt::format("overflows PSUM: {} sums of 4 bytes per partition in a bank "
                          "of {}",
                          made.elements, print_quantity(config_.psum_bank)));
    }
    if (made.elements > config_.array.moving_limit) {
      fail_at(node, path,
              fmt::format("{} columns are more than accelerator.array.moving_limit, {}",
                          made.elements, config_.array.moving_limit));
    }
    if (!loaded_) fail_at(node, path, "comes before any load_stationary");
    if (made.type != loaded_type_) fail_at(node, path, other_type(made));
  }

  void check_transfer(Instruction& made, const Operands& values, const Node& node,
                      const std::string& path) const {
    if (made.queue >= config_.dma.queues) {
      fail_at(node, path, fmt::format("queue {} of {}", made.queue, config_.dma.queues));
    }
    if (made.bytes > capacity_ || made.address > capacity_ - made.bytes) {
      fail_at(node, path,
              fmt::format("ends beyond the chip's memory, {}", print_quantity(Bytes{capacity_})));
    }
    if (node.find("node") == nullptr) return;
    if (values.node >= chips_) {
      fail_at(node, path, fmt::format("node {} of {}", values.node, chips_));
    }
    made.remote = true;
    made.address += values.node * capacity_;
  }

  template <std::size_t N>
  void read_uses(const Node& node, const std::string& path,
                 std::array<SemaphoreUse, N>& uses) const {
    if (node.kind != Node::Kind::map) fail_at(node, path, "expected semaphores with counts");
    if (node.children.size() > N) {
      fail_at(node, path,
              fmt::format("more than {} semaphores; a `wait` instruction takes more", N));
    }
    for (std::size_t i = 0; i < node.children.size(); ++i) {
      const Node& child = node.children[i];
      std::uint64_t count = 1;
      Section section;
      section.fields.push_back({child.key, &count, 1, 65535, "", "", {}});
      read_one(section, child, path);
      uses[i] = {semaphore(child, path), static_cast<std::uint16_t>(count)};
    }
  }

  std::uint16_t semaphore(const Node& node, const std::string& path) const {
    std::vector<std::string> names;
    for (std::size_t s = 0; s < read_.semaphores.size(); ++s) {
      if (read_.semaphores[s].name == node.key) return static_cast<std::uint16_t>(s);
      names.push_back(read_.semaphores[s].name);
    }
    fail_at(node, path, "no such semaphore: " + node.key + suggestion(node.key, names));
  }

  const AcceleratorConfig& config_;
  std::uint64_t chips_;
  std::uint64_t capacity_;
  HandKernel read_;
  Engine engine_ = Engine::tensor;
  std::size_t in_other_streams_ = 0;
  bool loaded_ = false;
  DataType loaded_type_ = DataType::bf16;
};

}  // namespace

HandKernel read_kernel(const std::filesystem::path& file, const AcceleratorConfig& config,
                       std::uint64_t chips) {
  return KernelReader(config, chips).read(read_document(file), file.filename().string());
}

HandKernel parse_kernel(const std::string& text, const std::string& name,
                        const AcceleratorConfig& config, std::uint64_t chips) {
  return KernelReader(config, chips).read(parse_document(text, name), name);
}

}  // namespace heddle
