// Case 8: the queue of one link under random spray is M/D/1. Cells of many independent sources that
// choose among many links at random are, on each link, as good as a Poisson stream; each takes the
// same time. Exact to compare with: Pollaczek-Khinchine for the mean, Erlang-Crommelin for the
// tail.
//
// Two devices are taken out of the fabric, each alone between surroundings that feed and empty it:
// the leaf, which sprays one-cell packets of its hosts over its links, and the element, whose
// output links each receive the share of the cells that is for their leaf. A source may start in
// every cycle and a cell takes 64 of them, so that neither the clock nor the finite number of
// sources moves the reference by more than a quarter of the tolerance; the test proves this with
// the exact queue of finitely many clocked sources, and demands agreement with both.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <memory>
#include <vector>

#include "device_bench.h"
#include "engine/child_process.h"
#include "long_tests.h"
#include "oracle/oracle_support.h"
#include "oracle/queue_theory.h"
#include "switches/fabric_element.h"
#include "switches/scheduled_leaf.h"

namespace heddle::testing {
namespace {

constexpr unsigned links = 32;
constexpr unsigned cell_payload = 256;
constexpr unsigned cell_header = 16;
constexpr unsigned cell_cycles = 64;
constexpr unsigned leaf_hosts = 16;
constexpr Cycle warmup_cycles = Cycle{5000} * cell_cycles;
constexpr Cycle cable_cycles = 10;

constexpr std::uint32_t cell_bytes = cell_payload + cell_header;
constexpr std::uint32_t packet_bytes = cell_payload + ethernet_framing_bytes;

/// Feeds a device by `sources` links and empties it by `sinks` links. In each cycle each source
/// starts, with probability `chance`, the frame that `make` returns; what arrives by a sink is
/// asked how long it has waited for that link.
class Surroundings : public BareDevice {
 public:
  struct Plan {
    unsigned sources;
    unsigned sinks;
    double chance;
    Cycle stop;  ///< first cycle without new frames
    std::function<Frame(unsigned source, Rng& random)> make;
  };

  Surroundings(const Environment& environment, const Plan& plan)
      : BareDevice("surroundings", environment.clock, plan.sources + plan.sinks),
        packets_(environment.packets),
        plan_(plan),
        random_(clock_.options().seed, "surroundings", "arrivals"),
        out_(plan.sources) {}

  void attach_source(unsigned source, Link& link) {
    out_[source] = &link;
    arm(source, 0);
  }
  void attach_sink(unsigned sink, Link& link) {
    link.bind_receiver(id(), plan_.sources + sink, Delivery::tail, 0);
  }

  const std::vector<std::uint64_t>& wait_counts() const { return wait_counts_; }

 private:
  void cycle() override {
    due_.take(0, plan_.sources, [&](unsigned source) { start(source); });
    due_.take(plan_.sources, plan_.sources + plan_.sinks, [&](unsigned reason) { empty(reason); });
  }

  void arm(unsigned source, Cycle after) {
    const double failures = std::floor(std::log1p(-random_.uniform()) / std::log1p(-plan_.chance));
    const Cycle at = after + 1 + static_cast<Cycle>(failures);
    if (at < plan_.stop) wake(source, at);
  }

  void start(unsigned source) {
    Frame frame = plan_.make(source, random_);
    frame.packet = packets_.acquire();
    packets_[frame.packet].due = now();
    packets_[frame.packet].frame = frame;
    out_[source]->send(frame, now());
    arm(source, now());
  }

  void empty(unsigned reason) {
    take_arrivals(reason, [&](const Frame& frame) {
      if (frame.kind != FrameKind::cell) return;
      book_arrival(packets_[frame.packet], input(reason), now());
      note(frame.packet);
    });
  }

  void note(std::uint32_t packet) {
    const PacketRecord& record = packets_[packet];
    const std::uint32_t waited = record.stage[static_cast<unsigned>(Stage::fabric_queue)];
    if (record.due >= warmup_cycles) {
      if (waited >= wait_counts_.size()) wait_counts_.resize(2 * std::size_t{waited} + 1);
      ++wait_counts_[waited];
    }
    packets_.release(packet);
  }

  PacketPool& packets_;
  Plan plan_;
  Rng random_;
  std::vector<Link*> out_;
  std::vector<std::uint64_t> wait_counts_;
};

/// Clock, surroundings, and links of two speeds: into the device a frame per cycle, out of it a
/// cell per 64 cycles.
class Testbench {
 public:
  Testbench(std::uint64_t seed, const Surroundings::Plan& plan, std::uint32_t frame_bytes)
      : clock_("clock", {1000, 1, seed, false, false, "this test"}),
        environment_{clock_, packets_},
        frame_bytes_(frame_bytes),
        stop_(plan.stop),
        surroundings_(environment_, plan) {}

  const Environment& environment() const { return environment_; }
  Link& source(unsigned number) {
    Link& link = lay(LinkRate{frame_bytes_, 1});
    surroundings_.attach_source(number, link);
    return link;
  }
  Link& sink(unsigned number) {
    Link& link = lay(LinkRate{cell_bytes, cell_cycles});
    surroundings_.attach_sink(number, link);
    return link;
  }
  Link& idle() { return lay(LinkRate{1, 1}); }

  nlohmann::ordered_json run() {
    clock_.start();
    const Cycle end = stop_ + 1'000'000;  // time for the queues to empty
    sc_core::sc_start(sc_core::sc_time(static_cast<double>(end), sc_core::SC_NS));
    if (clock_.failure()) std::rethrow_exception(clock_.failure());
    if (packets_.live() != 0) throw CheckFailure("packets have not arrived");
    return surroundings_.wait_counts();
  }

 private:
  Link& lay(const LinkRate& rate) {
    cables_.push_back(std::make_unique<Link>("cable", clock_, packets_, rate, cable_cycles));
    return *cables_.back();
  }

  Clock clock_;
  PacketPool packets_;
  Environment environment_;
  std::uint32_t frame_bytes_;
  Cycle stop_;
  Surroundings surroundings_;
  std::vector<std::unique_ptr<Link>> cables_;
};

ScheduledConfig bare_config() {
  ScheduledConfig config;
  config.cell_payload = Bytes{cell_payload};
  config.cell_header = Bytes{cell_header};
  config.spray = SprayPolicy::random;
  config.headroom = 1_MiB;
  config.credit = 1_GiB;  // a VOQ asks once per credit: next to no status frames among the cells
  config.cells_per_cycle = 64;
  config.staging_cells = 1'000'000;
  config.receive_pool_cells = 1'000'000;  // flow control is another case
  config.xoff_cells = 1'000'000;
  config.xon_cells = 999'999;
  config.egress_buffer = 1_GiB;
  return config;
}

/// Leaf 0 of two; all its hosts send one-cell packets to leaf 1, which has given it credits for the
/// whole run before it begins.
nlohmann::ordered_json run_leaf(double chance, Cycle stop, std::uint64_t seed) {
  const auto packet = [](unsigned source, Rng& random) {
    Frame frame;
    frame.wire_bytes = packet_bytes;
    frame.payload_bytes = cell_payload;
    frame.source = static_cast<std::uint16_t>(source);
    frame.destination = static_cast<std::uint16_t>(leaf_hosts + random.below(leaf_hosts));
    return frame;
  };
  // Objects of SystemC live until the process ends.
  auto& bench = *new Testbench(seed, {leaf_hosts, links, chance, stop, packet}, packet_bytes);
  auto& config = *new ScheduledConfig(bare_config());
  const LeafPlace place{0, 2, leaf_hosts, links, 1, 400_Gbps, 50_ns, 1, 1'000'000, packet_bytes};
  auto& leaf =
      *new ScheduledLeaf("leaf", bench.environment(), place, config, {TrafficClassConfig{}});
  for (unsigned host = 0; host < leaf_hosts; ++host) {
    leaf.attach_host(host, bench.source(host), bench.idle());
  }
  Link* credit_path = nullptr;
  for (unsigned link = 0; link < links; ++link) {
    Link& from_fabric = bench.idle();
    leaf.attach_fabric(link, from_fabric, bench.sink(link));
    credit_path = &from_fabric;
  }
  leaf.attach_loopback(0, bench.idle());
  for (std::uint16_t host = 0; host < leaf_hosts; ++host) {
    Frame credit;
    credit.kind = FrameKind::credit;
    credit.wire_bytes = cell_header;
    credit.source = 1;
    credit.flow = host;
    credit.sequence = 1000;
    credit_path->send(credit, credit_path->ready_at());
  }
  return bench.run();
}

/// As many leaves as links; every link brings cells for leaves chosen at random.
nlohmann::ordered_json run_element(double chance, Cycle stop, std::uint64_t seed) {
  const auto cell = [](unsigned source, Rng& random) {
    Frame frame;
    frame.kind = FrameKind::cell;
    frame.wire_bytes = cell_bytes;
    frame.payload_bytes = cell_payload;
    frame.source = static_cast<std::uint16_t>(source);
    frame.destination = static_cast<std::uint16_t>(random.below(links));
    return frame;
  };
  auto& bench = *new Testbench(seed, {links, links, chance, stop, cell}, cell_bytes);
  auto& config = *new ScheduledConfig(bare_config());
  auto& element = *new FabricElement("element", bench.environment(), links, 1, config);
  for (unsigned link = 0; link < links; ++link) {
    element.attach(link, bench.source(link), bench.sink(link));
  }
  return bench.run();
}

struct Measured {
  std::uint64_t cells = 0;
  double mean = 0;
  double p999 = 0;
};

Measured evaluate(const nlohmann::ordered_json& wait_counts) {
  Measured measured;
  double sum = 0;
  for (std::size_t w = 0; w < wait_counts.size(); ++w) {
    measured.cells += wait_counts[w].get<std::uint64_t>();
    sum += static_cast<double>(w) * wait_counts[w].get<double>();
  }
  measured.mean = sum / static_cast<double>(measured.cells);
  double passed = 0;
  for (std::size_t w = 0; w < wait_counts.size(); ++w) {
    passed += wait_counts[w].get<double>();
    if (passed < 0.999 * static_cast<double>(measured.cells)) continue;
    measured.p999 = static_cast<double>(w);
    break;
  }
  return measured;
}

using RunDevice = nlohmann::ordered_json (*)(double chance, Cycle stop, std::uint64_t seed);

/// Runs a device with `sources` sources until `cells` cells have passed its links at `load`.
void compare(RunDevice run_device, unsigned sources, double load, double cells) {
  const double chance = load * links / (cell_cycles * sources);
  const auto stop = warmup_cycles + static_cast<Cycle>(cells * cell_cycles / (load * links));
  ChildProcess child(
      {}, {},
      [&](const Scenario& scenario, const RunOptions&) {
        return RunOutcome{RunStatus::done, "", run_device(chance, stop, scenario.seed)};
      },
      {});
  while (child.receive([](const Progress&) {})) {
  }
  const ChildProcess::End end = child.end();
  ASSERT_EQ(end.exit_code, 0) << end.explanation;
  const Measured measured = evaluate(end.outcome->results);

  const Md1 md1(load);
  const double mean = md1.mean_wait() * cell_cycles;
  const double p999 = md1.wait_quantile(0.999) * cell_cycles;
  const ClockedQueue clocked(sources, chance / links, cell_cycles);
  ::testing::Test::RecordProperty("mean_over_md1", std::to_string(measured.mean / mean));
  ::testing::Test::RecordProperty("p999_over_md1", std::to_string(measured.p999 / p999));
  SCOPED_TRACE(::testing::Message()
               << "load " << load << ", " << measured.cells << " cells; wait in cell times of "
               << cell_cycles << " cycles, measured: mean " << measured.mean / cell_cycles
               << ", p99.9 " << measured.p999 / cell_cycles << "; M/D/1: " << mean / cell_cycles
               << ", " << p999 / cell_cycles << "; clocked with " << sources
               << " sources: " << clocked.mean_wait() / cell_cycles << ", "
               << clocked.wait_quantile(0.999) / cell_cycles
               << "\nreproduce: run this test alone; its seed is fixed");
  ASSERT_GE(measured.cells, 100'000U);  // 100 / (1 - .999)
  ASSERT_NEAR(clocked.mean_wait() / mean, 1, 0.0025) << "the testbench is not M/D/1 enough";
  ASSERT_NEAR(clocked.wait_quantile(0.999) / p999, 1, 0.0075)
      << "the testbench is not M/D/1 enough";
  EXPECT_NEAR(measured.mean / mean, 1, 0.01);
  EXPECT_NEAR(measured.mean / clocked.mean_wait(), 1, 0.01);
  EXPECT_NEAR(measured.p999 / p999, 1, 0.03);
  EXPECT_NEAR(measured.p999 / clocked.wait_quantile(0.999), 1, 0.03);
}

// --- the references themselves -------------------------------------------------------------------

// reference/facts: P(Q > N) <= 1e-6 from N = 31, 66 and 135 cells on, at loads .8, .9 and .95.
TEST(Case08References, SlottedQueueTail) {
  for (const auto& [load, cells] : {std::pair{0.8, 31U}, {0.9, 66U}, {0.95, 135U}}) {
    const Md1 md1(load);
    EXPECT_LE(md1.waiting_above(cells), 1e-6) << "load " << load;
    EXPECT_GT(md1.waiting_above(cells - 1), 1e-6) << "load " << load;
  }
}

// P(wait = 0) = 1 - load, and the distribution's mean is that of Pollaczek and Khinchine.
TEST(Case08References, Md1WaitHasItsMean) {
  for (const double load : {0.3, 0.8, 0.9}) {
    const Md1 md1(load);
    EXPECT_NEAR(md1.wait_at_most(0), 1 - load, 1e-12);
    constexpr double step = 1e-3;
    double mean = 0;
    for (double t = step / 2; t < 100; t += step) mean += step * (1 - md1.wait_at_most(t));
    EXPECT_NEAR(mean, md1.mean_wait(), 1e-4) << "load " << load;
  }
}

// Karol, Hluchyj and Morgan 1987: slots of one cell, N inputs: (N-1)/N * load / (2 (1 - load)).
TEST(Case08References, ClockedQueueIsKarolsInSlotsOfOneCell) {
  for (const unsigned inputs : {2U, 4U, 32U}) {
    for (const double load : {0.5, 0.8, 0.95}) {
      const ClockedQueue queue(inputs, load / inputs, 1);
      EXPECT_NEAR(queue.mean_wait(), (inputs - 1.0) / inputs * load / (2 * (1 - load)), 1e-9)
          << "inputs " << inputs << ", load " << load;
    }
  }
}

// --- the devices ---------------------------------------------------------------------------------

TEST(Case08SprayedLink, LeafUplinkAtHalfLoad) { compare(run_leaf, leaf_hosts, 0.5, 4e6); }
TEST(Case08SprayedLink, LeafUplinkAtLoad80) { compare(run_leaf, leaf_hosts, 0.8, 16e6); }
TEST(Case08SprayedLink, ElementOutputAtLoad80) { compare(run_element, links, 0.8, 16e6); }

TEST(Case08SprayedLink, LongLeafUplinkAtLoad90) {
  HEDDLE_NEED_LONG();
  compare(run_leaf, leaf_hosts, 0.9, 100e6);
}
TEST(Case08SprayedLink, LongElementOutputAtLoad90) {
  HEDDLE_NEED_LONG();
  compare(run_element, links, 0.9, 100e6);
}

}  // namespace
}  // namespace heddle::testing
