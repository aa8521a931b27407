// The grid of PEs: every register against a naive grid that has them all, every result of GEMMs
// against three loops, every cycle against the times that are computed without PEs.
#include "parts/pe_grid.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "kernel/error.h"
#include "kernel/rng.h"
#include "long_tests.h"
#include "parts/bf16.h"
#include "parts/grid_gemm.h"

namespace heddle {
namespace {

std::uint32_t number(std::uint64_t value) { return static_cast<std::uint32_t>(value); }

std::int8_t draw_int8(Rng& random) { return static_cast<std::int8_t>(random.bits() >> 56); }

// --- a grid with all its registers ---------------------------------------------------------------

/// What a PE passes on to its neighbours, and what it keeps.
struct NaivePe {
  // To the right.
  int moving = 0;
  bool moves = false;
  bool exchange = false;
  bool clear = false;
  bool load = false;
  // Downwards.
  std::vector<int> falling;  // rows of a stationary tile
  int sum = 0;
  // Kept.
  int weight = 0;
  int shadow = 0;
  bool loaded = false;
};

class NaiveStationaryGrid {
 public:
  NaiveStationaryGrid(unsigned rows, unsigned columns, unsigned load_rows)
      : rows_(rows), columns_(columns), load_rows_(load_rows) {
    NaivePe pe;
    pe.falling.assign(load_rows, 0);
    pes_.assign(rows * columns, pe);
    left_.resize(rows);
    top_.resize(columns);
    for (unsigned i = 0; i < rows; ++i) left_[i].assign(i, NaivePe{});
    for (unsigned j = 0; j < columns; ++j) top_[j].assign(j, std::vector<int>(load_rows, 0));
  }

  /// `column`: empty for none; `tile`: likewise.
  void step(const std::vector<std::int8_t>& column, bool exchange,
            const std::vector<std::int8_t>& tile, bool first) {
    if (!tile.empty()) group_ = first ? 0 : group_ + 1;
    const std::vector<NaivePe> before = pes_;
    for (unsigned i = 0; i < rows_; ++i) {
      NaivePe enters;
      enters.moves = !column.empty();
      enters.moving = column.empty() ? 0 : column[i];
      enters.exchange = !column.empty() && exchange;
      enters.clear = !tile.empty() && first;
      enters.load = !tile.empty() && i / load_rows_ == group_;
      left_[i].push_back(enters);  // i cycles of delay
      for (unsigned j = 0; j < columns_; ++j) {
        const NaivePe& from_left = j == 0 ? left_[i].front() : before[i * columns_ + j - 1];
        if (i == 0) delay_tile(j, tile);
        const std::vector<int>& from_above =
            i == 0 ? top_[j].front() : before[(i - 1) * columns_ + j].falling;
        const int sum_above = i == 0 ? 0 : before[(i - 1) * columns_ + j].sum;
        step_pe(pes_[i * columns_ + j], from_left, from_above, sum_above, i % load_rows_);
        if (i == 0) top_[j].erase(top_[j].begin());
      }
      left_[i].erase(left_[i].begin());
    }
  }

  const NaivePe& last(unsigned column) const { return pes_[(rows_ - 1) * columns_ + column]; }

 private:
  void delay_tile(unsigned column, const std::vector<std::int8_t>& tile) {
    std::vector<int> enters(load_rows_, 0);
    for (unsigned r = 0; r < load_rows_ && !tile.empty(); ++r) {
      enters[r] = tile[r * columns_ + column];
    }
    top_[column].push_back(enters);
  }

  static void step_pe(NaivePe& pe, const NaivePe& left, const std::vector<int>& falling,
                      int sum_above, unsigned lane) {
    if (left.exchange) pe.weight = pe.loaded ? pe.shadow : 0;
    if (left.clear) pe.loaded = false;
    if (left.load) {
      pe.shadow = falling[lane];
      pe.loaded = true;
    }
    pe.sum = sum_above + pe.weight * left.moving;
    pe.moving = left.moving;
    pe.moves = left.moves;
    pe.exchange = left.exchange;
    pe.clear = left.clear;
    pe.load = left.load;
    pe.falling = falling;
  }

  unsigned rows_;
  unsigned columns_;
  unsigned load_rows_;
  unsigned group_ = 0;
  std::vector<NaivePe> pes_;
  std::vector<std::vector<NaivePe>> left_;          // delays in front of the rows
  std::vector<std::vector<std::vector<int>>> top_;  // and of the columns
};

/// Anything at the ports, also what no user would do: loads over loads, exchanges at any time.
TEST(PeGrid, EqualsAGridWithAllRegistersWhateverEnters) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    Rng random(seed, "pe_grid", "ports");
    const unsigned rows = 1 + random.below(7);
    const unsigned columns = 1 + random.below(7);
    const unsigned load_rows = 1 + random.below(4);
    const double moving = random.uniform();
    const double loading = random.uniform();
    StationaryGrid<Int8Operands> grid(rows, columns, load_rows);
    NaiveStationaryGrid naive(rows, columns, load_rows);
    for (unsigned t = 0; t < 300; ++t) {
      const bool pause = t % 100 > 60;  // long enough for the grid to be empty
      std::vector<std::int8_t> column;
      std::vector<std::int8_t> tile;
      if (!pause && random.uniform() < moving) column.resize(rows);
      if (!pause && random.uniform() < loading) tile.resize(load_rows * columns);
      for (std::int8_t& operand : column) operand = draw_int8(random);
      for (std::int8_t& operand : tile) operand = draw_int8(random);
      const bool exchange = random.below(4) == 0;
      const bool first = random.below(4) == 0;
      if (!column.empty()) grid.move(column.data(), exchange);
      if (!tile.empty()) grid.load(tile.data(), first);
      grid.step();
      naive.step(column, exchange, tile, first);
      for (unsigned j = 0; j < columns; ++j) {
        ASSERT_EQ(grid.has_result(j), naive.last(j).moves)
            << "seed " << seed << ", cycle " << t << ", column " << j;
        if (!grid.has_result(j)) continue;
        ASSERT_EQ(grid.result(j), naive.last(j).sum)
            << "seed " << seed << ", cycle " << t << ", column " << j;
      }
    }
  }
}

TEST(PeGrid, TwoSumsCannotLeaveAColumnInOneCycle) {
  OutputGrid<Int8Operands> grid(4, 1);
  const std::vector<std::int8_t> column(4, 1);
  const std::int8_t row = 1;
  grid.move(column.data(), &row, true, true);
  EXPECT_NO_THROW(grid.step());
  grid.move(column.data(), &row, true, true);
  EXPECT_THROW(grid.step(), CheckFailure);
}

// --- GEMMs ---------------------------------------------------------------------------------------

struct GemmCase {
  SystolicConfig config;
  GemmShape shape;

  std::string text() const {
    return fmt::format("{} x {} PEs, {} x {} x {}, dataflow {}, {}, {} rows per cycle", config.rows,
                       config.columns, shape.m, shape.k, shape.n, static_cast<int>(config.dataflow),
                       config.folds == Folds::serial ? "serial" : "pipelined", config.load_rows);
  }
};

std::vector<std::int8_t> draw_matrix(Rng& random, std::uint64_t size) {
  std::vector<std::int8_t> matrix(size);
  for (std::int8_t& element : matrix) element = draw_int8(random);
  return matrix;
}

/// c = a b, in the order in which it is written in a textbook.
std::vector<std::int32_t> textbook(const GemmShape& shape, const std::vector<std::int8_t>& a,
                                   const std::vector<std::int8_t>& b) {
  std::vector<std::int32_t> c(shape.m * shape.n);
  for (std::uint64_t m = 0; m < shape.m; ++m) {
    for (std::uint64_t n = 0; n < shape.n; ++n) {
      for (std::uint64_t k = 0; k < shape.k; ++k) {
        c[m * shape.n + n] += a[m * shape.k + k] * b[k * shape.n + n];
      }
    }
  }
  return c;
}

/// GridGemm checks the cycle of each result; here the whole: its cycles and its numbers.
void expect_gemm(const GemmCase& c, Rng& random) {
  const std::vector<std::int8_t> a = draw_matrix(random, c.shape.m * c.shape.k);
  const std::vector<std::int8_t> b = draw_matrix(random, c.shape.k * c.shape.n);
  GridGemm<Int8Operands> gemm(c.config, c.shape, DataType::int8, a, b);
  gemm.run();
  GemmSchedule fast(c.config, c.shape, DataType::int8);
  ArrayActivity activity(c.config.rows + c.config.columns - 2);
  while (!fast.done()) fast.next().count(activity);
  ASSERT_EQ(gemm.cycles(), fast.cycles()) << c.text();
  if (c.config.folds == Folds::serial) {
    ASSERT_EQ(gemm.cycles(),
              serial_timing(c.shape, c.config.rows, c.config.columns, c.config.dataflow).cycles)
        << c.text();
  }
  ASSERT_EQ(gemm.c(), textbook(c.shape, a, b)) << c.text();
  ASSERT_EQ(gemm.c(), gemm.expected()) << c.text();
  ASSERT_TRUE(gemm.seen() == activity.cycles(gemm.cycles())) << c.text();
  ASSERT_EQ(gemm.seen().total(), gemm.cycles()) << c.text();
}

constexpr Dataflow all_dataflows[] = {Dataflow::weight_stationary, Dataflow::output_stationary,
                                      Dataflow::input_stationary};

void every_small_gemm(std::uint64_t largest_array, std::uint64_t largest_size) {
  Rng random(1, "pe_grid", "small");
  GemmCase c;
  c.config.minimum_cycles = 2;
  c.config.moving_limit = 3;
  for (c.config.rows = 1; c.config.rows <= largest_array; ++c.config.rows) {
    for (c.config.columns = 1; c.config.columns <= largest_array; ++c.config.columns) {
      for (c.shape.m = 1; c.shape.m <= largest_size; ++c.shape.m) {
        for (c.shape.k = 1; c.shape.k <= largest_size; ++c.shape.k) {
          for (c.shape.n = 1; c.shape.n <= largest_size; ++c.shape.n) {
            for (const Dataflow dataflow : all_dataflows) {
              c.config.dataflow = dataflow;
              for (const Folds folds : {Folds::serial, Folds::pipelined}) {
                c.config.folds = folds;
                c.config.load_rows = 1 + (c.shape.m + c.shape.n) % 3;
                ASSERT_NO_FATAL_FAILURE(expect_gemm(c, random));
              }
            }
          }
        }
      }
    }
  }
}

TEST(PeGrid, EverySmallGemm) { every_small_gemm(3, 5); }

TEST(PeGrid, LongEverySmallGemm) {
  HEDDLE_NEED_LONG();
  every_small_gemm(4, 9);
}

void random_gemms(std::uint64_t first, std::uint64_t last) {
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    Rng random(seed, "pe_grid", "gemm");
    const auto up_to = [&](std::uint64_t most) { return 1 + random.below(number(most)); };
    GemmCase c;
    c.config.rows = up_to(20);
    c.config.columns = up_to(20);
    c.config.minimum_cycles = up_to(30);
    c.config.load_rows = up_to(6);
    c.config.moving_limit = up_to(60);
    c.config.dataflow = all_dataflows[random.below(3)];
    c.config.folds = random.below(3) == 0 ? Folds::serial : Folds::pipelined;
    c.shape = {up_to(90), up_to(90), up_to(90)};
    ASSERT_NO_FATAL_FAILURE(expect_gemm(c, random));
  }
}

TEST(PeGrid, RandomGemms) { random_gemms(1, 60); }

TEST(PeGrid, LongRandomGemms) {
  HEDDLE_NEED_LONG();
  random_gemms(1000, 6000);
}

TEST(PeGrid, TrainiumsTileInItsCycles) {
  Rng random(1, "pe_grid", "tile");
  GemmCase c;  // the defaults
  c.shape = {512, 256, 128};
  ASSERT_NO_FATAL_FAILURE(expect_gemm(c, random));
  c.config.folds = Folds::serial;
  c.shape = {512, 128, 128};
  ASSERT_NO_FATAL_FAILURE(expect_gemm(c, random));  // 894 cycles
}

TEST(PeGrid, TheLargestSumsFit) {
  SystolicConfig config;
  const GemmShape shape{3, 512, 2};
  GridGemm<Int8Operands> gemm(config, shape, DataType::int8,
                              std::vector<std::int8_t>(shape.m * shape.k, -128),
                              std::vector<std::int8_t>(shape.k * shape.n, -128));
  gemm.run();
  for (const std::int32_t sum : gemm.c()) EXPECT_EQ(sum, 512 * 128 * 128);
}

TEST(PeGrid, LargerSumsWrap) {
  for (const Dataflow dataflow : {Dataflow::output_stationary, Dataflow::weight_stationary}) {
    SystolicConfig config;
    config.dataflow = dataflow;
    config.rows = dataflow == Dataflow::output_stationary ? 2 : 1024;
    config.columns = 2;
    const GemmShape shape{1, 140'000, 1};
    const std::vector<std::int8_t> least(shape.k, -128);
    GridGemm<Int8Operands> gemm(config, shape, DataType::int8, least, least);
    gemm.run();
    EXPECT_EQ(gemm.c(), gemm.expected());
    EXPECT_EQ(static_cast<std::uint32_t>(gemm.c()[0]), 140'000U * 128 * 128);
  }
}

// --- bf16 ----------------------------------------------------------------------------------------

TEST(Bf16, RoundsToNearestTiesToEven) {
  EXPECT_EQ(round_to_bf16(1.0F), 1.0F);
  EXPECT_EQ(round_to_bf16(1.0F + 0x1p-8F), 1.0F);               // half way: even is below
  EXPECT_EQ(round_to_bf16(1.0F + 0x1.8p-7F), 1.0F + 0x1p-6F);   // half way: even is above
  EXPECT_EQ(round_to_bf16(1.0F + 0x1.02p-8F), 1.0F + 0x1p-7F);  // more than half
  EXPECT_EQ(round_to_bf16(-3.14159F), -3.140625F);
  EXPECT_EQ(round_to_bf16(0.0F), 0.0F);
}

void expect_bf16(Dataflow dataflow, Folds folds, std::uint64_t seed) {
  Rng random(seed, "pe_grid", "bf16");
  GemmCase c;
  c.config.rows = 1 + random.below(24);
  c.config.columns = 1 + random.below(24);
  c.config.dataflow = dataflow;
  c.config.folds = folds;
  c.shape = {1 + random.below(60), 1 + random.below(60), 1 + random.below(60)};
  std::vector<float> a(c.shape.m * c.shape.k);
  std::vector<float> b(c.shape.k * c.shape.n);
  const auto draw = [&] { return round_to_bf16(static_cast<float>(random.uniform() - 0.5)); };
  std::generate(a.begin(), a.end(), draw);
  std::generate(b.begin(), b.end(), draw);
  GridGemm<Bf16Operands> gemm(c.config, c.shape, DataType::bf16, a, b);
  gemm.run();
  ASSERT_EQ(gemm.c(), gemm.expected()) << c.text();  // bit by bit: the order of sums is the same
  for (std::uint64_t m = 0; m < c.shape.m; ++m) {
    for (std::uint64_t n = 0; n < c.shape.n; ++n) {
      double sum = 0;
      double magnitude = 0;
      for (std::uint64_t k = 0; k < c.shape.k; ++k) {
        const double product = double{a[m * c.shape.k + k]} * double{b[k * c.shape.n + n]};
        sum += product;
        magnitude += std::abs(product);
      }
      // Each of the additions rounds once, by at most 2^-24 of a sum that is below `magnitude`.
      const double bound = static_cast<double>(2 * c.shape.k) * 0x1p-24 * magnitude;
      ASSERT_NEAR(gemm.c()[m * c.shape.n + n], sum, bound) << c.text();
    }
  }
}

TEST(PeGrid, Bf16SumsAreThoseOfTheSameOrder) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    for (const Dataflow dataflow : all_dataflows) {
      for (const Folds folds : {Folds::serial, Folds::pipelined}) {
        ASSERT_NO_FATAL_FAILURE(expect_bf16(dataflow, folds, seed)) << "seed " << seed;
      }
    }
  }
}

TEST(PeGrid, OnlyInt8AndBf16) {
  for (const DataType type : {DataType::fp32, DataType::fp8}) {
    EXPECT_THROW(GridGemm<Int8Operands>(SystolicConfig{}, {1, 1, 1}, type, {1}, {1}), InputError);
  }
}

// --- tightness -----------------------------------------------------------------------------------

/// Two tiles of 8 x 8 with three passes: the second tile loads from cycle `load`, and its pass
/// starts in `start`. Returns whether all results are right.
bool two_tiles(Cycle load, Cycle start) {
  constexpr unsigned size = 8;
  StationaryGrid<Int8Operands> grid(size, size, 4);
  Rng random(7, "pe_grid", "tight");
  const std::vector<std::int8_t> tiles[] = {draw_matrix(random, size * size),
                                            draw_matrix(random, size * size)};
  const std::vector<std::int8_t> moving = draw_matrix(random, 64 * size);
  constexpr Cycle first_start = 2;
  constexpr Cycle steps = 10;
  bool right = true;
  for (Cycle t = 0; t < 100; ++t) {
    for (unsigned tile = 0; tile < 2; ++tile) {
      const Cycle begin = tile == 0 ? 0 : load;
      if (t >= begin && t < begin + 2) {
        grid.load(tiles[tile].data() + (t - begin) * 4 * size, t == begin);
      }
    }
    const bool second = t >= start;
    const Cycle from = second ? start : first_start;
    if (t >= from && t < from + steps) {
      grid.move(moving.data() + (t - from) * size, t == from);
    }
    grid.step();
    for (unsigned j = 0; j < size; ++j) {
      if (!grid.has_result(j)) continue;
      const Cycle entered = t - (size - 1) - j;
      const unsigned tile = entered >= start ? 1 : 0;
      const Cycle step = entered - (tile == 1 ? start : first_start);
      std::int32_t sum = 0;
      for (unsigned i = 0; i < size; ++i) {
        sum += moving[step * size + i] * tiles[tile][i * size + j];
      }
      right = right && sum == grid.result(j);
    }
  }
  return right;
}

TEST(PeGrid, ALoadMayBeginWithThePassBeforeAndNotEarlier) {
  EXPECT_TRUE(two_tiles(2, 12));  // in the cycle in which the first pass starts
  EXPECT_FALSE(two_tiles(1, 12));
}

TEST(PeGrid, APassMayStartWhenItsTileHasEnteredAndNotEarlier) {
  EXPECT_TRUE(two_tiles(10, 12));
  EXPECT_FALSE(two_tiles(11, 12));
}

}  // namespace
}  // namespace heddle
