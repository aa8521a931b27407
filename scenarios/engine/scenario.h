// What one scenario file says, after reading: a workload, a fabric, and how to measure. A variant
// is a whole Scenario: the file's common part with the variant's own keys laid over it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "accelerator/accelerator_config.h"
#include "accelerator/torus_config.h"
#include "accelerator/torus_endpoint_config.h"
#include "endpoints/nic_config.h"
#include "engine/programs/transformer.h"
#include "kernel/fields.h"
#include "parts/collective_schedule.h"
#include "parts/traffic_class.h"
#include "switches/adaptive_config.h"
#include "switches/crossbar_config.h"
#include "switches/scheduled_config.h"

namespace heddle {

enum class SwitchKind : std::uint8_t { scheduled, adaptive, crossbar, torus };
enum class Topology : std::uint8_t { single, leaf_spine, torus };
/// What the stated rate of a torus link is: of each direction, or of both together.
enum class RateReading : std::uint8_t { one_way, both_ways };
enum class Pattern : std::uint8_t {
  incast,
  permutation,
  all_to_all,
  uniform,
  bursty,
  flows,
  file,
  diagonal,
  log_diagonal,
  collective,
  remote_read,
  remote_write,
  gemm,
  layers,
  transformer,
  kernel
};
/// What the chips of a torus compute.
constexpr bool is_program(Pattern pattern) { return pattern >= Pattern::gemm; }
enum class PermutationKind : std::uint8_t { random, shift };
enum class Arrivals : std::uint8_t { bernoulli, poisson };
enum class SizeDistribution : std::uint8_t { web_search, hadoop };
/// Whose memory a node of a torus reads or writes.
enum class RemoteDistance : std::uint8_t { own, one_hop, farthest, random };

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
  bool to_itself = false;
  SizeDistribution sizes = SizeDistribution::web_search;
  Duration duration = 100_us;
  Duration start = 0_ns;
  std::uint64_t traffic_class = 0;
  std::uint64_t m = 1024;
  std::uint64_t k = 1024;
  std::uint64_t n = 1024;
  std::uint64_t repeat = 1;
  DataType type = DataType::bf16;
  TransformerModel model = TransformerModel::llama3_8b;
  Phase phase = Phase::prefill;
  std::uint64_t batch = 1;
  std::uint64_t tokens = 2048;
  std::optional<std::uint64_t> layers;
  CollectiveOperation operation = CollectiveOperation::all_reduce;
  CollectiveAlgorithm algorithm = CollectiveAlgorithm::bidirectional_ring;
  std::optional<std::uint64_t> ranks;
  std::uint64_t repetitions = 1;
  RemoteDistance distance = RemoteDistance::one_hop;
  std::optional<std::uint64_t> initiators;
  std::uint64_t accesses = 1000;
  std::uint64_t outstanding = 1;
  double mix = 0;

  void describe(Fields& fields);

 private:
  void describe_programs(Fields& fields);
  void describe_torus(Fields& fields);
};

struct LinkConfig {
  Rate rate = 400_Gbps;
  Duration latency = 50_ns;

  void describe(Fields& fields);
};

enum class FabricPreset : std::uint8_t { none, trainium2_server, trainium2_ultraserver };

/// A link of a torus: some are faster than those of a network.
struct TorusLinkConfig : LinkConfig {
  void describe(Fields& fields);
};

struct FabricConfig {
  FabricPreset preset = FabricPreset::none;
  Topology topology = Topology::leaf_spine;
  std::uint64_t hosts = 16;
  std::uint64_t leaves = 4;
  std::uint64_t spines = 4;
  std::uint64_t hosts_per_leaf = 4;
  std::uint64_t links_per_spine = 1;
  LinkConfig host_link;
  LinkConfig fabric_link{400_Gbps, 300_ns};
  std::uint64_t x = 4;
  std::uint64_t y = 4;
  std::uint64_t z = 1;
  TorusLinkConfig x_link{{1000_Gbps, 50_ns}};
  TorusLinkConfig y_link{{1000_Gbps, 50_ns}};
  TorusLinkConfig z_link{{1000_Gbps, 50_ns}};
  TorusLinkConfig local_link{{4000_Gbps, 5_ns}};
  RateReading link_rates = RateReading::one_way;
  Frequency clock = 1_GHz;

  void describe(Fields& fields);
  void describe_torus(Fields& fields);

  std::uint64_t host_count() const {
    if (topology == Topology::torus) return x * y * z;
    return topology == Topology::single ? hosts : leaves * hosts_per_leaf;
  }
  /// What each direction of a torus link carries.
  LinkConfig one_way(const TorusLinkConfig& link) const {
    const std::uint64_t ways = link_rates == RateReading::both_ways ? 2 : 1;
    return {Rate{link.rate.bits_per_second / ways}, link.latency};
  }
  /// Between routers, in dimension 0 (x), 1 (y) or 2 (z).
  LinkConfig ring_link(unsigned dimension) const {
    return one_way(dimension == 0 ? x_link : dimension == 1 ? y_link : z_link);
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
  TorusConfig torus;
  TorusEndpointConfig endpoint;
  AcceleratorConfig accelerator;
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
