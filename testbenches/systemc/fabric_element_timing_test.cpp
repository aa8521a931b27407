// Fabric element: cells leave in their cycle, control frames first, and full pools stop the sender.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "device_bench.h"
#include "switches/fabric_element.h"

namespace heddle::testing {
namespace {

constexpr Cycle cable = 7;  // cycles of 1 ns
using Cycles = std::vector<Cycle>;

Frame to_leaf(unsigned leaf, FrameKind kind, std::uint16_t bytes, std::uint32_t sequence = 0) {
  Frame frame;
  frame.kind = kind;
  frame.wire_bytes = bytes;
  frame.destination = static_cast<std::uint16_t>(leaf);
  frame.sequence = sequence;
  return frame;
}

Frame cell(unsigned leaf, std::uint32_t sequence = 0) {
  return to_leaf(leaf, FrameKind::cell, 272, sequence);
}

Frame flow_control(bool off) {
  Frame frame;
  frame.kind = FrameKind::flow_control;
  frame.flags = off ? frame_flag::off : std::uint8_t{0};
  frame.wire_bytes = 16;
  return frame;
}

/// An element between leaves (stations) that have links of 50 B per cycle.
class Bench {
 public:
  explicit Bench(const ScheduledConfig& config, unsigned leaves = 3, unsigned links = 1)
      : config_(config), element_("element", bench_.environment(), leaves, links, config_) {
    for (unsigned port = 0; port < leaves * links; ++port) {
      stations_.push_back(
          std::make_unique<Station>(("leaf" + std::to_string(port)).c_str(), bench_));
      Link& in = bench_.link({50, 1}, cable);
      Link& out = bench_.link({50, 1}, cable);
      element_.attach(port, in, out);
      stations_.back()->attach(out, in);
    }
  }

  Station& operator[](unsigned port) { return *stations_[port]; }
  FabricElement& element() { return element_; }
  void run(Cycle last) {
    bench_.run(last);
    element_.verify(false);
  }
  Cycles starts(unsigned port, FrameKind kind = FrameKind::cell) const {
    return stations_[port]->starts(kind);
  }

 private:
  Workbench bench_;
  ScheduledConfig config_;
  FabricElement element_;
  std::vector<std::unique_ptr<Station>> stations_;
};

ScheduledConfig latency(Cycle element_latency) {
  ScheduledConfig config;
  config.xoff_cells = 384;
  config.xon_cells = 320;
  config.element_latency = Duration{element_latency * 1000};
  return config;
}

TEST(FabricElementTiming, ACellLeavesElementLatencyAfterItsLastByte) {
  for (const Cycle pipeline : {1U, 20U, 150U}) {
    for (const unsigned bytes : {20U, 50U, 272U}) {
      in_child([=] {
        Bench bench(latency(pipeline));
        bench[0].send(100, to_leaf(2, FrameKind::cell, static_cast<std::uint16_t>(bytes)));
        bench.run(500);
        EXPECT_EQ(bench.starts(2), Cycles{100 + (bytes + 49) / 50 + cable + pipeline});
        EXPECT_TRUE(bench.starts(0).empty());
        EXPECT_TRUE(bench.starts(1).empty());
      });
    }
  }
}

TEST(FabricElementTiming, StatusAndCreditsTakeTheSameTimeAndGoBeforeCells) {
  in_child([] {
    Bench bench(latency(20));
    // Cells of 5.44 cycles from leaf 0 keep the link to leaf 2 busy from 133 on; a status frame
    // reaches its queue at 140 and overtakes the cells that wait there.
    for (Cycle n = 0; n < 4; ++n) bench[0].send(100 + 6 * n, cell(2));
    for (Cycle n = 0; n < 4; ++n) bench[1].send(100 + 6 * n, cell(2));
    bench[1].send(124, to_leaf(2, FrameKind::voq_status, 16));
    bench.run(500);
    EXPECT_EQ(bench.starts(2, FrameKind::voq_status).size(), 1U);
    const Cycle queued = 124 + 1 + cable + 20;
    const Cycle started = bench.starts(2, FrameKind::voq_status)[0];
    EXPECT_GE(started, queued);
    EXPECT_LT(started, queued + 6) << "behind the cell on the link only";
    EXPECT_EQ(bench.starts(2).size(), 8U);
    EXPECT_GT(bench.starts(2).back(), started);
  });
  in_child([] {
    Bench bench(latency(20));
    bench[0].send(100, to_leaf(1, FrameKind::credit, 16));
    bench.run(500);
    EXPECT_EQ(bench.starts(1, FrameKind::credit), Cycles{100 + 1 + cable + 20});
  });
}

TEST(FabricElementTiming, ParallelLinksTakeTurns) {
  in_child([] {
    Bench bench(latency(20), 2, 2);  // ports 2 and 3 reach leaf 1
    for (Cycle n = 0; n < 6; ++n) bench[0].send(100 + 6 * n, cell(1));
    bench.run(500);
    EXPECT_EQ(bench.starts(2).size(), 3U);
    EXPECT_EQ(bench.starts(3).size(), 3U);
  });
}

TEST(FabricElementTiming, ALeafStopsItsCellsAtOnceAndNothingElse) {
  // A cell would start at 133; a flow control frame takes one cycle and the cable, no pipeline.
  for (const Cycle arrival : {132U, 133U, 134U}) {
    in_child([=] {
      Bench bench(latency(20));
      bench[0].send(100, cell(2));
      bench[0].send(110, to_leaf(2, FrameKind::credit, 16));
      bench[2].send(arrival - cable - 1, flow_control(true));
      bench[2].send(300 - cable - 1, flow_control(false));
      bench.run(500);
      EXPECT_EQ(bench.starts(2), Cycles{arrival <= 133 ? 300U : 133U}) << "stop at " << arrival;
      EXPECT_EQ(bench.starts(2, FrameKind::credit), Cycles{arrival <= 133 ? 138U : 139U});
    });
  }
}

// Leaf 0 sends 12 cells to a stopped leaf 2. With xoff at 8, the eighth held cell stops leaf 0 in
// its own cycle; with xon at 3, the departure that leaves three restarts it.
TEST(FabricElementTiming, AFullPoolStopsTheSenderAndADrainedOneRestartsIt) {
  in_child([] {
    ScheduledConfig config = latency(20);
    config.receive_pool_cells = 16;
    config.xoff_cells = 8;
    config.xon_cells = 3;
    Bench bench(config);
    bench[2].send(50, flow_control(true));
    for (Cycle n = 0; n < 12; ++n) bench[0].send(100 + 7 * n, cell(2));
    bench[2].send(500 - cable - 1, flow_control(false));
    bench.run(1000);
    const Cycles control = bench[0].starts(FrameKind::flow_control);
    ASSERT_EQ(control.size(), 2U);
    EXPECT_EQ(control[0], 100 + 7 * 7 + 6 + cable + 20) << "the eighth cell";
    const Cycles cells_out = bench.starts(2);
    ASSERT_EQ(cells_out.size(), 12U);
    EXPECT_EQ(cells_out[0], 500U);
    EXPECT_EQ(control[0], 182U);
    EXPECT_EQ(control[1], cells_out[8]) << "three of twelve are left";
    EXPECT_EQ(control[1], 544U) << "eight cells of 5.44 cycles later";
    EXPECT_EQ(bench.element().pool_peak_cells(), 12U);
  });
}

TEST(FabricElementTiming, AnOverrunPoolIsAnErrorNotADrop) {
  in_child([] {
    ScheduledConfig config = latency(20);
    config.receive_pool_cells = 4;
    config.xoff_cells = 2;
    config.xon_cells = 1;
    Bench bench(config);
    bench[2].send(50, flow_control(true));
    for (Cycle n = 0; n < 5; ++n) bench[0].send(100 + 6 * n, cell(2));
    EXPECT_THROW(bench.run(1000), CheckFailure);
  });
}

}  // namespace
}  // namespace heddle::testing
