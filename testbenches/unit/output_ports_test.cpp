// The sending side of a switch, driven by hand: the test plays the device and its clock.
#include "switches/output_ports.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "device_bench.h"
#include "kernel/rng.h"

namespace heddle::testing {
namespace {

constexpr TrafficClassConfig weighted{ClassScheduling::weighted, 1, true};
constexpr TrafficClassConfig strict{ClassScheduling::strict, 1, true};

struct Start {
  unsigned port;
  Frame frame;
  Cycle at;
};
struct Done {
  unsigned port;
  OutputPorts::Departure departure;
  Cycle at;
};

/// Output ports on links of 10 B per cycle.
class Bench {
 public:
  explicit Bench(unsigned ports = 1, Release release = Release::last_byte,
                 const std::vector<TrafficClassConfig>& classes = {weighted, strict},
                 std::uint32_t capacity = 1000)
      : due_(ports),
        outputs_(workbench_.environment(), 0, due_, 0, {ports, classes, 9000, capacity, release}) {
    for (unsigned port = 0; port < ports; ++port) {
      links_.push_back(&workbench_.link({10, 1}, 5));
      probes_.push_back(std::make_unique<Probe>(*this, port));
      links_.back()->attach(probes_.back().get());
      outputs_.attach(port, *links_.back(), Stage::fabric_queue);
    }
  }

  OutputPorts& outputs() { return outputs_; }
  Link& link(unsigned port) { return *links_[port]; }
  PacketPool& packets() { return workbench_.packets(); }
  Clock& clock() { return workbench_.clock(); }
  const std::vector<Start>& started() const { return started_; }
  const std::vector<Done>& done() const { return done_; }

  void push(unsigned port, unsigned traffic_class, std::uint16_t bytes, std::uint32_t sequence,
            std::uint32_t packet = no_packet) {
    Frame frame;
    frame.traffic_class = static_cast<std::uint8_t>(traffic_class);
    frame.wire_bytes = bytes;
    frame.sequence = sequence;
    frame.packet = packet;
    outputs_.push(port, traffic_class, frame, 40 + port);
  }

  /// As the clock does when the link of `port` has become ready.
  void wake(unsigned port) { due_.set(port); }

  void transmit(Cycle now) {
    now_ = now;
    outputs_.transmit(now, [&](unsigned port, const OutputPorts::Departure& departure) {
      done_.push_back({port, departure, now});
    });
  }

  /// Plays the cycles in which a link becomes ready, as the clock would.
  void run(Cycle from, Cycle to) {
    for (Cycle now = from; now < to; ++now) {
      for (unsigned port = 0; port < outputs_.size(); ++port) wake(port);
      transmit(now);
    }
  }

  std::vector<Cycle> starts(unsigned port = 0) const {
    std::vector<Cycle> cycles;
    for (const Start& start : started_) {
      if (start.port == port) cycles.push_back(start.at);
    }
    return cycles;
  }
  std::vector<std::uint32_t> order(unsigned port = 0) const {
    std::vector<std::uint32_t> sequences;
    for (const Start& start : started_) {
      if (start.port == port) sequences.push_back(start.frame.sequence);
    }
    return sequences;
  }

 private:
  class Probe : public LinkProbe {
   public:
    Probe(Bench& bench, unsigned port) : bench_(bench), port_(port) {}
    void started(const Frame& frame, Cycle now) override {
      EXPECT_EQ(now, bench_.now_);
      bench_.started_.push_back({port_, frame, now});
    }

   private:
    Bench& bench_;
    unsigned port_;
  };

  Workbench workbench_;
  BitMask due_;
  OutputPorts outputs_;
  std::vector<Link*> links_;
  std::vector<std::unique_ptr<Probe>> probes_;
  std::vector<Start> started_;
  std::vector<Done> done_;
  Cycle now_ = 0;
};

using Cycles = std::vector<Cycle>;
using Order = std::vector<std::uint32_t>;

TEST(OutputPorts, AFrameStartsInTheCycleOfItsPushOnAnIdleLink) {
  in_child([] {
    Bench bench;
    bench.push(0, 0, 100, 1);
    bench.transmit(7);
    EXPECT_EQ(bench.starts(), Cycles{7});
  });
}

TEST(OutputPorts, TheNextFollowsInTheCycleTheLinkIsReadyAndNotBefore) {
  in_child([] {
    Bench bench;
    for (std::uint32_t n = 0; n < 3; ++n) bench.push(0, 0, 95, n);
    bench.transmit(7);
    bench.wake(0);
    bench.transmit(16);
    EXPECT_EQ(bench.starts(), Cycles{7}) << "95 B take 9.5 cycles: busy at 16";
    bench.run(17, 40);
    EXPECT_EQ(bench.starts(), (Cycles{7, 17, 26}));
    EXPECT_EQ(bench.order(), (Order{0, 1, 2}));
  });
}

TEST(OutputPorts, HeldUntilFirstOrAfterLastByte) {
  in_child([] {
    Bench bench(1, Release::last_byte);
    bench.push(0, 1, 100, 5);
    EXPECT_EQ(bench.outputs().queued_bytes(0), 100U);
    bench.transmit(7);
    bench.run(8, 17);
    EXPECT_TRUE(bench.done().empty());
    EXPECT_EQ(bench.outputs().queued_bytes(0), 100U) << "bytes are held until all have left";
    EXPECT_EQ(bench.outputs().held(), 0U) << "but the frame has started";
    bench.run(17, 18);
    ASSERT_EQ(bench.done().size(), 1U);
    EXPECT_EQ(bench.done()[0].at, 17U);
    EXPECT_EQ(bench.done()[0].departure.wire_bytes, 100U);
    EXPECT_EQ(bench.done()[0].departure.input, 40U);
    EXPECT_EQ(bench.done()[0].departure.traffic_class, 1U);
    EXPECT_EQ(bench.done()[0].departure.kind, FrameKind::packet);
    EXPECT_EQ(bench.outputs().queued_bytes(0), 0U);
  });
  in_child([] {
    Bench bench(1, Release::first_byte);
    bench.push(0, 0, 100, 5);
    bench.transmit(7);
    ASSERT_EQ(bench.done().size(), 1U);
    EXPECT_EQ(bench.done()[0].at, 7U);
    EXPECT_EQ(bench.outputs().queued_bytes(0), 0U);
    bench.run(8, 30);
    EXPECT_EQ(bench.done().size(), 1U);
  });
}

TEST(OutputPorts, AWakeUpIsLeftForTheReadyCycle) {
  for (const Release release : {Release::first_byte, Release::last_byte}) {
    in_child([release] {
      Bench bench(1, release);
      bench.push(0, 0, 95, 1);
      bench.push(0, 0, 95, 2);
      bench.transmit(7);
      EXPECT_EQ(bench.clock().next_cycle(), 17U);
    });
  }
}

TEST(OutputPorts, StrictClassesGoFirstAndOrderHoldsWithinAClass) {
  in_child([] {
    Bench bench;
    for (std::uint32_t n = 0; n < 4; ++n) {
      bench.push(0, 0, 50, n);
      bench.push(0, 1, 50, 10 + n);
    }
    bench.transmit(0);
    bench.run(1, 100);
    EXPECT_EQ(bench.order(), (Order{10, 11, 12, 13, 0, 1, 2, 3}));
  });
}

TEST(OutputPorts, LinkLocalFramesGoBeforeEverythingBehindTheFrameOnTheLink) {
  in_child([] {
    Bench bench;
    bench.push(0, 1, 100, 1);
    bench.push(0, 1, 100, 2);
    bench.transmit(0);
    Frame pause = pause_frame(0, true);  // 84 B
    bench.outputs().push_link_local(0, pause);
    bench.outputs().push_link_local(0, pause_frame(0, false));
    bench.transmit(3);
    EXPECT_EQ(bench.outputs().held(), 3U);
    bench.run(4, 60);
    ASSERT_EQ(bench.started().size(), 4U);
    EXPECT_EQ(bench.starts(), (Cycles{0, 10, 19, 27}));
    EXPECT_EQ(bench.started()[1].frame.kind, FrameKind::pause);
    EXPECT_TRUE(bench.started()[1].frame.has(frame_flag::off));
    EXPECT_FALSE(bench.started()[2].frame.has(frame_flag::off)) << "in the order of their push";
    EXPECT_EQ(bench.started()[3].frame.sequence, 2U);
    EXPECT_EQ(bench.outputs().held(), 0U);
  });
}

TEST(OutputPorts, APausedClassWaitsAndTheOthersDoNot) {
  in_child([] {
    Bench bench;
    bench.outputs().pause(0, 1, true, 5);
    bench.push(0, 0, 50, 1);
    bench.push(0, 1, 50, 2);
    bench.push(0, 1, 50, 3);
    bench.transmit(5);
    bench.run(6, 50);
    EXPECT_EQ(bench.order(), Order{1}) << "class 1 is stopped";
    bench.outputs().push_link_local(0, pause_frame(0, true));
    bench.run(50, 80);
    EXPECT_EQ(bench.started().size(), 2U) << "link-local frames are never paused";
    bench.outputs().pause(0, 1, false, 80);
    bench.transmit(80);
    EXPECT_EQ(bench.starts().back(), 80U) << "restarts in the same cycle";
    bench.run(81, 100);
    EXPECT_EQ(bench.order().back(), 3U);
    EXPECT_EQ(bench.outputs().pause_state(0).total(1, 100), 75U);
    EXPECT_EQ(bench.link(0).paused_cycles(100), 75U);
  });
}

TEST(OutputPorts, APauseDoesNotCutTheFrameOnTheLink) {
  in_child([] {
    Bench bench;
    bench.push(0, 0, 100, 1);
    bench.push(0, 0, 100, 2);
    bench.transmit(0);
    bench.outputs().pause(0, 0, true, 4);
    bench.transmit(4);
    bench.run(5, 30);
    EXPECT_EQ(bench.starts(), Cycles{0});
    EXPECT_EQ(bench.done().size(), 1U) << "its memory is free when it has left";
  });
}

std::uint32_t stage(Bench& bench, std::uint32_t packet, Stage of) {
  return bench.packets()[packet].stage[static_cast<unsigned>(of)];
}

TEST(OutputPorts, BooksWaitingAndPausedTime) {
  in_child([] {
    Bench bench;
    const std::uint32_t first = bench.packets().acquire();
    const std::uint32_t second = bench.packets().acquire();
    for (const std::uint32_t packet : {first, second}) {
      bench.packets()[packet].spend(Stage::pipeline, 10);
      bench.push(0, 0, 100, packet, packet);
    }
    bench.transmit(10);  // the first starts at 10, the link is ready at 20
    bench.outputs().pause(0, 0, true, 15);
    bench.transmit(15);
    bench.run(16, 45);
    bench.outputs().pause(0, 0, false, 45);
    bench.transmit(45);
    EXPECT_EQ(bench.starts(), (Cycles{10, 45}));
    EXPECT_EQ(stage(bench, first, Stage::fabric_queue), 0U);
    EXPECT_EQ(stage(bench, first, Stage::paused), 0U);
    EXPECT_EQ(stage(bench, second, Stage::paused), 30U);
    EXPECT_EQ(stage(bench, second, Stage::fabric_queue), 5U);
  });
}

TEST(OutputPorts, AFrameMadeByDoneIsServedInTheSameCycle) {
  in_child([] {
    Bench bench(3, Release::first_byte);
    bench.push(2, 0, 50, 1);
    bench.outputs().transmit(0, [&](unsigned port, const OutputPorts::Departure&) {
      ASSERT_EQ(port, 2U);
      bench.outputs().push_link_local(0, pause_frame(0, true));  // port 0 was served before
    });
    EXPECT_EQ(bench.link(0).frames(), 1U);
    EXPECT_EQ(bench.link(2).frames(), 1U);
    EXPECT_EQ(bench.outputs().frames_sent(), 2U);
  });
}

TEST(OutputPorts, CapacityIsOfAllPortsTogether) {
  in_child([] {
    Bench bench(2, Release::last_byte, {weighted}, 3);
    bench.push(0, 0, 50, 1);
    bench.push(1, 0, 50, 2);
    bench.push(1, 0, 50, 3);
    bench.transmit(0);
    bench.push(0, 0, 50, 4);
    bench.push(0, 0, 50, 5);
    EXPECT_THROW(bench.push(0, 0, 50, 6), CheckFailure) << "two have started, one waits";
  });
}

TEST(OutputPorts, EveryWaitingQueueHasALine) {
  in_child([] {
    Bench bench(2);
    std::vector<std::string> lines;
    bench.outputs().waits("leaf9", lines);
    EXPECT_TRUE(lines.empty());
    bench.outputs().pause(1, 0, true, 0);
    bench.push(1, 0, 50, 1);
    bench.push(1, 0, 50, 2);
    bench.push(0, 1, 50, 3);
    bench.push(0, 1, 50, 4);
    bench.transmit(0);  // starts one of the two on port 0
    bench.outputs().waits("leaf9", lines);
    EXPECT_EQ(lines.size(), 2U);
    for (const std::string& line : lines) EXPECT_NE(line.find("leaf9"), std::string::npos);
  });
}

// Random pushes, pauses and restarts on several ports, against one naive port per port.
TEST(OutputPorts, SwarmEqualsANaivePort) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    in_child([seed] {
      SCOPED_TRACE(::testing::Message() << "seed " << seed);
      struct Naive {
        std::deque<Frame> queues[2];
        std::uint64_t free_at = 0;  // all frames are multiples of 10 B: whole cycles
        bool stopped[2] = {false, false};
        std::vector<Start> starts;
      };
      constexpr unsigned ports = 3;
      Rng rng(seed, "output_ports_test", "swarm");
      Bench bench(ports, rng.below(2) == 0 ? Release::first_byte : Release::last_byte,
                  {strict, strict}, 1U << 20);
      std::vector<Naive> naive(ports);
      for (Cycle now = 0; now < 4000; ++now) {
        for (unsigned port = 0; port < ports; ++port) {
          bench.wake(port);
          const unsigned c = rng.below(2);
          if (rng.below(12) == 0) {
            Frame frame;
            frame.traffic_class = static_cast<std::uint8_t>(c);
            frame.wire_bytes = static_cast<std::uint16_t>(10 * (1 + rng.below(20)));
            frame.sequence = static_cast<std::uint32_t>(now);
            bench.push(port, c, frame.wire_bytes, frame.sequence);
            naive[port].queues[c].push_back(frame);
          }
          if (rng.below(50) == 0) {
            const bool off = rng.below(2) == 0;
            bench.outputs().pause(port, c, off, now);
            naive[port].stopped[c] = off;
          }
        }
        bench.transmit(now);
        for (unsigned port = 0; port < ports; ++port) {
          Naive& n = naive[port];
          for (const unsigned c : {1U, 0U}) {
            if (n.free_at > now || n.stopped[c] || n.queues[c].empty()) continue;
            n.starts.push_back({port, n.queues[c].front(), now});
            n.free_at = now + n.queues[c].front().wire_bytes / 10U;
            n.queues[c].pop_front();
          }
        }
      }
      std::uint64_t waiting = 0;
      for (unsigned port = 0; port < ports; ++port) {
        Cycles cycles;
        Order order;
        for (const Start& start : naive[port].starts) {
          cycles.push_back(start.at);
          order.push_back(start.frame.sequence);
        }
        ASSERT_EQ(bench.starts(port), cycles);
        ASSERT_EQ(bench.order(port), order);
        for (const unsigned c : {0U, 1U}) {
          EXPECT_EQ(bench.outputs().queued_frames(port, c), naive[port].queues[c].size());
          waiting += naive[port].queues[c].size();
        }
      }
      EXPECT_EQ(bench.outputs().held(), waiting);
    });
  }
}

}  // namespace
}  // namespace heddle::testing
