#include "engine/programs/transformer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "engine/quantity.h"
#include "kernel/error.h"

namespace heddle {

std::uint64_t TransformerShape::weights() const {
  const std::uint64_t attention = width * head * (2 * heads + 2 * key_heads);
  return layers * (attention + 3 * width * feed_forward) + width * vocabulary;
}

const TransformerShape& shape_of(TransformerModel model) {
  static const std::array<TransformerShape, 2> shapes{{
      {"Llama 3 8B", 4096, 32, 32, 8, 128, 14'336, 128'256},
      {"Llama 3 70B", 8192, 80, 64, 8, 128, 28'672, 128'256},
  }};
  return shapes[static_cast<std::size_t>(model)];
}

namespace {

class Layers {
 public:
  Layers(const AcceleratorConfig& config, const TransformerWork& work)
      : config_(config),
        work_(work),
        shape_(shape_of(work.model)),
        rows_(work.phase == Phase::prefill ? work.batch * work.tokens : work.batch) {
    check_division();
    check_array();
    check_memory();
  }

  std::vector<Job> jobs() {
    for (std::uint64_t layer = 0; layer < work_.layers; ++layer) add_layer(layer);
    residual("output_norm", true);
    // Only the last token of a prompt is asked for the next one.
    gemm("output", work_.batch, shape_.width, shape_.vocabulary / work_.chips, Epilogue::store);
    return std::move(jobs_);
  }

 private:
  void check_division() const {
    if (shape_.heads % work_.chips != 0) {
      throw InputError(fmt::format("{} has {} heads, which {} chips cannot share evenly",
                                   shape_.name, shape_.heads, work_.chips));
    }
    if (work_.layers > shape_.layers) {
      throw InputError(
          fmt::format("{} has {} layers, not {}", shape_.name, shape_.layers, work_.layers));
    }
  }

  /// A head is the rows of a product's stationary tile, and the columns of another's.
  void check_array() const {
    if (shape_.head <= std::min(config_.array.rows, config_.array.columns)) return;
    throw InputError(fmt::format("{} has heads of {} elements, and accelerator.array takes {} x {}",
                                 shape_.name, shape_.head, config_.array.rows,
                                 config_.array.columns));
  }

  void check_memory() const {
    const std::uint64_t weights = shape_.weights() / work_.chips * bytes_of(work_.type);
    const std::uint64_t cache = 2 * shape_.layers * work_.batch * work_.tokens * key_heads() *
                                shape_.head * bytes_of(work_.type);
    const std::uint64_t capacity = config_.memory.stacks * config_.memory.stack.capacity.value;
    if (weights + cache <= capacity) return;
    throw InputError(fmt::format(
        "{} does not fit: {} of weights and {} of keys and values per chip, which has {}",
        shape_.name, print_quantity(Bytes{weights}), print_quantity(Bytes{cache}),
        print_quantity(Bytes{capacity})));
  }

  std::uint64_t heads() const { return shape_.heads / work_.chips; }
  /// Chips beyond the number of key heads share one.
  std::uint64_t key_heads() const {
    return std::max<std::uint64_t>(1, shape_.key_heads / work_.chips);
  }

  void add_layer(std::uint64_t layer) {
    const auto named = [layer](const char* what) { return fmt::format("layer{}.{}", layer, what); };
    residual(named("attention_norm"), layer > 0);
    gemm(named("qkv"), rows_, shape_.width, (heads() + 2 * key_heads()) * shape_.head,
         Epilogue::store);
    attention(named("attention"));
    gemm(named("attention_output"), rows_, heads() * shape_.head, shape_.width, Epilogue::store);
    residual(named("feed_forward_norm"), true);
    gemm(named("gate_up"), rows_, shape_.width, 2 * shape_.feed_forward / work_.chips,
         Epilogue::gated_unit);
    gemm(named("down"), rows_, shape_.feed_forward / work_.chips, shape_.width, Epilogue::store);
  }

  void gemm(std::string name, std::uint64_t m, std::uint64_t k, std::uint64_t n,
            Epilogue epilogue) {
    jobs_.push_back(GemmJob{std::move(name), {m, k, n}, work_.type, epilogue, 0});
  }

  /// Adds what the part before has given, when there was one, and normalises: two passes.
  void residual(std::string name, bool add) {
    const std::uint64_t elements = rows_ * shape_.width;
    const std::uint64_t reduce = add && work_.chips > 1 ? elements * bytes_of(work_.type) : 0;
    jobs_.push_back(ElementwiseJob{std::move(name), elements, add ? 2ULL : 1ULL, add ? 3ULL : 2ULL,
                                   work_.type, reduce});
  }

  void attention(std::string name) {
    AttentionJob job;
    job.name = std::move(name);
    job.type = work_.type;
    job.head = shape_.head;
    job.units = work_.batch * key_heads();
    job.tokens = work_.phase == Phase::prefill ? work_.tokens : 1;
    job.columns = job.tokens * (heads() / key_heads());
    job.context = work_.tokens;
    job.causal = work_.phase == Phase::prefill;
    jobs_.push_back(job);
  }

  const AcceleratorConfig& config_;
  const TransformerWork& work_;
  const TransformerShape& shape_;
  std::uint64_t rows_;  ///< tokens of the pass
  std::vector<Job> jobs_;
};

}  // namespace

std::vector<Job> transformer_jobs(const AcceleratorConfig& config, const TransformerWork& work) {
  return Layers(config, work).jobs();
}

}  // namespace heddle
