// Case 23: a torus with dimension-order routing under uniform traffic, a node itself included among
// its destinations: 3.0 hops on average in 4 x 4 x 4; latency rises by one hop's latency per hop at
// low load; stable at a load of .8, saturated at .9.
//
// Theory (Dally and Towles 2004, 3.2 and 3.3): a packet takes k / 4 links in each even ring of k
// nodes. A node's packets load each link of a ring of k by k / 8, half of what the links of a ring
// of four could take: what saturates is not the links but the way to and from each node, where
// packets wait for each other.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "oracle/oracle_support.h"
#include "scenario_run.h"

namespace heddle::testing {
namespace {

struct TorusCase {
  unsigned x = 4;
  unsigned y = 4;
  unsigned z = 4;
  double load = 0.8;
  unsigned flits = 8;   ///< of each packet; a flit takes a cycle
  unsigned link = 1;    ///< latency, cycles
  unsigned router = 1;  ///< latency, cycles
  unsigned cycles = 20'000;
  unsigned warmup = 5'000;
  unsigned lanes = 2;
};

std::string scenario_of(const TorusCase& c) {
  const std::string link = fmt::format("{{rate: 256 Gbps, latency: {} ns}}", c.link);
  std::string links = "local_link: " + link;
  if (c.x > 1) links += ", x_link: " + link;
  if (c.y > 1) links += ", y_link: " + link;
  if (c.z > 1) links += ", z_link: " + link;
  return fmt::format(
      "switch: torus\n"
      "workload: {{pattern: uniform, load: {}, message: {} B, duration: {} ns, to_itself: true}}\n"
      "fabric: {{topology: torus, x: {}, y: {}, z: {}, {}}}\n"
      "torus: {{flit: 32 B, header: 0 B, payload: {} B, router_latency: {} ns, lanes: {}}}\n"
      "measure: {{warmup: {} ns, deadline: {} ns}}\n",
      c.load, 32 * c.flits, c.cycles, c.x, c.y, c.z, links, 32 * c.flits, c.router, c.lanes,
      c.warmup, c.cycles);
}

struct TorusFigures {
  double accepted = 0;
  double offered = 0;
  double latency = 0;
  double hops = 0;
  double packets = 0;
};

TorusFigures run_torus(const TorusCase& c) {
  const std::string yaml = scenario_of(c);
  const ScenarioRun run = run_scenario(yaml);
  EXPECT_TRUE(run.exit_code == 0 || run.exit_code == 5) << run.explanation << reproduce(yaml);
  if (run.results.is_null()) return {};
  return {run.number("torus.accepted_load"), run.number("torus.offered_load"),
          run.number("latency_ns.mean"), run.number("torus.hops"), run.number("packets.injected")};
}

/// The sum over all pairs is exact (unit.TorusRoute.MeanHopsAreThoseOfTheClosedForm); a run draws
/// pairs, whose hops have a variance of 1/2 in each dimension.
TEST(Case23Torus, HopsAreThreeOnAverage) {
  TorusCase c;
  c.load = 0.3;
  c.flits = 1;
  c.cycles = 50'000;
  c.warmup = 0;
  const TorusFigures measured = run_torus(c);
  const double deviation = std::sqrt(3 * 0.5 / measured.packets);
  RecordProperty("hops", fmt::format("{:.5f}", measured.hops));
  // Packets in flight at the end have not taken all their links.
  const double unfinished = 3.0 * 64 * c.load * measured.latency / measured.packets;
  EXPECT_NEAR(measured.hops, 3.0, 4 * deviation + unfinished);
}

/// Rings of growing size, one to three dimensions: latency = hops * (link + router) + a constant.
TEST(Case23Torus, LatencyRisesByOneHopPerHop) {
  for (const auto& [link, router] : std::vector<std::pair<unsigned, unsigned>>{{1, 1}, {5, 3}}) {
    double sum_h = 0, sum_l = 0, sum_hh = 0, sum_hl = 0;
    unsigned n = 0;
    for (const auto& sizes : std::vector<std::array<unsigned, 3>>{
             {4, 1, 1}, {8, 1, 1}, {4, 4, 1}, {4, 4, 4}, {16, 1, 1}, {8, 8, 1}}) {
      TorusCase c;
      c.x = sizes[0];
      c.y = sizes[1];
      c.z = sizes[2];
      c.load = 0.02;
      c.link = link;
      c.router = router;
      c.cycles = 200'000;
      const TorusFigures measured = run_torus(c);
      sum_h += measured.hops;
      sum_l += measured.latency;
      sum_hh += measured.hops * measured.hops;
      sum_hl += measured.hops * measured.latency;
      ++n;
    }
    const double slope = (n * sum_hl - sum_h * sum_l) / (n * sum_hh - sum_h * sum_h);
    RecordProperty(fmt::format("slope_{}_{}", link, router), fmt::format("{:.3f}", slope));
    EXPECT_NEAR(slope, link + router, 0.05 * (link + router)) << "cycles per hop";
  }
}

/// Stable: what is offered is carried, and twice the time does not make the wait longer.
TEST(Case23Torus, StableAtEightTenths) {
  for (const unsigned flits : {1U, 8U}) {
    TorusCase c;
    c.flits = flits;
    const TorusFigures once = run_torus(c);
    c.cycles *= 2;
    const TorusFigures twice = run_torus(c);
    RecordProperty(fmt::format("latency_{}_flits", flits), fmt::format("{:.2f}", twice.latency));
    EXPECT_NEAR(once.accepted, once.offered, 0.01) << flits << " flits";
    EXPECT_NEAR(twice.accepted, twice.offered, 0.005) << flits << " flits";
    EXPECT_NEAR(twice.latency, once.latency, 0.05 * once.latency) << flits << " flits";
  }
}

/// Saturated: less is carried than offered, and the wait grows with time.
TEST(Case23Torus, SaturatedAtNineTenths) {
  for (const unsigned flits : {1U, 8U}) {
    TorusCase c;
    c.flits = flits;
    c.load = 0.9;
    const TorusFigures once = run_torus(c);
    c.cycles *= 2;
    const TorusFigures twice = run_torus(c);
    RecordProperty(fmt::format("accepted_{}_flits", flits), fmt::format("{:.4f}", twice.accepted));
    EXPECT_LT(twice.accepted, twice.offered - 0.02) << flits << " flits";
    EXPECT_GT(twice.accepted, 0.8) << flits << " flits";
    EXPECT_GT(twice.latency, 1.5 * once.latency) << flits << " flits";
  }
}

/// What decides it: packets behind one that waits. With a channel of its own for every other
/// packet (eight lanes) packets of eight flits are carried at .9; with one lane .8 is too much.
TEST(Case23Torus, LanesDecideWhereItSaturates) {
  TorusCase c;
  c.load = 0.9;
  double before = 0;
  for (const unsigned lanes : {1U, 2U, 8U}) {
    c.lanes = lanes;
    const TorusFigures measured = run_torus(c);
    RecordProperty(fmt::format("accepted_{}_lanes", lanes),
                   fmt::format("{:.4f}", measured.accepted));
    EXPECT_GT(measured.accepted, before + 0.02) << lanes << " lanes";
    before = measured.accepted;
    if (lanes == 1) {
      EXPECT_LT(measured.accepted, 0.8);
    }
    if (lanes == 8) {
      EXPECT_NEAR(measured.accepted, measured.offered, 0.005);
    }
  }
}

}  // namespace
}  // namespace heddle::testing
