// Programs for the cores of a chip, written as a compiler would: tiles, double buffers and
// semaphores. A product's columns are divided among the cores; its activations come from the
// chip's memory and its results go there.
//
// SBUF is divided into slots, and a semaphore counts those that are free, another those that are
// filled; slots are used in turn.
//   weights      a stationary tile: rows x columns of the array
//   activations  a moving tile: as high as a stationary one, as wide as a PSUM bank
//   outputs      a PSUM bank, rounded to the data type; of the vector and of the scalar engine
//   scores       of attention: a PSUM bank after the exponential
//   inputs       of passes over vectors, as large as an output
// Who does what: the sync engine fetches weights, the general engine activations; sums in banks of
// even number are taken by the vector engine, others by the scalar engine, which store them too.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "accelerator/accelerator_config.h"
#include "parts/instruction.h"
#include "parts/systolic_timing.h"

namespace heddle {

/// What is done to sums on their way out of PSUM.
enum class Epilogue : std::uint8_t {
  store,      ///< rounded and stored
  gated_unit  ///< pairs of tiles: silu of the first times the second is stored (SwiGLU)
};

struct GemmJob {
  std::string name;
  GemmShape shape;  ///< of the chip: all its cores together
  DataType type = DataType::bf16;
  Epilogue epilogue = Epilogue::store;
  std::uint64_t reduce_bytes = 0;  ///< of what comes before it: the chips reduce so many first
};

/// Queries against keys and values in memory: softmax(q k) v, `units` times.
struct AttentionJob {
  std::string name;
  std::uint64_t units = 1;    ///< sequences times heads of keys
  std::uint64_t head = 128;   ///< elements of a key, at most the array's rows and columns
  std::uint64_t columns = 1;  ///< queries of a unit: tokens times heads that share its keys
  std::uint64_t tokens = 1;   ///< queries that follow each other in time
  std::uint64_t context = 1;  ///< keys that the last of these sees
  DataType type = DataType::bf16;
  bool causal = false;  ///< a query sees the keys up to its own
};

/// Passes over vectors in memory, element by element.
struct ElementwiseJob {
  std::string name;
  std::uint64_t elements = 1;  ///< of each input, and of the result
  std::uint64_t inputs = 1;
  std::uint64_t passes = 1;  ///< of the vector engine over each element
  DataType type = DataType::bf16;
  std::uint64_t reduce_bytes = 0;
};

std::uint64_t bytes_of(DataType type);

/// Slots that fit the SBUF of a core.
struct SbufSlots {
  std::uint64_t weights = 0;
  std::uint64_t activations = 0;
  std::uint64_t outputs = 0;  ///< of each of two engines
  std::uint64_t scores = 0;
  std::uint64_t inputs = 0;  ///< of the vector engine
};
/// Throws InputError when SBUF holds too few.
SbufSlots divide_sbuf(const AcceleratorConfig& config, DataType type);

/// The program of one core: writes the kernels of jobs, one after the other.
class CoreProgram {
 public:
  /// Throws InputError when SBUF, or the chip's memory, is too small for tiles.
  CoreProgram(const AcceleratorConfig& config, unsigned core, DataType type);

  static std::vector<SemaphoreInfo> semaphores(const AcceleratorConfig& config, DataType type);

  /// The core's share of a job.
  Kernel gemm(const GemmJob& job);
  Kernel attention(const AttentionJob& job);
  Kernel elementwise(const ElementwiseJob& job);

  /// Bytes that all cores of the chip move, by arithmetic, with this division into tiles.
  static std::uint64_t gemm_bytes(const AcceleratorConfig& config, const GemmJob& job);

  /// Calls f(core, queries, keys) for each block of queries, in the order of the program.
  template <class F>
  static void for_each_block(const AcceleratorConfig& config, const AttentionJob& job, F&& f) {
    std::uint64_t item = 0;
    const auto block = [&](std::uint64_t queries, std::uint64_t keys) {
      const std::uint64_t turn = item / config.cores;  // long and short ones are dealt evenly
      f((item++ + turn) % config.cores, queries, keys);
    };
    const std::uint64_t width = tile_sizes(config, job.type).m;
    const std::uint64_t heads = std::max<std::uint64_t>(1, job.columns / job.tokens);
    for (std::uint64_t unit = 0; unit < job.units; ++unit) {
      if (job.tokens < width) {
        const std::uint64_t together = width / job.tokens;
        for (std::uint64_t done = 0; done < heads; done += together) {
          block(std::min(together, heads - done) * job.tokens, job.context);
        }
        continue;
      }
      for (std::uint64_t head = 0; head < heads; ++head) {
        for (std::uint64_t done = 0; done < job.tokens; done += width) {
          const std::uint64_t queries = std::min(width, job.tokens - done);
          block(queries, job.causal ? job.context - job.tokens + done + queries : job.context);
        }
      }
    }
  }

 private:
  /// A core's part of a product.
  struct Share {
    std::uint64_t m = 0;
    std::uint64_t n = 0;
  };
  /// How its tiles follow each other.
  struct Tiling {
    std::uint64_t m_blocks = 0;  ///< per turn of the weights
    std::uint64_t n_tiles = 0;   ///< per turn of the activations
    bool resident = false;       ///< activations stay for all columns
  };
  struct TileSizes {
    std::uint64_t k;
    std::uint64_t n;
    std::uint64_t m;
  };

  static Share share(const AcceleratorConfig& config, const GemmJob& job, unsigned core);
  static TileSizes tile_sizes(const AcceleratorConfig& config, DataType type);
  static Tiling tiling(const AcceleratorConfig& config, const GemmJob& job, const Share& share);

  void begin(Kernel& kernel, std::uint64_t reduce_bytes, bool weights_wait);
  void gemm_group(Kernel& kernel, const GemmJob& job, const Tiling& tiling,
                  const std::vector<std::uint64_t>& m_cuts,
                  const std::vector<std::uint64_t>& n_cuts, bool first, bool last);
  void attend(Kernel& kernel, const AttentionJob& job, std::uint64_t columns, std::uint64_t keys);
  void scores(Kernel& kernel, const AttentionJob& job, std::uint64_t columns, std::uint64_t keys,
              bool first, bool last);
  void values(Kernel& kernel, const AttentionJob& job, std::uint64_t columns, std::uint64_t keys,
              std::uint8_t bank, bool first, bool last);
  void load_tile(Kernel& kernel, DataType type, std::uint64_t rows, std::uint64_t columns);
  void flush_weights(Kernel& kernel);
  void fetch_activations(Kernel& kernel, std::uint64_t bytes);
  void fetch(Kernel& kernel, std::uint64_t bytes, std::uint16_t free, std::uint16_t ready);
  void take_sums(Kernel& kernel, std::uint8_t bank, std::uint64_t columns, std::uint64_t bytes);
  void take_gated_sums(Kernel& kernel, std::uint8_t gate, std::uint8_t up, std::uint64_t columns,
                       std::uint64_t bytes);
  void store(Kernel& kernel, Engine engine, std::uint64_t bytes);
  std::uint8_t next_bank();
  std::uint8_t next_bank_of(Engine engine);
  std::uint64_t allocate(std::uint64_t bytes);
  std::uint8_t queue(std::uint8_t number) const {
    return static_cast<std::uint8_t>(number % config_.dma.queues);
  }

  AcceleratorConfig config_;
  unsigned core_;
  DataType type_;
  SbufSlots slots_;
  std::uint64_t next_address_ = 0;
  std::uint64_t stored_ = 0;  ///< transfers since the last barrier
  bool begun_ = false;        ///< there has been a kernel
  std::uint64_t bank_ = 0;
  std::array<std::uint64_t, 2> bank_of_{0, 0};
  std::uint64_t pending_tiles_ = 0;
  std::uint64_t pending_bytes_ = 0;
};

}  // namespace heddle
