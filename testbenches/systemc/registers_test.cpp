// Registers of a running fabric, read and written by an outside TLM-2.0 initiator: what they say at
// the end is what the results say, reading changes nothing, thresholds do, and the doorbell sends.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "engine/child_process.h"
#include "engine/loader.h"
#include "kernel/device.h"
#include "own_stack.h"
#include "register_bus.h"
#include "scenario_run.h"

namespace heddle::testing {
namespace {

using Json = nlohmann::ordered_json;

/// What a script can do: everything through the bus, with names instead of addresses.
class Desk {
 public:
  Desk(RegisterBus& bus, EmbeddedFabric& fabric, std::vector<std::string> devices, Json& notes)
      : seen(notes), devices_(std::move(devices)), bus_(bus), fabric_(fabric) {}

  Json& seen;  ///< for the test, which runs in another process

  const std::vector<std::string>& devices() const { return devices_; }
  const RegisterMap& map(const std::string& device) { return fabric_.registers(device); }

  std::uint64_t read(const std::string& device, const std::string& block, const std::string& name,
                     unsigned i = 0) {
    const std::uint64_t address = address_of(map(device), block, name, i);
    return bus_.read(number(device), address, map(device).find(address).declared->bytes);
  }
  /// By the debugger: also after the run.
  std::uint64_t look(const std::string& device, const std::string& block, const std::string& name,
                     unsigned i = 0) {
    const std::uint64_t address = address_of(map(device), block, name, i);
    return bus_.debug_read(number(device), address, map(device).find(address).declared->bytes);
  }
  void write(const std::string& device, const std::string& block, const std::string& name,
             std::uint64_t value) {
    const std::uint64_t address = address_of(map(device), block, name);
    bus_.write(number(device), address, map(device).find(address).declared->bytes, value);
  }
  /// Everything that can be read.
  void read_all() {
    for (const std::string& device : devices_) {
      for (const RegisterBlock& block : map(device).blocks()) {
        for (unsigned i = 0; i < block.count; ++i) read_all(number(device), block, i);
      }
    }
  }
  void post(const std::string& host, std::uint64_t destination, std::uint64_t bytes,
            std::uint64_t traffic_class = 0) {
    write(host, "doorbell", "destination", destination);
    write(host, "doorbell", "traffic_class", traffic_class);
    write(host, "doorbell", "bytes", bytes);
    write(host, "doorbell", "ring", 1);
  }
  void wait_until(double ns) { bus_.wait_until(ns); }
  /// Any access, right or wrong.
  tlm::tlm_response_status respond(const std::string& device, const RegisterBus::Access& access) {
    return bus_.access(number(device), access).response;
  }

 private:
  void read_all(unsigned device, const RegisterBlock& block, unsigned i) {
    for (const Register& declared : block.registers) {
      for (unsigned j = 0; declared.read && j < declared.count; ++j) {
        bus_.read(device, block.base + i * block.stride + declared.offset + j * declared.stride,
                  declared.bytes);
      }
    }
  }
  unsigned number(const std::string& device) const {
    const auto found = std::find(devices_.begin(), devices_.end(), device);
    return static_cast<unsigned>(found - devices_.begin());
  }

  std::vector<std::string> devices_;
  RegisterBus& bus_;
  EmbeddedFabric& fabric_;
};

using Script = std::function<void(Desk&)>;

std::vector<Device*> all_devices() {
  std::vector<Device*> devices;
  for (sc_core::sc_object* object : sc_core::sc_get_top_level_objects()) {
    if (auto* const device = dynamic_cast<Device*>(object)) devices.push_back(device);
  }
  return devices;
}

/// Runs the scenario with `script` beside it and `at_end` behind it; what they note is found in the
/// results as `seen`.
ScenarioRun run_with(const std::string& yaml, const Script& script, const Script& at_end = {},
                     const RunOptions& options = {}) {
  const auto embedded = [&](const Scenario& scenario, const RunOptions& given) {
    Json seen;
    Desk* desk = nullptr;
    RegisterBus bus([&](RegisterBus&) { script(*desk); });
    RunOptions with = given;
    with.outside_busy = [&bus] { return !bus.done(); };
    EmbeddedFabric fabric(scenario, with);
    std::vector<std::string> names;
    for (Device* device : all_devices()) {
      names.push_back(device->path());
      bus.attach(device->csr());
    }
    Desk at_desk(bus, fabric, names, seen);
    desk = &at_desk;
    RunOutcome outcome = fabric.run();
    return_to_own_stack();
    if (at_end) at_end(at_desk);
    outcome.results["seen"] = seen;
    return outcome;
  };
  ChildProcess child(load_text(yaml, "scenario of this test").front(), options, embedded, {});
  while (child.receive([](const Progress&) {})) {
  }
  const ChildProcess::End end = child.end();
  ScenarioRun result{end.exit_code, end.explanation, {}};
  if (end.outcome) result.results = end.outcome->results;
  return result;
}

const Script nothing = [](Desk&) {};

const std::string scheduled = R"(
name: registers
workload: {pattern: incast, senders: 4, message: 200 KiB}
fabric: {leaves: 2, spines: 2, hosts_per_leaf: 4}
switch: scheduled
)";
const std::string congested = R"(
name: registers
workload: {pattern: incast, senders: 6, message: 400 KiB}
fabric: {leaves: 2, spines: 2, hosts_per_leaf: 4}
switch: adaptive
adaptive: {ecn: {kmin: 20 KiB, kmax: 60 KiB}}
nic: {receive: selective_repeat, congestion_control: dcqcn}
)";
const std::string lossy = R"(
name: registers
workload: {pattern: incast, senders: 6, message: 100 KiB}
fabric: {leaves: 2, spines: 2, hosts_per_leaf: 4}
classes:
  - {lossless: false}
  - {scheduling: strict}
switch: adaptive
adaptive: {memory: {buffer: 1 MB, alpha_lossy: 0.125, headroom: 20 KB}}
nic: {receive: selective_repeat, retransmission_timeout: 50 us}
)";

const std::string spilling = R"(
name: registers
workload: {pattern: incast, senders: 3, receivers: 2, message: 1 MB}
fabric: {leaves: 2, spines: 2, hosts_per_leaf: 4}
switch: scheduled
scheduled: {spill: hbm, hbm: {dram_bound: 100 KiB, recovery: 50 KiB, channels: 1, banks: 2}}
nic: {window: 1 MB}
)";
const std::string failing = R"(
name: registers
workload: {pattern: permutation, permutation: shift, shift: 4, message: 1 MB}
fabric: {leaves: 2, spines: 2, hosts_per_leaf: 4}
switch: adaptive
adaptive: {detection_delay: 2 us, withdrawal_delay: 3 us}
nic: {receive: out_of_order_placement, retransmission_timeout: 30 us}
events:
  - {at: 5 us, action: fail, link: leaf0*-spine0*}
  - {at: 15 us, action: restore, link: leaf0*-spine0*}
)";
const std::string failing_scheduled = R"(
name: registers
workload: {pattern: permutation, permutation: shift, shift: 4, message: 1 MB}
fabric: {leaves: 2, spines: 2, hosts_per_leaf: 4}
switch: scheduled
scheduled: {reachability_period: 1 us, reachability_watchdog: 4 us, reassembly_timeout: 8 us}
nic: {receive: selective_repeat, retransmission_timeout: 30 us}
events: {at: 5 us, action: fail, link: leaf0*-spine0*}
)";

/// Of all devices with such a register, summed over its array.
std::uint64_t sum(Desk& desk, const std::string& block, const std::string& name) {
  std::uint64_t total = 0;
  for (const std::string& device : desk.devices()) {
    for (const RegisterBlock& b : desk.map(device).blocks()) {
      if (b.name != block) continue;
      for (const Register& r : b.registers) {
        if (r.name != name) continue;
        for (unsigned i = 0; i < b.count; ++i) total += desk.look(device, block, name, i);
      }
    }
  }
  return total;
}

/// Notes every figure of the results that registers know, from the registers.
void note_counters(Desk& desk) {
  const auto note = [&](const char* result, const char* block,
                        std::initializer_list<const char*> names) {
    std::uint64_t total = 0;
    for (const char* name : names) total += sum(desk, block, name);
    desk.seen["sums"][result] = total;
  };
  note("packets.injected", "counters", {"packets_sent"});
  note("packets.retransmitted", "counters", {"packets_repeated"});
  note("packets.answers", "counters", {"answers_sent"});
  note("packets.notifications", "counters", {"notifications"});
  note("packets.time_outs", "counters", {"time_outs"});
  note("packets.marked", "counters", {"packets_marked"});
  note("packets.trimmed", "counters", {"packets_trimmed"});
  note("packets.dropped", "counters",
       {"packets_dropped_threshold", "packets_dropped_pool", "packets_dropped_headroom",
        "packets_dropped_unreachable", "packets_unreachable", "packets_incomplete"});
  note("packets.dropped_by_reason.threshold", "counters", {"packets_dropped_threshold"});
  note("credits.granted", "counters", {"credits_granted"});
  desk.seen["hops"] = sum(desk, "port", "tx_frames") + sum(desk, "host_port", "tx_frames") +
                      sum(desk, "fabric_port", "tx_frames");
  for (Device* device : all_devices()) {
    const auto views = device->buffers();
    for (unsigned i = 0; i < views.size(); ++i) {
      const std::uint64_t peak = desk.look(device->path(), "buffer", "peak_bytes", i);
      if (peak != 0) desk.seen["peaks"][device->path()][views[i].queue] = peak;
    }
  }
  for (const std::string& device : desk.devices()) {
    if (desk.look(device, "device", "kind") != 5) continue;
    for (const char* name :
         {"reads", "writes", "bytes_read", "bytes_written", "row_hits", "row_misses", "turns"}) {
      desk.seen["hbm"][device][name] = desk.look(device, "counters", name);
    }
  }
  note("packets.dropped_by_reason.unreachable", "counters",
       {"packets_unreachable", "packets_dropped_unreachable"});
  note("packets.dropped_by_reason.incomplete", "counters", {"packets_incomplete"});
  for (const char* port : {"port", "host_port", "fabric_port"}) {
    for (const char* what : {"rx_frames_lost", "rx_bytes_lost"}) {
      desk.seen[what] = desk.seen.value(what, 0) + sum(desk, port, what);
    }
  }
  desk.seen["held"] = sum(desk, "device", "frames_held");
  desk.seen["received"] = sum(desk, "device", "frames_received");
}

ScenarioRun expect_counters_equal_results(const std::string& yaml, const Script& script = nothing) {
  const ScenarioRun run = run_with(yaml, script, note_counters);
  EXPECT_EQ(run.exit_code, 0) << run.explanation;
  if (run.exit_code != 0) return run;
  for (const auto& [result, value] : run.results.at("seen").at("sums").items()) {
    // What links have lost is counted by ports, in frames.
    const bool also_on_links = result == std::string("packets.dropped");
    EXPECT_EQ(
        value.get<double>() + (also_on_links ? run.number("packets.dropped_by_reason.link") : 0),
        run.number(result))
        << result;
  }
  EXPECT_EQ(run.number("seen.hops"), run.number("run.frame_hops"));
  EXPECT_EQ(run.number("seen.received") + run.number("seen.rx_frames_lost"),
            run.number("run.frame_hops"));
  EXPECT_EQ(run.number("seen.held"), 0);
  std::size_t queues = 0;
  for (const auto& [device, of_device] : run.results.at("buffers").items()) {
    if (device == "total") continue;
    for (const auto& [queue, figures] : of_device.items()) {
      EXPECT_EQ(run.results.at("seen").at("peaks").at(device).at(queue), figures.at("peak_bytes"))
          << device << ' ' << queue;
      ++queues;
    }
  }
  EXPECT_GT(queues, 4U);
  return run;
}

TEST(Registers, CountersOfTheScheduledFabricEqualItsResults) {
  expect_counters_equal_results(scheduled);
}
TEST(Registers, CountersOfAMarkingSwitchEqualItsResults) {
  expect_counters_equal_results(congested);
}
TEST(Registers, CountersOfADroppingSwitchEqualItsResults) { expect_counters_equal_results(lossy); }

TEST(Registers, CountersOfAMemoryEqualItsResults) {
  const ScenarioRun run = expect_counters_equal_results(spilling);
  ASSERT_EQ(run.results.at("hbm").size(), 2U);
  for (const auto& [device, counters] : run.results.at("seen").at("hbm").items()) {
    for (const auto& [name, value] : counters.items()) {
      EXPECT_EQ(value, run.results.at("hbm").at(device).at(name)) << device << ' ' << name;
    }
    // All that was read had been written; a packet that is due when its write ends is not read.
    EXPECT_LE(counters.at("reads"), counters.at("writes"));
    EXPECT_GT(counters.at("reads"), 0);
    EXPECT_GT(counters.at("row_hits"), 0);
    EXPECT_GT(counters.at("row_misses"), 0);
  }
}

TEST(Registers, AMemoryIsSeenAtWork) {
  const ScenarioRun run = run_with(spilling, [](Desk& desk) {
    const char* const memory = "leaf0_hbm";
    std::uint64_t deepest = 0;
    for (unsigned us = 2; us <= 40; ++us) {
      desk.wait_until(1000.0 * us + 0.5);
      const auto counter = [&](const char* name) { return desk.read(memory, "counters", name); };
      deepest = std::max({deepest, desk.read(memory, "channel", "queued_reads"),
                          desk.read(memory, "channel", "queued_writes")});
      desk.seen["busy"].push_back(counter("data_cycles"));
      desk.seen["refreshes"].push_back(counter("refreshes"));
      const auto spill = [&](const char* name) { return desk.read("leaf0", "spill", name); };
      if (spill("bytes_written") != spill("bytes_read") + spill("held_bytes")) {
        throw std::runtime_error("bytes of the memory do not add up");
      }
    }
    desk.seen["deepest"] = deepest;
    for (const char* name : {"channels", "banks", "queue_accesses", "window", "row_cycle_cycles",
                             "refresh_interval_cycles"}) {
      desk.seen["config"].push_back(desk.read(memory, "config", name));
    }
    desk.seen["kind"] = desk.read(memory, "device", "kind");
  });
  ASSERT_EQ(run.exit_code, 0) << run.explanation;
  const Json& seen = run.results.at("seen");
  EXPECT_EQ(seen.at("kind"), 5);
  EXPECT_EQ(seen.at("config").get<std::vector<unsigned>>(),
            (std::vector<unsigned>{1, 2, 32, 16, 47, 3900}));
  EXPECT_GT(seen.at("deepest"), 1);
  EXPECT_LE(seen.at("deepest"), 32);
  const auto busy = seen.at("busy").get<std::vector<std::uint64_t>>();
  EXPECT_TRUE(std::is_sorted(busy.begin(), busy.end()));
  EXPECT_GT(busy.back(), busy.front());
  // tREFI is 3,900 cycles, idle or not, and so is the one channel's first refresh.
  for (unsigned us = 2; us <= 40; ++us) EXPECT_EQ(seen.at("refreshes")[us - 2], us * 1000 / 3900);
}

TEST(Registers, AMemoryAnswersWrongAccesses) {
  const ScenarioRun run = run_with(spilling, [](Desk& desk) {
    using Access = RegisterBus::Access;
    const std::string memory = "leaf0_hbm";
    const std::uint64_t reads = address_of(desk.map(memory), "counters", "reads");
    const std::uint64_t window = address_of(desk.map(memory), "config", "window");
    const std::uint64_t channels = address_of(desk.map(memory), "channel", "queued_reads");
    const auto answer = [&](const Access& access) {
      desk.seen["answers"].push_back(desk.respond(memory, access));
    };
    desk.wait_until(5000.5);
    answer({tlm::TLM_READ_COMMAND, reads, 8});
    Access enabled{tlm::TLM_READ_COMMAND, reads, 8};
    enabled.byte_enables = true;
    answer(enabled);
    Access narrow{tlm::TLM_READ_COMMAND, reads, 8};
    narrow.streaming_width = 4;
    answer(narrow);
    answer({tlm::TLM_READ_COMMAND, reads, 2});
    answer({tlm::TLM_READ_COMMAND, window, 8});           // 32 bits
    answer({tlm::TLM_READ_COMMAND, reads + 0x60, 4});     // behind the counters
    answer({tlm::TLM_READ_COMMAND, channels + 0x40, 4});  // there is one channel
    answer({tlm::TLM_WRITE_COMMAND, reads, 8});
    answer({tlm::TLM_WRITE_COMMAND, window, 4});  // 0 is out of bounds
    desk.seen["window"] = desk.read(memory, "config", "window");
  });
  ASSERT_EQ(run.exit_code, 0) << run.explanation;
  EXPECT_EQ(run.results.at("seen").at("answers").get<std::vector<int>>(),
            (std::vector<int>{tlm::TLM_OK_RESPONSE, tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE,
                              tlm::TLM_BURST_ERROR_RESPONSE, tlm::TLM_BURST_ERROR_RESPONSE,
                              tlm::TLM_BURST_ERROR_RESPONSE, tlm::TLM_ADDRESS_ERROR_RESPONSE,
                              tlm::TLM_ADDRESS_ERROR_RESPONSE, tlm::TLM_COMMAND_ERROR_RESPONSE,
                              tlm::TLM_GENERIC_ERROR_RESPONSE}));
  EXPECT_EQ(run.results.at("seen").at("window"), 16);
  EXPECT_EQ(run.hash(), run_scenario(spilling).hash());
}

/// leaf0's port 4 leads to spine0, whose port 0 leads back; leaf1's port 4 leads to spine0 too.
TEST(Registers, ASwitchShowsWhatFailedAndWhatItHasNoticed) {
  const ScenarioRun run = expect_counters_equal_results(failing, [](Desk& desk) {
    const auto look = [&](double ns) {
      desk.wait_until(ns);
      desk.seen["states"].push_back({desk.read("spine0", "port", "rx_up", 0),
                                     desk.read("leaf0", "port", "in_use", 4),
                                     desk.read("leaf1", "port", "withdrawn", 4)});
    };
    for (const double change : {5000, 7000, 10'000, 15'000, 17'000, 20'000}) {
      look(change - 0.5);
      look(change + 0.5);
    }
  });
  ASSERT_EQ(run.exit_code, 0) << run.explanation;
  using States = std::vector<std::vector<unsigned>>;
  EXPECT_EQ(run.results.at("seen").at("states").get<States>(),
            (States{{1, 1, 0},
                    {0, 1, 0},  // fails
                    {0, 1, 0},
                    {0, 0, 0},  // noticed after 2 us
                    {0, 0, 0},
                    {0, 0, 1},  // leaf1 stops sending to leaf0 that way
                    {0, 0, 1},
                    {1, 0, 1},  // is back
                    {1, 0, 1},
                    {1, 1, 1},  // noticed
                    {1, 1, 1},
                    {1, 1, 0}}))  // and told
      << "up, in use, withdrawn";
  EXPECT_GT(run.number("seen.rx_frames_lost"), 0);
  EXPECT_EQ(run.number("seen.rx_frames_lost"), run.number("events.0.frames_lost"));
  EXPECT_GT(run.number("seen.rx_bytes_lost"), run.number("seen.rx_frames_lost"));
}

TEST(Registers, ALeafAndAnElementShowWhichLinksTheyHear) {
  const ScenarioRun run = expect_counters_equal_results(failing_scheduled, [](Desk& desk) {
    const auto look = [&](double ns) {
      desk.wait_until(ns);
      desk.seen["states"].push_back({desk.read("leaf0", "fabric_port", "rx_up", 0),
                                     desk.read("leaf0", "fabric_port", "rx_heard", 0),
                                     desk.read("leaf0", "fabric_port", "in_use", 0),
                                     desk.read("spine0", "port", "rx_heard", 0),
                                     desk.read("spine0", "port", "in_use", 0),
                                     desk.read("leaf0", "fabric_port", "in_use", 1)});
    };
    look(4999.5);
    look(5000.5);
    look(8000.5);  // the last frames came at 4 us at the earliest
    look(10'500);  // and at 5 us and their latency at the latest
  });
  ASSERT_EQ(run.exit_code, 0) << run.explanation;
  using States = std::vector<std::vector<unsigned>>;
  EXPECT_EQ(
      run.results.at("seen").at("states").get<States>(),
      (States{{1, 1, 1, 1, 1, 1}, {0, 1, 1, 1, 1, 1}, {0, 1, 1, 1, 1, 1}, {0, 0, 0, 0, 0, 1}}));
  EXPECT_GT(run.number("packets.dropped_by_reason.incomplete"), 0);
  EXPECT_EQ(run.number("seen.rx_frames_lost"), run.number("events.0.frames_lost"));
}

TEST(Registers, TheScenariosOfThisTestMarkAndDrop) {
  EXPECT_GT(run_scenario(congested).number("packets.marked"), 0);
  EXPECT_GT(run_scenario(congested).number("packets.notifications"), 0);
  EXPECT_GT(run_scenario(lossy).number("packets.dropped"), 0);
  EXPECT_GT(run_scenario(lossy).number("packets.retransmitted"), 0);
}

TEST(Registers, CountersGrowDuringTheRunAndKeepTheLawOfFrames) {
  const ScenarioRun run = run_with(scheduled, [](Desk& desk) {
    for (unsigned us = 1; us <= 12; ++us) {
      desk.wait_until(1000.0 * us + 0.5);
      std::uint64_t received = 0;
      for (const std::string& device : desk.devices()) {
        const auto frames = [&](const char* what) { return desk.read(device, "device", what); };
        const std::uint64_t in = frames("frames_received") + frames("frames_created");
        const std::uint64_t out = frames("frames_sent") + frames("frames_consumed") +
                                  frames("frames_dropped") + frames("frames_held");
        if (in != out) throw std::runtime_error(device + ": frames do not add up");
        received += frames("frames_received");
      }
      desk.seen["received"].push_back(received);
      desk.seen["cycle"].push_back(desk.read("host0", "device", "cycle"));
    }
  });
  ASSERT_EQ(run.exit_code, 0) << run.explanation;
  const auto received = run.results["seen"]["received"].get<std::vector<std::uint64_t>>();
  for (std::size_t i = 1; i < received.size(); ++i) EXPECT_GT(received[i], received[i - 1]);
  EXPECT_EQ(run.results["seen"]["cycle"][4], 5000);
}

TEST(Registers, WhoOnlyReadsChangesNothing) {
  for (const std::string& yaml :
       {scheduled, congested, lossy, spilling, failing, failing_scheduled}) {
    const ScenarioRun read = run_with(yaml, [](Desk& desk) {
      for (unsigned i = 1; i <= 40; ++i) {
        desk.wait_until(250.0 * i + (i % 2 == 0 ? 0.5 : 0));
        desk.read_all();
      }
    });
    ASSERT_EQ(read.exit_code, 0) << read.explanation;
    EXPECT_EQ(read.hash(), run_scenario(yaml).hash());
  }
}

/// Writes one register in the middle of the run.
struct Written {
  const char* yaml;
  std::string device;
  std::string name;
  std::uint64_t value;
  const char* block = "config";
};

void PrintTo(const Written& written, std::ostream* out) {
  *out << written.device << ' ' << written.name;
}

class WrittenRegister : public ::testing::TestWithParam<Written> {};

TEST_P(WrittenRegister, ChangesTheRunTheSameEveryTime) {
  const Written& what = GetParam();
  const Script script = [&](Desk& desk) {
    desk.wait_until(3000);  // at an edge: the order of processes must not matter
    desk.write(what.device, what.block, what.name, what.value);
    desk.wait_until(3100);
    desk.seen["value"] = desk.read(what.device, what.block, what.name);
  };
  const ScenarioRun once = run_with(what.yaml, script);
  ASSERT_EQ(once.exit_code, 0) << once.explanation;
  EXPECT_EQ(once.results.at("seen").at("value"), what.value);
  EXPECT_NE(once.hash(), run_scenario(std::string(what.yaml)).hash()) << "a dead knob";
  RunOptions shuffled;
  shuffled.shuffle_devices = true;
  EXPECT_EQ(once.hash(), run_with(what.yaml, script, {}, shuffled).hash());
  RunOptions awake;
  awake.wake_every_cycle = true;
  EXPECT_EQ(once.hash(), run_with(what.yaml, script, {}, awake).hash());
}

const char* const fixed_xoff = R"(
name: registers
workload: {pattern: incast, senders: 6, message: 400 KiB}
fabric: {leaves: 2, spines: 2, hosts_per_leaf: 4}
switch: adaptive
adaptive: {memory: {xoff: 100 KB}}
)";
const char* const dynamic_xoff = R"(
name: registers
workload: {pattern: incast, senders: 6, message: 400 KiB}
fabric: {leaves: 2, spines: 2, hosts_per_leaf: 4}
switch: adaptive
adaptive: {memory: {buffer: 2 MB, alpha_lossless: 0.125}}
)";
const char* const on_the_slope = R"(
name: registers
workload: {pattern: incast, senders: 6, message: 400 KiB}
fabric: {leaves: 2, spines: 2, hosts_per_leaf: 4}
switch: adaptive
adaptive: {ecn: {kmin: 100 KiB, kmax: 10 MiB, pmax: 0.5}}
)";
const char* const crowded_element = R"(
name: registers
workload: {pattern: incast, senders: 10, message: 100 KiB}
fabric: {leaves: 3, spines: 2, hosts_per_leaf: 4, fabric_link: {rate: 100 Gbps}}
switch: scheduled
scheduled: {xoff_cells: 100, xon_cells: 50}
)";

/// Channels that serve one access after the other wait most of the time.
const char* const spilling_in_order = R"(
name: registers
workload: {pattern: incast, senders: 3, receivers: 2, message: 1 MB}
fabric: {leaves: 2, spines: 2, hosts_per_leaf: 4}
switch: scheduled
scheduled: {spill: hbm, hbm: {dram_bound: 100 KiB, channels: 2, banks: 16, stripe: 64 B, window: 1}}
nic: {window: 1 MB}
)";

/// VOQs that grow and drain again and again.
const char* const spilling_often = R"(
name: registers
workload: {pattern: uniform, load: 0.8, message: 16 KiB, duration: 50 us}
fabric: {leaves: 2, spines: 2, hosts_per_leaf: 4}
switch: scheduled
scheduled: {spill: hbm, hbm: {dram_bound: 32 KiB, recovery: 16 KiB}}
)";

const std::vector<Written> written{{scheduled.c_str(), "leaf0", "egress_threshold_bytes", 5000},
                                   {on_the_slope, "leaf0", "ecn_kmin_bytes", 1000},
                                   {on_the_slope, "leaf0", "ecn_kmax_bytes", 200'000},
                                   {on_the_slope, "leaf0", "ecn_pmax_ppm", 900'000},
                                   {lossy.c_str(), "leaf0", "alpha_lossy", 600},
                                   {dynamic_xoff, "leaf0", "alpha_lossless", 1000},
                                   {dynamic_xoff, "leaf0", "xon_offset_cells", 2},
                                   {fixed_xoff, "leaf0", "xoff_cells", 100},
                                   {crowded_element, "spine0", "xoff_cells", 20},
                                   {crowded_element, "spine0", "xon_cells", 90},
                                   {spilling_often, "leaf0", "dram_bound_bytes", 50'000, "spill"},
                                   {spilling_often, "leaf0", "recovery_bytes", 5000, "spill"},
                                   {spilling.c_str(), "leaf0_hbm", "window", 1},
                                   {spilling.c_str(), "leaf0_hbm", "batch", 1},
                                   {spilling.c_str(), "leaf0_hbm", "age_limit", 0},
                                   {scheduled.c_str(), "host1", "window_packets", 20},
                                   {congested.c_str(), "host0", "dcqcn_cnp_interval_cycles", 500},
                                   {lossy.c_str(), "host1", "retransmission_timeout_cycles", 2000}};

INSTANTIATE_TEST_SUITE_P(All, WrittenRegister, ::testing::ValuesIn(written));

/// A channel that waits for one access may serve another one at once when the window opens.
TEST(Registers, AWaitingMemoryObeysAtOnce) {
  const Script script = [](Desk& desk) {
    for (unsigned n = 0; n < 400; ++n) {
      desk.wait_until(2000 + 37.0 * n);
      desk.write("leaf0_hbm", "config", "window", n % 2 == 0 ? 16 : 1);
    }
  };
  RunOptions awake;
  awake.wake_every_cycle = true;
  const ScenarioRun run = run_with(spilling_in_order, script);
  ASSERT_EQ(run.exit_code, 0) << run.explanation;
  EXPECT_EQ(run.hash(), run_with(spilling_in_order, script, {}, awake).hash());
}

TEST(Registers, EveryWritableThresholdIsWrittenByATest) {
  for (const char* yaml : {scheduled.c_str(), congested.c_str(), fixed_xoff, spilling.c_str()}) {
    const ScenarioRun run = run_with(yaml, nothing, [](Desk& desk) {
      for (const std::string& device : desk.devices()) {
        for (const RegisterBlock& block : desk.map(device).blocks()) {
          for (const Register& r : block.registers) {
            const bool tuned = block.name == "config" || block.name == "spill";
            if (tuned && r.write) desk.seen.push_back(r.name);
          }
        }
      }
    });
    EXPECT_GT(run.results.at("seen").size(), 10U);
    for (const std::string name : run.results.at("seen")) {
      EXPECT_TRUE(std::any_of(written.begin(), written.end(), [&](const Written& w) {
        return w.name == name;
      })) << name;
    }
  }
}

// --- the doorbell -------------------------------------------------------------------------------

class DoorbellTest : public ::testing::Test {
 protected:
  /// A scenario whose workload is `entries`, and a file of one message for them.
  std::string with(const std::string& entries) const {
    return "name: doorbell\nworkload: " + entries +
           "\nfabric: {leaves: 2, spines: 2, hosts_per_leaf: 2}\n";
  }
  std::string matrix(const std::string& text) const {
    const auto folder = std::filesystem::temp_directory_path();
    const std::string path = (folder / fmt::format("heddle_doorbell_{}.cm", getpid())).string();
    std::ofstream(path) << text;
    return path;
  }
  const std::string background = "{pattern: permutation, permutation: shift, message: 100 KiB}";
};

TEST_F(DoorbellTest, APostedMessageIsAMessageOfTheFabric) {
  const std::string file = matrix("Nodes 4\nConnections 1\n0->3 start 2000000 size 50000\n");
  const ScenarioRun planned =
      run_scenario(with("[" + background + ", {pattern: file, file: " + file + "}]"));
  ASSERT_EQ(planned.exit_code, 0) << planned.explanation;

  const ScenarioRun posted = run_with(with(background), [](Desk& desk) {
    desk.wait_until(1999.5);  // the ring takes effect in cycle 2000
    desk.post("host0", 3, 50000);
    desk.wait_until(2010);
    for (const char* name : {"rings", "answer", "message", "open", "completions"}) {
      desk.seen[name] = desk.read("host0", "doorbell", name);
    }
    while (desk.read("host0", "doorbell", "completion_status") == 0) {
      sc_core::wait(100, sc_core::SC_NS);
    }
    for (const char* name : {"completion_status", "completion_message", "completion_cycle"}) {
      desk.seen[name] = desk.read("host0", "doorbell", name);
    }
    desk.seen["new"] = desk.read("host0", "doorbell", "new_completions");
    desk.seen["new_again"] = desk.read("host0", "doorbell", "new_completions");
    desk.write("host0", "doorbell", "completion_take", 1);
    sc_core::wait(2, sc_core::SC_NS);
    desk.seen["left"] = desk.read("host0", "doorbell", "completion_status") +
                        desk.read("host0", "doorbell", "completions") +
                        desk.read("host0", "doorbell", "open");
  });
  ASSERT_EQ(posted.exit_code, 0) << posted.explanation;
  EXPECT_EQ(posted.hash(), planned.hash()) << "frame for frame as if the scenario had sent it";
  EXPECT_EQ(posted.number("messages.count"), 5);
  EXPECT_EQ(posted.results.at("packets"), planned.results.at("packets"));
  EXPECT_EQ(posted.results.at("latency_ns"), planned.results.at("latency_ns"));
  const Json& seen = posted.results.at("seen");
  EXPECT_EQ(seen.at("rings"), 1);
  EXPECT_EQ(seen.at("answer"), 1);
  EXPECT_EQ(seen.at("message"), 4) << "after the four of the permutation";
  EXPECT_EQ(seen.at("open"), 1);
  EXPECT_EQ(seen.at("completions"), 0);
  EXPECT_EQ(seen.at("completion_status"), 1);
  EXPECT_EQ(seen.at("completion_message"), 4);
  EXPECT_EQ(seen.at("new"), 1);
  EXPECT_EQ(seen.at("new_again"), 0);
  EXPECT_EQ(seen.at("left"), 0);
  std::filesystem::remove(file);
}

/// The sender learns of the end when the last packet has gone there and its answer back.
TEST_F(DoorbellTest, TheCompletionCycleIsThatOfTheLastAcknowledgement) {
  const std::string yaml = R"(
name: doorbell
workload: {pattern: permutation, permutation: shift, shift: 1, message: 1 B, start: 50 us}
fabric: {topology: single, hosts: 2}
switch: adaptive
)";
  const ScenarioRun run = run_with(yaml, [](Desk& desk) {
    desk.wait_until(999.5);
    desk.post("host0", 1, 1);
    desk.wait_until(10000);
    desk.seen["took"] = desk.read("host0", "doorbell", "completion_cycle") - 1000;
  });
  ASSERT_EQ(run.exit_code, 0) << run.explanation;
  // 400 Gbps carry 50 B per cycle. There: 100 of the sending NIC, 83 B of packet, whose tail is
  // 2 cycles behind its head on each link; 50 + 450 + 50 of links and switch, 100 of the receiving
  // NIC. Back: an acknowledgement of 86 B, 50 + 450 + 50 and 100.
  const std::uint64_t there = 100 + 550 + 2 + 100;
  const std::uint64_t back = 550 + 2 + 100;
  EXPECT_EQ(run.results.at("seen").at("took"), there + back);
}

TEST_F(DoorbellTest, ARefusedRingSaysWhyAndSendsNothing) {
  const ScenarioRun run = run_with(with(background), [](Desk& desk) {
    desk.wait_until(0.5);
    const auto ring = [&](std::uint64_t destination, std::uint64_t bytes, std::uint64_t c) {
      desk.post("host0", destination, bytes, c);
      sc_core::wait(2, sc_core::SC_NS);
      desk.seen["answers"].push_back(desk.read("host0", "doorbell", "answer"));
    };
    ring(0, 100, 0);  // itself
    ring(4, 100, 0);  // no such host
    ring(1, 100, 2);  // no such class
    ring(1, 0, 0);    // no bytes
    for (unsigned i = 0; i < 65; ++i) ring(1, 1, 0);
    desk.wait_until(100'000);
    desk.seen["complete"] = desk.read("host0", "doorbell", "completions");
    ring(1, 1, 0);  // nobody has taken the completions
    desk.write("host0", "doorbell", "completion_take", 1);
    ring(1, 1, 0);
  });
  ASSERT_EQ(run.exit_code, 0) << run.explanation;
  std::vector<unsigned> expected{2, 2, 3, 4};
  expected.insert(expected.end(), 64, 1);
  expected.insert(expected.end(), {5, 5, 1});
  EXPECT_EQ(run.results.at("seen").at("answers").get<std::vector<unsigned>>(), expected);
  EXPECT_EQ(run.results.at("seen").at("complete"), 64);
  EXPECT_EQ(run.number("messages.count"), 4 + 65);
}

TEST_F(DoorbellTest, IdsOfOpenLoopStreamsAndDoorbellsAreDistinct) {
  const std::string uniform =
      with("{pattern: uniform, load: 0.2, message: 4 KiB, duration: 20 us}");
  const ScenarioRun plain = run_scenario(uniform);
  const ScenarioRun run = run_with(uniform, [](Desk& desk) {
    for (unsigned i = 1; i <= 5; ++i) {
      desk.wait_until(3000.0 * i);
      for (unsigned host = 0; host < 4; ++host) {
        desk.post(fmt::format("host{}", host), (host + i % 3 + 1) % 4, 10'000);
      }
    }
  });
  ASSERT_EQ(run.exit_code, 0) << run.explanation;
  EXPECT_EQ(run.number("messages.count"), plain.number("messages.count") + 20);
}

TEST_F(DoorbellTest, DatagramsAreCompleteWhenSent) {
  const ScenarioRun run = run_with(
      with(background) + "switch: adaptive\nnic: {receive: unreliable_datagram}\n", [](Desk& desk) {
        desk.wait_until(30'000);
        desk.post("host0", 3, 10'000);
        desk.wait_until(35'000);
        desk.seen["status"] = desk.read("host0", "doorbell", "completion_status");
        const std::uint64_t window = address_of(desk.map("host0"), "config", "window_packets");
        desk.seen["window_is_fixed"] =
            desk.map("host0").find(window).declared->access == RegisterAccess::read_only;
      });
  ASSERT_EQ(run.exit_code, 0) << run.explanation;
  EXPECT_EQ(run.results.at("seen").at("status"), 2);
  EXPECT_EQ(run.results.at("seen").at("window_is_fixed"), true);
  EXPECT_EQ(run.number("messages.count"), 5);
}

TEST(EmbeddedFabric, AnUnknownDeviceIsRefusedByName) {
  const ScenarioRun run = run_with(scheduled, nothing, [](Desk& desk) { desk.map("host99"); });
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_NE(run.explanation.find("host99"), std::string::npos) << run.explanation;
}

}  // namespace
}  // namespace heddle::testing
