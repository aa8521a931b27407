// Adaptive switch: when a packet may leave, when its memory is free, and what a pause frame passes.
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "device_bench.h"
#include "scenario_run.h"
#include "switches/adaptive_switch.h"

namespace heddle::testing {
namespace {

constexpr Cycle cable = 7;  // cycles of 1 ns
const std::vector<TrafficClassConfig> classes{{ClassScheduling::weighted, 1, true},
                                              {ClassScheduling::strict, 1, false}};

/// One switch; host h is the station on port h. Port rates in Gb/s.
class Bench {
 public:
  explicit Bench(const AdaptiveConfig& config,
                 const std::vector<std::uint64_t>& rates = {400, 400, 400})
      : config_(config) {
    const auto count = static_cast<std::uint16_t>(rates.size());
    std::vector<SwitchPort> ports;
    SwitchRoutes routes;
    for (std::uint16_t port = 0; port < count; ++port) {
      const Rate rate{rates[port] * 1'000'000'000};
      ports.push_back({rate, Duration{cable * 1000}, BufferRole::egress});
      routes.group_of_host.push_back(port);
      routes.ports_of_group.push_back({port});
    }
    device_ = std::make_unique<AdaptiveSwitch>("switch", bench_.environment(), ports, routes,
                                               config_, Routing::adaptive, classes, 9100);
    for (std::uint16_t port = 0; port < count; ++port) {
      stations_.push_back(
          std::make_unique<Station>(("host" + std::to_string(port)).c_str(), bench_));
      const LinkRate rate = LinkRate::of(ports[port].rate, 1000);
      Link& in = bench_.link(rate, cable);
      Link& out = bench_.link(rate, cable);
      device_->attach(port, in, out);
      stations_.back()->attach(out, in);
    }
  }

  Station& operator[](unsigned port) { return *stations_[port]; }
  AdaptiveSwitch& device() { return *device_; }
  void run(Cycle last) {
    bench_.run(last);
    device_->verify(false);
  }
  std::vector<Cycle> starts(unsigned port) const {
    return stations_[port]->starts(FrameKind::packet);
  }

 private:
  AdaptiveConfig config_;
  Workbench bench_;
  std::unique_ptr<AdaptiveSwitch> device_;
  std::vector<std::unique_ptr<Station>> stations_;
};

using Cycles = std::vector<Cycle>;

AdaptiveConfig with(Forwarding forwarding, std::uint64_t pipeline_ns) {
  AdaptiveConfig config;
  config.forwarding = forwarding;
  config.pipeline_latency = Duration{pipeline_ns * 1000};
  return config;
}

TEST(AdaptiveSwitchTiming, CutThroughCountsFromTheFirstByte) {
  for (const std::uint64_t pipeline : {1U, 20U, 450U}) {
    for (const unsigned bytes : {84U, 150U, 4178U}) {
      in_child([=] {
        Bench bench(with(Forwarding::cut_through, pipeline));
        bench[0].send(100, data_packet(0, 1, static_cast<std::uint16_t>(bytes)));
        bench.run(2000);
        EXPECT_EQ(bench.starts(1), Cycles{100 + cable + pipeline}) << bytes << " B";
      });
    }
  }
}

TEST(AdaptiveSwitchTiming, StoreAndForwardCountsFromTheLastByte) {
  for (const std::uint64_t pipeline : {1U, 20U, 450U}) {
    for (const unsigned bytes : {84U, 150U, 4178U}) {
      in_child([=] {
        Bench bench(with(Forwarding::store_and_forward, pipeline));
        bench[0].send(100, data_packet(0, 1, static_cast<std::uint16_t>(bytes)));
        bench.run(2000);
        EXPECT_EQ(bench.starts(1), Cycles{100 + (bytes + 49) / 50 + cable + pipeline});
      });
    }
  }
}

TEST(AdaptiveSwitchTiming, ABusyLinkIsUsedInTheCycleItIsReady) {
  in_child([] {
    Bench bench(with(Forwarding::cut_through, 20));
    bench[0].send(100, data_packet(0, 2, 1010));  // 20.2 cycles
    bench[1].send(101, data_packet(1, 2, 1010));
    bench[1].send(122, data_packet(1, 2, 1010));
    bench.run(1000);
    EXPECT_EQ(bench.starts(2), (Cycles{127, 148, 168})) << "20.2, 40.4 cycles after 127";
  });
}

// A packet's last byte cannot leave before it has come: whatever the rates, the output never
// outruns the input.
TEST(AdaptiveSwitchTiming, NoByteLeavesBeforeItHasCome) {
  for (const std::uint64_t slow : {100U, 200U, 400U}) {
    for (const std::uint64_t fast : {100U, 200U, 400U, 800U}) {
      in_child([=] {
        Bench bench(with(Forwarding::cut_through, 5), {slow, fast});
        bench[0].send(100, data_packet(0, 1, 4178));
        bench.run(3000);
        ASSERT_EQ(bench.starts(1).size(), 1U);
        const Cycle tail_in = 100 + cycles_of(4178, LinkRate::of({slow * 1'000'000'000}, 1000));
        const Cycle tail_out =
            bench.starts(1)[0] + cycles_of(4178, LinkRate::of({fast * 1'000'000'000}, 1000));
        EXPECT_GE(tail_out, tail_in + cable + 5) << slow << " to " << fast << " Gb/s";
      });
    }
  }
}

// Ten cells of memory, a packet of ten cells: the next one finds room as soon as the last byte of
// the first has left.
AdaptiveConfig ten_cells() {
  AdaptiveConfig config = with(Forwarding::cut_through, 20);
  config.memory.buffer = 1440_B;
  config.memory.headroom = 0_B;
  config.memory.alpha_lossy = 100;
  return config;
}

std::uint64_t dropped(Cycle second_arrival) {
  std::uint64_t count = 0;
  Bench bench(ten_cells());
  bench[0].send(100, data_packet(0, 2, 1460, 1));  // arrives at 127, leaves in 29.2 cycles
  bench[1].send(second_arrival - cable - 20, data_packet(1, 2, 1460, 1));
  bench.run(1000);
  for (const Admission reason : {Admission::drop_threshold, Admission::drop_pool}) {
    count += bench.device().drops().data(reason);
  }
  EXPECT_EQ(bench.starts(2).size(), 2 - count);
  return count;
}

// The first packet occupies its link in the cycles 127 to 156; its cells become free in cycle 157,
// after what arrives in that cycle has been admitted.
TEST(AdaptiveSwitchTiming, CellsAreFreedInTheCycleAfterTheLastByteHasLeft) {
  for (const Cycle full : {128U, 150U, 156U, 157U}) {
    in_child([=] { EXPECT_EQ(dropped(full), 1U) << "arrival in cycle " << full; });
  }
  for (const Cycle room : {158U, 159U, 200U}) {
    in_child([=] { EXPECT_EQ(dropped(room), 0U) << "arrival in cycle " << room; });
  }
}

// xoff of two cells: the second packet of a host passes it, and the pause frame leaves in the cycle
// of its admission.
AdaptiveConfig early_pause() {
  AdaptiveConfig config = with(Forwarding::cut_through, 20);
  config.memory.xoff = 300_B;
  config.memory.xon_offset = 0_B;
  config.memory.headroom = 100'000_B;
  return config;
}

TEST(AdaptiveSwitchTiming, APauseFrameLeavesInTheCycleOfItsCause) {
  in_child([] {
    Bench bench(early_pause());
    bench[0].send(100, data_packet(0, 2, 1000));
    bench.run(1000);
    const Cycles pauses = bench[0].starts(FrameKind::pause);
    ASSERT_EQ(pauses.size(), 2U);
    EXPECT_EQ(pauses[0], 127U);
    EXPECT_EQ(bench.starts(2), Cycles{127});
    EXPECT_EQ(pauses[1], 147U) << "1,000 B have left 20 cycles later";
  });
}

TEST(AdaptiveSwitchTiming, APauseFrameGoesBehindThePacketOnTheLinkAndBeforeAllOthers) {
  in_child([] {
    Bench bench(early_pause());
    for (const Cycle at : {100U, 120U, 140U}) bench[1].send(at, data_packet(1, 0, 1000));
    bench[0].send(105, data_packet(0, 2, 1000));  // pauses port 0 at 132, on whose link 20 cycles
    bench.run(1000);                              // of a packet have begun at 127
    std::vector<FrameKind> kinds;
    for (const Seen& seen : bench[0].started()) kinds.push_back(seen.frame.kind);
    ASSERT_GE(kinds.size(), 3U);
    EXPECT_EQ(kinds[0], FrameKind::packet);
    EXPECT_EQ(kinds[1], FrameKind::pause);
    EXPECT_EQ(bench[0].started()[1].at, 147U);
    EXPECT_EQ(kinds[2], FrameKind::packet);
    EXPECT_EQ(bench[0].started()[2].at, 149U) << "84 B later";
  });
}

TEST(AdaptiveSwitchTiming, APauseFrameStopsThePortInTheCycleOfItsLastByte) {
  // A packet is ready to start at 127; 84 B of pause take two cycles and the cable.
  for (const Cycle arrival : {126U, 127U, 128U}) {
    in_child([=] {
      Bench bench(with(Forwarding::cut_through, 20));
      bench[0].send(100, data_packet(0, 1, 1000));
      bench[1].send(arrival - cable - 2, pause_frame(0, true));
      bench[1].send(500 - cable - 2, pause_frame(0, false));
      bench.run(1000);
      EXPECT_EQ(bench.starts(1), Cycles{arrival <= 127 ? 500U : 127U})
          << "pause arrives in cycle " << arrival;
    });
  }
}

// --- whole fabrics: one message of one packet, cycle by cycle
// -------------------------------------

struct Path {
  std::uint64_t payload = 4096;
  std::uint64_t transmit = 100;
  std::uint64_t receive = 100;
  std::uint64_t pipeline = 450;
  std::uint64_t host_gbps = 400;
  std::uint64_t host_latency = 50;
  std::uint64_t fabric_gbps = 400;
  std::uint64_t fabric_latency = 300;
  bool cut_through = true;
  bool leaf_spine = true;
};

std::string scenario(const Path& path) {
  const auto number = [](std::uint64_t n) { return std::to_string(n); };
  std::string text =
      "name: timing\n"
      "workload: {pattern: incast, senders: 1, receivers: 1, message: " +
      number(path.payload) +
      " B}\n"
      "switch: adaptive\n"
      "nic: {transmit_latency: " +
      number(path.transmit) + " ns, receive_latency: " + number(path.receive) +
      " ns}\n"
      "adaptive: {pipeline_latency: " +
      number(path.pipeline) +
      " ns, forwarding: " + (path.cut_through ? "cut_through" : "store_and_forward") +
      "}\n"
      "fabric:\n"
      "  host_link: {rate: " +
      number(path.host_gbps) + " Gbps, latency: " + number(path.host_latency) + " ns}\n";
  text += path.leaf_spine ? "  topology: leaf_spine\n  leaves: 2\n  spines: 2\n"
                            "  hosts_per_leaf: 1\n  fabric_link: {rate: " +
                                number(path.fabric_gbps) +
                                " Gbps, latency: " + number(path.fabric_latency) + " ns}\n"
                          : "  topology: single\n  hosts: 2\n";
  return text;
}

std::uint64_t wire(std::uint64_t bytes, std::uint64_t gbps) {
  return (bytes * 8 + gbps - 1) / gbps;
}

/// Cycles of 1 ns for `bytes` from the first byte at one NIC to the last at the other, plus
/// `receive`. Each switch adds its pipeline, after the head or after the tail.
std::uint64_t travel(const Path& path, std::uint64_t bytes) {
  const std::uint64_t on_host = wire(bytes, path.host_gbps);
  const std::uint64_t on_fabric = wire(bytes, path.fabric_gbps);
  std::uint64_t cycles = path.host_latency + path.pipeline + on_host + path.host_latency;
  if (!path.cut_through) cycles += on_host;
  if (path.leaf_spine) {
    cycles += 2 * (path.fabric_latency + path.pipeline);
    if (!path.cut_through) cycles += 2 * on_fabric;
  }
  return cycles + path.receive;
}

void expect_exact(const Path& path) {
  const ScenarioRun run = run_scenario(scenario(path));
  ASSERT_EQ(run.exit_code, 0) << run.explanation << scenario(path);
  const std::uint64_t bytes = path.payload + 62 + 20;  // RoCEv2 headers; preamble and gap
  const std::uint64_t latency = path.transmit + travel(path, bytes);
  EXPECT_EQ(run.number("latency_ns.count"), 1);
  EXPECT_EQ(run.number("latency_ns.max"), static_cast<double>(latency)) << scenario(path);
  EXPECT_EQ(run.number("messages.completion_ns.max"), static_cast<double>(latency));
  // The acknowledgement starts in the cycle of the delivery; its arrival ends the run.
  EXPECT_EQ(run.number("run.cycles"), static_cast<double>(latency + travel(path, 86)))
      << scenario(path);
}

TEST(AdaptiveFabricTiming, OnePacketTakesItsCyclesByHand) {
  for (const bool cut_through : {true, false}) {
    for (const bool leaf_spine : {true, false}) {
      Path path;
      path.cut_through = cut_through;
      path.leaf_spine = leaf_spine;
      expect_exact(path);
      path.payload = 1;
      expect_exact(path);
      path = {1500, 37, 91, 123, 400, 17, 400, 211, cut_through, leaf_spine};
      expect_exact(path);
      path = {4000, 1, 1, 1, 100, 1, 100, 1, cut_through, leaf_spine};
      expect_exact(path);
    }
  }
}

TEST(AdaptiveFabricTiming, StoreAndForwardAddsEachLinksOwnTime) {
  Path path;
  path.cut_through = false;
  path.fabric_gbps = 800;
  expect_exact(path);
  path.host_gbps = 800;
  path.fabric_gbps = 200;
  expect_exact(path);
}

// From the defaults: 100 + 50 + 450 + 300 + 450 + 300 + 450 + (84 of 4,178 B) + 50 + 100.
TEST(AdaptiveFabricTiming, TheDefaultsInNanoseconds) {
  const ScenarioRun run = run_scenario(scenario({}));
  EXPECT_EQ(run.number("latency_ns.max"), 2334);
  EXPECT_EQ(run.number("latency_stage_ns.pipeline.mean"), 100 + 3 * 450 + 100);
  EXPECT_EQ(run.number("latency_stage_ns.propagation.mean"), 50 + 300 + 300 + 50);
  EXPECT_EQ(run.number("latency_stage_ns.serialization.mean"), 84);
}

}  // namespace
}  // namespace heddle::testing
