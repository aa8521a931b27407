// Case 9: dynamic thresholds settle where theory says. Case 10: the headroom calculator. Then the
// accounting against a naive model, and tightness.
#include "parts/shared_buffer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include "kernel/error.h"
#include "kernel/rng.h"
#include "shared_inputs.h"
#include "table_text.h"

namespace heddle {
namespace {

constexpr std::uint32_t cell = 100;

constexpr Bytes bytes_of(std::uint64_t cells) { return Bytes{cells * cell}; }

/// A pool of `cells` cells of 100 bytes.
SharedBufferConfig small_pool(std::uint64_t cells, double alpha_lossless, double alpha_lossy) {
  SharedBufferConfig config;
  config.buffer = bytes_of(cells);
  config.cell = Bytes{cell};
  config.alpha_lossless = alpha_lossless;
  config.alpha_lossy = alpha_lossy;
  config.xon_offset = bytes_of(2);
  return config;
}

std::vector<Bytes> headrooms(unsigned groups, std::uint64_t cells) {
  return std::vector<Bytes>(groups, bytes_of(cells));
}

/// Queues that want all that the buffer gives them, one cell at a time, each in the ingress group
/// of its own number.
class GreedyQueues {
 public:
  GreedyQueues(std::uint64_t pool_cells, double alpha, bool lossless, unsigned active = 0)
      : pool_(static_cast<double>(pool_cells)),
        alpha_(alpha),
        lossless_(lossless),
        active_(active),
        buffer_(small_pool(pool_cells, alpha, alpha), 64, headrooms(64, 0)),
        rng_(9, "shared_buffer_test", "greedy") {}

  void join() { ++active_; }

  /// One cell is offered for each queue, in random order, until all are refused.
  void fill() {
    for (bool taken = true; taken;) {
      taken = false;
      visit([&](unsigned q) { taken |= offer(q); });
    }
  }

  /// Every queue in random order: sends a cell if it is above the threshold, else takes one.
  void exchange() {
    visit([&](unsigned q) {
      if (buffer_.queue_cells(q) > threshold()) {
        buffer_.release(q, q, cell);
      } else {
        offer(q);
      }
    });
  }

  /// Choudhury and Hahne 1998: alpha*B/(1+alpha*M).
  double fair_cells() const { return alpha_ * pool_ / (1 + alpha_ * active_); }

  void expect_fair(double tolerance_cells) const {
    for (unsigned q = 0; q < active_; ++q) {
      ASSERT_LE(std::abs(buffer_.queue_cells(q) - fair_cells()), tolerance_cells)
          << "queue " << q << " of " << active_ << ", alpha " << alpha_;
    }
    buffer_.verify();
  }

 private:
  std::uint64_t threshold() const {
    return lossless_ ? buffer_.lossless_threshold() : buffer_.lossy_threshold();
  }
  bool offer(unsigned q) { return buffer_.admit(q, q, cell, lossless_) == Admission::shared; }

  template <class F>
  void visit(F&& f) {
    std::vector<unsigned> order(active_);
    std::iota(order.begin(), order.end(), 0U);
    for (unsigned i = active_; i > 1; --i) std::swap(order[i - 1], order[rng_.below(i)]);
    for (const unsigned q : order) f(q);
  }

  double pool_;
  double alpha_;
  bool lossless_;
  unsigned active_;
  SharedBuffer buffer_;
  Rng rng_;
};

TEST(Case09DynamicThreshold, GreedyQueuesSettleAtTheirFairShare) {
  for (const double alpha : {1.0 / 128, 0.125, 0.25, 0.5, 0.75, 1.0, 2.0, 8.0, 128.0}) {
    for (const bool lossless : {false, true}) {
      for (unsigned active = 1; active <= 64; ++active) {
        GreedyQueues queues(20'000, alpha, lossless, active);
        queues.fill();
        queues.expect_fair(1);
      }
    }
  }
}

// A cell that one queue sends moves the threshold of all by alpha cells, and whoever is visited
// next takes it: with departures, shares are defined to one cell or to alpha cells, whichever is
// more.
TEST(Case09DynamicThreshold, EarlierQueuesGiveWayToLaterOnes) {
  for (const double alpha : {1.0 / 128, 0.125, 0.25, 0.5, 0.75, 1.0, 2.0, 8.0}) {
    for (const bool lossless : {false, true}) {
      GreedyQueues queues(2'000, alpha, lossless);
      for (unsigned active = 1; active <= 64; ++active) {
        queues.join();
        // A newcomer takes at most a cell a round; then some rounds for the others to follow.
        const int rounds = static_cast<int>(queues.fair_cells()) + 300;
        for (int i = 0; i < rounds; ++i) queues.exchange();
        queues.expect_fair(std::max(1.0, alpha));
      }
    }
  }
}

TEST(Case10HeadroomCalculator, EqualsTheVendorTable) {
  const auto path = testing::shared_file("reference/vectors/pfc_headroom_sn4700.csv");
  HEDDLE_NEED_SHARED(path);
  const std::vector<testing::Words> rows = testing::read_csv(path);
  ASSERT_EQ(rows.size(), 21U);
  for (const testing::Words& row : rows) {
    const std::uint64_t megabits = std::stoull(row.at(1));
    const double metres = std::stod(row.at(2));
    EXPECT_EQ(pfc_headroom_bytes(Rate{megabits * 1'000'000}, metres), std::stoull(row.at(5)))
        << megabits << " Mbps, " << metres << " m";
  }
}

// Three rows of the table of SN4700 in sonic-buildimage, so that the formula is never untested.
TEST(Case10HeadroomCalculator, EqualsThreeRowsOfTheVendorTable) {
  EXPECT_EQ(pfc_headroom_bytes(10_Gbps, 5), 32'768U);
  EXPECT_EQ(pfc_headroom_bytes(100_Gbps, 40), 44'032U);
  EXPECT_EQ(pfc_headroom_bytes(400_Gbps, 300), 373'760U);
}

TEST(SharedBuffer, LossyPacketThatJustFitsIsTakenAndOneCellMoreIsNot) {
  // alpha 1, 100 cells: with 40 taken by another queue the threshold is 60.
  SharedBuffer buffer(small_pool(100, 1, 1), 2, headrooms(2, 0));
  ASSERT_EQ(buffer.admit(0, 0, 40 * cell, false), Admission::shared);
  EXPECT_EQ(buffer.lossy_threshold(), 60U);
  EXPECT_EQ(buffer.admit(1, 1, 61 * cell, false), Admission::drop_pool);
  EXPECT_EQ(buffer.admit(1, 1, 60 * cell, false), Admission::shared);
  buffer.verify();
}

TEST(SharedBuffer, ThresholdIsExactForAFractionOfACell) {
  // alpha 3/4, 101 cells free: 75.75, so 75 fit.
  SharedBuffer buffer(small_pool(101, 0.75, 0.75), 1, headrooms(1, 0));
  EXPECT_EQ(buffer.admit(0, 0, 75 * cell + 1, false), Admission::drop_threshold);
  EXPECT_EQ(buffer.admit(0, 0, 75 * cell, false), Admission::shared);
}

TEST(SharedBuffer, PacketsOccupyWholeCells) {
  SharedBuffer buffer(small_pool(100, 8, 8), 1, headrooms(1, 0));
  EXPECT_EQ(buffer.cells_of(1), 1U);
  EXPECT_EQ(buffer.cells_of(cell), 1U);
  EXPECT_EQ(buffer.cells_of(cell + 1), 2U);
  ASSERT_EQ(buffer.admit(0, 0, cell + 1, false), Admission::shared);
  EXPECT_EQ(buffer.used_cells(), 2U);
  buffer.release(0, 0, cell + 1);
  EXPECT_EQ(buffer.used_cells(), 0U);
}

TEST(SharedBuffer, LosslessGroupGoesThroughXoffHeadroomAndDrop) {
  // 120 cells, 10 of them headroom of each of two groups; alpha 1: one group may share 50.
  SharedBuffer buffer(small_pool(120, 1, 1), 1, headrooms(2, 10));
  EXPECT_EQ(buffer.shared_cells(), 100U);
  ASSERT_EQ(buffer.admit(0, 0, 50 * cell, true), Admission::shared);
  EXPECT_FALSE(buffer.xoff(0));
  EXPECT_EQ(buffer.admit(0, 0, cell, true), Admission::headroom);
  EXPECT_TRUE(buffer.xoff(0));
  EXPECT_EQ(buffer.admit(0, 0, 9 * cell + 1, true), Admission::drop_headroom);
  EXPECT_EQ(buffer.admit(0, 0, 9 * cell, true), Admission::headroom);
  EXPECT_EQ(buffer.admit(0, 0, 1, true), Admission::drop_headroom);
  EXPECT_EQ(buffer.headroom_cells(0), 10U);
  EXPECT_EQ(buffer.free_cells(), 50U) << "headroom is not taken from the shared cells";
  buffer.verify();
}

TEST(SharedBuffer, XonNeedsAnEmptyHeadroomAndTheOffset) {
  SharedBuffer buffer(small_pool(110, 1, 1), 1, headrooms(1, 10));
  ASSERT_EQ(buffer.admit(0, 0, 50 * cell, true), Admission::shared);
  ASSERT_EQ(buffer.admit(0, 0, 2 * cell, true), Admission::headroom);
  buffer.release(0, 0, 2 * cell);
  EXPECT_EQ(buffer.headroom_cells(0), 0U) << "headroom empties first";
  EXPECT_EQ(buffer.group_cells(0), 50U);
  EXPECT_TRUE(buffer.xoff(0)) << "50 + 2 > 50";
  buffer.release(0, 0, cell);
  EXPECT_FALSE(buffer.xoff(0)) << "49 + 2 <= 51";
}

TEST(SharedBuffer, ReleaseByAnotherGroupEndsAPause) {
  SharedBuffer buffer(small_pool(110, 1, 1), 2, std::vector<Bytes>{bytes_of(10), Bytes{0}});
  ASSERT_EQ(buffer.admit(1, 1, 40 * cell, false), Admission::shared);
  ASSERT_EQ(buffer.admit(0, 0, 30 * cell, true), Admission::shared);
  ASSERT_EQ(buffer.admit(0, 0, cell, true), Admission::headroom);
  buffer.release(0, 0, cell);
  ASSERT_TRUE(buffer.xoff(0)) << "30 + 2 > 30 free";
  buffer.release(1, 1, cell);
  EXPECT_TRUE(buffer.xoff(0)) << "30 + 2 > 31 free";
  buffer.release(1, 1, cell);
  EXPECT_FALSE(buffer.xoff(0)) << "30 + 2 <= 32 free";
}

TEST(SharedBuffer, StaticXoffDoesNotMoveWithThePool) {
  SharedBufferConfig config = small_pool(1'000, 128, 8);
  config.xoff = bytes_of(20);
  SharedBuffer buffer(config, 1, headrooms(1, 10));
  ASSERT_EQ(buffer.admit(0, 0, 20 * cell, true), Admission::shared);
  EXPECT_EQ(buffer.admit(0, 0, cell, true), Admission::headroom);
  buffer.release(0, 0, 2 * cell);
  EXPECT_TRUE(buffer.xoff(0)) << "19 + 2 > 20";
  buffer.release(0, 0, cell);
  EXPECT_FALSE(buffer.xoff(0)) << "18 + 2 <= 20";
}

TEST(SharedBuffer, ReportsEachChangeOnceAndNoneThatWentBack) {
  SharedBuffer buffer(small_pool(110, 1, 1), 1, headrooms(1, 10));
  std::vector<std::pair<unsigned, bool>> seen;
  const auto take = [&] {
    seen.clear();
    buffer.take_xoff_changes([&](unsigned group, bool xoff) { seen.emplace_back(group, xoff); });
    return seen;
  };
  using Changes = std::vector<std::pair<unsigned, bool>>;
  buffer.admit(0, 0, 50 * cell, true);
  EXPECT_FALSE(buffer.has_xoff_changes());
  buffer.admit(0, 0, cell, true);
  EXPECT_TRUE(buffer.has_xoff_changes());
  EXPECT_EQ(take(), (Changes{{0, true}}));
  EXPECT_EQ(take(), Changes{});
  buffer.release(0, 0, 10 * cell);
  EXPECT_EQ(take(), (Changes{{0, false}}));
  buffer.admit(0, 0, 60 * cell, true);
  buffer.release(0, 0, 30 * cell);
  EXPECT_FALSE(buffer.xoff(0));
  EXPECT_EQ(take(), Changes{}) << "off and on again between two looks";
}

TEST(SharedBuffer, RejectsHeadroomThatLeavesNothing) {
  EXPECT_THROW(SharedBuffer(small_pool(100, 1, 1), 1, headrooms(10, 10)), InputError);
  EXPECT_NO_THROW(SharedBuffer(small_pool(101, 1, 1), 1, headrooms(10, 10)));
}

TEST(SharedBuffer, ReleaseOfWhatIsNotThereIsAFailedCheck) {
  SharedBuffer buffer(small_pool(100, 1, 1), 2, headrooms(2, 0));
  ASSERT_EQ(buffer.admit(0, 0, cell, false), Admission::shared);
  EXPECT_THROW(buffer.release(0, 0, 2 * cell), CheckFailure);
  EXPECT_THROW(buffer.release(1, 0, cell), CheckFailure);
  EXPECT_THROW(buffer.release(0, 1, cell), CheckFailure);
  EXPECT_NO_THROW(buffer.release(0, 0, cell));
}

/// The rules once more: every quantity is counted afresh from the list of stored packets,
/// thresholds in floating point (exact for these alphas), pauses looked at for every group after
/// every step.
class NaiveBuffer {
 public:
  struct Packet {
    unsigned group;
    unsigned queue;
    std::uint32_t cells;
  };

  NaiveBuffer(const SharedBufferConfig& config, const std::vector<Bytes>& headroom)
      : config_(config),
        shared_(headroom.size()),
        head_(headroom.size()),
        paused_(headroom.size()) {
    const std::uint64_t cells = config.buffer.value / cell;
    pool_ = static_cast<double>(cells);
    for (const Bytes bytes : headroom) {
      const std::uint64_t limit = (bytes.value + cell - 1) / cell;
      limit_.push_back(static_cast<double>(limit));
      pool_ -= limit_.back();
    }
  }

  double free() const { return pool_ - std::accumulate(shared_.begin(), shared_.end(), 0.0); }

  double group_threshold() const {
    return config_.xoff ? std::floor(static_cast<double>(config_.xoff->value) / cell)
                        : config_.alpha_lossless * free();
  }

  Admission admit(const Packet& packet, bool lossless) {
    double queued = 0;
    for (const Packet& p : packets) queued += p.queue == packet.queue ? p.cells : 0;
    const bool fits = packet.cells <= free();
    if (!lossless && !fits) return Admission::drop_pool;
    if (!lossless && queued + packet.cells > config_.alpha_lossy * free()) {
      return Admission::drop_threshold;
    }
    if (lossless && (!fits || shared_[packet.group] + packet.cells > group_threshold())) {
      paused_[packet.group] = true;
      if (head_[packet.group] + packet.cells > limit_[packet.group]) {
        return Admission::drop_headroom;
      }
      head_[packet.group] += packet.cells;
      packets.push_back(packet);
      return Admission::headroom;
    }
    shared_[packet.group] += packet.cells;
    packets.push_back(packet);
    return Admission::shared;
  }

  void release(std::size_t index) {
    const Packet packet = packets[index];
    packets.erase(packets.begin() + static_cast<std::ptrdiff_t>(index));
    for (std::uint32_t i = 0; i < packet.cells; ++i) {
      double& from = head_[packet.group] > 0 ? head_[packet.group] : shared_[packet.group];
      from -= 1;
    }
    const double offset = std::ceil(static_cast<double>(config_.xon_offset.value) / cell);
    for (std::size_t g = 0; g < paused_.size(); ++g) {
      const bool low = shared_[g] + offset <= group_threshold() && free() >= 1;
      if (head_[g] == 0 && (low || shared_[g] == 0)) paused_[g] = false;
    }
  }

  bool paused(unsigned group) const { return paused_[group]; }

  std::vector<Packet> packets;

 private:
  SharedBufferConfig config_;
  double pool_;
  std::vector<double> limit_;
  std::vector<double> shared_;
  std::vector<double> head_;
  std::vector<bool> paused_;
};

std::uint64_t swarm_seed() {
  const char* given = std::getenv("HEDDLE_SWARM_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : 9;
}

void run_swarm_round(Rng& rng, std::map<Admission, int>& seen, int& pauses_ended) {
  const unsigned groups = 1 + rng.below(100);
  const unsigned queues = 1 + rng.below(20);
  SharedBufferConfig config = small_pool(groups * 8 + 20 + rng.below(400),
                                         std::ldexp(1.0, static_cast<int>(rng.below(11)) - 4),
                                         std::ldexp(1.0, static_cast<int>(rng.below(11)) - 4));
  config.xon_offset = Bytes{rng.below(8 * cell)};
  if (rng.below(4) == 0) config.xoff = Bytes{rng.below(40 * cell)};
  std::vector<Bytes> headroom;
  for (unsigned g = 0; g < groups; ++g) headroom.push_back(Bytes{rng.below(8 * cell)});
  SharedBuffer buffer(config, queues, headroom);
  NaiveBuffer naive(config, headroom);
  std::vector<bool> reported(groups, false);
  std::uint32_t arrivals = 60;
  for (int step = 0; step < 1'500; ++step) {
    if (step % 100 == 0) arrivals = 20 + rng.below(70);  // percent: fill and drain in turn
    if (rng.below(100) < arrivals) {
      const unsigned group = rng.below(groups);
      const unsigned queue = rng.below(queues);
      const std::uint32_t bytes = 1 + rng.below(rng.below(2) == 0 ? 3 * cell : 12 * cell);
      const bool lossless = rng.below(3) != 0;
      const Admission expected = naive.admit({group, queue, (bytes + cell - 1) / cell}, lossless);
      const Admission actual = buffer.admit(group, queue, bytes, lossless);
      ASSERT_EQ(actual, expected) << "step " << step;
      ++seen[actual];
    } else if (!naive.packets.empty()) {
      const std::size_t index = rng.below(static_cast<std::uint32_t>(naive.packets.size()));
      const NaiveBuffer::Packet packet = naive.packets[index];
      naive.release(index);
      buffer.release(packet.group, packet.queue, packet.cells * cell);
    }
    ASSERT_EQ(buffer.free_cells(), naive.free());
    for (unsigned g = 0; g < groups; ++g) {
      ASSERT_EQ(buffer.xoff(g), naive.paused(g)) << "group " << g << ", step " << step;
    }
    if (rng.below(5) != 0) continue;
    buffer.verify();
    buffer.take_xoff_changes([&](unsigned group, bool xoff) {
      EXPECT_NE(reported[group], xoff);
      reported[group] = xoff;
      pauses_ended += xoff ? 0 : 1;
    });
    for (unsigned g = 0; g < groups; ++g) ASSERT_EQ(reported[g], buffer.xoff(g));
  }
}

TEST(SharedBuffer, SwarmEqualsTheNaiveModel) {
  const std::uint64_t seed = swarm_seed();
  std::map<Admission, int> seen;
  int pauses_ended = 0;
  for (int round = 0; round < 120; ++round) {
    SCOPED_TRACE("HEDDLE_SWARM_SEED=" + std::to_string(seed) + ", round " + std::to_string(round));
    Rng rng(seed, "shared_buffer_test", std::to_string(round));
    run_swarm_round(rng, seen, pauses_ended);
    if (HasFatalFailure()) return;
  }
  EXPECT_EQ(seen.size(), 5U) << "every outcome of an admission must have occurred";
  EXPECT_GT(pauses_ended, 100);
}

TEST(SharedBufferConfig, DeclaresEachParameter) {
  SharedBufferConfig config;
  const Section section = describe(config);
  ASSERT_EQ(section.fields.size(), 7U);
  for (const Field& field : section.fields) EXPECT_FALSE(field.what.empty()) << field.key;
}

/// 900 cells to share and 100 of headroom; alpha 1/8; a group that is paused with 100 shared cells
/// and must fall 10 below its threshold.
SharedBuffer paused_buffer() {
  SharedBufferConfig config;
  config.buffer = 100'000_B;
  config.cell = 100_B;
  config.alpha_lossless = 0.125;
  config.xon_offset = 1'000_B;
  SharedBuffer buffer(config, 1, {10'000_B});
  for (int packet = 0; packet < 101; ++packet) buffer.admit(0, 0, 100, true);
  buffer.release(0, 0, 100);  // the one in the headroom
  return buffer;
}

TEST(SharedBuffer, AHigherThresholdEndsAPauseExactlyWhenItShould) {
  SharedBuffer buffer = paused_buffer();
  ASSERT_EQ(buffer.group_cells(0), 100U);
  ASSERT_TRUE(buffer.xoff(0));
  buffer.take_xoff_changes([](unsigned, bool) {});
  SharedBuffer::Thresholds thresholds = buffer.thresholds();
  EXPECT_EQ(thresholds.alpha_lossless, 8192U);
  // 110 cells are the threshold of 800 free ones at alpha = 110 / 800 = 9011.2 / 65536.
  thresholds.alpha_lossless = 9011;
  buffer.set_thresholds(thresholds);
  EXPECT_TRUE(buffer.xoff(0));
  EXPECT_FALSE(buffer.has_xoff_changes());
  thresholds.alpha_lossless = 9012;
  buffer.set_thresholds(thresholds);
  EXPECT_FALSE(buffer.xoff(0));
  EXPECT_TRUE(buffer.has_xoff_changes());
  buffer.verify();
}

TEST(SharedBuffer, ASmallerOffsetEndsAPause) {
  for (const std::uint64_t offset : {1U, 0U}) {
    SharedBuffer buffer = paused_buffer();
    SharedBuffer::Thresholds thresholds = buffer.thresholds();
    thresholds.xon_offset_cells = offset;
    buffer.set_thresholds(thresholds);
    EXPECT_EQ(buffer.xoff(0), offset == 1) << "100 cells of 100 that are allowed";
  }
}

TEST(SharedBuffer, ALowerThresholdActsOnWhatComes) {
  SharedBuffer buffer = paused_buffer();
  SharedBuffer::Thresholds thresholds = buffer.thresholds();
  thresholds.xon_offset_cells = 0;
  buffer.set_thresholds(thresholds);
  thresholds.xoff_cells = 50;
  buffer.set_thresholds(thresholds);
  EXPECT_FALSE(buffer.xoff(0));
  EXPECT_EQ(buffer.group_cells(0), 100U);
  EXPECT_EQ(buffer.admit(0, 0, 100, true), Admission::headroom);
  EXPECT_TRUE(buffer.xoff(0));
  buffer.verify();
}

}  // namespace
}  // namespace heddle
