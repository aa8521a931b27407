// A bench for one leaf of the scheduled fabric, with stations for its hosts and its fabric link.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "accelerator/hbm.h"
#include "device_bench.h"
#include "switches/scheduled_leaf.h"

namespace heddle::testing {

inline constexpr Cycle cable = 7;  // cycles of 1 ns, on every link
inline const std::vector<TrafficClassConfig> classes{{ClassScheduling::weighted, 1, true},
                                                     {ClassScheduling::strict, 1, true}};

/// Leaf 0 of two, with two hosts (0 and 1; 2 and 3 are on leaf 1) and one fabric link. All links
/// carry 50 B per cycle.
class LeafBench {
 public:
  explicit LeafBench(const ScheduledConfig& config) : config_(config) {
    LeafPlace place{};
    place.leaf = 0;
    place.leaves = 2;
    place.hosts = 2;
    place.fabric_links = 1;
    place.loopbacks = 1;
    place.host_rate = 400_Gbps;
    place.host_latency = Duration{cable * 1000};
    place.outstanding_credits = 8;
    place.owed_bytes = 1'000'000;
    place.largest_packet_bytes = 9100;
    leaf_ = std::make_unique<ScheduledLeaf>("leaf", bench_.environment(), place, config_, classes);
    for (unsigned port = 0; port < 2; ++port) {
      hosts_.push_back(std::make_unique<Station>(("host" + std::to_string(port)).c_str(), bench_));
      Link& in = bench_.link({50, 1}, cable);
      Link& out = bench_.link({50, 1}, cable);
      leaf_->attach_host(port, in, out);
      hosts_.back()->attach(out, in);
    }
    fabric_ = std::make_unique<Station>("fabric", bench_);
    Link& in = bench_.link({50, 1}, cable);
    Link& out = bench_.link({50, 1}, cable);
    leaf_->attach_fabric(0, in, out);
    fabric_->attach(out, in);
    leaf_->attach_loopback(0, bench_.link({150, 1}, 5));
    if (config_.spill == Spill::none) return;
    hbm_ = std::make_unique<Hbm>("hbm", bench_.clock(), config_.hbm.memory);
    leaf_->spill()->socket.bind(hbm_->socket);
  }

  Station& host(unsigned port) { return *hosts_[port]; }
  Station& fabric() { return *fabric_; }
  ScheduledLeaf& leaf() { return *leaf_; }
  Hbm& hbm() { return *hbm_; }
  PacketPool& packets() { return bench_.packets(); }
  void run(Cycle last) {
    bench_.run(last);
    leaf_->verify(false);
    if (hbm_) hbm_->verify(false);
  }

 private:
  Workbench bench_;
  ScheduledConfig config_;
  std::unique_ptr<ScheduledLeaf> leaf_;
  std::unique_ptr<Hbm> hbm_;  ///< when the leaf spills
  std::vector<std::unique_ptr<Station>> hosts_;
  std::unique_ptr<Station> fabric_;
};

inline ScheduledConfig latencies(Cycle ingress, Cycle egress) {
  ScheduledConfig config;
  config.credits_outstanding = 8;
  config.egress_buffer = 1_MiB;
  config.xoff_cells = 384;
  config.xon_cells = 320;
  config.ingress_latency = Duration{ingress * 1000};
  config.egress_latency = Duration{egress * 1000};
  return config;
}

/// A status or credit frame from leaf 1 about `port` and class 0.
inline Frame control(FrameKind kind, unsigned port, std::uint32_t count) {
  Frame frame;
  frame.kind = kind;
  frame.wire_bytes = 16;
  frame.source = 1;
  frame.destination = 0;
  frame.flow = port * 2;
  frame.sequence = count;
  return frame;
}

}  // namespace heddle::testing
