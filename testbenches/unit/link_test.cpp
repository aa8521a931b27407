// A link: exact rates, one start per cycle, and when the receiver may act.
#include "kernel/link.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "device_bench.h"
#include "kernel/rng.h"

namespace heddle::testing {
namespace {

__extension__ using Wide = unsigned __int128;

Frame frame_of(std::uint16_t bytes, FrameKind kind = FrameKind::packet) {
  Frame frame;
  frame.kind = kind;
  frame.wire_bytes = bytes;
  return frame;
}

TEST(LinkRate, IsAnExactReducedFraction) {
  const auto expect_rate = [](Rate rate, std::uint64_t period_ps, std::uint64_t bytes,
                              std::uint64_t cycles) {
    const LinkRate exact = LinkRate::of(rate, period_ps);
    EXPECT_EQ(exact.bytes, bytes);
    EXPECT_EQ(exact.cycles, cycles);
  };
  expect_rate(400_Gbps, 1000, 50, 1);
  expect_rate(Rate{106'250'000'000}, 1000, 425, 32);
  expect_rate(100_Gbps, 1000, 25, 2);
  expect_rate(10_Gbps, 1000, 5, 4);
  expect_rate(1_Gbps, 1000, 1, 8);
  expect_rate(800_Gbps, 800, 80, 1);
  expect_rate(400_Gbps, 750, 75, 2);
  expect_rate(Rate{10'000'000'000'000}, 10'000, 12'500, 1);
  // 128 GB/s at 2.4 GHz, of which three cycles take 1,250 ps
  const LinkRate fraction = LinkRate::of(1024_Gbps, 1250, 3);
  EXPECT_EQ(fraction.bytes, 160U);
  EXPECT_EQ(fraction.cycles, 3U);
}

TEST(LinkRate, WholeCyclesAreRoundedUp) {
  const LinkRate rate{425, 32};
  EXPECT_EQ(rate.cycles_for(425), 32U);
  EXPECT_EQ(rate.cycles_for(426), 33U);
  EXPECT_EQ(rate.cycles_for(1), 1U);
  EXPECT_DOUBLE_EQ(rate.bytes_per_cycle(), 13.28125);
}

// Frames back to back for the whole run: after each, the link is ready in the first whole cycle
// after exactly their bytes at exactly the rate.
TEST(Link, LongRunRateIsExactToTheByte) {
  in_child([] {
    Workbench bench;
    for (const Rate rate : {Rate{106'250'000'000}, 100_Gbps, 10_Gbps, 400_Gbps,
                            Rate{53'125'000'000}, Rate{123'456'000'000}, Rate{999'999'000'000}}) {
      SCOPED_TRACE(::testing::Message() << rate.bits_per_second << " bit/s");
      Link& link = bench.link(LinkRate::of(rate, 1000), 1);
      Rng rng(rate.bits_per_second, "link_test", "sizes");
      Wide bits = 0;
      for (int n = 0; n < 20'000; ++n) {
        const auto bytes = static_cast<std::uint16_t>(500 + rng.below(9000));
        link.send(frame_of(bytes), link.ready_at());
        bits += Wide{bytes} * 8;
        // cycles = ceil(bits / (rate * 1 ns))
        const Wide scaled = bits * 1'000'000'000;
        const Wide cycles = (scaled + rate.bits_per_second - 1) / rate.bits_per_second;
        ASSERT_EQ(link.ready_at(), static_cast<Cycle>(cycles)) << "after frame " << n;
      }
      EXPECT_EQ(link.frames(), 20'000U);
      EXPECT_EQ(link.bytes() * 8, static_cast<std::uint64_t>(bits));
      EXPECT_LE(link.utilization(link.ready_at()), 1.0);
      EXPECT_GT(link.utilization(link.ready_at()), 0.9999);
    }
  });
}

TEST(Link, ThirtyTwoCyclesCarry425Bytes) {
  in_child([] {
    Workbench bench;
    Link& link = bench.link({425, 32}, 1);
    std::vector<Cycle> starts;
    for (int n = 0; n < 9; ++n) {
      starts.push_back(link.ready_at());
      link.send(frame_of(100), link.ready_at());  // 7.529 cycles each
    }
    EXPECT_EQ(starts, (std::vector<Cycle>{0, 8, 16, 23, 31, 38, 46, 53, 61}));
  });
}

TEST(Link, NothingIsCarriedOverSilence) {
  in_child([] {
    Workbench bench;
    Link& link = bench.link({425, 32}, 1);
    link.send(frame_of(100), 0);  // ends at 7.53
    link.send(frame_of(100), 9);  // not at once: begins at 9, ends at 16.53
    EXPECT_EQ(link.ready_at(), 17U);
    link.send(frame_of(100), 17);  // at once: begins at 16.53, ends at 24.06
    EXPECT_EQ(link.ready_at(), 25U);
  });
}

TEST(Link, BusyAtTMinus1AndReadyAtT) {
  in_child([] {
    Workbench bench;
    for (std::uint16_t bytes = 1; bytes < 300; ++bytes) {
      Link& link = bench.link({50, 3}, 1);
      link.send(frame_of(bytes), 10);
      const Cycle ready = 10 + (bytes * 3U + 49) / 50;
      EXPECT_EQ(link.ready_at(), ready);
      EXPECT_FALSE(link.ready(ready - 1));
      EXPECT_TRUE(link.ready(ready));
      EXPECT_THROW(link.send(frame_of(1), ready - 1), CheckFailure);
      EXPECT_EQ(link.frames(), 1U);
      EXPECT_NO_THROW(link.send(frame_of(1), ready));
    }
  });
}

TEST(Link, AtMostOneFrameStartsPerCycle) {
  in_child([] {
    Workbench bench;
    Link& link = bench.link({1000, 1}, 1);
    for (Cycle now = 0; now < 100; ++now) {
      ASSERT_TRUE(link.ready(now));
      link.send(frame_of(16), now);
      ASSERT_FALSE(link.ready(now));
      ASSERT_EQ(link.ready_at(), now + 1);
    }
  });
}

// However frames of any size are offered, no span of time carries more bytes than the rate allows.
TEST(Link, SwarmNeverExceedsTheRate) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    in_child([seed] {
      SCOPED_TRACE(::testing::Message() << "seed " << seed);
      Workbench bench;
      Rng rng(seed, "link_test", "swarm");
      const LinkRate rate{1 + rng.below(500), 1 + rng.below(40)};
      Link& link = bench.link(rate, 1);
      std::vector<Cycle> starts;
      std::vector<std::uint64_t> before;  // bytes of all earlier frames
      std::uint64_t bytes = 0;
      for (int n = 0; n < 500; ++n) {
        const Cycle now = link.ready_at() + (rng.below(3) == 0 ? rng.below(20) : 0);
        starts.push_back(now);
        before.push_back(bytes);
        const auto size = static_cast<std::uint16_t>(1 + rng.below(rng.below(2) == 0 ? 100 : 5000));
        link.send(frame_of(size), now);
        ASSERT_GE(link.ready_at(), now + 1);
        bytes += size;
      }
      for (std::size_t i = 0; i < starts.size(); ++i) {
        for (std::size_t j = i + 1; j < starts.size(); ++j) {
          // A frame may use the rest of the cycle before its start: less than one cycle.
          ASSERT_LT((before[j] - before[i]) * rate.cycles, (starts[j] - starts[i] + 1) * rate.bytes)
              << "frames " << i << " to " << j;
        }
      }
    });
  }
}

/// When each frame of the link arrives.
std::vector<Seen> under_way(const Link& link) {
  std::vector<Seen> frames;
  link.under_way([&](Cycle at, const Frame& frame) { frames.push_back({at, frame}); });
  return frames;
}

TEST(Link, HeadAndTailBecomeVisibleInTheirCycle) {
  for (const Delivery delivery : {Delivery::head, Delivery::tail}) {
    for (const Cycle latency : {1U, 5U, 300U}) {
      for (const Cycle pipeline : {0U, 7U, 450U}) {
        for (const unsigned bytes : {1U, 50U, 51U, 4000U}) {
          in_child([&] {
            Workbench bench;
            Link& link = bench.link({50, 1}, latency);
            const Receiver receiver(bench, link, delivery, pipeline);
            link.send(frame_of(static_cast<std::uint16_t>(bytes)), 20);
            bench.run(2000);
            const Cycle wire = delivery == Delivery::tail ? (bytes + 49U) / 50 : 0;
            ASSERT_EQ(receiver.taken().size(), 1U);
            EXPECT_EQ(receiver.taken()[0].at, 20 + wire + latency + pipeline)
                << bytes << " B, latency " << latency << ", pipeline " << pipeline;
          });
        }
      }
    }
  }
}

TEST(Link, LatencyIsAtLeastOneCycle) {
  in_child([] {
    Workbench bench;
    Link& link = bench.link({50, 1}, 0);
    EXPECT_EQ(link.latency(), 1U);
    const Receiver receiver(bench, link, Delivery::head, 0);
    link.send(frame_of(50), 3);
    bench.run(10);
    ASSERT_EQ(receiver.taken().size(), 1U);
    EXPECT_EQ(receiver.taken()[0].at, 4U);
  });
}

TEST(Link, LinkLocalFramesSkipThePipelineAndAreWhole) {
  for (const Delivery delivery : {Delivery::head, Delivery::tail}) {
    for (const FrameKind kind : {FrameKind::pause, FrameKind::flow_control}) {
      in_child([&] {
        Workbench bench;
        Link& link = bench.link({50, 1}, 10);
        const Receiver receiver(bench, link, delivery, 400);
        link.send(frame_of(100), 0);
        link.send(frame_of(84, kind), 2);  // its last byte has left after cycle 3
        ASSERT_EQ(under_way(link).size(), 2U);
        EXPECT_EQ(under_way(link)[0].at, 14U) << "ahead of the packet in the pipeline";
        bench.run(13);
        EXPECT_TRUE(receiver.taken().empty());
        bench.run(14);
        ASSERT_EQ(receiver.taken().size(), 1U);
        EXPECT_EQ(receiver.taken()[0].frame.kind, kind);
        EXPECT_EQ(link.in_flight(), 1U);
        bench.run(500);
        ASSERT_EQ(receiver.taken().size(), 2U);
        EXPECT_EQ(receiver.taken()[1].at, delivery == Delivery::head ? 410U : 412U);
      });
    }
  }
}

TEST(Link, LinkLocalFramesComeFirstWithinACycle) {
  in_child([] {
    Workbench bench;
    Link& link = bench.link({100, 1}, 10);
    const Receiver receiver(bench, link, Delivery::tail, 1);
    link.send(frame_of(100), 0);                   // visible at 12
    link.send(frame_of(84, FrameKind::pause), 1);  // visible at 12
    link.send(frame_of(100), 2);                   // visible at 14
    bench.run(12);
    ASSERT_EQ(receiver.taken().size(), 2U);
    EXPECT_EQ(receiver.taken()[0].frame.kind, FrameKind::pause);
    EXPECT_EQ(receiver.taken()[1].frame.kind, FrameKind::packet);
    EXPECT_EQ(receiver.taken()[1].at, 12U);
    bench.run(20);
    EXPECT_EQ(receiver.taken().size(), 3U);
    EXPECT_EQ(link.in_flight(), 0U);
    EXPECT_EQ(receiver.frames_taken(), 3U);
  });
}

TEST(Link, FramesStayInOrderAndComplete) {
  in_child([] {
    Workbench bench;
    Link& link = bench.link({425, 32}, 3000);  // many frames in flight, some of them far
    const Receiver receiver(bench, link, Delivery::tail, 100);
    Rng rng(1, "link_test", "order");
    std::uint32_t sent = 0;
    for (Cycle now = 0; now < 50'000; now = link.ready_at()) {
      Frame frame = frame_of(static_cast<std::uint16_t>(1 + rng.below(200)));
      frame.sequence = sent++;
      link.send(frame, std::max(now, link.ready_at() + (rng.below(20) == 0 ? 9 : 0)));
    }
    EXPECT_EQ(bench.clock().frames_under_way(), sent);
    for (const Cycle until : {3500U, 20'000U, 20'001U, 60'000U}) {
      bench.run(until);
      EXPECT_EQ(link.in_flight(), sent - receiver.taken().size());
      EXPECT_EQ(link.frames_taken(), receiver.taken().size());
      EXPECT_EQ(bench.clock().frames_under_way(), link.in_flight());
    }
    ASSERT_EQ(receiver.taken().size(), sent);
    for (std::uint32_t n = 0; n < sent; ++n) ASSERT_EQ(receiver.taken()[n].frame.sequence, n);
    EXPECT_GT(sent, 1000U);
  });
}

TEST(Link, TheReceiverIsWokenInTheCycleOfEachFrame) {
  in_child([] {
    Workbench bench;
    Station station("station", bench);
    Station far("far", bench);
    Link& forth = bench.link({50, 1}, 40);
    Link& back = bench.link({50, 1}, 40);
    station.attach(back, forth);
    far.attach(forth, back);
    for (const Cycle at : {5U, 10U, 5000U}) station.send(at, frame_of(100, FrameKind::credit));
    EXPECT_EQ(bench.clock().next_cycle(), 5U);
    bench.run(46);
    EXPECT_EQ(forth.in_flight(), 2U);
    bench.run(47);
    EXPECT_EQ(forth.in_flight(), 1U) << "taken at 5 + 2 + 40";
    bench.run(6000);
    EXPECT_EQ(forth.in_flight(), 0U);
    EXPECT_EQ(forth.frames(), 3U);
  });
}

TEST(Link, CountsPausedCycles) {
  in_child([] {
    Workbench bench;
    Link& link = bench.link({50, 1}, 1);
    link.note_pause(false, 3);
    link.note_pause(true, 10);
    link.note_pause(true, 12);
    EXPECT_EQ(link.paused_cycles(15), 5U) << "so far";
    link.note_pause(false, 20);
    EXPECT_EQ(link.paused_cycles(100), 10U);
  });
}

/// The hash after two frames that start in the given cycles.
std::uint64_t hash_of(Workbench& bench, const Frame& a, Cycle at_a, const Frame& b, Cycle at_b) {
  Link& link = bench.link({50, 1}, 1);
  link.send(a, at_a);
  link.send(b, at_b);
  return link.hash();
}

TEST(Link, TheHashKnowsWhichFrameStartedWhen) {
  in_child([] {
    Workbench bench;
    Frame a = frame_of(50);
    a.source = 1;
    a.destination = 2;
    a.sequence = 3;
    const Frame b = frame_of(100);
    const std::uint64_t hash = hash_of(bench, a, 1, b, 5);
    EXPECT_EQ(hash_of(bench, a, 1, b, 5), hash);
    EXPECT_NE(hash_of(bench, a, 2, b, 5), hash);
    EXPECT_NE(hash_of(bench, a, 1, b, 6), hash);
    EXPECT_NE(hash_of(bench, b, 1, a, 5), hash);
    std::vector<Frame> others(6, a);
    others[0].source = 7;
    others[1].destination = 7;
    others[2].sequence = 7;
    others[3].wire_bytes = 51;
    others[4].kind = FrameKind::ack;
    others[5].flags = frame_flag::congestion;
    for (const Frame& other : others) EXPECT_NE(hash_of(bench, other, 1, b, 5), hash);
    for (const std::uint32_t number : {bench.packets().acquire(), bench.packets().acquire()}) {
      Frame numbered = a;
      numbered.packet = number;
      EXPECT_EQ(hash_of(bench, numbered, 1, b, 5), hash) << "record numbers are no behaviour";
    }
  });
}

TEST(Link, AProbeSeesEveryStart) {
  in_child([] {
    Workbench bench;
    Station probe("probe", bench);
    Link& link = bench.link({50, 1}, 1);
    Link& other = bench.link({50, 1}, 1);
    probe.attach(link, other);
    link.send(frame_of(100), 4);
    link.send(frame_of(100, FrameKind::ack), 6);
    ASSERT_EQ(probe.started().size(), 2U);
    EXPECT_EQ(probe.started()[1].at, 6U);
    EXPECT_EQ(probe.started()[1].frame.kind, FrameKind::ack);
  });
}

}  // namespace
}  // namespace heddle::testing
