// Programs for the cores of a chip. A reference executes their streams without time, its engines
// and transfers in random order, and knows nothing of tiles: it checks that every order that the
// semaphores allow leaves each bank of PSUM to one sum at a time, that all of k goes into each sum,
// and that all tokens are back at the end.
#include "engine/programs/core_program.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "engine/programs/job_list.h"
#include "kernel/error.h"
#include "kernel/rng.h"

namespace heddle {
namespace {

/// What the cores of a chip have done, by counting.
struct Totals {
  std::uint64_t flops = 0;
  std::uint64_t read = 0;
  std::uint64_t written = 0;
  std::uint64_t instructions = 0;
  std::uint64_t elements = 0;  ///< of elementwise instructions, of each partition
  std::uint64_t sums = 0;      ///< taken out of PSUM, of all partitions
};

/// One core. What is done in an engine, or in a DMA queue, signals in order; between them any order
/// may come. Engines run ahead of each other, into later kernels too.
class Executor {
 public:
  Executor(const AcceleratorConfig& config, DataType type, std::uint64_t seed, std::string text)
      : config_(config),
        random_(seed, "core_program", "order"),
        semaphores_(CoreProgram::semaphores(config, type)),
        banks_(config.psum_banks),
        doing_(engine_count + config.dma.queues),
        text_(std::move(text)) {
    for (const SemaphoreInfo& info : semaphores_) {
      tokens_.emplace_back(info.initial, from_the_beginning);
    }
  }

  /// `k`: what every sum of a kernel must add up, 0 for any.
  void run(const std::vector<Kernel>& kernels, const std::vector<std::uint64_t>& k) {
    kernels_ = &kernels;
    k_ = &k;
    while (step()) {
    }
    for (unsigned e = 0; e < engine_count; ++e) {
      EXPECT_EQ(next(e), nullptr) << text_ << ": " << engine_names[e] << " is stuck";
    }
    expect_all_tokens_back();
  }

  const Totals& totals() const { return totals_; }

 private:
  static constexpr std::size_t from_the_beginning = ~std::size_t{0};
  struct Position {
    std::size_t kernel = 0;
    std::size_t instruction = 0;
  };
  struct Bank {
    bool filling = false;
    bool full = false;
    std::size_t kernel = 0;
    std::uint64_t k = 0;
    std::uint64_t columns = 0;
    std::uint64_t elements = 0;
  };
  struct Signals {
    std::array<SemaphoreUse, 3> uses;
    std::size_t kernel;
  };

  /// nullptr at the end of the stream.
  const Instruction* next(unsigned engine) {
    Position& at = at_[engine];
    for (; at.kernel < kernels_->size(); ++at.kernel, at.instruction = 0) {
      const auto& stream = (*kernels_)[at.kernel].streams[engine];
      if (at.instruction < stream.size()) return &stream[at.instruction];
    }
    return nullptr;
  }

  bool ready(const Instruction& next) const {
    std::vector<std::uint64_t> taken(tokens_.size(), 0);
    for (const SemaphoreUse& use : next.waits) taken[use.semaphore] += use.count;
    for (std::size_t s = 0; s < tokens_.size(); ++s) {
      if (taken[s] > tokens_[s].size()) return false;
    }
    return true;
  }

  /// Something that may happen does; false when nothing may.
  bool step() {
    std::vector<unsigned> able;
    for (unsigned e = 0; e < engine_count; ++e) {
      const Instruction* of = next(e);
      if (of != nullptr && doing_[e].size() < 4 && ready(*of)) able.push_back(e);
    }
    const auto starts = static_cast<unsigned>(able.size());
    for (unsigned of = 0; of < doing_.size(); ++of) {
      if (!doing_[of].empty()) able.push_back(of);
    }
    if (able.empty()) return false;
    const std::uint32_t choice = random_.below(static_cast<std::uint32_t>(able.size()));
    choice < starts ? start(able[choice]) : finish(able[choice]);
    return true;
  }

  void finish(unsigned of) {
    const Signals& first = doing_[of].front();
    for (const SemaphoreUse& use : first.uses) {
      for (unsigned i = 0; i < use.count; ++i) tokens_[use.semaphore].push_back(first.kernel);
    }
    doing_[of].pop_front();
  }

  void start(unsigned engine) {
    const Instruction& what = *next(engine);
    kernel_ = at_[engine].kernel;
    ++at_[engine].instruction;
    ++totals_.instructions;
    for (const SemaphoreUse& use : what.waits) take(use);
    execute(static_cast<Engine>(engine), what);
    const bool transfer = what.opcode == Opcode::transfer;
    doing_[transfer ? engine_count + what.queue : engine].push_back({what.signals, kernel_});
  }

  /// What one kernel has made another may not use: only free slots go from kernel to kernel.
  void take(const SemaphoreUse& use) {
    const SemaphoreInfo& info = semaphores_[use.semaphore];
    const bool made = info.initial == 0 && info.name != "stored";
    for (unsigned i = 0; i < use.count; ++i) {
      EXPECT_TRUE(!made || tokens_[use.semaphore].front() == kernel_)
          << text_ << ": " << info.name << " of kernel " << tokens_[use.semaphore].front()
          << " is taken by kernel " << kernel_;
      tokens_[use.semaphore].pop_front();
    }
  }

  void execute(Engine engine, const Instruction& what) {
    switch (what.opcode) {
      case Opcode::load_stationary:
        EXPECT_EQ(engine, Engine::tensor) << text_;
        return load(what);
      case Opcode::multiply_moving:
        EXPECT_EQ(engine, Engine::tensor) << text_;
        return multiply(what);
      case Opcode::elementwise:
        EXPECT_TRUE(engine != Engine::tensor && engine != Engine::sync) << text_;
        return elementwise(what);
      case Opcode::transfer:
        return transfer(what);
      case Opcode::barrier:
      case Opcode::wait:
        break;
    }
  }

  void load(const Instruction& what) {
    const std::uint64_t rows = config_.array.rows * config_.array.operands_per_row(what.type);
    EXPECT_TRUE(what.rows >= 1 && what.rows <= rows) << text_ << ": " << what.rows << " rows";
    EXPECT_TRUE(what.columns >= 1 && what.columns <= config_.array.columns) << text_;
    rows_ = what.rows;
    columns_ = what.columns;
  }

  void multiply(const Instruction& what) {
    EXPECT_TRUE(what.elements >= 1 && what.elements <= config_.array.moving_limit) << text_;
    EXPECT_LE(what.elements * 4, config_.psum_bank.value) << text_;
    ASSERT_LT(what.psum_bank, config_.psum_banks) << text_;
    totals_.flops += 2 * rows_ * columns_ * what.elements;
    Bank& bank = banks_[what.psum_bank];
    EXPECT_FALSE(bank.full) << text_ << ": sums of bank " << +what.psum_bank << " are overwritten";
    if (!bank.filling) bank = {true, false, kernel_, 0, columns_, what.elements};
    EXPECT_EQ(bank.kernel, kernel_) << text_;
    EXPECT_EQ(bank.columns, columns_) << text_;
    EXPECT_EQ(bank.elements, what.elements) << text_;
    bank.k += rows_;
    bank.full = std::any_of(what.signals.begin(), what.signals.end(), [&](const auto& use) {
      return use.count > 0 && semaphores_[use.semaphore].name.rfind("sums_", 0) == 0;
    });
  }

  void elementwise(const Instruction& what) {
    totals_.elements += what.elements;
    if (what.psum_bank == no_bank) return;
    Bank& bank = banks_[what.psum_bank];
    EXPECT_TRUE(bank.full) << text_ << ": bank " << +what.psum_bank << " is read too early";
    EXPECT_EQ(bank.kernel, kernel_) << text_;
    EXPECT_TRUE((*k_)[kernel_] == 0 || bank.k == (*k_)[kernel_]) << text_ << ": " << bank.k;
    EXPECT_GE(what.elements, bank.elements) << text_;
    totals_.sums += bank.columns * bank.elements;
    bank = {};
  }

  void transfer(const Instruction& what) {
    EXPECT_GT(what.bytes, 0U) << text_;
    ASSERT_LT(what.queue, config_.dma.queues) << text_;
    const std::uint64_t capacity = config_.memory.stacks * config_.memory.stack.capacity.value;
    EXPECT_LE(what.address + what.bytes, capacity) << text_;
    EXPECT_EQ(what.address % config_.dma.descriptor.value, 0U) << text_;
    (what.write ? totals_.written : totals_.read) += what.bytes;
    if (what.write && kernel_ + 1 == kernels_->size()) ++stores_;
  }

  /// Nobody has waited yet for the stores of the last kernel.
  void expect_all_tokens_back() {
    for (std::size_t s = 0; s < tokens_.size(); ++s) {
      const bool stored = semaphores_[s].name == "stored";
      EXPECT_EQ(tokens_[s].size(), stored ? stores_ : semaphores_[s].initial)
          << text_ << ": " << semaphores_[s].name;
    }
    for (const Bank& bank : banks_) EXPECT_FALSE(bank.filling) << text_;
  }

  AcceleratorConfig config_;
  Rng random_;
  std::vector<SemaphoreInfo> semaphores_;
  std::vector<std::deque<std::size_t>> tokens_;  // by semaphore: the kernels that have given them
  std::vector<Bank> banks_;
  std::vector<std::deque<Signals>> doing_;  // by engine, then by queue
  std::array<Position, engine_count> at_{};
  std::string text_;
  const std::vector<Kernel>* kernels_ = nullptr;
  const std::vector<std::uint64_t>* k_ = nullptr;
  std::size_t kernel_ = 0;
  std::uint64_t rows_ = 0;
  std::uint64_t columns_ = 0;
  std::uint64_t stores_ = 0;
  Totals totals_;
};

/// All cores of a chip, each through all jobs.
Totals execute(const AcceleratorConfig& config, DataType type, const std::vector<Job>& jobs,
               std::uint64_t seed, const std::string& text) {
  ChipProgram program(config, type, jobs);
  std::vector<std::uint64_t> k;
  for (const Job& job : jobs) {
    const auto* gemm = std::get_if<GemmJob>(&job);
    k.push_back(gemm != nullptr ? gemm->shape.k : 0);
  }
  Totals sum;
  for (unsigned core = 0; core < config.cores; ++core) {
    std::vector<Kernel> kernels(jobs.size());
    for (Kernel& kernel : kernels) EXPECT_TRUE(program.next(core, kernel));
    Kernel none;
    EXPECT_FALSE(program.next(core, none));
    Executor executor(config, type, seed * 64 + core, fmt::format("{}, core {}", text, core));
    executor.run(kernels, k);
    const Totals& of = executor.totals();
    sum.flops += of.flops;
    sum.read += of.read;
    sum.written += of.written;
    sum.instructions += of.instructions;
    sum.elements += of.elements;
    sum.sums += of.sums;
  }
  return sum;
}

AcceleratorConfig chip(std::uint64_t cores) {
  AcceleratorConfig config;
  config.cores = cores;
  return config;
}

void expect_gemm(const AcceleratorConfig& config, const GemmJob& job, std::uint64_t seed) {
  const std::string text = fmt::format(
      "seed {}: m {} k {} n {}, {}, {} cores, sbuf {}, banks {} of {}, array {} x {}{}", seed,
      job.shape.m, job.shape.k, job.shape.n, data_type_name(job.type), config.cores,
      config.sbuf.value, config.psum_banks, config.psum_bank.value, config.array.rows,
      config.array.columns, job.epilogue == Epilogue::gated_unit ? ", gated" : "");
  const Totals totals = execute(config, job.type, {job}, seed, text);
  EXPECT_EQ(totals.flops, 2 * job.shape.m * job.shape.k * job.shape.n) << text;
  EXPECT_EQ(totals.read + totals.written, CoreProgram::gemm_bytes(config, job)) << text;
  EXPECT_EQ(totals.sums, job.shape.m * job.shape.n) << text << ": every sum is taken once";
  const std::uint64_t pairs = job.epilogue == Epilogue::gated_unit ? 2 : 1;
  EXPECT_EQ(totals.written, job.shape.m * job.shape.n / pairs * bytes_of(job.type)) << text;
  // All operands must come at least once.
  const std::uint64_t least =
      (job.shape.m * job.shape.k + job.shape.k * job.shape.n) * bytes_of(job.type);
  EXPECT_GE(totals.read, least) << text;
  const JobArithmetic known = arithmetic(config, job);
  EXPECT_EQ(known.flops, totals.flops) << text;
  EXPECT_EQ(known.bytes, totals.read + totals.written) << text;
}

TEST(CoreProgram, ATileOfTheArrayIsOnePass) {
  const Totals totals = execute(chip(1), DataType::bf16, {GemmJob{"tile", {512, 128, 128}}}, 1, "");
  EXPECT_EQ(totals.flops, 2U * 512 * 128 * 128);
  EXPECT_EQ(totals.read, 2U * (512 * 128 + 128 * 128));
  EXPECT_EQ(totals.written, 2U * 512 * 128);
  // load, pass, two fetches, one instruction for the sums, one store
  EXPECT_EQ(totals.instructions, 6U);
}

TEST(CoreProgram, EdgesAreAsWideAsWhatIsLeft) {
  for (const std::uint64_t m : {1U, 511U, 512U, 513U}) {
    for (const std::uint64_t k : {1U, 127U, 129U}) {
      for (const std::uint64_t n : {1U, 127U, 257U}) {
        expect_gemm(chip(1), {"edge", {m, k, n}}, 1);
      }
    }
  }
}

TEST(CoreProgram, ActivationsThatFitAreFetchedOnce) {
  // 4096 x 4096: 32 tiles of k per block of m; SBUF holds several blocks.
  const GemmJob job{"square", {4096, 4096, 4096}};
  const Totals totals = execute(chip(1), DataType::bf16, {job}, 1, "square");
  const SbufSlots slots = divide_sbuf(chip(1), DataType::bf16);
  const std::uint64_t blocks = std::min<std::uint64_t>({8, 4, slots.activations / 32});
  const std::uint64_t matrix = std::uint64_t{2} * 4096 * 4096;
  EXPECT_EQ(totals.read, matrix + matrix * ((8 + blocks - 1) / blocks));
  EXPECT_EQ(totals.written, matrix);
}

TEST(CoreProgram, ActivationsThatDoNotFitStreamForEachGroupOfColumns) {
  const std::uint64_t k = 128 * 1000;  // more tiles than SBUF has slots
  ASSERT_LT(divide_sbuf(chip(1), DataType::bf16).activations, 1000U);
  const GemmJob job{"deep", {700, k, 1000}};
  const Totals totals = execute(chip(1), DataType::bf16, {job}, 1, "deep");
  // 8 tiles of n, 4 of them share the banks: the activations come twice, the weights per block.
  EXPECT_EQ(totals.read, 2 * (2 * 700 * k + 2 * k * 1000));
  expect_gemm(chip(1), job, 2);
}

TEST(CoreProgram, RandomProducts) {
  constexpr DataType types[] = {DataType::bf16, DataType::fp32, DataType::fp8, DataType::int8};
  for (std::uint64_t seed = 1; seed <= 150; ++seed) {
    Rng random(seed, "core_program", "gemm");
    AcceleratorConfig config = chip(1 + random.below(8));
    if (random.below(3) == 0) {
      config.psum_banks = 2 + random.below(7);
      config.psum_bank = Bytes{std::uint64_t{64} << random.below(6)};
    }
    if (random.below(3) == 0) {
      config.array.rows = 8 + random.below(56);
      config.array.columns = 8 + random.below(56);
    }
    config.dma.queues = 1 + random.below(16);
    GemmJob job;
    job.name = "random";
    job.type = types[random.below(4)];
    job.epilogue = random.below(3) == 0 ? Epilogue::gated_unit : Epilogue::store;
    job.shape = {1 + random.below(1500), 1 + random.below(1500), 1 + random.below(1500)};
    if (job.epilogue == Epilogue::gated_unit) job.shape.n *= 2;
    if (random.below(3) == 0) {
      // As small as it may be, or a little more.
      config.sbuf = Bytes{1024};
      for (bool fits = false; !fits; config.sbuf.value += 64) {
        try {
          divide_sbuf(config, job.type);
          fits = true;
        } catch (const InputError&) {
        }
      }
      config.sbuf.value += random.below(8192);
    }
    expect_gemm(config, job, seed);
    if (::testing::Test::HasFailure()) return;
  }
}

TEST(CoreProgram, ChainsOfJobsGiveEveryTokenBack) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Rng random(seed, "core_program", "chain");
    const AcceleratorConfig config = chip(1 + random.below(8));
    std::vector<Job> jobs;
    JobArithmetic sum;
    for (std::uint32_t i = 0; i < 4; ++i) {
      const std::uint32_t kind = random.below(3);
      if (kind == 0) {
        GemmJob job{"gemm", {1 + random.below(600), 1 + random.below(600), 2 + random.below(600)}};
        job.shape.n &= ~std::uint64_t{1};
        if (random.below(2) == 0) job.epilogue = Epilogue::gated_unit;
        jobs.push_back(job);
      } else if (kind == 1) {
        AttentionJob job;
        job.name = "attention";
        job.units = 1 + random.below(4);
        job.head = 1 + random.below(128);
        job.tokens = 1 + random.below(1100);
        job.columns = job.tokens * (1 + random.below(4));
        job.context = job.tokens + random.below(300);
        job.causal = random.below(2) == 0;
        jobs.push_back(job);
      } else {
        ElementwiseJob job;
        job.name = "elementwise";
        job.elements = 1 + random.below(1 << 20);
        job.inputs = 1 + random.below(2);
        job.passes = 1 + random.below(4);
        jobs.push_back(job);
      }
      const JobArithmetic one = arithmetic(config, jobs.back());
      sum.flops += one.flops;
      sum.bytes += one.bytes;
    }
    const std::string text = fmt::format("seed {}", seed);
    const Totals totals = execute(config, DataType::bf16, jobs, seed, text);
    EXPECT_EQ(totals.flops, sum.flops) << text;
    EXPECT_EQ(totals.read + totals.written, sum.bytes) << text;
    if (::testing::Test::HasFailure()) return;
  }
}

// --- attention -----------------------------------------------------------------------------------

TEST(CoreProgram, AttentionOfADecodedTokenReadsEachKeyAndValueOnce) {
  AttentionJob job;
  job.name = "decode";
  job.units = 8 * 8;  // sequences times key heads
  job.columns = 4;    // heads that share them
  job.context = 2048;
  const Totals totals = execute(chip(8), DataType::bf16, {job}, 1, "decode");
  EXPECT_EQ(totals.flops, 4ULL * 128 * 2048 * 4 * 64);
  EXPECT_EQ(totals.read, 64ULL * 2 * 128 * (2 * 2048 + 4));
  EXPECT_EQ(totals.written, 64ULL * 2 * 128 * 4);
}

TEST(CoreProgram, CausalAttentionSkipsBlocksOfLaterKeys) {
  AttentionJob job;
  job.name = "prefill";
  job.columns = 4 * 2048;
  job.tokens = 2048;
  job.context = 2048;
  job.causal = true;
  const Totals totals = execute(chip(8), DataType::bf16, {job}, 1, "prefill");
  // Blocks of 512 queries see 512, 1024, 1536 and 2048 keys.
  EXPECT_EQ(totals.flops, 4ULL * 128 * 512 * (512 + 1024 + 1536 + 2048) * 4);
}

TEST(CoreProgram, AttentionOnArraysThatAreNotSquare) {
  for (const unsigned rows : {64U, 128U}) {
    AcceleratorConfig config = chip(2);
    config.array.rows = rows;
    config.array.columns = 192 - rows;
    AttentionJob job;
    job.name = "attention";
    job.units = 3;
    job.head = 64;
    job.columns = 100;
    job.tokens = 100;
    job.context = 300;
    const Totals totals = execute(config, DataType::bf16, {job}, 1, "not square");
    EXPECT_EQ(totals.flops, 3ULL * 4 * 64 * 300 * 100);
  }
}

TEST(CoreProgram, ElementwiseWorkIsDividedByElements) {
  ElementwiseJob job;
  job.name = "residual";
  job.elements = 1'000'003;
  job.inputs = 2;
  job.passes = 3;
  const Totals totals = execute(chip(8), DataType::bf16, {job}, 1, "residual");
  EXPECT_EQ(totals.read, 2U * 2 * job.elements);
  EXPECT_EQ(totals.written, 2U * job.elements);
  EXPECT_GE(totals.elements * 128, 3 * job.elements);
  EXPECT_LE(totals.elements * 128, 3 * job.elements + 3 * 128 * 24) << "rounded up per piece";
}

// --- SBUF ----------------------------------------------------------------------------------------

/// Bytes per partition of `rows` x `columns` operands that lie along the array's rows.
std::uint64_t partition_bytes(const AcceleratorConfig& config, std::uint64_t rows,
                              std::uint64_t columns, DataType type) {
  return (rows + config.array.rows - 1) / config.array.rows * columns * bytes_of(type);
}

TEST(CoreProgram, SlotsFitSbuf) {
  for (const DataType type : {DataType::bf16, DataType::fp32, DataType::fp8, DataType::int8}) {
    for (std::uint64_t sbuf = 8 << 10; sbuf <= 512 << 10; sbuf += 1 << 10) {
      AcceleratorConfig config;
      config.sbuf = Bytes{sbuf};
      SbufSlots slots;
      try {
        slots = divide_sbuf(config, type);
      } catch (const InputError&) {
        continue;
      }
      const std::uint64_t rows = config.array.rows * config.array.operands_per_row(type);
      const std::uint64_t stationary = partition_bytes(config, rows, config.array.columns, type);
      const std::uint64_t moving = partition_bytes(config, rows, 512, type);
      const std::uint64_t outputs = partition_bytes(config, config.array.rows, 512, type);
      EXPECT_LE(slots.weights * stationary + slots.activations * moving +
                    (2 * slots.outputs + slots.scores + slots.inputs) * outputs,
                sbuf)
          << data_type_name(type);
      EXPECT_GE(slots.weights, 8U);
      EXPECT_GE(slots.activations, 8U) << sbuf;
    }
  }
}

TEST(CoreProgram, AMemoryThatIsSmallerThanTilesIsNamed) {
  AcceleratorConfig config;
  config.memory.stack.capacity = 64_KiB;
  EXPECT_NO_THROW(CoreProgram(config, 0, DataType::bf16));
  config.memory.stacks = 3;
  try {
    const CoreProgram program(config, 0, DataType::bf16);
    FAIL() << "accepted";
  } catch (const InputError& error) {
    EXPECT_STREQ(error.what(),
                 "accelerator.memory: 192 KiB of all stacks are too few for tiles of 128 KiB");
  }
}

TEST(CoreProgram, AnSbufThatIsTooSmallSaysWhatItTakes) {
  AcceleratorConfig config;
  config.sbuf = Bytes{16 << 10};
  try {
    divide_sbuf(config, DataType::bf16);
    FAIL() << "accepted";
  } catch (const InputError& error) {
    EXPECT_STREQ(error.what(),
                 "accelerator.sbuf: 16384 bytes per partition are too few for tiles of this size, "
                 "which take 30720");
  }
}

}  // namespace
}  // namespace heddle
