// Headroom per group, and the counts of what found no room.
#include "switches/port_headroom.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "kernel/error.h"

namespace heddle {
namespace {

constexpr TrafficClassConfig lossless{ClassScheduling::weighted, 1, true};
constexpr TrafficClassConfig lossy{ClassScheduling::weighted, 1, false};

std::vector<std::uint64_t> values(const std::vector<Bytes>& bytes) {
  std::vector<std::uint64_t> list;
  list.reserve(bytes.size());
  for (const Bytes b : bytes) list.push_back(b.value);
  return list;
}

TEST(GroupHeadroom, OneGroupPerPortAndClassAndNoneForLossyClasses) {
  SharedBufferConfig config;
  config.headroom = 5000_B;
  const std::vector<PausedLink> ports(2, {400_Gbps, 100_ns, 0_ns});
  EXPECT_EQ(values(group_headroom(config, ports, {lossless, lossy, lossless})),
            (std::vector<std::uint64_t>{5000, 0, 5000, 5000, 0, 5000}));
}

TEST(GroupHeadroom, AChosenHeadroomOfZeroIsZero) {
  SharedBufferConfig config;
  config.headroom = 0_B;
  EXPECT_EQ(values(group_headroom(config, {{400_Gbps, 100_ns, 100_ns}}, {lossless})),
            std::vector<std::uint64_t>{0});
}

// Rows of sonic-buildimage, SN4700 pg_profile_lookup.ini, column xoff: light travels 1.98e8 m/s in
// the cable, so 5 m are 25,253 ps, 40 m 202,020 ps and 300 m 1,515,152 ps.
TEST(GroupHeadroom, WithoutPipelineItIsTheVendorsTable) {
  struct Row {
    Rate rate;
    double metres;
  };
  for (const Row& row : {Row{100_Gbps, 5},
                         {100_Gbps, 40},
                         {100_Gbps, 300},
                         {400_Gbps, 5},
                         {400_Gbps, 40},
                         {400_Gbps, 300}}) {
    const Duration latency{static_cast<std::uint64_t>(std::llround(row.metres / 1.98e8 * 1e12))};
    const auto groups = group_headroom({}, {{row.rate, latency, 0_ns}}, {lossless});
    EXPECT_EQ(groups[0].value, pfc_headroom_bytes(row.rate, row.metres))
        << row.rate.bits_per_second << " bit/s, " << row.metres << " m";
  }
}

TEST(GroupHeadroom, TheOwnPipelineIsAdded) {
  // 450 ns at 400 Gb/s are 22,500 B; the smallest packets fill 2.25 times as much memory.
  const Duration latency{202'020};
  const std::uint64_t cable = pfc_headroom_bytes(400_Gbps, 40);
  const auto groups = group_headroom({}, {{400_Gbps, latency, 450_ns}}, {lossless, lossy});
  EXPECT_GE(groups[0].value, cable + 22'500);
  EXPECT_LE(groups[0].value, cable + static_cast<std::uint64_t>(2.25 * 22'500) + 1024);
  EXPECT_EQ(groups[1].value, 0U);
}

TEST(GroupHeadroom, EveryPortHasItsOwnCable) {
  const auto groups = group_headroom(
      {}, {{400_Gbps, 50_ns, 450_ns}, {400_Gbps, 2_us, 450_ns}, {800_Gbps, 50_ns, 450_ns}},
      {lossless});
  EXPECT_LT(groups[0].value, groups[1].value);
  EXPECT_LT(groups[0].value, groups[2].value);
}

Frame frame_of(FrameKind kind) {
  Frame frame;
  frame.kind = kind;
  return frame;
}

TEST(DropCounts, CountsByReasonAndDataApartFromAnswers) {
  DropCounts drops;
  EXPECT_EQ(drops.total(), 0U);
  drops.count(frame_of(FrameKind::packet), Admission::drop_threshold, false);
  drops.count(frame_of(FrameKind::packet), Admission::drop_threshold, true);
  drops.count(frame_of(FrameKind::packet), Admission::drop_pool, false);
  drops.count(frame_of(FrameKind::ack), Admission::drop_threshold, false);
  drops.count(frame_of(FrameKind::nak), Admission::drop_threshold, false);
  drops.count(frame_of(FrameKind::cnp), Admission::drop_headroom, true);
  EXPECT_EQ(drops.data(Admission::drop_threshold), 2U);
  EXPECT_EQ(drops.data(Admission::drop_pool), 1U);
  EXPECT_EQ(drops.data(Admission::drop_headroom), 0U);
  EXPECT_EQ(drops.answers(Admission::drop_threshold), 2U);
  EXPECT_EQ(drops.answers(Admission::drop_headroom), 1U);
  EXPECT_EQ(drops.total(), 6U);
}

TEST(DropCounts, AutomaticHeadroomMustNeverOverrun) {
  DropCounts drops;
  EXPECT_THROW(drops.count(frame_of(FrameKind::packet), Admission::drop_headroom, false),
               CheckFailure);
  EXPECT_NO_THROW(drops.count(frame_of(FrameKind::packet), Admission::drop_headroom, true));
  EXPECT_EQ(drops.total(), 1U) << "the failed check is not a count";
}

}  // namespace
}  // namespace heddle
