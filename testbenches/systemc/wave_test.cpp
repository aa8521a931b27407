// Waves of whole runs: they say what the results say, in every window the same, and disturb
// nothing.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <numeric>
#include <set>

#include "engine/loader.h"
#include "engine/trace_selection.h"
#include "engine/wave_trace.h"
#include "engine/wave_worst.h"
#include "scenario_run.h"
#include "vcd_reader.h"

namespace heddle::testing {
namespace {

namespace fs = std::filesystem;

constexpr const char* incast = R"(
name: waves
seed: 3
workload: {pattern: incast, senders: 3, receivers: 1, message: 64 KiB}
fabric: {topology: leaf_spine, leaves: 2, spines: 2, hosts_per_leaf: 2}
)";
const std::string scheduled = std::string(incast) + "switch: scheduled\n";
const std::string adaptive = std::string(incast) + "switch: adaptive\n";

const std::string torus =
    "name: waves\nseed: 3\nswitch: torus\nfabric: {topology: torus, x: 3, y: 2, clock: 2.4 GHz}\n"
    "workload: {pattern: uniform, load: 0.7, message: 512 B, duration: 1500 ns}\n"
    "measure: {deadline: 5 us}\n";

std::string content(const fs::path& file) {
  std::ifstream input(file);
  return {std::istreambuf_iterator<char>(input), {}};
}

class Waves : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(::testing::TempDir()) / ("waves_" + std::to_string(getpid()));
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  /// Runs `yaml` with waves of what `globs` match.
  ScenarioRun run(const std::string& yaml, const std::vector<std::string>& globs = {"*"},
                  const std::string& window = "", RunOptions options = {}) {
    const std::vector<Scenario> scenarios = load_text(yaml, "scenario of this test");
    options.trace = select_trace({globs, window}, scenarios.front(), folder_);
    file_ = options.trace->file;
    ScenarioRun result = run_scenario(scenarios.front(), options);
    EXPECT_EQ(result.exit_code, 0) << result.explanation;
    return result;
  }

  Vcd waves() const { return read_vcd(file_); }

  fs::path folder_;
  fs::path file_;
};

/// Bytes of all frames that started on the link with these signals.
std::uint64_t started_bytes(const Vcd& waves, const std::string& link) {
  std::uint64_t sum = 0;
  for (const auto& [time, happened] : waves[link + "start"].changes) {
    sum += waves[link + "bytes"].number_at(time);
  }
  return sum;
}

/// Scopes of links, each with a dot at its end.
std::vector<std::string> links_of(const Vcd& waves) {
  std::vector<std::string> links;
  for (const auto& [path, signal] : waves.signals) {
    const std::size_t end = path.rfind(".start");
    if (end != std::string::npos) links.push_back(path.substr(0, end + 1));
  }
  return links;
}

/// "leaf0.4-spine0.0" as waves call it.
std::string scope_of(const std::string& link) {
  std::string scope = "heddle." + link.substr(0, link.find_first_of(".-")) + ".";
  for (const char c : link) scope += c == '-' ? "_to_" : std::string(1, c == '.' ? '_' : c);
  return scope + ".";
}

// A packet of 100 B is 182 B on the link, 3.64 cycles at 50 B a cycle; it starts after the NIC's
// 100 ns. "packet" is 70 61 63 6b 65 74 in ASCII.
TEST_F(Waves, OfOnePacket) {
  run("workload: {pattern: incast, senders: 1, receivers: 1, message: 100 B}\n"
      "fabric: {topology: single, hosts: 2}\nswitch: adaptive\n",
      {"host1-*"}, "90 ns..120 ns");
  const std::string idle = "bz #\nbz $\nbz %\nbz &\nbz '\nbz (\nbz )\n";
  EXPECT_EQ(content(file_),
            "$version heddle 0.1.0 $end\n"
            "$comment scenario of this test, adaptive, seed 1 $end\n"
            "$timescale 1 ps $end\n"
            "$scope module heddle $end\n"
            "$scope module host1 $end\n"
            "$scope module host1_to_leaf0 $end\n"
            "$var wire 1 ! valid $end\n"
            "$var event 1 \" start $end\n"
            "$var wire 48 # kind [47:0] $end\n"
            "$var wire 32 $ message [31:0] $end\n"
            "$var wire 32 % sequence [31:0] $end\n"
            "$var wire 16 & bytes [15:0] $end\n"
            "$var wire 16 ' source [15:0] $end\n"
            "$var wire 16 ( destination [15:0] $end\n"
            "$var wire 8 ) class [7:0] $end\n"
            "$upscope $end\n$upscope $end\n$upscope $end\n"
            "$enddefinitions $end\n"
            "#90000\n$dumpvars\n0!\n" +
                idle +
                "$end\n"
                "#100000\n1!\n1\"\n"
                "b11100000110000101100011011010110110010101110100 #\n"
                "b0 $\nb0 %\nb10110110 &\nb1 '\nb0 (\nb0 )\n"
                "#104000\n0!\n" +
                idle + "#120000\n");
}

TEST_F(Waves, DisturbNothingAndDoNotDependOnTheOrderOfDevices) {
  for (const std::string& yaml : {scheduled, adaptive, torus}) {
    const ScenarioRun quiet = run_scenario(yaml);
    EXPECT_EQ(run(yaml).hash(), quiet.hash());
    const std::string text = content(file_);
    EXPECT_EQ(run(yaml, {"*"}, "1 us..2 us").hash(), quiet.hash());
    RunOptions shuffled;
    shuffled.shuffle_devices = true;
    shuffled.wake_every_cycle = true;
    EXPECT_EQ(run(yaml, {"*"}, "", shuffled).hash(), quiet.hash());
    EXPECT_EQ(content(file_), text);
  }
}

TEST_F(Waves, CountWhatTheResultsCount) {
  for (const std::string& yaml : {scheduled, adaptive}) {
    const ScenarioRun result = run(yaml);
    const Vcd vcd = waves();
    EXPECT_EQ(vcd.timescale, "1ps");
    std::uint64_t starts = 0;
    for (const std::string& link : links_of(vcd)) starts += vcd[link + "start"].changes.size();
    EXPECT_EQ(starts, result.number("run.frame_hops"));
    for (const auto& [link, figures] : result.results.at("links").items()) {
      if (link.find("inside") != std::string::npos) continue;  // not at 50 B a cycle
      const double bytes =
          figures.at("utilization").get<double>() * 50 * result.number("run.cycles");
      EXPECT_NEAR(static_cast<double>(started_bytes(vcd, scope_of(link))), bytes, 0.01) << link;
    }
  }
}

// What a link's buffers lose of the sender's room, channel by channel, is on the link or held.
TEST_F(Waves, OfATorusCountItsPackets) {
  const ScenarioRun result = run(torus);
  const Vcd vcd = waves();
  std::uint64_t packets = 0;
  std::uint64_t credits = 0;
  for (const std::string& link : links_of(vcd)) {
    const std::uint64_t starts = vcd[link + "start"].changes.size();
    (link.find("credit") == std::string::npos ? packets : credits) += starts;
  }
  EXPECT_EQ(packets, result.number("run.frame_hops"));
  EXPECT_GT(credits, 0U);
  const VcdSignal& room = vcd["heddle.router0.xp_channel0_room_flits"];
  EXPECT_EQ(room.changes.rbegin()->second, room.changes.begin()->second) << "all is given back";
  EXPECT_LT(room.changes.size(), 1 + 2 * packets);
  EXPECT_GT(room.changes.size(), 10U);
}

// Levels of an endpoint stay within its limits, rise and are 0 again; events are as many as the
// results count.
TEST_F(Waves, OfATorusEndpointShowItsWindowAndItsService) {
  run("name: waves\nswitch: torus\nfabric: {topology: torus, x: 2, y: 2}\n"
      "workload: {pattern: remote_read, distance: random, initiators: 4, outstanding: 8, "
      "accesses: 50, message: 2 KiB}\nendpoint: {outstanding: 6, service: 3}\n");
  const Vcd vcd = waves();
  const auto highest = [&](const std::string& name) {
    std::uint64_t most = 0;
    for (const auto& [time, value] : vcd["heddle.node2." + name].changes) {
      most = std::max<std::uint64_t>(most, std::stoull(value, nullptr, 2));
    }
    EXPECT_EQ(std::stoull(vcd["heddle.node2." + name].changes.rbegin()->second, nullptr, 2), 0U)
        << name << " at the end";
    return most;
  };
  EXPECT_EQ(highest("window_packets"), 6U);
  EXPECT_EQ(highest("in_service"), 3U);
  EXPECT_GT(highest("held_requests"), 0U);
  EXPECT_GT(highest("waiting_requests"), 0U);
  EXPECT_GT(highest("waiting_answers"), 0U);
  const VcdSignal& room = vcd["heddle.node2.channel0_room_flits"];
  EXPECT_GT(room.changes.size(), 10U);
  EXPECT_EQ(room.changes.rbegin()->second, room.changes.begin()->second) << "all is given back";
}

TEST_F(Waves, OfATorusEndpointCountThePiecesOfCollectives) {
  const ScenarioRun result =
      run("name: waves\nswitch: torus\nfabric: {topology: torus, x: 3, y: 2}\n"
          "workload: {pattern: collective, message: 24 KiB}\n");
  const Vcd vcd = waves();
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
  for (unsigned node = 0; node < 6; ++node) {
    const std::string scope = "heddle.node" + std::to_string(node) + ".";
    sent += vcd[scope + "piece_sent"].changes.size();
    received += vcd[scope + "piece_received"].changes.size();
    EXPECT_EQ(vcd[scope + "repeat"].changes.size(), 0U);
  }
  EXPECT_EQ(sent, result.number("collective.pieces"));
  EXPECT_EQ(received, result.number("collective.pieces"));
}

// A frame of n bytes occupies its link for n / 50 cycles, and the fraction of a cycle that is left
// belongs to the next; so while the link is busy nothing is lost by rounding.
TEST_F(Waves, ValidIsHighWhileAFrameIsOnTheLink) {
  run(adaptive);
  const Vcd vcd = waves();
  for (const std::string& link : links_of(vcd)) {
    const VcdSignal& valid = vcd[link + "valid"];
    std::uint64_t busy_ps = 0;
    std::uint64_t rises = 0;
    for (auto at = valid.changes.begin(); at != valid.changes.end(); ++at) {
      if (at->second != "1") continue;
      ++rises;
      ASSERT_NE(std::next(at), valid.changes.end()) << "nothing is on a link at the end";
      EXPECT_EQ(vcd[link + "start"].changes.count(at->first), 1U);
      EXPECT_EQ(vcd[link + "kind"].at(std::next(at)->first), "z");
      busy_ps += std::next(at)->first - at->first;
    }
    const double wire_ns = static_cast<double>(started_bytes(vcd, link)) / 50;
    EXPECT_GE(static_cast<double>(busy_ps) / 1000, wire_ns - 1e-6) << link;
    EXPECT_LE(static_cast<double>(busy_ps) / 1000, wire_ns + static_cast<double>(rises)) << link;
  }
}

// A queue may be fuller inside a cycle than at its end: by a packet, or by one for each of the four
// links of a device where it is the sum over ports.
TEST_F(Waves, QueuesPeakWhereTheResultsSay) {
  for (const std::string& yaml : {scheduled, adaptive}) {
    const ScenarioRun result = run(yaml);
    const Vcd vcd = waves();
    unsigned compared = 0;
    for (const auto& [device, queues] : result.results.at("buffers").items()) {
      if (device == "total") continue;
      for (const auto& [queue, figures] : queues.items()) {
        const std::uint64_t peak = figures.at("peak_bytes").get<std::uint64_t>();
        const VcdSignal& signal = vcd[fmt::format("heddle.{}.{}_bytes", device, queue)];
        EXPECT_LE(signal.largest(), peak) << device << " " << queue;
        const std::uint64_t links = queue.find("port") == std::string::npos ? 4 : 1;
        EXPECT_GE(signal.largest() + links * 4178, peak) << device << " " << queue;
        ++compared;
      }
    }
    EXPECT_GT(compared, 10U);
  }
  // Nothing leaves a VOQ before its first credit has come.
  const ScenarioRun result =
      run("workload: {pattern: incast, senders: 1, receivers: 1, message: 8 KiB}\n"
          "fabric: {topology: leaf_spine, leaves: 2, spines: 1, hosts_per_leaf: 1}\n"
          "switch: scheduled\n");
  EXPECT_EQ(waves()["heddle.leaf1.ingress_bytes"].largest(),
            result.number("buffers.leaf1.ingress.peak_bytes"));
}

TEST_F(Waves, CreditsAddUp) {
  const ScenarioRun result = run(scheduled);
  const Vcd vcd = waves();
  std::uint64_t granted = 0;
  for (const char* leaf : {"leaf0", "leaf1"}) {
    const std::string scope = std::string("heddle.") + leaf + ".";
    granted += vcd[scope + "granted_credits"].number_at(vcd.end_ps);
    for (unsigned host = 0; host < 4; ++host) {
      const std::string voq = scope + "voq_host" + std::to_string(host) + "_class0_";
      EXPECT_EQ(vcd[voq + "queued_bytes"].number_at(vcd.end_ps), 0U);
      EXPECT_EQ(vcd[voq + "wanted_credits"].number_at(vcd.end_ps), 0U);
    }
  }
  EXPECT_EQ(granted, result.number("credits.granted"));
}

/// How long the signal was not 0, in ns.
double time_not_zero(const Vcd& vcd, const std::string& path) {
  const auto& changes = vcd[path].changes;
  std::uint64_t ps = 0;
  for (auto at = changes.begin(); at != changes.end(); ++at) {
    const std::uint64_t until = std::next(at) == changes.end() ? vcd.end_ps : std::next(at)->first;
    if (binary(at->second) != 0) ps += until - at->first;
  }
  return static_cast<double>(ps) / 1000;
}

TEST_F(Waves, PausesLastAsLongAsTheResultsSay) {
  const ScenarioRun result =
      run("workload: {pattern: incast, senders: 3, receivers: 1, message: 256 KiB}\n"
          "fabric: {topology: single, hosts: 4}\nswitch: adaptive\n"
          "adaptive: {memory: {buffer: 1 MiB, alpha_lossless: 0.25}}\n");
  const Vcd vcd = waves();
  unsigned paused_hosts = 0;
  for (const auto& [link, figures] : result.results.at("links").items()) {
    if (link.rfind("host", 0) != 0) continue;
    const double paused_ns = figures.at("paused_ns").get<double>();
    const std::string host = link.substr(0, link.find('-'));
    EXPECT_EQ(time_not_zero(vcd, "heddle." + host + ".paused"), paused_ns) << host;
    paused_hosts += paused_ns > 0 ? 1 : 0;
  }
  EXPECT_EQ(paused_hosts, 3U);
}

TEST_F(Waves, DropsAreCountedAndStrobed) {
  const ScenarioRun result =
      run("workload: {pattern: incast, senders: 3, receivers: 1, message: 256 KiB}\n"
          "fabric: {topology: single, hosts: 4}\nswitch: adaptive\n"
          "classes: [{lossless: false}, {scheduling: strict, lossless: false}]\n"
          "adaptive: {memory: {buffer: 200 KiB, alpha_lossy: 1}}\n"
          "nic: {receive: selective_repeat}\n");
  const Vcd vcd = waves();
  const double dropped = result.number("packets.dropped");
  ASSERT_GT(dropped, 0);
  const VcdSignal& count = vcd["heddle.leaf0.dropped"];
  EXPECT_EQ(count.number_at(vcd.end_ps), dropped);
  EXPECT_EQ(vcd["heddle.leaf0.drop"].changes.size(), count.changes.size() - 1);
  for (const auto& [time, happened] : vcd["heddle.leaf0.drop"].changes) {
    EXPECT_EQ(count.changes.count(time), 1U) << time;
  }
}

// What a window shows is what waves of the whole run show in that time, its first values included.
TEST_F(Waves, AWindowIsAPartOfTheWhole) {
  for (const std::string& yaml : {scheduled, adaptive}) {
    run(yaml);
    const Vcd whole = waves();
    for (const std::uint64_t begin_ns : {0U, 700U, 1531U, 2000U}) {
      const std::uint64_t end_ns = begin_ns + 1007;
      run(yaml, {"*"}, std::to_string(begin_ns) + " ns.." + std::to_string(end_ns) + " ns");
      const Vcd part = waves();
      EXPECT_EQ(part.begin_ps, begin_ns * 1000);
      EXPECT_EQ(part.end_ps, end_ns * 1000);
      ASSERT_EQ(part.signals.size(), whole.signals.size());
      for (const auto& [path, signal] : part.signals) {
        std::map<std::uint64_t, std::string> expected = whole[path].changes;
        if (signal.type != "event") expected[part.begin_ps] = whole[path].at(part.begin_ps);
        expected.erase(expected.begin(), expected.lower_bound(part.begin_ps));
        expected.erase(expected.lower_bound(part.end_ps), expected.end());
        std::map<std::uint64_t, std::string> seen = signal.changes;
        seen.erase(seen.lower_bound(part.end_ps), seen.end());
        EXPECT_EQ(seen, expected) << path << " from " << begin_ns;
      }
    }
  }
}

TEST_F(Waves, HoldOnlyWhatWasAskedFor) {
  run(scheduled, {"leaf0", "spine?", "host0-*", "leaf1-inside0"});
  std::set<std::string> scopes;
  for (const auto& [path, signal] : waves().signals) scopes.insert(path.substr(0, path.rfind('.')));
  EXPECT_EQ(scopes, (std::set<std::string>{"heddle.leaf0", "heddle.spine0", "heddle.spine1",
                                           "heddle.host0.host0_to_leaf0",
                                           "heddle.leaf1.leaf1_to_inside0"}));
}

// Every name that GTKWave is asked to show is one that the dump declares.
TEST_F(Waves, TheSaveFileNamesSignalsOfTheDump) {
  run(scheduled);
  const Vcd vcd = waves();
  std::ifstream save(fs::path(file_).replace_extension(".gtkw"));
  unsigned shown = 0;
  int groups = 0;
  for (std::string line; std::getline(save, line);) {
    if (line == "@800200") ++groups;
    if (line == "@1000200") --groups;
    if (line.rfind("heddle.", 0) != 0) continue;
    ++shown;
    EXPECT_EQ(vcd.signals.count(line.substr(0, line.find('['))), 1U) << line;
  }
  EXPECT_GT(shown, 100U);
  EXPECT_EQ(groups, 0);
}

TEST_F(Waves, OfARunThatEndsBeforeTheWindowAreAnError) {
  const std::vector<Scenario> scenarios = load_text(adaptive, "scenario of this test");
  RunOptions options;
  options.trace = select_trace({{"*"}, "1 ms..2 ms"}, scenarios.front(), folder_);
  const ScenarioRun result = run_scenario(scenarios.front(), options);
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_NE(result.explanation.find("before the window, which begins at 1 ms"), std::string::npos)
      << result.explanation;
  EXPECT_TRUE(fs::is_empty(folder_));
}

// --- the slowest packet -------------------------------------------------------------------------

TEST(PacketStory, FollowsThePacketFromDueToDelivered) {
  for (const std::string& yaml : {scheduled, adaptive}) {
    const ScenarioRun first = run_scenario(yaml);
    RunOptions options;
    options.follow =
        PacketName{first.results.at("slowest_packet").at("message").get<std::uint32_t>(),
                   first.results.at("slowest_packet").at("order").get<std::uint32_t>()};
    const ScenarioRun second = run_scenario(yaml, options);
    EXPECT_EQ(second.hash(), first.hash());
    EXPECT_EQ(first.number("slowest_packet.latency_ns"), first.number("latency_ns.max"));

    const auto& path = second.results.at("path");
    const auto& hops = path.at("hops");
    ASSERT_GE(hops.size(), 2U);
    EXPECT_EQ(hops.front().at("from"), "host" + std::to_string(path.at("source").get<unsigned>()));
    EXPECT_EQ(hops.back().at("to"),
              "host" + std::to_string(path.at("destination").get<unsigned>()));
    Cycle before = path.at("due_cycle").get<Cycle>();
    for (std::size_t i = 0; i < hops.size(); ++i) {
      EXPECT_TRUE(i == 0 || hops[i].at("from") == hops[i - 1].at("to")) << i;
      EXPECT_GE(hops[i].at("start_cycle").get<Cycle>(), before);
      // By the start on a link every cycle so far is booked.
      const auto booked = hops[i].at("stage_cycles").get<std::vector<std::uint32_t>>();
      EXPECT_EQ(std::accumulate(booked.begin(), booked.end(), path.at("due_cycle").get<Cycle>()),
                hops[i].at("start_cycle").get<Cycle>());
      before = hops[i].at("start_cycle").get<Cycle>();
    }
    const auto booked = path.at("stage_cycles").get<std::vector<std::uint32_t>>();
    EXPECT_EQ(std::accumulate(booked.begin(), booked.end(), path.at("due_cycle").get<Cycle>()),
              path.at("delivered_cycle").get<Cycle>());
  }
}

TEST(PacketStory, IsATable) {
  const auto path = nlohmann::ordered_json::parse(R"({
    "source": 3, "destination": 0, "sequence": 7, "bytes": 100,
    "due_cycle": 1000, "delivered_cycle": 1400,
    "stage_cycles": [10, 4, 200, 86, 0, 0, 0, 0, 0, 100, 0, 0],
    "hops": [
      {"link": "host3-leaf0", "from": "host3", "to": "leaf0", "start_cycle": 1020,
       "stage_cycles": [10, 0, 0, 10, 0, 0, 0, 0, 0, 0, 0, 0]},
      {"link": "leaf0-host0", "from": "leaf0", "to": "host0", "start_cycle": 1270,
       "stage_cycles": [10, 0, 100, 60, 0, 0, 0, 0, 0, 100, 0, 0]}]})");
  EXPECT_EQ(packet_story(path, 2000),
            "host3 to host0, sequence 7, 100 B: due at 2000.0 ns, delivered after 800 ns\n\n"
            "            at       took  share  where        stage\n"
            "     2000.0 ns      20 ns    2 %  host3        pipeline\n"
            "     2020.0 ns      20 ns    2 %  host3        source queue\n"
            "     2040.0 ns     200 ns   25 %  host3-leaf0  propagation\n"
            "     2240.0 ns     100 ns   12 %  leaf0        pipeline\n"
            "     2340.0 ns     200 ns   25 %  leaf0        egress queue\n"
            "     2540.0 ns       8 ns    1 %  leaf0-host0  serialization\n"
            "     2548.0 ns     200 ns   25 %  leaf0-host0  propagation\n"
            "     2748.0 ns      52 ns    6 %  host0        pipeline\n"
            "     2800.0 ns                    host0        delivered\n");
}

}  // namespace
}  // namespace heddle::testing
