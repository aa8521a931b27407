#include "engine/programs/core_program.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/quantity.h"
#include "kernel/error.h"

namespace heddle {

namespace {

/// Semaphores by number; `_vector`, `_scalar`: of the engine that takes the sums.
enum Name : std::uint16_t {
  weight_free,
  weight_ready,
  activation_free,
  activation_ready,
  input_free,
  input_ready,
  psum_free_vector,
  psum_free_scalar,
  sums_vector,
  sums_scalar,
  output_free_vector,
  output_free_scalar,
  stored,
  inputs,
  input_keys,
  gate_free,
  gate_ready,
  score_free_tensor,
  score_free_vector,
  score_ready,
  score_sum,
  semaphore_count
};

/// Where there are fewer queues they are shared: what is posted waits for nothing.
constexpr std::uint8_t weight_queue = 0;
constexpr std::uint8_t activation_queue = 1;
constexpr std::uint8_t vector_queue = 2;
constexpr std::uint8_t scalar_queue = 3;
constexpr std::uint64_t tiles_per_fetch = 4;

Engine taker(std::uint8_t bank) { return bank % 2 == 0 ? Engine::vector : Engine::scalar; }

std::uint16_t of_taker(std::uint8_t bank, Name vector) {
  return static_cast<std::uint16_t>(vector + (taker(bank) == Engine::scalar ? 1 : 0));
}

/// Consecutive pieces of `whole`, all but the last of `size`.
std::vector<std::uint64_t> cut(std::uint64_t whole, std::uint64_t size) {
  std::vector<std::uint64_t> pieces;
  for (; whole > 0; whole -= std::min(whole, size)) pieces.push_back(std::min(whole, size));
  return pieces;
}

std::uint64_t ceil_div(std::uint64_t a, std::uint64_t b) { return (a + b - 1) / b; }

/// Part `i` of `n` parts of `whole`, as even as possible.
std::uint64_t part(std::uint64_t whole, std::uint64_t i, std::uint64_t n) {
  return whole * (i + 1) / n - whole * i / n;
}

Instruction pass_into(std::uint8_t bank, DataType type, std::uint64_t columns) {
  Instruction pass;
  pass.opcode = Opcode::multiply_moving;
  pass.type = type;
  pass.psum_bank = bank;
  pass.elements = static_cast<std::uint32_t>(columns);
  return pass;
}

}  // namespace

std::uint64_t bytes_of(DataType type) {
  switch (type) {
    case DataType::fp32:
      return 4;
    case DataType::bf16:
      return 2;
    case DataType::fp8:
    case DataType::int8:
      break;
  }
  return 1;
}

// --- SBUF ----------------------------------------------------------------------------------------

/// Outputs and scores first, then an eighth of SBUF, or a double buffer, for weights; the rest is
/// for activations, whose number decides how often weights are fetched. Operands of the array may
/// lie several rows deep in a partition, results do not.
SbufSlots divide_sbuf(const AcceleratorConfig& config, DataType type) {
  const std::uint64_t result = config.psum_bank.value / 4 * bytes_of(type);
  const std::uint64_t deep = config.array.operands_per_row(type);
  const std::uint64_t moving = deep * result;
  const std::uint64_t stationary = deep * config.array.columns * bytes_of(type);
  SbufSlots slots;
  slots.outputs = 4;
  slots.scores = 4;
  slots.inputs = 8;
  const std::uint64_t fixed = (2 * slots.outputs + slots.scores + slots.inputs) * result;
  const std::uint64_t least = fixed + 2 * tiles_per_fetch * stationary + 8 * moving;
  if (config.sbuf.value < least) {
    throw InputError(
        fmt::format("accelerator.sbuf: {} bytes per partition are too few for tiles of this size, "
                    "which take {}",
                    config.sbuf.value, least));
  }
  slots.weights = std::max(2 * tiles_per_fetch, config.sbuf.value / 8 / stationary);
  slots.weights = std::min<std::uint64_t>(slots.weights, 1024);
  slots.activations = (config.sbuf.value - fixed - slots.weights * stationary) / moving;
  if (slots.activations < 8) {
    slots.weights = 2 * tiles_per_fetch;
    slots.activations = (config.sbuf.value - fixed - slots.weights * stationary) / moving;
  }
  return slots;
}

std::vector<SemaphoreInfo> CoreProgram::semaphores(const AcceleratorConfig& config, DataType type) {
  const SbufSlots slots = divide_sbuf(config, type);
  const auto count = [](std::uint64_t n) { return static_cast<std::uint32_t>(n); };
  std::vector<SemaphoreInfo> all(semaphore_count);
  all[weight_free] = {"weight_free", count(slots.weights)};
  all[weight_ready] = {"weight_ready", 0};
  all[activation_free] = {"activation_free", count(slots.activations)};
  all[activation_ready] = {"activation_ready", 0};
  all[input_free] = {"input_free", count(slots.inputs)};
  all[input_ready] = {"input_ready", 0};
  all[psum_free_vector] = {"psum_free_vector", count((config.psum_banks + 1) / 2)};
  all[psum_free_scalar] = {"psum_free_scalar", count(config.psum_banks / 2)};
  all[sums_vector] = {"sums_vector", 0};
  all[sums_scalar] = {"sums_scalar", 0};
  all[output_free_vector] = {"output_free_vector", count(slots.outputs)};
  all[output_free_scalar] = {"output_free_scalar", count(slots.outputs)};
  all[stored] = {"stored", 0};
  all[inputs] = {"inputs", 0};
  all[input_keys] = {"input_keys", 0};
  all[gate_free] = {"gate_free", count(slots.scores)};
  all[gate_ready] = {"gate_ready", 0};
  all[score_free_tensor] = {"score_free_tensor", count(slots.scores)};
  all[score_free_vector] = {"score_free_vector", count(slots.scores)};
  all[score_ready] = {"score_ready", 0};
  all[score_sum] = {"score_sum", 0};
  return all;
}

CoreProgram::CoreProgram(const AcceleratorConfig& config, unsigned core, DataType type)
    : config_(config), core_(core), type_(type), slots_(divide_sbuf(config, type)) {
  // Each core's tensors begin elsewhere: no two stream from the same rows of memory.
  const std::uint64_t bytes = config.memory.stacks * config.memory.stack.capacity.value;
  const TileSizes tile = tile_sizes(config, type);
  const std::uint64_t piece = tile.k * std::max(tiles_per_fetch * tile.n, tile.m) * bytes_of(type);
  if (bytes < 2 * piece) {
    throw InputError(fmt::format("accelerator.memory: {} of all stacks are too few for tiles of {}",
                                 print_quantity(Bytes{bytes}), print_quantity(Bytes{piece})));
  }
  next_address_ =
      bytes / config.cores * core / config.memory.interleave.value * config.memory.interleave.value;
}

/// Tensors lie one behind the other, and begin at a descriptor.
std::uint64_t CoreProgram::allocate(std::uint64_t bytes) {
  const std::uint64_t capacity = config_.memory.stacks * config_.memory.stack.capacity.value;
  const std::uint64_t unit = config_.dma.descriptor.value;
  const std::uint64_t whole = ceil_div(bytes, unit) * unit;
  if (next_address_ + whole > capacity) next_address_ = 0;
  const std::uint64_t address = next_address_;
  next_address_ += whole;
  return address;
}

// --- pieces of kernels ---------------------------------------------------------------------------

/// The results of the kernel before must be in memory before any core reads them.
void CoreProgram::begin(Kernel& kernel, std::uint64_t reduce_bytes, bool weights_wait) {
  if (!begun_) {
    begun_ = true;
    return;
  }
  auto& general = kernel.stream(Engine::gpsimd);
  for (; stored_ > 0;) {
    Instruction wait;
    const auto count = static_cast<std::uint16_t>(std::min<std::uint64_t>(stored_, 0xffff));
    wait.waits[0] = {stored, count};
    general.push_back(wait);
    stored_ -= count;
  }
  Instruction barrier;
  barrier.opcode = Opcode::barrier;
  barrier.bytes = reduce_bytes;
  barrier.signals[0] = {inputs, 1};
  if (weights_wait) barrier.signals[1] = {input_keys, 1};
  general.push_back(barrier);
  Instruction wait;
  wait.waits[0] = {inputs, 1};
  general.push_back(wait);
  if (!weights_wait) return;
  Instruction keys;
  keys.waits[0] = {input_keys, 1};
  kernel.stream(Engine::sync).push_back(keys);
}

/// Its bytes by the sync engine, some tiles at a time, and then into the array.
void CoreProgram::load_tile(Kernel& kernel, DataType type, std::uint64_t rows,
                            std::uint64_t columns) {
  pending_bytes_ += rows * columns * bytes_of(type);
  if (++pending_tiles_ == tiles_per_fetch) flush_weights(kernel);
  Instruction load;
  load.opcode = Opcode::load_stationary;
  load.type = type;
  load.rows = static_cast<std::uint16_t>(rows);
  load.columns = static_cast<std::uint16_t>(columns);
  load.waits[0] = {weight_ready, 1};
  load.signals[0] = {weight_free, 1};
  kernel.stream(Engine::tensor).push_back(load);
}

void CoreProgram::flush_weights(Kernel& kernel) {
  if (pending_tiles_ == 0) return;
  Instruction get;
  get.opcode = Opcode::transfer;
  get.queue = queue(weight_queue);
  get.bytes = pending_bytes_;
  get.address = allocate(pending_bytes_);
  get.waits[0] = {weight_free, static_cast<std::uint16_t>(pending_tiles_)};
  get.signals[0] = {weight_ready, static_cast<std::uint16_t>(pending_tiles_)};
  kernel.stream(Engine::sync).push_back(get);
  pending_tiles_ = 0;
  pending_bytes_ = 0;
}

void CoreProgram::fetch_activations(Kernel& kernel, std::uint64_t bytes) {
  fetch(kernel, bytes, activation_free, activation_ready);
}

/// By the general engine, into one slot.
void CoreProgram::fetch(Kernel& kernel, std::uint64_t bytes, std::uint16_t free,
                        std::uint16_t ready) {
  Instruction get;
  get.opcode = Opcode::transfer;
  get.queue = queue(activation_queue);
  get.bytes = bytes;
  get.address = allocate(bytes);
  get.waits[0] = {free, 1};
  get.signals[0] = {ready, 1};
  kernel.stream(Engine::gpsimd).push_back(get);
}

void CoreProgram::take_sums(Kernel& kernel, std::uint8_t bank, std::uint64_t columns,
                            std::uint64_t bytes) {
  Instruction take;
  take.opcode = Opcode::elementwise;
  take.psum_bank = bank;
  take.elements = static_cast<std::uint32_t>(columns);
  take.waits[0] = {of_taker(bank, sums_vector), 1};
  take.waits[1] = {of_taker(bank, output_free_vector), 1};
  take.signals[0] = {of_taker(bank, psum_free_vector), 1};
  kernel.stream(taker(bank)).push_back(take);
  store(kernel, taker(bank), bytes);
}

/// silu(gate) by the scalar engine into a slot, times `up` by the vector engine.
void CoreProgram::take_gated_sums(Kernel& kernel, std::uint8_t gate, std::uint8_t up,
                                  std::uint64_t columns, std::uint64_t bytes) {
  Instruction silu;
  silu.opcode = Opcode::elementwise;
  silu.psum_bank = gate;
  silu.elements = static_cast<std::uint32_t>(columns);
  silu.waits[0] = {sums_scalar, 1};
  silu.waits[1] = {gate_free, 1};
  silu.signals[0] = {psum_free_scalar, 1};
  silu.signals[1] = {gate_ready, 1};
  kernel.stream(Engine::scalar).push_back(silu);
  Instruction times = silu;
  times.psum_bank = up;
  times.waits[0] = {sums_vector, 1};
  times.waits[1] = {gate_ready, 1};
  times.waits[2] = {output_free_vector, 1};
  times.signals[0] = {psum_free_vector, 1};
  times.signals[1] = {gate_free, 1};
  kernel.stream(Engine::vector).push_back(times);
  store(kernel, Engine::vector, bytes);
}

/// By the engine that has made it, when it has.
void CoreProgram::store(Kernel& kernel, Engine engine, std::uint64_t bytes) {
  Instruction put;
  put.opcode = Opcode::transfer;
  put.write = true;
  put.queue = queue(engine == Engine::vector ? vector_queue : scalar_queue);
  put.bytes = bytes;
  put.address = allocate(bytes);
  put.signals[0] = {engine == Engine::vector ? output_free_vector : output_free_scalar, 1};
  put.signals[1] = {stored, 1};
  kernel.stream(engine).push_back(put);
  ++stored_;
}

/// Banks of even and of odd number in turn, and each kind in its own order: that in which its
/// engine gives them back.
std::uint8_t CoreProgram::next_bank() {
  return next_bank_of(bank_++ % 2 == 0 ? Engine::vector : Engine::scalar);
}

std::uint8_t CoreProgram::next_bank_of(Engine engine) {
  const unsigned odd = engine == Engine::scalar ? 1 : 0;
  const std::uint64_t of_kind = (config_.psum_banks + 1 - odd) / 2;
  return static_cast<std::uint8_t>(bank_of_[odd]++ % of_kind * 2 + odd);
}

// --- products ------------------------------------------------------------------------------------

CoreProgram::TileSizes CoreProgram::tile_sizes(const AcceleratorConfig& config, DataType type) {
  return {config.array.rows * config.array.operands_per_row(type), config.array.columns,
          std::min<std::uint64_t>(config.psum_bank.value / 4, config.array.moving_limit)};
}

/// Columns are divided among the cores. Where that would leave tiles narrow and there are rows
/// enough, rows are divided too.
CoreProgram::Share CoreProgram::share(const AcceleratorConfig& config, const GemmJob& job,
                                      unsigned core) {
  const TileSizes tile = tile_sizes(config, job.type);
  const std::uint64_t pairs = job.epilogue == Epilogue::gated_unit ? 2 : 1;
  const std::uint64_t columns = job.shape.n / pairs;
  std::uint64_t over_n = config.cores;
  if (job.shape.m > tile.m) over_n = std::min(config.cores, ceil_div(columns, tile.n));
  const std::uint64_t over_m = std::max<std::uint64_t>(1, config.cores / over_n);
  if (core >= over_n * over_m) return {};
  return {part(job.shape.m, core / over_n, over_m), pairs * part(columns, core % over_n, over_n)};
}

CoreProgram::Tiling CoreProgram::tiling(const AcceleratorConfig& config, const GemmJob& job,
                                        const Share& share) {
  const TileSizes tile = tile_sizes(config, job.type);
  const std::uint64_t slots = divide_sbuf(config, job.type).activations;
  const std::uint64_t k_tiles = ceil_div(job.shape.k, tile.k);
  const std::uint64_t m_blocks = ceil_div(share.m, tile.m);
  const std::uint64_t pairs = job.epilogue == Epilogue::gated_unit ? 2 : 1;
  const std::uint64_t banks = std::max<std::uint64_t>(pairs, config.psum_banks / 2);
  const std::uint64_t fitting = std::min({m_blocks, banks / pairs, slots / k_tiles});
  if (fitting > 0) return {fitting, pairs, true};
  return {1, banks / pairs * pairs, false};
}

Kernel CoreProgram::gemm(const GemmJob& job) {
  Kernel kernel;
  kernel.name = job.name;
  begin(kernel, job.reduce_bytes, false);
  const Share mine = share(config_, job, core_);
  if (mine.m == 0 || mine.n == 0) return kernel;
  const Tiling tiles = tiling(config_, job, mine);
  const TileSizes size = tile_sizes(config_, type_);
  std::vector<std::uint64_t> n_cuts = cut(mine.n, size.n);
  if (job.epilogue == Epilogue::gated_unit) {
    n_cuts.clear();
    for (const std::uint64_t columns : cut(mine.n / 2, size.n)) {
      n_cuts.insert(n_cuts.end(), 2, columns);
    }
  }
  const std::vector<std::uint64_t> m_cuts = cut(mine.m, size.m);
  for (std::size_t m = 0; m < m_cuts.size(); m += tiles.m_blocks) {
    const auto m_end = std::min<std::size_t>(m + tiles.m_blocks, m_cuts.size());
    const std::vector<std::uint64_t> rows(m_cuts.begin() + static_cast<std::ptrdiff_t>(m),
                                          m_cuts.begin() + static_cast<std::ptrdiff_t>(m_end));
    for (std::size_t n = 0; n < n_cuts.size(); n += tiles.n_tiles) {
      const auto n_end = std::min<std::size_t>(n + tiles.n_tiles, n_cuts.size());
      const std::vector<std::uint64_t> columns(n_cuts.begin() + static_cast<std::ptrdiff_t>(n),
                                               n_cuts.begin() + static_cast<std::ptrdiff_t>(n_end));
      gemm_group(kernel, job, tiles, rows, columns, n == 0, n_end == n_cuts.size());
    }
  }
  flush_weights(kernel);
  return kernel;
}

/// All of k for some rows and columns, whose sums share the banks.
void CoreProgram::gemm_group(Kernel& kernel, const GemmJob& job, const Tiling& tiling,
                             const std::vector<std::uint64_t>& m_cuts,
                             const std::vector<std::uint64_t>& n_cuts, bool first, bool last) {
  const bool gated = job.epilogue == Epilogue::gated_unit;
  const bool fetch = first || !tiling.resident;
  const bool give_back = last || !tiling.resident;
  const std::uint64_t width = bytes_of(job.type);
  const std::vector<std::uint64_t> k_cuts = cut(job.shape.k, tile_sizes(config_, job.type).k);
  std::vector<std::uint8_t> banks;  // by n, then m
  for (std::size_t n = 0; n < n_cuts.size(); ++n) {
    for (std::size_t m = 0; m < m_cuts.size(); ++m) {
      banks.push_back(!gated ? next_bank()
                             : next_bank_of(n % 2 == 0 ? Engine::scalar : Engine::vector));
    }
  }
  auto& tensor = kernel.stream(Engine::tensor);
  for (std::size_t k = 0; k < k_cuts.size(); ++k) {
    for (std::size_t n = 0; n < n_cuts.size(); ++n) {
      load_tile(kernel, job.type, k_cuts[k], n_cuts[n]);
      for (std::size_t m = 0; m < m_cuts.size(); ++m) {
        const std::uint8_t bank = banks[n * m_cuts.size() + m];
        Instruction pass = pass_into(bank, job.type, m_cuts[m]);
        if (k == 0) pass.waits[0] = {of_taker(bank, psum_free_vector), 1};
        if (fetch && n == 0) {
          fetch_activations(kernel, k_cuts[k] * m_cuts[m] * width);
          pass.waits[1] = {activation_ready, 1};
        }
        if (k + 1 == k_cuts.size()) pass.signals[0] = {of_taker(bank, sums_vector), 1};
        if (give_back && n + 1 == n_cuts.size()) pass.signals[1] = {activation_free, 1};
        tensor.push_back(pass);
      }
    }
  }
  for (std::size_t n = 0; n < n_cuts.size(); n += gated ? 2 : 1) {
    for (std::size_t m = 0; m < m_cuts.size(); ++m) {
      const std::uint64_t bytes = n_cuts[n] * m_cuts[m] * width;
      const std::uint8_t bank = banks[n * m_cuts.size() + m];
      if (gated) {
        take_gated_sums(kernel, bank, banks[(n + 1) * m_cuts.size() + m], m_cuts[m], bytes);
      } else {
        take_sums(kernel, bank, m_cuts[m], bytes);
      }
    }
  }
}

std::uint64_t CoreProgram::gemm_bytes(const AcceleratorConfig& config, const GemmJob& job) {
  const TileSizes size = tile_sizes(config, job.type);
  const std::uint64_t pairs = job.epilogue == Epilogue::gated_unit ? 2 : 1;
  std::uint64_t elements = 0;
  for (unsigned core = 0; core < config.cores; ++core) {
    const Share mine = share(config, job, core);
    if (mine.m == 0 || mine.n == 0) continue;
    const Tiling tiles = tiling(config, job, mine);
    const std::uint64_t m_turns = ceil_div(ceil_div(mine.m, size.m), tiles.m_blocks);
    const std::uint64_t n_tiles = pairs * ceil_div(mine.n / pairs, size.n);
    const std::uint64_t n_turns = tiles.resident ? 1 : ceil_div(n_tiles, tiles.n_tiles);
    elements +=
        job.shape.k * mine.n * m_turns + job.shape.k * mine.m * n_turns + mine.m * mine.n / pairs;
  }
  return elements * bytes_of(job.type);
}

// --- attention -----------------------------------------------------------------------------------

/// Scores stand transposed in PSUM, keys along the partitions, so that they are the moving operand
/// of the product with the values as they are. The sums of the exponentials are added tile by tile
/// by the vector engine; adding them over the partitions and dividing by them counts as one more
/// pass over the result.
Kernel CoreProgram::attention(const AttentionJob& job) {
  Kernel kernel;
  kernel.name = job.name;
  begin(kernel, 0, true);
  for_each_block(config_, job, [&](std::uint64_t core, std::uint64_t queries, std::uint64_t keys) {
    if (core == core_) attend(kernel, job, queries, keys);
  });
  flush_weights(kernel);
  return kernel;
}

/// The scores of a tile of keys are computed before the values of the tile before it are used, so
/// that the scalar engine has time for the exponentials.
void CoreProgram::attend(Kernel& kernel, const AttentionJob& job, std::uint64_t columns,
                         std::uint64_t keys) {
  const std::uint64_t width = bytes_of(job.type);
  // Keys are columns of the first product and rows of the second.
  const std::vector<std::uint64_t> tiles =
      cut(keys, std::min(config_.array.rows, config_.array.columns));
  const std::uint8_t bank = next_bank_of(Engine::vector);
  fetch_activations(kernel, job.head * columns * width);
  for (std::size_t t = 0; t <= tiles.size(); ++t) {
    if (t < tiles.size()) scores(kernel, job, columns, tiles[t], t == 0, t + 1 == tiles.size());
    if (t > 0) values(kernel, job, columns, tiles[t - 1], bank, t == 1, t == tiles.size());
  }
  take_sums(kernel, bank, 2 * columns, job.head * columns * width);
}

void CoreProgram::scores(Kernel& kernel, const AttentionJob& job, std::uint64_t columns,
                         std::uint64_t keys, bool first, bool last) {
  const std::uint8_t bank = next_bank_of(Engine::scalar);
  load_tile(kernel, job.type, job.head, keys);
  Instruction pass = pass_into(bank, job.type, columns);
  pass.waits[0] = {psum_free_scalar, 1};
  if (first) pass.waits[1] = {activation_ready, 1};
  pass.signals[0] = {sums_scalar, 1};
  if (last) pass.signals[1] = {activation_free, 1};
  kernel.stream(Engine::tensor).push_back(pass);

  Instruction exponential;
  exponential.opcode = Opcode::elementwise;
  exponential.psum_bank = bank;
  exponential.elements = pass.elements;
  exponential.waits = {{{sums_scalar, 1}, {score_free_tensor, 1}, {score_free_vector, 1}}};
  exponential.signals = {{{psum_free_scalar, 1}, {score_ready, 1}, {score_sum, 1}}};
  kernel.stream(Engine::scalar).push_back(exponential);
  Instruction add;
  add.opcode = Opcode::elementwise;
  add.elements = pass.elements;
  add.waits[0] = {score_sum, 1};
  add.signals[0] = {score_free_vector, 1};
  kernel.stream(Engine::vector).push_back(add);
}

void CoreProgram::values(Kernel& kernel, const AttentionJob& job, std::uint64_t columns,
                         std::uint64_t keys, std::uint8_t bank, bool first, bool last) {
  load_tile(kernel, job.type, keys, job.head);
  Instruction pass = pass_into(bank, job.type, columns);
  pass.waits[0] = {score_ready, 1};
  if (first) pass.waits[1] = {psum_free_vector, 1};
  pass.signals[0] = {score_free_tensor, 1};
  if (last) pass.signals[1] = {sums_vector, 1};
  kernel.stream(Engine::tensor).push_back(pass);
}

// --- vectors -------------------------------------------------------------------------------------

Kernel CoreProgram::elementwise(const ElementwiseJob& job) {
  Kernel kernel;
  kernel.name = job.name;
  begin(kernel, job.reduce_bytes, false);
  const std::uint64_t rows = config_.array.rows;
  const std::uint64_t width = tile_sizes(config_, job.type).m;
  const std::uint64_t mine = part(job.elements, core_, config_.cores);
  for (const std::uint64_t elements : cut(mine, rows * width)) {
    for (std::uint64_t input = 0; input < job.inputs; ++input) {
      fetch(kernel, elements * bytes_of(job.type), input_free, input_ready);
    }
    Instruction pass;
    pass.opcode = Opcode::elementwise;
    pass.elements = static_cast<std::uint32_t>(ceil_div(elements, rows) * job.passes);
    pass.waits[0] = {input_ready, static_cast<std::uint16_t>(job.inputs)};
    pass.waits[1] = {output_free_vector, 1};
    pass.signals[0] = {input_free, static_cast<std::uint16_t>(job.inputs)};
    kernel.stream(Engine::vector).push_back(pass);
    store(kernel, Engine::vector, elements * bytes_of(job.type));
  }
  return kernel;
}

}  // namespace heddle
