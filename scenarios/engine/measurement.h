// Turns what a finished run left in its devices into the results of one variant, and checks the
// laws that every run must obey.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "engine/fabric.h"
#include "engine/scenario.h"

namespace heddle {

/// What a run has to say about itself.
struct RunFacts {
  const Scenario& scenario;
  const Fabric& fabric;
  const DeliveryLog& log;
  std::uint64_t live_packets;      ///< records still in use: packets and answers under way
  std::uint64_t frames_under_way;  ///< on links
  std::uint64_t period_ps;
  bool drained;  ///< the run ended with nothing in flight
  std::string status;
  double wall_s;
};

/// Throws CheckFailure when a law is broken: frames in = out + held + dropped at every device,
/// frames started = taken + lost + under way on all links, no record lost, no drop in a lossless
/// class with automatic headroom, order kept by the scheduled fabric, credits asked for = granted =
/// received.
void check_laws(const RunFacts& facts);

// --- parts of the laws and of the results, shared by all kinds of simulation ---------------------

using Devices = std::vector<const Device*>;
using Links = std::vector<std::unique_ptr<Link>>;

/// Throws CheckFailure unless frames received + created = sent + consumed + dropped + held.
void check_frames(const Device& device);
/// Throws CheckFailure unless frames started = taken + lost + under way, in sum.
void check_links(const Links& links, const Devices& devices, std::uint64_t frames_under_way);

/// Name in the results, and share of the distribution below.
using Percentiles = std::vector<std::pair<const char*, double>>;
const Percentiles& latency_percentiles();
/// Mean and percentiles, each times `scale`.
nlohmann::ordered_json percentiles(const Histogram& histogram, double scale,
                                   const Percentiles& wanted);
/// Of times in units of `unit_ns`.
nlohmann::ordered_json latency(const Histogram& times, double unit_ns);
nlohmann::ordered_json latency_by_stage(const PacketTimes& packets, double cycle_ns);
/// Of a packet that exists.
nlohmann::ordered_json slowest_packet(const SlowestPacket& slowest, double cycle_ns);
nlohmann::ordered_json buffers(const Devices& devices, Cycle end);
/// Those that carried anything and are `wanted`, if that is given.
nlohmann::ordered_json links(const Links& links, Cycle end, double cycle_ns,
                             const std::function<bool(const Link&)>& wanted = {});

/// What a run says of itself as a whole.
struct RunFigures {
  std::string status;
  std::uint64_t seed;
  Cycle end;
  double cycle_ns;
  std::uint64_t frame_hops;
  double wall_s;
  std::uint64_t hash;
};
nlohmann::ordered_json run(const RunFigures& figures);
RunFigures figures(const RunFacts& facts, Cycle end, double cycle_ns);

/// Over the frames of all links.
std::uint64_t hash_of(const Links& links);
/// First cycle in which nothing moves on any of them.
Cycle quiet_from(const Links& links);

/// The keys below `variants.<name>` of results.json (statistics.h).
nlohmann::ordered_json measure(const RunFacts& facts);

}  // namespace heddle
