// Cutting packets into cells: every byte once, every packet ends in one cell, cells no larger than
// allowed, and full cells where packing promises them.
#include "parts/segmenter.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "kernel/rng.h"

namespace heddle {
namespace {

constexpr std::uint32_t header = 16;

struct Cut {
  Frame cell;
  std::vector<std::uint32_t> ended;  ///< sizes of the packets that end in the cell, in order
};

/// Cuts packets of the given sizes; `declines[i]`: packet i is not yet there when packet i - 1
/// ends, so that a new cell starts with it.
class Cutting {
 public:
  Cutting(Segmentation mode, std::uint32_t payload, std::vector<std::uint32_t> sizes,
          std::vector<bool> declines)
      : segmenter_(mode, payload, header),
        sizes_(std::move(sizes)),
        declines_(std::move(declines)) {
    while (next_ < sizes_.size() || segmenter_.busy()) {
      if (!segmenter_.busy()) start();
      EXPECT_TRUE(segmenter_.busy());
      EXPECT_EQ(segmenter_.voq(), 3U);
      cut();
    }
  }

  const std::vector<Cut>& cuts() const { return cuts_; }

 private:
  void start() {
    Frame packet;
    packet.wire_bytes = static_cast<std::uint16_t>(sizes_[next_] + ethernet_framing_bytes);
    packet.sequence = static_cast<std::uint32_t>(next_);
    packet.packet = packets_.acquire();
    segmenter_.start(3, packet);
    ++next_;
  }

  void cut() {
    Cut result;
    result.cell = segmenter_.cut(packets_, [&](const Frame& finished) {
      EXPECT_EQ(finished.sequence, finished_++);
      EXPECT_FALSE(segmenter_.busy());
      if (next_ == sizes_.size() || declines_[next_]) return false;
      start();
      return true;
    });
    for (std::uint32_t p = result.cell.packet; p != no_packet; p = packets_[p].next) {
      EXPECT_EQ(packets_[p].frame.packet, p);
      EXPECT_EQ(packets_[p].frame.sequence, ended_++);
      result.ended.push_back(stored_bytes(packets_[p].frame));
    }
    EXPECT_EQ(ended_, finished_);
    cuts_.push_back(result);
  }

  PacketPool packets_;
  Segmenter segmenter_;
  std::vector<std::uint32_t> sizes_;
  std::vector<bool> declines_;
  std::size_t next_ = 0;
  std::uint32_t finished_ = 0;
  std::uint32_t ended_ = 0;
  std::vector<Cut> cuts_;
};

/// Payload bytes of the cells, from the rules alone: a cell takes what is left of the packet at
/// hand; a packed one goes on with the next packet, if that is there.
std::vector<std::uint32_t> naive(Segmentation mode, std::uint32_t payload,
                                 const std::vector<std::uint32_t>& sizes,
                                 const std::vector<bool>& declines) {
  std::vector<std::uint32_t> cells;
  std::uint32_t room = 0;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    if (mode == Segmentation::unpacked || declines[i]) room = 0;
    for (std::uint32_t byte = 0; byte < sizes[i]; ++byte) {
      if (room == 0) {
        cells.push_back(0);
        room = payload;
      }
      ++cells.back();
      --room;
    }
  }
  return cells;
}

void check(Segmentation mode, std::uint32_t payload, const std::vector<std::uint32_t>& sizes,
           const std::vector<bool>& declines) {
  const Cutting cutting(mode, payload, sizes, declines);
  const std::vector<std::uint32_t> expected = naive(mode, payload, sizes, declines);
  ASSERT_EQ(cutting.cuts().size(), expected.size());
  std::vector<std::uint32_t> ended;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const Frame& cell = cutting.cuts()[i].cell;
    ASSERT_EQ(cell.kind, FrameKind::cell);
    ASSERT_EQ(cell.payload_bytes, expected[i]) << "cell " << i;
    ASSERT_EQ(cell.wire_bytes, expected[i] + header);
    ended.insert(ended.end(), cutting.cuts()[i].ended.begin(), cutting.cuts()[i].ended.end());
  }
  ASSERT_EQ(ended, sizes);
}

TEST(Segmenter, EverySmallTrainOfPackets) {
  constexpr std::uint32_t payload = 4;
  for (const Segmentation mode : {Segmentation::packed, Segmentation::unpacked}) {
    for (std::uint32_t a = 1; a <= 9; ++a) {
      for (std::uint32_t b = 1; b <= 9; ++b) {
        for (std::uint32_t c = 1; c <= 9; ++c) {
          for (unsigned declines = 0; declines < 4; ++declines) {
            check(mode, payload, {a, b, c}, {false, (declines & 1) != 0, (declines & 2) != 0});
            ASSERT_FALSE(testing::Test::HasFatalFailure())
                << "packets " << a << ", " << b << ", " << c << ", gaps " << declines;
          }
        }
      }
    }
  }
}

TEST(Segmenter, ManyTinyPacketsShareACell) {
  const Cutting cutting(Segmentation::packed, 256, std::vector<std::uint32_t>(8, 64),
                        std::vector<bool>(8));
  ASSERT_EQ(cutting.cuts().size(), 2U);
  EXPECT_EQ(cutting.cuts()[0].ended, std::vector<std::uint32_t>(4, 64));
}

TEST(Segmenter, Swarm) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Rng rng(seed, "segmenter_test", "swarm");
    std::vector<std::uint32_t> sizes;
    std::vector<bool> declines;
    for (int n = 0; n < 60; ++n) {
      sizes.push_back(1 + rng.below(rng.below(2) == 0 ? 9000 : 200));
      declines.push_back(rng.below(4) == 0);
    }
    check(rng.below(2) == 0 ? Segmentation::packed : Segmentation::unpacked, 64 + rng.below(500),
          sizes, declines);
  }
}

}  // namespace
}  // namespace heddle
