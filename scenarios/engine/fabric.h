// A fabric in SystemC: the devices and links of a blueprint, wired.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "accelerator/hbm.h"
#include "cosim/rtl_factory.h"
#include "endpoints/nic.h"
#include "engine/blueprint.h"
#include "engine/workload.h"
#include "kernel/environment.h"
#include "switches/adaptive_switch.h"
#include "switches/crossbar_switch.h"
#include "switches/fabric_element.h"
#include "switches/scheduled_leaf.h"

namespace heddle {

/// What the leaf or switch that is drawn as `box` is told of its surroundings. `config` without
/// `auto`.
LeafPlace leaf_place(const Scenario& scenario, const ScheduledConfig& config,
                     const Blueprint& blueprint, unsigned box);
std::vector<SwitchPort> switch_ports(const Blueprint::Box& drawn);
CrossbarPlace crossbar_place(const Scenario& scenario);

/// The names of all devices and links, "host0", "leaf0", "host0-leaf0", "leaf0.4-spine0.0": who
/// sends comes first, with its port where it has several to the same peer.
std::vector<std::string> part_names(const Scenario& scenario, const Blueprint& blueprint);

/// The names of the switches that run as RTL, in the order of the blueprint. Throws InputError for
/// a name that none has, and where this program has no RTL.
std::vector<std::string> rtl_names(const Scenario& scenario, const Blueprint& blueprint);

/// The device that sends on the link of this name.
std::string sender_name(const std::string& link);

class Fabric {
 public:
  Fabric(const Scenario& scenario, const Blueprint& blueprint, const Environment& environment,
         Workload& workload, DeliveryLog& log, const MessageEvents& events,
         const SwitchMakers& makers);

  const std::vector<std::unique_ptr<Nic>>& nics() const { return nics_; }
  const std::vector<std::unique_ptr<ScheduledLeaf>>& leaves() const { return leaves_; }
  const std::vector<std::unique_ptr<Hbm>>& memories() const { return memories_; }
  const std::vector<std::unique_ptr<FabricElement>>& elements() const { return elements_; }
  const std::vector<std::unique_ptr<AdaptiveSwitch>>& switches() const { return switches_; }
  /// Where the scenario is about one; else null. Then there is nothing else in the fabric.
  const CrossbarSwitch* crossbar() const { return crossbar_.get(); }
  const std::vector<std::unique_ptr<Link>>& links() const { return links_; }

  /// One end of a link.
  struct End {
    Device* device;
    unsigned port;  ///< as drawn; of a host 0
  };
  /// One direction of a cable.
  struct Direction {
    Link* link;
    End from;
    End to;
  };
  /// Cables between devices, both directions of each side by side. Paths inside a leaf are none.
  const std::vector<std::pair<Direction, Direction>>& cables() const { return cables_; }

  /// Every device, in the order of construction.
  const std::vector<const Device*>& devices() const { return devices_; }

  /// A cell through a crossbar counts as one.
  std::uint64_t frame_hops() const;
  /// Over every frame on every link and its cycle, and every cell through a crossbar and its slots;
  /// independent of device order.
  std::uint64_t result_hash() const;
  /// First cycle in which nothing moves any more.
  Cycle quiet_from() const;

 private:
  using Cable = std::pair<Direction, Direction>;

  void build_boxes(const Scenario& scenario, const Blueprint& blueprint,
                   const Environment& environment);
  void build_leaf(const Scenario& scenario, const Blueprint& blueprint, unsigned box,
                  const Environment& environment);
  void build_memory(const std::string& leaf, const Environment& environment);
  void build_switch(const Scenario& scenario, const Blueprint& blueprint, unsigned box,
                    const Environment& environment);
  void wire(const Blueprint& blueprint, const Environment& environment);
  bool in_rtl(const std::string& name) const;
  Device* box_device(unsigned box) const;
  Direction lay(const End& from, const End& to, const std::string& name, const LinkConfig& cable,
                const Environment& environment);
  void plug(unsigned box, unsigned port, Link& in, Link& out);

  std::vector<std::unique_ptr<Link>> links_;
  std::vector<std::unique_ptr<Nic>> nics_;
  std::vector<std::unique_ptr<ScheduledLeaf>> leaves_;
  std::vector<std::unique_ptr<Hbm>> memories_;  // of leaves that spill
  std::vector<std::unique_ptr<FabricElement>> elements_;
  std::vector<std::unique_ptr<AdaptiveSwitch>> switches_;
  std::unique_ptr<CrossbarSwitch> crossbar_;
  std::vector<const Device*> devices_;
  std::vector<Cable> cables_;
  const SwitchMakers& makers_;
  std::vector<std::string> rtl_;  // names of devices
  unsigned hosts_per_leaf_;
  ScheduledConfig scheduled_;  // without `auto`
};

}  // namespace heddle
