// Transformers as jobs: weights against the published numbers of parameters, work and bytes by
// closed forms, the division among chips, and what does not fit.
#include "engine/programs/transformer.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "kernel/error.h"

namespace heddle {
namespace {

constexpr TransformerModel models[] = {TransformerModel::llama3_8b, TransformerModel::llama3_70b};

/// Parameters of the embedding, which no product reads, and of the norms.
std::uint64_t embedding(const TransformerShape& shape) { return shape.width * shape.vocabulary; }
std::uint64_t norms(const TransformerShape& shape) { return shape.width * (2 * shape.layers + 1); }

TEST(Transformer, WeightsAreThePublishedParameters) {
  // Counts of the checkpoints: 8,030,261,248 and 70,553,706,496.
  const std::uint64_t published[] = {8'030'261'248, 70'553'706'496};
  for (const TransformerModel model : models) {
    const TransformerShape& shape = shape_of(model);
    EXPECT_EQ(shape.weights() + embedding(shape) + norms(shape),
              published[static_cast<std::size_t>(model)])
        << shape.name;
  }
}

std::vector<GemmJob> products(const std::vector<Job>& jobs) {
  std::vector<GemmJob> all;
  for (const Job& job : jobs) {
    if (const auto* gemm = std::get_if<GemmJob>(&job)) all.push_back(*gemm);
  }
  return all;
}

std::uint64_t weights_of(const std::vector<Job>& jobs) {
  std::uint64_t sum = 0;
  for (const GemmJob& job : products(jobs)) sum += job.shape.k * job.shape.n;
  return sum;
}

std::uint64_t flops_of(const std::vector<Job>& jobs) {
  const AcceleratorConfig config;
  std::uint64_t sum = 0;
  for (const Job& job : jobs) sum += arithmetic(config, job).flops;
  return sum;
}

std::vector<Job> jobs_of(const TransformerWork& work) { return transformer_jobs({}, work); }

TEST(Transformer, TheProductsOfAllLayersReadEachWeightOnce) {
  for (const TransformerModel model : models) {
    const TransformerShape& shape = shape_of(model);
    TransformerWork work;
    work.model = model;
    work.phase = Phase::decode;
    work.layers = shape.layers;
    work.chips = model == TransformerModel::llama3_8b ? 1 : 8;
    EXPECT_EQ(weights_of(jobs_of(work)) * work.chips, shape.weights()) << shape.name;
  }
}

TEST(Transformer, ADecodedTokenTakesTwoOperationsPerWeightAndFourPerElementOfTheCache) {
  for (const std::uint64_t batch : {1U, 7U, 64U}) {
    TransformerWork work;
    work.phase = Phase::decode;
    work.batch = batch;
    work.tokens = 1024;
    work.layers = 32;
    const TransformerShape& shape = shape_of(work.model);
    const std::uint64_t attention = 4 * 1024 * shape.heads * shape.head * shape.layers;
    EXPECT_EQ(flops_of(jobs_of(work)), batch * (2 * shape.weights() + attention)) << batch;
  }
}

TEST(Transformer, APrefillTakesTwoOperationsPerTokenAndWeight) {
  TransformerWork work;
  work.tokens = 2048;
  work.layers = 3;
  const TransformerShape& shape = shape_of(work.model);
  const std::uint64_t layer =
      shape.width * (shape.head * 2 * (shape.heads + shape.key_heads) + 3 * shape.feed_forward);
  // The causal triangle, in blocks of 512 queries: 512 * (512 + 1024 + 1536 + 2048).
  const std::uint64_t attention = 4 * shape.heads * shape.head * 512 * 5120;
  EXPECT_EQ(flops_of(jobs_of(work)),
            work.layers * (2 * 2048 * layer + attention) + 2 * shape.width * shape.vocabulary);
}

TEST(Transformer, ShortPromptsSeeAllOfTheirKeys) {
  TransformerWork work;
  work.tokens = 64;
  work.batch = 3;
  const TransformerShape& shape = shape_of(work.model);
  std::uint64_t flops = 0;
  for (const Job& job : jobs_of(work)) {
    if (std::get_if<AttentionJob>(&job) != nullptr) flops += arithmetic({}, job).flops;
  }
  EXPECT_EQ(flops, 3ULL * 4 * 64 * 64 * shape.heads * shape.head);
}

TEST(Transformer, ALayerHasSevenJobsAndTheModelAnOutput) {
  TransformerWork work;
  work.layers = 2;
  std::vector<std::string> names;
  for (const Job& job : jobs_of(work)) names.push_back(name_of(job));
  const std::vector<std::string> expected{"layer0.attention_norm",
                                          "layer0.qkv",
                                          "layer0.attention",
                                          "layer0.attention_output",
                                          "layer0.feed_forward_norm",
                                          "layer0.gate_up",
                                          "layer0.down",
                                          "layer1.attention_norm",
                                          "layer1.qkv",
                                          "layer1.attention",
                                          "layer1.attention_output",
                                          "layer1.feed_forward_norm",
                                          "layer1.gate_up",
                                          "layer1.down",
                                          "output_norm",
                                          "output"};
  EXPECT_EQ(names, expected);
}

// --- tensor parallelism --------------------------------------------------------------------------

TEST(Transformer, ChipsShareTheWorkEvenly) {
  for (const TransformerModel model : models) {
    for (std::uint64_t chips = 1; chips <= 64; chips *= 2) {
      const TransformerShape& shape = shape_of(model);
      TransformerWork work;
      work.model = model;
      work.layers = 2;
      work.tokens = 512;
      work.chips = chips;
      if (shape.heads % chips != 0 || shape.weights() * 2 / chips > 96ULL << 30) continue;
      const std::uint64_t all = 2 * 512 * weights_of(jobs_of(work)) * chips;
      // Keys and values are computed by each chip that has heads of their group.
      const std::uint64_t copies = chips > shape.key_heads ? chips / shape.key_heads : 1;
      const std::uint64_t keys = 2 * shape.width * shape.key_heads * shape.head;
      const std::uint64_t layer = shape.width * shape.head * 2 * shape.heads + keys * copies +
                                  3 * shape.width * shape.feed_forward;
      EXPECT_EQ(all, 2 * 512 * (2 * layer + shape.width * shape.vocabulary))
          << shape.name << " on " << chips;
    }
  }
}

TEST(Transformer, ChipsReduceTwicePerLayer) {
  TransformerWork work;
  work.layers = 4;
  work.tokens = 100;
  work.batch = 2;
  for (const std::uint64_t chips : {1U, 8U}) {
    work.chips = chips;
    std::uint64_t reductions = 0;
    std::uint64_t bytes = 0;
    for (const Job& job : jobs_of(work)) {
      const std::uint64_t of = std::visit(
          [](const auto& any) {
            if constexpr (std::is_same_v<std::decay_t<decltype(any)>, AttentionJob>) {
              return std::uint64_t{0};
            } else {
              return any.reduce_bytes;
            }
          },
          job);
      reductions += of > 0 ? 1 : 0;
      bytes += of;
    }
    EXPECT_EQ(reductions, chips == 1 ? 0U : 8U);
    EXPECT_EQ(bytes, chips == 1 ? 0U : 8U * 200 * 4096 * 2) << "tokens x width in bf16";
  }
}

TEST(Transformer, TheCacheIsReadOnceByADecodedToken) {
  TransformerWork work;
  work.phase = Phase::decode;
  work.batch = 16;
  work.tokens = 2048;
  work.layers = 1;
  const TransformerShape& shape = shape_of(work.model);
  for (const Job& job : jobs_of(work)) {
    if (std::get_if<AttentionJob>(&job) == nullptr) continue;
    const std::uint64_t cache = 2 * 16 * 2048 * shape.key_heads * shape.head * 2;
    const std::uint64_t queries = 2 * 16 * shape.heads * shape.head * 2;  // and results
    EXPECT_EQ(arithmetic({}, job).bytes, cache + queries);
  }
}

// --- what does not fit ---------------------------------------------------------------------------

std::string refusal(const TransformerWork& work, const AcceleratorConfig& config = {}) {
  try {
    transformer_jobs(config, work);
  } catch (const InputError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Transformer, WhatCannotBeDividedOrDoesNotFitIsNamed) {
  TransformerWork work;
  work.chips = 3;
  EXPECT_EQ(refusal(work), "Llama 3 8B has 32 heads, which 3 chips cannot share evenly");
  work.chips = 64;
  EXPECT_EQ(refusal(work), "Llama 3 8B has 32 heads, which 64 chips cannot share evenly");
  work.chips = 1;
  work.layers = 33;
  EXPECT_EQ(refusal(work), "Llama 3 8B has 32 layers, not 33");

  work = {};
  work.model = TransformerModel::llama3_70b;
  EXPECT_NE(refusal(work).find("Llama 3 70B does not fit: "), std::string::npos) << refusal(work);
  work.chips = 2;
  EXPECT_EQ(refusal(work), "accepted") << "70 GB of weights per chip";

  work = {};
  work.phase = Phase::decode;
  work.batch = 64;
  work.tokens = 8192;
  EXPECT_EQ(refusal(work), "accepted");
  work.batch = 128;  // 137 GB of keys and values
  EXPECT_NE(refusal(work).find("per chip, which has 96 GiB"), std::string::npos) << refusal(work);
}

TEST(Transformer, HeadsWiderThanTheArrayAreNamed) {
  AcceleratorConfig config;
  config.array.rows = 64;
  EXPECT_EQ(refusal({}, config),
            "Llama 3 8B has heads of 128 elements, and accelerator.array takes 64 x 128");
  config.array.rows = 128;
  config.array.columns = 64;
  EXPECT_EQ(refusal({}, config),
            "Llama 3 8B has heads of 128 elements, and accelerator.array takes 128 x 64");
}

}  // namespace
}  // namespace heddle
