// What one scenario file says, after reading: a workload, a fabric, and how to measure. A variant
// is a whole Scenario: the file's common part with the variant's own keys laid over it.
#pragma once

#include <string>
#include <vector>

#include "endpoints/nic_config.h"
#include "kernel/fields.h"
#include "parts/traffic_class.h"
#include "switches/adaptive_config.h"
#include "switches/crossbar_config.h"
#include "switches/scheduled_config.h"

namespace heddle {

enum class SwitchKind : std::uint8_t { scheduled, adaptive, crossbar };
enum class Topology : std::uint8_t { single, leaf_spine };
enum class Pattern : std::uint8_t {
  incast,
  permutation,
  all_to_all,
  uniform,
  bursty,
  flows,
  file,
  diagonal,
  log_diagonal
};
enum class PermutationKind : std::uint8_t { random, shift };
enum class Arrivals : std::uint8_t { bernoulli, poisson };
enum class SizeDistribution : std::uint8_t { web_search, hadoop };

struct WorkloadConfig {
  Pattern pattern = Pattern::permutation;
  std::string file;
  Bytes message = 1_MiB;
  std::uint64_t senders = 1;
  std::uint64_t receivers = 1;
  PermutationKind permutation = PermutationKind::random;
  std::uint64_t shift = 1;
  double load = 0.5;
  Arrivals arrivals = Arrivals::bernoulli;
  std::uint64_t burst = 16;
  SizeDistribution sizes = SizeDistribution::web_search;
  Duration duration = 100_us;
  Duration start = 0_ns;
  std::uint64_t traffic_class = 0;

  void describe(Fields& fields);
};

struct LinkConfig {
  Rate rate = 400_Gbps;
  Duration latency = 50_ns;

  void describe(Fields& fields);
};

struct FabricConfig {
  Topology topology = Topology::leaf_spine;
  std::uint64_t hosts = 16;
  std::uint64_t leaves = 4;
  std::uint64_t spines = 4;
  std::uint64_t hosts_per_leaf = 4;
  std::uint64_t links_per_spine = 1;
  LinkConfig host_link;
  LinkConfig fabric_link{400_Gbps, 300_ns};
  Frequency clock = 1_GHz;

  void describe(Fields& fields);

  std::uint64_t host_count() const {
    return topology == Topology::single ? hosts : leaves * hosts_per_leaf;
  }
};

enum class EventAction : std::uint8_t { fail, restore, degrade, corrupt, flap };

/// Something that happens to links during the run.
struct EventConfig {
  Duration at = 0_ns;
  EventAction action = EventAction::fail;
  std::string link;
  bool one_way = false;
  Rate rate = 100_Gbps;
  double bit_error_ratio = 0;
  Duration down = 1_us;
  Duration period = 10_us;
  std::uint64_t times = 1;

  void describe(Fields& fields);
};

struct MeasureConfig {
  Duration warmup = 0_ns;
  Duration deadline = 100_ms;
  Duration watchdog = 40_ms;

  void describe(Fields& fields);
};

struct Scenario {
  std::string name;
  std::string variant;  ///< name of the variant; empty when the file has none
  std::uint64_t seed = 1;
  SwitchKind switch_kind = SwitchKind::scheduled;
  Routing routing = Routing::adaptive;
  std::vector<WorkloadConfig> workload{WorkloadConfig{}};
  FabricConfig fabric;
  /// Class 0 carries data; the last class carries acknowledgements, NAKs and CNPs.
  std::vector<TrafficClassConfig> classes{{ClassScheduling::weighted, 1, true},
                                          {ClassScheduling::strict, 1, true}};
  ScheduledConfig scheduled;
  AdaptiveConfig adaptive;
  CrossbarConfig crossbar;
  NicConfig nic;
  std::vector<EventConfig> events;
  Names rtl;  ///< devices, or patterns of such, that run as Verilated SystemVerilog
  MeasureConfig measure;

  std::string file;  ///< that it comes from, for messages
  /// Where the file lies: relative workload paths start from its folder.
  std::string directory = ".";

  void describe(Fields& fields);
};

}  // namespace heddle
