// A torus router in time: packets leave in their cycle and not before, whatever holds them up, and
// the room that they leave is given back in its cycle.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "accelerator/torus_router.h"
#include "device_bench.h"
#include "kernel/csr.h"

namespace heddle::testing {
namespace {

using Cycles = std::vector<Cycle>;

constexpr Cycle cable = 7;
constexpr std::uint32_t flit = 32;
constexpr LinkRate flit_per_cycle{flit, 1};

TorusConfig config(Cycle router_latency = 3, unsigned lanes = 2) {
  TorusConfig config;
  config.flit = Bytes{flit};
  config.lanes = lanes;
  config.router_latency = Duration{router_latency * 1000};
  return config;
}

Frame packet(unsigned source, unsigned destination, unsigned flits, unsigned channel = 0,
             std::uint32_t sequence = 0) {
  Frame frame;
  frame.kind = FrameKind::torus_packet;
  frame.wire_bytes = static_cast<std::uint16_t>(flits * flit);
  frame.traffic_class = static_cast<std::uint8_t>(channel);
  frame.source = static_cast<std::uint16_t>(source);
  frame.destination = static_cast<std::uint16_t>(destination);
  frame.sequence = sequence;
  return frame;
}

Frame credit(unsigned channel, unsigned flits) {
  Frame frame;
  frame.kind = FrameKind::torus_credit;
  frame.traffic_class = static_cast<std::uint8_t>(channel);
  frame.wire_bytes = torus_credit_bytes;
  frame.payload_bytes = static_cast<std::uint16_t>(flits);
  return frame;
}

/// Where links are not of one flit per cycle.
struct Rates {
  LinkRate ring = flit_per_cycle;
  LinkRate local = flit_per_cycle;
};

/// The router of a node, between stations: of each port one for packets, one for credits.
class Bench {
 public:
  Bench(const TorusConfig& config, const TorusShape& shape, unsigned node,
        std::uint32_t room = 1000, const Rates& rates = {})
      : config_(config),
        shape_(shape),
        router_("router", bench_.environment(), shape_, node, config_) {
    for (unsigned port = 0; port < router_.ports(); ++port) {
      const std::string name = router_.port_name(port);
      const LinkRate rate = port == router_.local_port() ? rates.local : rates.ring;
      Link& in = bench_.link(rate, cable);
      Link& out = bench_.link(rate, cable);
      Link& credits_in = bench_.link({1, 1}, cable);
      Link& credits_out = bench_.link({1, 1}, cable);
      router_.attach(port, {in, out, credits_in, credits_out}, 1000, room);
      packets_.push_back(std::make_unique<Station>(name.c_str(), bench_));
      packets_.back()->attach(out, in);
      credits_.push_back(std::make_unique<Station>((name + "_credit").c_str(), bench_));
      credits_.back()->attach(credits_out, credits_in);
    }
    router_.wired();
  }

  Station& at(unsigned port) { return *packets_[port]; }
  Station& credits(unsigned port) { return *credits_[port]; }
  TorusRouter& router() { return router_; }
  unsigned local() const { return router_.local_port(); }
  void run(Cycle last) {
    bench_.run(last);
    router_.verify(false);
  }
  Cycles starts(unsigned port) const { return packets_[port]->starts(FrameKind::torus_packet); }
  Cycles returns(unsigned port) const { return credits_[port]->starts(FrameKind::torus_credit); }
  std::vector<std::uint32_t> order(unsigned port) const {
    std::vector<std::uint32_t> sequences;
    for (const Seen& seen : packets_[port]->started()) sequences.push_back(seen.frame.sequence);
    return sequences;
  }

 private:
  Workbench bench_;
  TorusConfig config_;
  TorusShape shape_;
  TorusRouter router_;
  std::vector<std::unique_ptr<Station>> packets_;
  std::vector<std::unique_ptr<Station>> credits_;
};

const TorusShape square({4, 4, 1});
constexpr unsigned xp = 0, xm = 1, yp = 2, ym = 3, local = 4;

TEST(TorusRouterTiming, APacketCutsThroughRouterLatencyAfterItsHead) {
  for (const Cycle latency : {0U, 1U, 20U}) {
    for (const unsigned flits : {1U, 8U, 100U}) {
      in_child([=] {
        Bench bench(config(latency), square, 5);
        bench.at(local).send(10, packet(5, 6, flits));
        bench.run(300);
        EXPECT_EQ(bench.starts(xp), Cycles{10 + cable + latency});
        EXPECT_EQ(bench.returns(local), Cycles{10 + cable + latency + flits})
            << "its room, when its tail has left";
        EXPECT_EQ(bench.credits(local).started().front().frame.payload_bytes, flits);
      });
    }
  }
}

TEST(TorusRouterTiming, ItIsStoredFirstWhereAPortIsFaster) {
  in_child([] {
    Bench bench(config(3), square, 5, 1000, {flit_per_cycle, {4 * flit, 1}});
    bench.at(xm).send(10, packet(4, 6, 8));     // straight on: xp is no faster, but local is
    bench.at(local).send(10, packet(5, 9, 8));  // the fastest: cuts through
    bench.run(200);
    EXPECT_EQ(bench.starts(xp), Cycles{10 + 8 + cable + 3});
    EXPECT_EQ(bench.starts(yp), Cycles{10 + cable + 3});
  });
}

TEST(TorusRouterTiming, ItWaitsForTheLinkAndNoLonger) {
  in_child([] {
    Bench bench(config(3), square, 5);
    bench.at(xm).send(10, packet(4, 5, 8, 0, 1));  // to this node
    bench.at(ym).send(11, packet(1, 5, 8, 0, 2));  // a cycle later: waits for seven
    bench.run(200);
    EXPECT_EQ(bench.starts(local), (Cycles{20, 28}));
    EXPECT_EQ(bench.order(local), (std::vector<std::uint32_t>{1, 2}));
  });
}

TEST(TorusRouterTiming, AFractionOfACycleIsCarried) {
  in_child([] {
    const LinkRate odd{100, 3};  // 32 B take 0.96 cycles
    Bench bench(config(0), square, 5, 4000, {odd, odd});
    for (unsigned i = 0; i < 100; ++i) {
      bench.at(xm).send(10 + (i * 5 * flit * 3 + 99) / 100, packet(4, 6, 5, 0, i));
    }
    bench.run(1000);
    const Cycles starts = bench.starts(xp);
    ASSERT_EQ(starts.size(), 100U);
    EXPECT_EQ(starts.back() - starts.front(), (99 * 5 * flit * 3 + 99) / 100) << "no cycle is lost";
  });
}

TEST(TorusRouterTiming, ItWaitsForRoomForAllOfItAndNoLonger) {
  for (const bool enough : {false, true}) {
    in_child([=] {
      Bench bench(config(3), square, 5, 8);
      bench.at(local).send(10, packet(5, 6, 8, 0, 1));
      bench.at(local).send(18, packet(5, 6, 5, 0, 2));
      bench.credits(xp).send(50, credit(0, 4));
      bench.credits(xp).send(60, credit(0, 1));
      if (enough) bench.credits(xp).send(70, credit(0, 3));
      bench.run(200);
      const Cycle visible = 60 + 1 + cable;
      EXPECT_EQ(bench.starts(xp), (Cycles{20, visible}));
      EXPECT_EQ(bench.router().room(xp, 0), enough ? 3U : 0U);
    });
  }
}

TEST(TorusRouterTiming, RoomOfAnotherChannelIsOfNoUse) {
  in_child([] {
    Bench bench(config(0), square, 5, 8);
    bench.at(local).send(10, packet(5, 6, 8, 0, 1));
    bench.at(local).send(18, packet(5, 6, 8, 0, 2));
    bench.at(local).send(26, packet(5, 6, 8, 1, 3));  // the other lane: overtakes
    bench.run(200);
    EXPECT_EQ(bench.order(xp), (std::vector<std::uint32_t>{1, 3}));
    const auto blocked = bench.router().blocked(local, 0);
    ASSERT_TRUE(blocked.has_value());
    EXPECT_EQ(blocked->output, xp);
    EXPECT_EQ(blocked->channel, 0U);
    EXPECT_FALSE(bench.router().blocked(local, 1).has_value());
  });
}

TEST(TorusRouterTiming, AnInputReadsOnePacketAtATime) {
  for (const double speedup : {1.0, 2.0, 1.5}) {
    in_child([=] {
      TorusConfig fast = config(0);
      fast.read_speedup = speedup;
      Bench bench(fast, square, 5, 1000, {flit_per_cycle, {4 * flit, 1}});
      bench.at(local).send(10, packet(5, 6, 24, 0));  // six cycles on the local link
      bench.at(local).send(16, packet(5, 9, 24, 1));
      bench.run(200);
      const auto read = static_cast<Cycle>(6 / speedup);
      EXPECT_EQ(bench.starts(xp), Cycles{10 + cable});
      EXPECT_EQ(bench.starts(yp), Cycles{std::max<Cycle>(16 + cable, 10 + cable + read)})
          << "beside the first, which takes 24 cycles on its link";
    });
  }
  in_child([] {
    Bench bench(config(0), square, 5);
    bench.at(local).send(10, packet(5, 6, 8, 0));
    bench.at(local).send(18, packet(5, 6, 1, 0));  // waits for xp
    bench.at(local).send(19, packet(5, 9, 8, 1));
    bench.at(xm).send(11, packet(4, 6, 20, 0));
    bench.run(200);
    EXPECT_EQ(bench.starts(xp), (Cycles{17, 25, 45}));
    EXPECT_EQ(bench.starts(yp), Cycles{26}) << "while the one before waits for its link";
  });
}

TEST(TorusRouterTiming, InputsTakeTurns) {
  in_child([] {
    Bench bench(config(0), square, 5);
    for (unsigned i = 0; i < 3; ++i) {
      bench.at(xp).send(10 + i, packet(6, 5, 1, 0, 10 + i));
      bench.at(ym).send(10 + i, packet(1, 5, 1, 0, 30 + i));
      bench.at(local).send(10 + i, packet(5, 5, 1, 0, 40 + i));
    }
    bench.run(100);
    EXPECT_EQ(bench.order(local), (std::vector<std::uint32_t>{10, 30, 40, 11, 31, 41, 12, 32, 42}));
    EXPECT_EQ(bench.starts(local).back() - bench.starts(local).front(), 8U) << "one in each cycle";
  });
}

TEST(TorusRouterTiming, ChannelsOfAnInputTakeTurns) {
  in_child([] {
    Bench bench(config(0, 4), square, 5, 4);
    for (unsigned i = 0; i < 4; ++i) {
      for (unsigned lane = 0; lane < 4; ++lane) {
        bench.at(local).send(10 + 4 * i + lane, packet(5, 6, 1, lane, 10 * lane + i));
      }
    }
    bench.at(xm).send(10, packet(4, 6, 30, 0, 99));  // all of them wait behind this one
    bench.run(100);
    EXPECT_EQ(bench.order(xp).size(), 16U) << "the long one has no room";
    EXPECT_EQ(bench.order(xp), (std::vector<std::uint32_t>{0, 10, 20, 30, 1, 11, 21, 31, 2, 12, 22,
                                                           32, 3, 13, 23, 33}));
  });
}

TEST(TorusRouterTiming, CreditsOfOneCycleFollowEachOther) {
  in_child([] {
    // Both leave in cycle 41: one in 24 cycles from 17 on, one in 23 from 18 on.
    Bench bench(config(0), square, 5, 1000, {flit_per_cycle, {24 * flit, 1}});
    bench.at(local).send(10, packet(5, 6, 24, 0));
    bench.at(local).send(11, packet(5, 9, 23, 1));
    bench.run(100);
    EXPECT_EQ(bench.starts(xp), Cycles{17});
    EXPECT_EQ(bench.starts(yp), Cycles{18});
    EXPECT_EQ(bench.returns(local), (Cycles{41, 42}));
  });
}

// --- where packets go ---------------------------------------------------------------------------

struct Way4 {
  unsigned node;
  unsigned input;
  unsigned channel;
  unsigned source;
  unsigned destination;
  unsigned output;
  unsigned next_channel;
};

// With two lanes, channel = 4 for responses + 2 behind the dateline + lane.
TEST(TorusRouterTiming, DimensionOrderAndDatelines) {
  const std::vector<Way4> ways{
      {5, local, 0, 5, 6, xp, 0},   // one up
      {5, local, 1, 5, 4, xm, 1},   // one down; the lane stays
      {5, local, 4, 5, 6, xp, 4},   // a response
      {5, local, 0, 5, 10, xp, 0},  // x before y
      {5, local, 0, 5, 9, yp, 0},    {5, local, 0, 5, 1, ym, 0},
      {5, local, 3, 5, 5, local, 1},  // to itself
      {7, local, 0, 7, 4, xp, 2},     // across the dateline upwards
      {4, local, 5, 4, 7, xm, 7},     // and downwards
      {13, local, 0, 13, 1, yp, 2},  {1, local, 0, 1, 13, ym, 2},
      {4, xm, 2, 6, 5, xp, 2},     // behind it, straight on
      {4, xm, 3, 6, 8, yp, 1},     // before it again in the next ring
      {4, xm, 7, 7, 4, local, 5},  // and at the end
      {7, xm, 0, 6, 4, xp, 2},     // straight on across it
      {5, xp, 0, 7, 13, ym, 0},    // half way round in y, one row up: a tie, goes down
      {13, yp, 0, 1, 9, ym, 0},
  };
  for (const Way4& way : ways) {
    in_child([&] {
      Bench bench(config(0), square, way.node);
      bench.at(way.input).send(10, packet(way.source, way.destination, 2, way.channel));
      bench.run(100);
      const std::string what = std::to_string(way.source) + "->" + std::to_string(way.destination) +
                               " at " + std::to_string(way.node);
      ASSERT_EQ(bench.at(way.output).started().size(), 1U) << what;
      EXPECT_EQ(bench.at(way.output).started()[0].frame.traffic_class, way.next_channel) << what;
    });
  }
}

TEST(TorusRouterTiming, WithoutADatelineChannelsStay) {
  in_child([] {
    TorusConfig open = config(0);
    open.dateline = false;
    Bench bench(open, square, 7);
    bench.at(local).send(10, packet(7, 4, 2));
    bench.run(100);
    EXPECT_EQ(bench.at(xp).started()[0].frame.traffic_class, 0U);
  });
}

TEST(TorusRouterTiming, RingsOfOneNodeHaveNoPorts) {
  in_child([] {
    Bench bench(config(0), TorusShape({1, 3, 1}), 2);
    ASSERT_EQ(bench.router().ports(), 3U);
    EXPECT_EQ(bench.router().port_name(0), "yp");
    EXPECT_EQ(bench.router().port_name(2), "local");
    bench.at(2).send(10, packet(2, 0, 1));
    bench.at(2).send(11, packet(2, 1, 1));
    bench.run(100);
    EXPECT_EQ(bench.starts(0), Cycles{17});
    EXPECT_EQ(bench.starts(1), Cycles{18});
  });
  in_child([] {
    Bench bench(config(0), TorusShape({1, 1, 1}), 0);
    bench.at(0).send(10, packet(0, 0, 1));
    bench.run(100);
    EXPECT_EQ(bench.starts(0), Cycles{17}) << "a single chip";
  });
}

TEST(TorusRouterTiming, RegistersTellWhatItHolds) {
  in_child([] {
    Bench bench(config(0), square, 5, 8);
    bench.at(local).send(10, packet(5, 6, 8, 0, 1));
    bench.at(local).send(18, packet(5, 6, 5, 0, 2));
    const RegisterMap& map = bench.router().csr().map();
    bench.run(100);
    const auto read = [&](std::uint64_t address) {
      const RegisterMap::Found found = map.find(address);
      return found.declared->read(found.index);
    };
    EXPECT_EQ(read(0x0), static_cast<unsigned>(DeviceKind::torus_router));
    EXPECT_EQ(read(0x8), 5U) << "ports";
    EXPECT_EQ(read(0x100), 5U) << "node";
    EXPECT_EQ(read(0x104), 0x101U) << "place";
    EXPECT_EQ(read(0x108), 0x10404U) << "size";
    EXPECT_EQ(read(0x200), 1U) << "packets to other routers";
    EXPECT_EQ(read(0x208), 8U) << "flits";
    EXPECT_EQ(read(0x10'0000 + xp * 0x200 + 0x80), 0U) << "room";
    EXPECT_EQ(read(0x10'0000 + xp * 0x200 + 0x84), 8U);
    EXPECT_EQ(read(0x10'0000 + local * 0x200 + 0x24), 1U) << "a packet waits";
    EXPECT_EQ(read(0x48), 1U) << "held";
  });
}

}  // namespace
}  // namespace heddle::testing
