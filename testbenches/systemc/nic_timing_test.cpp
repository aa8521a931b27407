// NIC: first byte, delivery, acknowledgement, pause and time-out, each in its cycle.
#include <gtest/gtest.h>

#include <memory>
#include <utility>
#include <vector>

#include "device_bench.h"
#include "endpoints/nic.h"

namespace heddle::testing {
namespace {

constexpr Cycle cable = 7;  // cycles of 1 ns
// Bytes of payload in a packet: as a NIC is configured, and as small_packets() does.
constexpr std::uint64_t full_packet = 4096;
constexpr std::uint64_t small_packet = 500;
const std::vector<TrafficClassConfig> classes{{ClassScheduling::weighted, 1, true},
                                              {ClassScheduling::strict, 1, true}};
using Cycles = std::vector<Cycle>;

Message message(Cycle due, std::uint64_t bytes, MessageId id = 0) {
  Message m;
  m.id = id;
  m.source = 0;
  m.destination = 1;
  m.bytes = bytes;
  m.due = due;
  return m;
}

/// Host 0, at 50 B per cycle; the station is its switch.
class Bench {
 public:
  explicit Bench(std::vector<Message> messages, const NicConfig& config = {})
      : config_(config),
        source_(std::move(messages), {}),
        log_(0, [](HostId, HostId, std::uint64_t) { return Cycle{1}; }),
        events_{[this](const Message&, Cycle now) { acknowledged_.push_back(now); },
                [this](const Message&, Cycle now) { received_.push_back(now); }},
        nic_("host0", bench_.environment(), 0, 2, config_, classes, 400_Gbps, source_, log_,
             events_),
        station_("switch", bench_) {
    Link& down = bench_.link({50, 1}, cable);
    Link& up = bench_.link({50, 1}, cable);
    nic_.attach(down, up);
    station_.attach(up, down);
  }

  Station& station() { return station_; }
  Nic& nic() { return nic_; }
  const DeliveryLog& log() const { return log_; }
  const Cycles& received() const { return received_; }
  const Cycles& acknowledged() const { return acknowledged_; }
  void run(Cycle last) { bench_.run(last); }
  Cycles starts(FrameKind kind = FrameKind::packet) const { return station_.starts(kind); }

 private:
  Workbench bench_;
  NicConfig config_;
  TrafficSource source_;
  DeliveryLog log_;
  Cycles acknowledged_;
  Cycles received_;
  MessageEvents events_;
  Nic nic_;
  Station station_;
};

TEST(NicTiming, TheFirstPacketStartsTransmitLatencyAfterItIsDue) {
  for (const Cycle latency : {1U, 37U, 100U}) {
    for (const Cycle due : {0U, 1U, 250U, 9000U}) {
      in_child([=] {
        NicConfig config;
        config.transmit_latency = Duration{latency * 1000};
        Bench bench({message(due, 500)}, config);
        bench.run(due + latency - 1);
        EXPECT_TRUE(bench.starts().empty());
        bench.run(due + latency);
        EXPECT_EQ(bench.starts(), Cycles{due + latency});
      });
    }
  }
}

TEST(NicTiming, PacketsFollowAtLinkRate) {
  in_child([] {
    Bench bench({message(10, 3 * full_packet + 1)});
    bench.run(1000);
    // 4,178 B take 83.56 cycles.
    EXPECT_EQ(bench.starts(), (Cycles{110, 194, 278, 361}));
  });
}

TEST(NicTiming, QueuePairsTakeTurns) {
  in_child([] {
    Bench bench({message(0, 2 * full_packet, 1), message(0, 2 * full_packet, 2)});
    bench.run(1000);
    std::vector<std::uint32_t> flows;
    for (const Seen& seen : bench.station().started()) flows.push_back(seen.frame.flow);
    ASSERT_EQ(flows.size(), 4U);
    EXPECT_NE(flows[0], flows[1]);
    EXPECT_EQ(flows[0], flows[2]);
    EXPECT_EQ(flows[1], flows[3]);
  });
}

Frame arriving(std::uint16_t wire_bytes) {
  Frame frame = data_packet(1, 0, wire_bytes);
  frame.flags = frame_flag::last;
  frame.flow = 1U << 16;
  return frame;
}

TEST(NicTiming, DeliveryAndAcknowledgementComeReceiveLatencyAfterTheLastByte) {
  for (const Cycle latency : {1U, 37U, 100U}) {
    in_child([=] {
      NicConfig config;
      config.receive_latency = Duration{latency * 1000};
      Bench bench({}, config);
      bench.station().send(50, arriving(510));  // 10.2 cycles
      const Cycle expected = 50 + 11 + cable + latency;
      bench.run(expected - 1);
      EXPECT_EQ(bench.log().delivered_packets(), 0U);
      EXPECT_TRUE(bench.starts(FrameKind::ack).empty());
      bench.run(expected);
      EXPECT_EQ(bench.log().delivered_packets(), 1U);
      EXPECT_EQ(bench.log().last_delivery(), expected);
      EXPECT_EQ(bench.received(), Cycles{expected});
      EXPECT_EQ(bench.starts(FrameKind::ack), Cycles{expected});
    });
  }
}

// Packets of 500 B of payload, 582 B on the wire: 11.64 cycles each, from cycle 100 on.
NicConfig small_packets() {
  NicConfig config;
  config.mtu = 500_B;
  return config;
}

TEST(NicTiming, APauseTakesEffectInTheCycleOfItsLastByte) {
  // Undisturbed, packets start at 100, 112, 124, 135, 147.
  in_child([] {
    Bench bench({message(0, 5 * small_packet)}, small_packets());
    bench.run(300);
    ASSERT_EQ(bench.starts(), (Cycles{100, 112, 124, 135, 147}));
  });
  for (const Cycle arrival : {99U, 100U, 101U, 111U, 112U, 113U, 134U, 135U, 136U}) {
    in_child([=] {
      Bench bench({message(0, 5 * small_packet)}, small_packets());
      bench.station().send(arrival - cable - 2, pause_frame(0, true));
      bench.station().send(400 - cable - 2, pause_frame(0, false));
      bench.run(399);
      Cycles expected{100, 112, 124, 135, 147};
      while (!expected.empty() && expected.back() >= arrival) expected.pop_back();
      EXPECT_EQ(bench.starts(), expected) << "pause in cycle " << arrival;
      expected.push_back(400);
      bench.run(400);
      EXPECT_EQ(bench.starts(), expected) << "goes on in the cycle of the restart";
    });
  }
}

TEST(NicTiming, APauseOfAnotherClassStopsNothing) {
  in_child([] {
    Bench bench({message(0, 5 * small_packet)}, small_packets());
    bench.station().send(80, pause_frame(1, true));
    bench.run(300);
    EXPECT_EQ(bench.starts().size(), 5U);
  });
}

TEST(NicTiming, NothingIsSentAgainBeforeTheTimeOutAndThenAtOnce) {
  in_child([] {
    NicConfig config = small_packets();
    config.retransmission_timeout = 5_us;
    Bench bench({message(0, 500)}, config);
    bench.run(100 + 4999);
    EXPECT_EQ(bench.starts(), Cycles{100});
    bench.run(100 + 5000);
    EXPECT_EQ(bench.starts(), (Cycles{100, 5100}));
    EXPECT_EQ(bench.nic().time_outs(), 1U);
  });
}

/// An answer to a packet that the NIC has started. It takes two cycles.
Frame answer_to(const Seen& seen, FrameKind kind, std::uint32_t sequence, unsigned flags = 0) {
  Frame answer;
  answer.kind = kind;
  answer.traffic_class = 1;
  answer.flags = static_cast<std::uint8_t>(flags);
  answer.wire_bytes = ack_wire_bytes;
  answer.source = 1;
  answer.destination = 0;
  answer.flow = seen.frame.flow;
  answer.sequence = sequence;
  return answer;
}

/// Sends, in cycle `at`, the acknowledgement of the first packet that the NIC has started.
void acknowledge_first(Bench& bench, Cycle at) {
  bench.station().answer([&bench, at](const Seen& seen) {
    if (bench.station().started().size() != 1) return;
    bench.station().send(at, answer_to(seen, FrameKind::ack, 1));
  });
}

TEST(NicTiming, AnAcknowledgementOpensTheWindowAtOnce) {
  in_child([] {
    NicConfig config = small_packets();
    config.window = 1000_B;
    Bench bench({message(0, 4 * small_packet)}, config);
    acknowledge_first(bench, 300);
    const Cycle heard = 300 + 2 + cable + 100;
    bench.run(heard - 1);
    EXPECT_EQ(bench.starts(), (Cycles{100, 112})) << "two packets fill the window";
    bench.run(600);
    EXPECT_EQ(bench.starts(), (Cycles{100, 112, heard}));
  });
}

TEST(NicTiming, TheSenderKnowsWhenAllIsAcknowledged) {
  in_child([] {
    Bench bench({message(0, 500)}, small_packets());
    acknowledge_first(bench, 200);
    const Cycle heard = 200 + 2 + cable + 100;
    bench.run(heard - 1);
    EXPECT_FALSE(bench.nic().idle());
    EXPECT_TRUE(bench.acknowledged().empty());
    bench.run(heard);
    EXPECT_EQ(bench.acknowledged(), Cycles{heard});
    EXPECT_TRUE(bench.nic().idle());
  });
}

constexpr std::uint8_t in_report = frame_flag::selective | frame_flag::report;

NicConfig placement() {
  NicConfig config = small_packets();
  config.receive = ReceiveMode::out_of_order_placement;
  config.retransmission_timeout = 5_us;
  return config;
}

// Eight packets of 598 B, 11.96 cycles each; 2, 5 and 7 are lost, and so is 0, which asks for them.
TEST(NicTiming, WhatAReportNamesIsRepeatedAtOnceAndNothingElse) {
  in_child([] {
    Bench bench({message(0, 8 * small_packet)}, placement());
    bench.station().answer([&bench](const Seen& seen) {
      if (!seen.frame.has(frame_flag::report)) return;
      Station& station = bench.station();
      station.send(5200, answer_to(seen, FrameKind::nak, 2, in_report));
      station.send(5202, answer_to(seen, FrameKind::nak, 5, in_report));
      station.send(5204, answer_to(seen, FrameKind::nak, 7, in_report | frame_flag::last));
      station.send(5400, answer_to(seen, FrameKind::ack, 8));
    });
    const Cycle asked = 100 + 5000;
    const Cycle heard = 5200 + 2 + cable + 100;
    bench.run(20'000);
    const std::vector<Seen>& seen = bench.station().started();
    ASSERT_EQ(seen.size(), 12U);
    std::vector<std::pair<Cycle, std::uint32_t>> repeated;
    for (std::size_t i = 8; i < 12; ++i) {
      repeated.emplace_back(seen[i].at, seen[i].frame.sequence);
      EXPECT_EQ(seen[i].frame.has(frame_flag::report), i == 8);
    }
    const std::vector<std::pair<Cycle, std::uint32_t>> expected{
        {asked, 0}, {heard, 2}, {heard + 12, 5}, {heard + 24, 7}};
    EXPECT_EQ(repeated, expected);
    EXPECT_EQ(bench.acknowledged(), Cycles{5400 + 2 + cable + 100});
  });
}

TEST(NicTiming, AReportStartsInTheCycleOfTheQuestionsDelivery) {
  in_child([] {
    Bench bench({}, placement());
    const auto packet = [](std::uint32_t sequence, unsigned flags) {
      Frame frame = data_packet(1, 0, 598);
      frame.flow = 1U << 16;
      frame.sequence = sequence;
      frame.flags = static_cast<std::uint8_t>(flags);
      return frame;
    };
    Cycle at = 50;
    for (const std::uint32_t sequence : {0U, 2U, 5U}) {
      bench.station().send(at, packet(sequence, 0));
      at += 50;
    }
    bench.station().send(at, packet(1, frame_flag::again | frame_flag::report));
    bench.run(1000);
    const Cycle delivered = at + 12 + cable + 100;
    std::vector<std::pair<Cycle, std::uint32_t>> naks;
    for (const Seen& seen : bench.station().started()) {
      if (seen.frame.kind != FrameKind::nak) continue;
      naks.emplace_back(seen.at, seen.frame.sequence);
      EXPECT_EQ(seen.frame.flags,
                seen.frame.sequence == 6 ? in_report | frame_flag::last : in_report);
    }
    // 86 B take 1.72 cycles.
    const std::vector<std::pair<Cycle, std::uint32_t>> expected{
        {delivered, 3}, {delivered + 2, 4}, {delivered + 4, 6}};
    EXPECT_EQ(naks, expected);
    EXPECT_EQ(bench.starts(FrameKind::ack), Cycles{delivered + 6});
  });
}

}  // namespace
}  // namespace heddle::testing
