// Transformer models as jobs of a chip: decoder layers with grouped-query attention and a gated
// feed-forward network, divided among chips by tensor parallelism.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/programs/job_list.h"

namespace heddle {

enum class TransformerModel : std::uint8_t { llama3_8b, llama3_70b };
enum class Phase : std::uint8_t { prefill, decode };

/// Sizes of a model.
struct TransformerShape {
  std::string name;
  std::uint64_t width = 0;  ///< of the residual stream
  std::uint64_t layers = 0;
  std::uint64_t heads = 0;      ///< of queries
  std::uint64_t key_heads = 0;  ///< of keys and values
  std::uint64_t head = 0;       ///< elements of a head
  std::uint64_t feed_forward = 0;
  std::uint64_t vocabulary = 0;

  /// Of all its layers and its output matrix, without embeddings and norms.
  std::uint64_t weights() const;
};

/// Source: the Llama 3 model cards and configurations (Grattafiori et al., arXiv 2407.21783, table
/// 3).
const TransformerShape& shape_of(TransformerModel model);

struct TransformerWork {
  TransformerModel model = TransformerModel::llama3_8b;
  Phase phase = Phase::prefill;
  std::uint64_t batch = 1;   ///< sequences
  std::uint64_t tokens = 1;  ///< prefill: of each prompt; decode: context of the token that comes
  std::uint64_t layers = 1;
  std::uint64_t chips = 1;  ///< tensor parallelism
  DataType type = DataType::bf16;
};

/// One forward pass, of one chip. Megatron's division: heads, and the columns of the first and the
/// rows of the second feed-forward matrix, are divided; the chips reduce the result of attention
/// and of the feed-forward network (Shoeybi et al., arXiv 1909.08053). Keys and values are where
/// the cache is. Throws InputError when the model's heads cannot be divided so, when a head does
/// not fit the array, or when weights and cache do not fit the chip's memory.
std::vector<Job> transformer_jobs(const AcceleratorConfig& config, const TransformerWork& work);

}  // namespace heddle
