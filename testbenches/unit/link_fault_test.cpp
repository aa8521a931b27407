// Links that fail, slow down or flip bits: what is lost, to the cycle, and that nothing else is.
#include <gtest/gtest.h>

#include <cmath>

#include "device_bench.h"
#include "kernel/link.h"

namespace heddle::testing {
namespace {

Frame frame_of(std::uint16_t bytes, FrameKind kind = FrameKind::voq_status) {
  Frame frame;
  frame.kind = kind;
  frame.wire_bytes = bytes;
  return frame;
}

// 50 B/cycle, 10 cycles of flight: a frame of 100 B that starts in cycle t is visible at t + 12.
TEST(LinkFault, WhatIsVisibleBeforeTheFailureArrivesTheRestIsLost) {
  in_child([] {
    Workbench bench;
    Link& link = bench.link({50, 1}, 10);
    const Receiver receiver(bench, link, Delivery::tail, 0);
    link.send(frame_of(100), 0);
    link.send(frame_of(100), 2);
    bench.run(12);
    EXPECT_EQ(receiver.taken().size(), 1U);
    link.fail();  // from cycle 13 on: the second would have been visible at 14
    link.send(frame_of(100), 13);
    EXPECT_EQ(link.in_flight(), 0U);
    link.restore();
    link.send(frame_of(100), 15);
    EXPECT_EQ(link.in_flight(), 1U);
    bench.run(100);
    ASSERT_EQ(receiver.taken().size(), 2U);
    EXPECT_EQ(receiver.taken()[1].at, 27U);
    EXPECT_EQ(link.losses().frames, 2U);
    EXPECT_EQ(link.losses().bytes, 200U);
    EXPECT_EQ(link.frames(), 4U);
    EXPECT_EQ(link.frames_taken(), 2U);
  });
}

TEST(LinkFault, LostPacketsGiveTheirRecordsBack) {
  in_child([] {
    Workbench bench;
    PacketPool& packets = bench.packets();
    Link& link = bench.link({50, 1}, 10);
    Frame packet = frame_of(100, FrameKind::packet);
    packet.packet = packets.acquire();
    link.send(packet, 0);
    // A cell in which an acknowledgement and a packet end.
    Frame cell = frame_of(100, FrameKind::cell);
    cell.packet = packets.acquire();
    const std::uint32_t second = packets.acquire();
    packets[cell.packet].frame.kind = FrameKind::ack;
    packets[cell.packet].next = second;
    packets[second].frame.kind = FrameKind::packet;
    packets[second].next = no_packet;
    link.send(cell, 2);
    link.fail();
    EXPECT_EQ(packets.live(), 0U);
    EXPECT_EQ(link.losses().packets, 2U);
    EXPECT_EQ(link.losses().answers, 1U);
  });
}

TEST(LinkFault, ADegradedLinkIsExactlyAsSlowAsItsRate) {
  in_child([] {
    Workbench bench;
    Link& link = bench.link({50, 1}, 1);
    link.send(frame_of(101), 0);  // ends at 2.02
    link.set_rate({25, 2});       // 12.5 B/cycle; the frame that is on the link keeps its time
    EXPECT_EQ(link.ready_at(), 3U);
    link.send(frame_of(100), 3);  // at once: 2.02 + 8
    EXPECT_EQ(link.ready_at(), 11U);
    link.set_rate({50, 1});
    for (int n = 0; n < 100; ++n) link.send(frame_of(101), link.ready_at());
    EXPECT_EQ(link.ready_at(), 11U + 202U);
  });
}

// A switch that cut through from a slow cable would run out of bytes.
TEST(LinkFault, TheHeadOfADegradedLinksFrameWaitsForItsTail) {
  in_child([] {
    Workbench bench;
    Link& link = bench.link({50, 1}, 1);
    const Receiver receiver(bench, link, Delivery::head, 0);
    const auto send = [&](std::uint32_t sequence) {
      Frame frame = frame_of(1000);
      frame.sequence = sequence;
      link.send(frame, link.ready_at());
    };
    EXPECT_FALSE(link.disturbed());
    send(0);  // from cycle 0 to 20
    link.set_rate({25, 1});
    EXPECT_TRUE(link.disturbed());
    send(1);  // from cycle 20 to 60
    link.set_rate({50, 1});
    send(2);  // from cycle 60 on: its head arrives with the tail before it
    bench.run(100);
    ASSERT_EQ(receiver.taken().size(), 3U);
    for (std::uint32_t n = 0; n < 3; ++n) EXPECT_EQ(receiver.taken()[n].frame.sequence, n);
    EXPECT_EQ(receiver.taken()[0].at, 1U);
    EXPECT_EQ(receiver.taken()[1].at, 61U);
    EXPECT_EQ(receiver.taken()[2].at, 61U);
  });
}

// Flipping each of the 8n bits with probability p spares a frame with probability (1-p)^8n.
TEST(LinkFault, BitErrorsLoseTheirShare) {
  in_child([] {
    for (const double ratio : {1e-5, 1e-4}) {
      Workbench bench;
      Link& link = bench.link({5000, 1}, 1);
      link.set_bit_error_ratio(ratio);
      constexpr unsigned frames = 100'000;
      for (unsigned n = 0; n < frames; ++n) link.send(frame_of(1000), link.ready_at());
      const double share = 1 - std::pow(1 - ratio, 8000);
      const double deviation = std::sqrt(frames * share * (1 - share));
      EXPECT_NEAR(static_cast<double>(link.losses().frames), frames * share, 4 * deviation);
      link.set_bit_error_ratio(0);
      const std::uint64_t lost = link.losses().frames;
      for (unsigned n = 0; n < 1000; ++n) link.send(frame_of(1000), link.ready_at());
      EXPECT_EQ(link.losses().frames, lost);
    }
  });
}

TEST(LinkFault, BitErrorsSparePauses) {
  in_child([] {
    Workbench bench;
    Link& link = bench.link({5000, 1}, 1);
    link.set_bit_error_ratio(0.01);
    for (unsigned n = 0; n < 1000; ++n) link.send(pause_frame(0, true), link.ready_at());
    EXPECT_EQ(link.losses().frames, 0U);
  });
}

}  // namespace
}  // namespace heddle::testing
