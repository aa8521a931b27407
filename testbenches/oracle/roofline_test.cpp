// A language model on one chip against arithmetic: reading a prompt of 2,048 tokens is bound by the
// arrays, writing with up to 64 sequences by the memory; what was done per byte is what the shapes
// say; and no run is faster than the roofs allow.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>

#include "scenario_run.h"

namespace heddle::testing {
namespace {

struct Work {
  const char* name;
  const char* phase;
  unsigned batch;
  unsigned layers;
  const char* bound;

  friend void PrintTo(const Work& work, std::ostream* out) { *out << work.name; }
};

std::string scenario(const Work& work) {
  return fmt::format(
      "switch: torus\nfabric: {{topology: torus, preset: trainium2_server, x: 1, y: 1}}\n"
      "workload: {{pattern: transformer, model: llama3_8b, phase: {}, tokens: 2048, batch: {}, "
      "layers: {}}}\n",
      work.phase, work.batch, work.layers);
}

/// Llama 3 8B by hand (arXiv 2407.21783, table 3): multiplications and additions of a forward pass.
/// A query of a prompt sees the keys up to the end of its block of 512.
double model_flops(const Work& work) {
  const double width = 4096;
  const double heads = 32;
  const double head = 128;
  const double rows = work.phase == std::string("prefill") ? 2048.0 * work.batch : work.batch;
  const double weights = width * (heads + 2 * 8) * head + heads * head * width + 3 * width * 14336;
  const double keys =
      work.phase == std::string("prefill") ? (512 + 1024 + 1536 + 2048) / 4.0 : 2048;
  const double attention = 2 * rows * keys * heads * head * 2;
  return work.layers * (2 * rows * weights + attention) + 2.0 * work.batch * width * 128'256;
}

class Roofline : public ::testing::TestWithParam<Work> {};

TEST_P(Roofline, BoundsALanguageModelAsArithmeticSays) {
  const ScenarioRun run = run_scenario(scenario(GetParam()));
  ASSERT_EQ(run.exit_code, 0) << run.explanation << "\n" << scenario(GetParam());
  const auto& compute = run.results.at("compute");
  EXPECT_EQ(compute.at("bound"), GetParam().bound);
  EXPECT_DOUBLE_EQ(run.number("compute.flops"), model_flops(GetParam()));
  EXPECT_NEAR(run.number("compute.intensity") / run.number("compute.planned_intensity"), 1, 0.02);
  EXPECT_LE(run.number("compute.roofline_ns"), run.number("compute.time_ns"));
  // The roof is most of the time, or something else than these two would be the bound.
  const double at_the_roof = run.number("compute.roofline_ns") / run.number("compute.time_ns");
  EXPECT_GT(at_the_roof, 0.6) << scenario(GetParam());
  RecordProperty("roofline_by_time", fmt::format("{:.4f}", at_the_roof));
}

class Decoding : public Roofline {};

/// Decoding reads every weight once, and the keys and values of every sequence; activations are the
/// rest.
TEST_P(Decoding, MovesTheWeightsAndTheCacheOnce) {
  const Work& work = GetParam();
  const ScenarioRun run = run_scenario(scenario(work));
  ASSERT_EQ(run.exit_code, 0) << run.explanation;
  const double weights = 4096.0 * (32 + 16) * 128 + 4096.0 * 4096 + 3 * 4096.0 * 14336;
  const double cache = 2.0 * work.batch * 2048 * 8 * 128;
  const double bytes = 2 * (work.layers * (weights + cache) + 4096.0 * 128'256);
  EXPECT_NEAR(run.number("compute.bytes") / bytes, 1, 0.03) << scenario(work);
}

std::string name_of(const ::testing::TestParamInfo<Work>& member) { return member.param.name; }

const Work prefill{"prefill", "prefill", 1, 2, "compute"};
const Work decode[] = {{"decode_1", "decode", 1, 1, "memory"},
                       {"decode_16", "decode", 16, 1, "memory"},
                       {"decode_64", "decode", 64, 1, "memory"}};

INSTANTIATE_TEST_SUITE_P(Prefill, Roofline, ::testing::Values(prefill), name_of);
INSTANTIATE_TEST_SUITE_P(Decode, Roofline, ::testing::ValuesIn(decode), name_of);
INSTANTIATE_TEST_SUITE_P(Decode, Decoding, ::testing::ValuesIn(decode), name_of);

}  // namespace
}  // namespace heddle::testing
