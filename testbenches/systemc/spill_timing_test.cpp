// A leaf that spills. Case 17: the published lengths at which a VOQ goes to HBM and comes back, and
// the capped rate; then each step in its cycle, and whole fabrics.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "leaf_bench.h"
#include "scenario_run.h"

namespace heddle::testing {
namespace {

// --- case 17: OpenBCM SDK 6.5.27
// ------------------------------------------------------------------

TEST(Case17Spill, ThresholdsByPortRateAreThePublishedOnes) {
  struct Row {
    std::uint64_t gbps;
    std::uint64_t dram_bound;
    double recovery;
  };
  const std::vector<Row> rows{
      {10, 122'880, 122'880 * 13.0 / 45},
      {50, 122'880, 122'880 * 13.0 / 45},
      {100, 409'600, 409'600 * (13.0 / 25) * (10.0 / 35)},
      {200, 512'000, 512'000 * (13.0 / 25) * (10.0 / 35)},
      {300, 512'000, 512'000 * 13.0 / 40},
      {400, 614'400, 199'680},
      {800, 614'400, 199'680},
  };
  for (const Row& row : rows) {
    SpillConfig config;
    config.set_auto(Rate{row.gbps * 1'000'000'000}, 7200_Gbps);
    EXPECT_EQ(config.dram_bound->value, row.dram_bound) << row.gbps;
    EXPECT_EQ(config.recovery->value, static_cast<std::uint64_t>(row.recovery)) << row.gbps;
    EXPECT_EQ(*config.rate, 2160_Gbps) << "30 % of 7.2 Tbps; the SDK expects 2.15";
  }
}

/// 400 Gbps ports; a credit is one packet of 1,024 B.
ScheduledConfig spilling() {
  ScheduledConfig config = latencies(20, 10);
  config.spill = Spill::hbm;
  config.credit = 1024_B;
  config.hbm.set_auto(400_Gbps, 800_Gbps);
  return config;
}

constexpr unsigned stored = 1024;
constexpr unsigned voq = 2;  // to host 2, on the other leaf, in class 0

/// A packet of `bytes` in SRAM, from `host` on.
Frame packet(unsigned host, unsigned bytes = stored) {
  return data_packet(host, 2, static_cast<std::uint16_t>(bytes + ethernet_framing_bytes));
}

/// `count` packets of 1,024 B without a gap from `at` on; returns when the last one has joined its
/// VOQ.
Cycle fill(LeafBench& bench, unsigned count, Cycle at) {
  const LinkRate rate{50, 1};
  for (unsigned n = 0; n < count; ++n) {
    bench.host(0).send(at + cycles_of(std::uint64_t{n} * 1044, rate), packet(0));
  }
  return at + cycles_of(std::uint64_t{count} * 1044, rate) + cable + 20;
}

TEST(Case17Spill, AVoqIsDramBoundBeyondTheThreshold) {
  in_child([] {
    LeafBench bench(spilling());
    const Cycle filled = fill(bench, 600, 100);
    bench.host(0).send(filled + 1000, packet(0, 64));
    bench.run(filled + 500);
    EXPECT_FALSE(bench.leaf().spill()->dram_bound(voq)) << "614,400 B";
    EXPECT_EQ(bench.hbm().counts().writes, 0U);
    bench.run(filled + 2000);
    EXPECT_TRUE(bench.leaf().spill()->dram_bound(voq)) << "614,464 B";
    EXPECT_EQ(bench.leaf().spill()->bytes_written(), 64U);
    EXPECT_EQ(bench.leaf().spill()->occupancy().level(), 64U);
  });
}

TEST(Case17Spill, AVoqStaysDramBoundAboveTheRecoveryThreshold) {
  in_child([] {
    LeafBench bench(spilling());
    const Cycle filled = fill(bench, 601, 100);
    // 601 packets less 405 and one of 64 B: 200,768 B; one less: 199,744 B.
    const Cycle first = filled + 1000;
    const Cycle second = first + 20'000;
    bench.fabric().send(first, control(FrameKind::credit, 0, 405));
    bench.host(0).send(first + 15'000, packet(0, 64));
    bench.fabric().send(second, control(FrameKind::credit, 0, 406));
    bench.run(first + 19'000);
    EXPECT_EQ(bench.leaf().spill()->bytes_written(), stored + 64U);
    bench.run(second + 4000);
    EXPECT_TRUE(bench.leaf().spill()->dram_bound(voq)) << "199,744 B";
  });
}

TEST(Case17Spill, ItReturnsToSramExactlyAtTheRecoveryThreshold) {
  in_child([] {
    LeafBench bench(spilling());
    const Cycle filled = fill(bench, 601, 100);
    const Cycle first = filled + 1000;
    const Cycle second = first + 20'000;
    bench.fabric().send(first, control(FrameKind::credit, 0, 405));
    bench.fabric().send(second, control(FrameKind::credit, 0, 406));
    bench.host(0).send(second + 5000, packet(0, 64));
    bench.run(first + 19'000);
    EXPECT_TRUE(bench.leaf().spill()->dram_bound(voq)) << "200,704 B";
    bench.run(second + 4000);
    EXPECT_FALSE(bench.leaf().spill()->dram_bound(voq)) << "199,680 B";
    bench.run(second + 7000);
    EXPECT_EQ(bench.leaf().spill()->bytes_written(), stored) << "the new packet stays in SRAM";
  });
}

TEST(Case17Spill, TheMemoryIsAskedForNoMoreThanItsShare) {
  for (const bool slower : {false, true}) {
    in_child([=] {
      ScheduledConfig config = spilling();
      config.hbm.dram_bound = 0_B;
      config.hbm.recovery = 0_B;
      if (slower) config.hbm.rate = 30_Gbps;
      LeafBench bench(config);
      fill(bench, 1500, 100);
      for (unsigned n = 0; n < 1500; ++n) bench.host(1).send(100 + 21 * n, packet(1));
      const auto asked = [&] {
        const HbmCounts counts = bench.hbm().counts();
        return static_cast<double>(counts.bytes_read + counts.bytes_written);
      };
      bench.run(10'000);
      const double before = asked();
      bench.run(30'000);
      // 30 % of two ports of 50 B per cycle: 30 B per cycle. Packets come at 98 B per cycle.
      const double rate = slower ? 3.75 : 30;
      EXPECT_NEAR(asked() - before, 20'000 * rate, stored);
    });
  }
}

// --- each step in its cycle
// -----------------------------------------------------------------------

/// Everything spills, and nothing is due: no refresh is near.
ScheduledConfig always_spilling() {
  ScheduledConfig config = spilling();
  config.hbm.dram_bound = 0_B;
  config.hbm.recovery = 0_B;
  config.hbm.memory.refresh_interval = 1_ms;
  return config;
}

TEST(SpillTiming, APacketIsWrittenAndReadInItsCycles) {
  in_child([] {
    LeafBench bench(always_spilling());
    bench.host(0).send(100, packet(0));
    const Cycle joined = 100 + 21 + cable + 20;
    // The memory sees the request one cycle later: four stripes on four channels, each tRCDwr,
    // write latency, 256 B; the leaf sees the response one cycle after it.
    const Cycle in_memory = joined + 1 + 14 + 7 + 8 + 1;
    bench.fabric().send(1000, control(FrameKind::credit, 0, 1));
    const Cycle credited = 1000 + 1 + cable + 10;
    // The rows are open.
    const Cycle back = credited + 1 + 22 + 8 + 1;

    bench.run(in_memory - 1);
    EXPECT_EQ(bench.leaf().spill()->occupancy().level(), 0U);
    bench.run(in_memory);
    EXPECT_EQ(bench.leaf().spill()->occupancy().level(), stored);
    EXPECT_EQ(bench.leaf().buffers()[0].occupancy->level(), 0U) << "ingress SRAM";
    bench.run(credited);
    EXPECT_EQ(bench.leaf().buffers()[0].occupancy->level(), stored) << "room for the read";
    bench.run(back - 1);
    EXPECT_EQ(bench.leaf().spill()->occupancy().level(), stored);
    EXPECT_TRUE(bench.fabric().starts(FrameKind::cell).empty());
    bench.run(back + 100);
    EXPECT_EQ(bench.leaf().spill()->occupancy().level(), 0U);
    EXPECT_EQ(bench.fabric().starts(FrameKind::cell).front(), back);
    const PacketRecord& record = bench.packets()[0];
    EXPECT_EQ(record.stage[static_cast<unsigned>(Stage::voq_queue)], in_memory - joined);
    EXPECT_EQ(record.stage[static_cast<unsigned>(Stage::hbm)], back - in_memory);
    EXPECT_EQ(record.stage[static_cast<unsigned>(Stage::credit_wait)], 0U);
    bench.leaf().spill()->verify(true, "leaf");
  });
}

TEST(SpillTiming, APacketThatIsDueWhenItsWriteEndsStaysInSram) {
  // The write of a packet that joins at 148 ends at 179: credits in the cycles around that.
  for (const Cycle credited : {178U, 179U, 180U}) {
    in_child([=] {
      LeafBench bench(always_spilling());
      bench.host(0).send(100, packet(0));
      bench.fabric().send(credited - 1 - cable - 10, control(FrameKind::credit, 0, 1));
      bench.run(2000);
      const Cycle start = bench.fabric().starts(FrameKind::cell).front();
      if (credited < 179) {
        EXPECT_EQ(start, 179U) << "when the write is done, and not read back";
        EXPECT_EQ(bench.leaf().spill()->bytes_written(), 0U);
      } else {
        EXPECT_EQ(start, 178U + 8 + 22 + 8 + 1) << "end of write data, tWTR, read, the leaf";
        EXPECT_EQ(bench.leaf().spill()->bytes_written(), stored);
      }
      EXPECT_EQ(bench.leaf().buffers()[0].occupancy->level(), 0U);
      bench.leaf().spill()->verify(true, "leaf");
    });
  }
}

TEST(SpillTiming, ThePacketsOfAVoqKeepTheirOrder) {
  in_child([] {
    ScheduledConfig config = spilling();
    config.hbm.dram_bound = 20_KiB;
    config.hbm.recovery = 10_KiB;
    config.hbm.read_buffer = 4_KiB;
    LeafBench bench(config);
    const Cycle filled = fill(bench, 300, 100);
    Cycle at = 3000;
    for (std::uint32_t n = 1; n <= 300; ++n) {
      bench.fabric().send(at, control(FrameKind::credit, 0, n));
      at += n < 100 ? 60 : 30;
    }
    bench.run(std::max(at, filled) + 20'000);
    std::vector<std::uint32_t> order;
    for (const Seen& seen : bench.fabric().started()) {
      const bool last = seen.frame.kind == FrameKind::cell && seen.frame.packet != no_packet;
      if (last) order.push_back(seen.frame.packet);
    }
    EXPECT_EQ(order.size(), 300U);
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end())) << "records are numbered on sending";
    EXPECT_GT(bench.leaf().spill()->bytes_written(), 100U * stored);
    EXPECT_EQ(bench.leaf().spill()->bytes_written(), bench.leaf().spill()->bytes_read());
    bench.leaf().verify(false);
    bench.leaf().spill()->verify(true, "leaf");
  });
}

TEST(SpillTiming, AFullMemoryLeavesPacketsInSram) {
  in_child([] {
    ScheduledConfig config = always_spilling();
    config.hbm.memory.channels = 1;
    config.hbm.memory.banks = 1;
    config.hbm.memory.capacity = 64_KiB;
    config.hbm.memory.row = 2_KiB;
    LeafBench bench(config);  // packets of 9,100 B at most: seven blocks of 9,216 B
    fill(bench, 20, 100);
    bench.run(20'000);
    EXPECT_EQ(bench.leaf().spill()->occupancy().level(), 7U * stored);
    EXPECT_EQ(bench.leaf().buffers()[0].occupancy->level(), 13U * stored);
  });
}

// --- whole fabrics
// --------------------------------------------------------------------------------

std::string incast(const std::string& scheduled, const std::string& more = "") {
  return "name: spill\nswitch: scheduled\nfabric: {leaves: 3, spines: 2, hosts_per_leaf: 4}\n"
         "workload: {pattern: incast, senders: 8, message: 1 MB}\nnic: {window: 2 MB}\n"
         "scheduled: {" +
         scheduled + "}\n" + more;
}

TEST(Spill, AnIncastGoesThroughTheMemoryAndEndsInTime) {
  const ScenarioRun sram = run_scenario(incast("buffer: 64 MB"));
  const ScenarioRun hbm = run_scenario(incast("buffer: 64 MB, spill: hbm"));
  ASSERT_EQ(hbm.exit_code, 0) << hbm.explanation;
  EXPECT_EQ(sram.number("buffers.total.hbm.peak_bytes"), 0);
  EXPECT_GT(hbm.number("buffers.total.hbm.peak_bytes"), 1e6);
  EXPECT_GT(hbm.number("buffers.leaf0.hbm.mean_bytes"), 0);
  EXPECT_LT(hbm.number("buffers.total.ingress.peak_bytes"),
            sram.number("buffers.total.ingress.peak_bytes"));
  EXPECT_GT(hbm.number("latency_stage_ns.hbm.mean"), 0);
  EXPECT_EQ(hbm.number("packets.dropped"), 0);
  EXPECT_NEAR(hbm.number("messages.completion_ns.max"), sram.number("messages.completion_ns.max"),
              0.01 * sram.number("messages.completion_ns.max"));
}

TEST(Spill, NothingChangesUntilAVoqIsLong) {
  const std::string quiet =
      "name: spill\nswitch: scheduled\nfabric: {leaves: 3, spines: 2, hosts_per_leaf: 4}\n"
      "workload: {pattern: permutation, message: 200 KB}\n";
  const ScenarioRun without = run_scenario(quiet);
  const ScenarioRun with = run_scenario(quiet + "scheduled: {spill: hbm}\n");
  EXPECT_EQ(without.hash(), with.hash());
}

TEST(Spill, AFullSramPausesHostsOrDropsAsTheClassSays) {
  const std::string small = "buffer: 2 MB, spill: hbm, hbm: {dram_bound: 50 KB, rate: 50 Gbps}";
  const ScenarioRun lossless = run_scenario(incast(small));
  ASSERT_EQ(lossless.exit_code, 0) << lossless.explanation;
  EXPECT_EQ(lossless.number("packets.dropped"), 0);
  EXPECT_GT(lossless.number("latency_stage_ns.paused.mean"), 0);
  EXPECT_GT(lossless.number("buffers.total.hbm.peak_bytes"), 0);
  const ScenarioRun lossy = run_scenario(incast(
      small, "classes: [{lossless: false}, {scheduling: strict}]\nmeasure: {deadline: 2 ms}\n"));
  EXPECT_GT(lossy.number("packets.dropped"), 0);
}

TEST(Spill, TheOrderOfDevicesAndIdleSkippingDoNotMatter) {
  const std::string text = incast(
      "buffer: 3 MB, spill: hbm, hbm: {dram_bound: 30 KB, rate: 200 Gbps, channels: 2, queue: 4}");
  const ScenarioRun plain = run_scenario(text);
  ASSERT_EQ(plain.exit_code, 0) << plain.explanation;
  EXPECT_GT(plain.number("buffers.total.hbm.peak_bytes"), 1e5);
  RunOptions shuffled;
  shuffled.shuffle_devices = true;
  EXPECT_EQ(run_scenario(text, shuffled).hash(), plain.hash());
  RunOptions every_cycle;
  every_cycle.wake_every_cycle = true;
  EXPECT_EQ(run_scenario(text, every_cycle).hash(), plain.hash());
}

}  // namespace
}  // namespace heddle::testing
