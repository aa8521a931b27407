// Reachability of links, and what missing cells make of packets.
#include "parts/link_watch.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "kernel/packet.h"
#include "kernel/rng.h"
#include "parts/partial_packets.h"
#include "parts/reassembler.h"
#include "parts/segmenter.h"

namespace heddle {
namespace {

TEST(LinkWatch, ASilentLinkIsUpAtTMinus1AndDownAtT) {
  LinkWatch watch(2, 100);
  EXPECT_FALSE(watch.heard(0, true, 50));
  EXPECT_FALSE(watch.expire(99));
  EXPECT_TRUE(watch.expire(100)) << "link 1 was never heard";
  EXPECT_FALSE(watch.up(1));
  EXPECT_FALSE(watch.expire(149));
  EXPECT_TRUE(watch.up(0));
  EXPECT_TRUE(watch.expire(150));
  EXPECT_FALSE(watch.up(0));
  EXPECT_FALSE(watch.expire(1000)) << "known already";
  EXPECT_TRUE(watch.heard(0, true, 1001));
  EXPECT_TRUE(watch.up(0));
}

TEST(LinkWatch, ALinkWhosePeerHearsNothingIsDown) {
  LinkWatch watch(1, 100);
  EXPECT_TRUE(watch.heard(0, false, 10));
  EXPECT_TRUE(watch.hears(0));
  EXPECT_FALSE(watch.up(0));
  EXPECT_FALSE(watch.heard(0, false, 20));
  EXPECT_TRUE(watch.heard(0, true, 30));
  EXPECT_TRUE(watch.up(0));
}

Frame cell(std::uint32_t sequence) {
  Frame frame;
  frame.kind = FrameKind::cell;
  frame.sequence = sequence;
  return frame;
}

TEST(ReassemblerTimeOut, CellsAreGivenUpWhenALaterOneHasWaited) {
  Reassembler reassembler(1, 1000);
  std::vector<std::uint32_t> out;
  unsigned gaps = 0;
  const auto in_order = [&](const Frame& next) { out.push_back(next.sequence); };
  const auto lost = [&] { ++gaps; };
  reassembler.arrive(0, cell(0), in_order, 5);
  reassembler.arrive(0, cell(2), in_order, 10);
  reassembler.arrive(0, cell(5), in_order, 20);
  reassembler.arrive(0, cell(3), in_order, 30);
  EXPECT_EQ(reassembler.expire(0, 9, lost, in_order), 10U);
  EXPECT_EQ(out, (std::vector<std::uint32_t>{0}));
  EXPECT_EQ(reassembler.expire(0, 10, lost, in_order), 20U);
  EXPECT_EQ(out, (std::vector<std::uint32_t>{0, 2, 3}));
  EXPECT_EQ(gaps, 1U);
  EXPECT_TRUE(reassembler.is_late(0, cell(1)));
  EXPECT_FALSE(reassembler.is_late(0, cell(4)));
  EXPECT_EQ(reassembler.expire(0, 20, lost, in_order), never);
  EXPECT_EQ(out, (std::vector<std::uint32_t>{0, 2, 3, 5}));
  EXPECT_EQ(reassembler.held(), 0U);
}

// Packets of random sizes, cut by the segmenter; any set of cells is lost. Exactly the packets with
// all their cells are whole, and no byte is held at the end.
void check_losses(Segmentation mode, std::uint64_t seed) {
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  Rng rng(seed, "link_watch_test", "losses");
  PacketPool packets;
  Segmenter segmenter(mode, 256, 16);
  constexpr unsigned count = 60;
  std::vector<std::uint32_t> size(count);
  std::map<std::uint32_t, unsigned> packet_of;  // by record
  unsigned next_packet = 0;
  std::uint64_t begins_at = 0;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> span(count);  // bytes of the stream
  const auto start = [&] {
    if (next_packet == count) return false;
    Frame frame;
    frame.packet = packets.acquire();
    frame.wire_bytes = static_cast<std::uint16_t>(ethernet_framing_bytes + 64 + rng.below(900));
    packet_of[frame.packet] = next_packet;
    size[next_packet] = stored_bytes(frame);
    span[next_packet] = {begins_at, begins_at + size[next_packet]};
    begins_at += size[next_packet];
    ++next_packet;
    segmenter.start(0, frame);
    return true;
  };
  std::vector<Frame> cells;
  while (segmenter.busy() || start()) {
    cells.push_back(
        segmenter.cut(packets, [&](const Frame&) { return rng.below(3) != 0 && start(); }));
  }

  std::vector<bool> whole(count, true);
  PartialPackets partial(1);
  std::int64_t held = 0;
  std::uint64_t at = 0;
  std::vector<unsigned> completed;
  bool gap = false;
  for (const Frame& c : cells) {
    const std::uint64_t begin = at;
    at += c.payload_bytes;
    if (rng.below(4) == 0) {
      for (unsigned p = 0; p < count; ++p) {
        if (span[p].first < at && begin < span[p].second) whole[p] = false;
      }
      gap = true;
      continue;
    }
    if (gap) held -= partial.damage(0);
    gap = false;
    held += c.payload_bytes;
    const PartialPackets::Verdict verdict = partial.arrive(0, c);
    held -= verdict.useless_bytes;
    bool first = true;
    for (std::uint32_t number = c.packet; number != no_packet; number = packets[number].next) {
      if (!(first && verdict.first_is_lost)) {
        const unsigned p = packet_of.at(number);
        partial.complete(0, size[p]);
        held -= size[p];
        completed.push_back(p);
      }
      first = false;
    }
  }
  held -= partial.damage(0);
  EXPECT_EQ(held, 0);
  std::vector<unsigned> expected;
  for (unsigned p = 0; p < count; ++p) {
    if (whole[p]) expected.push_back(p);
  }
  EXPECT_EQ(completed, expected);
}

TEST(PartialPackets, ExactlyTheWholePacketsSurvive) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    check_losses(Segmentation::packed, seed);
    check_losses(Segmentation::unpacked, seed);
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace heddle
