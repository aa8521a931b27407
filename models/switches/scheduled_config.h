// Parameters of the scheduled fabric: the leaf's ingress and egress halves, its credit scheduler,
// and the fabric element.
#pragma once

#include "kernel/fields.h"
#include "parts/segmenter.h"
#include "parts/spray_order.h"
#include "switches/spill_config.h"

namespace heddle {

/// The box form: line cards and elements joined by short internal links (topology `single`).
struct ChassisConfig {
  std::uint64_t line_cards = 4;
  std::uint64_t fabric_elements = 4;
  Rate internal_rate = 400_Gbps;
  Duration internal_latency = 10_ns;

  void describe(Fields& fields) {
    fields.add("line_cards", line_cards, 1, 1024, "Leaves in the box; hosts are divided evenly.");
    fields.add("fabric_elements", fabric_elements, 1, 256, "Fabric elements in the box.");
    fields.add("internal_rate", internal_rate, 1e9, 1e13,
               "Rate of each link between a line card and an element.");
    fields.add("internal_latency", internal_latency, 1e3, 1e6,
               "Latency of such a link: a backplane, not a cable.");
  }
};

/// The real devices whose values a scenario starts from; the engine knows them.
enum class ScheduledPreset : std::uint8_t { none, jericho2c_plus, jericho3_ai };

/// Where a leaf's packets go when a VOQ grows too long for its SRAM.
enum class Spill : std::uint8_t { none, hbm };

struct ScheduledConfig {
  ScheduledPreset preset = ScheduledPreset::none;
  Bytes buffer = 64_MiB;
  Bytes buffer_cell = 256_B;
  std::optional<Bytes> headroom;
  Spill spill = Spill::none;
  SpillConfig hbm;
  Bytes credit = 4096_B;
  double credit_speedup = 1.05;
  std::optional<std::uint64_t> credits_outstanding;
  std::uint64_t credit_slices = 1;
  Duration credit_watchdog = 500_us;
  Duration reachability_period{44'800'000};
  Duration reachability_watchdog = 100_us;
  Duration reassembly_timeout = 20_us;
  Bytes egress_threshold = 128_KiB;
  std::optional<Bytes> egress_buffer;
  Segmentation segmentation = Segmentation::packed;
  Bytes cell_payload = 256_B;
  Bytes cell_header = 16_B;
  SprayPolicy spray = SprayPolicy::round_robin;
  std::uint64_t cells_per_cycle = 8;
  std::uint64_t staging_cells = 16;
  std::uint64_t receive_pool_cells = 768;
  std::optional<std::uint64_t> xoff_cells;
  std::optional<std::uint64_t> xon_cells;
  Duration ingress_latency = 200_ns;
  Duration egress_latency = 200_ns;
  Duration element_latency = 150_ns;
  Duration loopback_latency = 50_ns;
  ChassisConfig chassis;

  void describe(Fields& fields);
};

}  // namespace heddle
