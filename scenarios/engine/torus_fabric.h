// A torus in SystemC: routers, what stands at their local ports, and the links and credit wires
// between them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "accelerator/torus_node.h"
#include "accelerator/torus_router.h"
#include "engine/blueprint.h"
#include "engine/scenario.h"
#include "kernel/environment.h"
#include "parts/torus_route.h"

namespace heddle {

TorusShape torus_shape(const FabricConfig& fabric);

/// "router5" and "node5".
std::string torus_router_name(unsigned node);
std::string torus_node_name(unsigned node);

/// The names of all devices and links of a torus: "node0", "router0", "router0.xp-router1.xm" for
/// packets and "router1.credit_xm-router0.xp" for the room that they leave; who sends comes first.
std::vector<std::string> torus_part_names(const Scenario& scenario, const Blueprint& blueprint);

/// The clock of a torus: exact, also where its period is no whole number of picoseconds. Throws
/// InputError when it takes more than a thousand cycles until the two agree.
ClockOptions torus_clock(const FabricConfig& fabric);

/// Flits of each virtual channel's buffer behind a link: `torus.buffer`, or what keeps the link
/// busy with one channel.
std::uint32_t torus_buffer_flits(const TorusConfig& config, const LinkConfig& link,
                                 const ClockOptions& clock);

/// Where a node is made.
struct TorusNodePlace {
  std::string name;  ///< of its device; those inside it are made in its scope
  const Environment& environment;
  unsigned node;
  const TorusShape& shape;     ///< outlives the node
  const TorusConfig& config;   ///< outlives the node
  std::uint32_t buffer_flits;  ///< that its buffers may have: those of the router's local port
};
using TorusNodeMaker = std::function<std::unique_ptr<TorusNode>(const TorusNodePlace&)>;

class TorusFabric {
 public:
  /// `blueprint`: of draw_torus. `make` is called for each node in turn. What is passed must
  /// outlive the fabric.
  TorusFabric(const Scenario& scenario, const Blueprint& blueprint, const Environment& environment,
              const TorusNodeMaker& make);

  /// One end of a direction: a router's port, or a node.
  struct End {
    TorusRouter* router;  ///< or null
    TorusNode* node;      ///< or null
    unsigned port;        ///< of the router

    Device& device() const;
    std::uint32_t room(unsigned channel) const;        ///< known, where it sends
    std::uint32_t held(unsigned channel) const;        ///< in its buffer, where it receives
    std::uint32_t unreturned(unsigned channel) const;  ///< free, but not on the credit wire
  };
  /// Packets one way and the room that they leave the other way.
  struct Channel {
    Link* packets;
    Link* credits;
    End from;
    End to;
    std::uint32_t capacity;  ///< flits of each virtual channel's buffer
  };

  /// Where a router's port to another one lies.
  struct RingPlace {
    unsigned dimension;
    unsigned first_node;  ///< of the ring: with coordinate 0
    unsigned cable;       ///< bit in RingFaults
  };
  RingPlace ring_of(const End& end) const;

  const TorusShape& shape() const { return shape_; }
  const std::vector<std::unique_ptr<TorusRouter>>& routers() const { return routers_; }
  const std::vector<std::unique_ptr<TorusNode>>& nodes() const { return nodes_; }
  const std::vector<std::unique_ptr<Link>>& links() const { return links_; }
  /// Every device, in the order of construction.
  const std::vector<const Device*>& devices() const { return devices_; }
  /// Those of the blueprint's cables, both directions of each side by side; then those to and from
  /// nodes.
  const std::vector<Channel>& channels() const { return channels_; }

  bool is_packet_link(const Link& link) const;
  /// Packets, counted once per link.
  std::uint64_t packet_hops() const;

  /// Throws CheckFailure unless on every link, in every virtual channel, room known to the sender +
  /// packets under way + what the receiver holds + room on its way back = the buffer.
  void verify_credits(bool something_under_way) const;

  /// Where first packets of queues wait for room in each other's buffers in a circle: a line for
  /// each, in the order in which they wait; empty when there is none. Each queue waits for one
  /// other at most, so following the waits from each finds every circle; the first one is told.
  std::vector<std::string> circle_of_waits() const;

 private:
  /// `rtl`: names of the routers that are RTL.
  void build(const Scenario& scenario, const std::vector<std::string>& rtl,
             const Environment& environment, const TorusNodeMaker& make);
  void wire_rings(const Scenario& scenario, const Blueprint& blueprint,
                  const Environment& environment);
  void wire_nodes(const Scenario& scenario, const Environment& environment);
  void join(const End& a, const End& b, const std::string& a_name, const std::string& b_name,
            const LinkConfig& cable, const Environment& environment);
  Link& lay(const std::string& name, LinkRate rate, const LinkConfig& cable,
            const Environment& environment);

  /// A virtual channel's buffer.
  struct Queue {
    unsigned router;
    unsigned input;
    unsigned channel;
  };
  std::size_t number(const Queue& queue) const {
    return (std::size_t{queue.router} * TorusRouter::most_ports + queue.input) *
               config_.virtual_channels() +
           queue.channel;
  }
  std::optional<Queue> waits_for(const Queue& queue) const;
  std::string describe_wait(const Queue& queue, const Queue& next) const;

  const TorusConfig& config_;
  TorusShape shape_;
  std::vector<unsigned> rings_;  // dimensions of more than one node
  std::vector<std::unique_ptr<Link>> links_;
  std::vector<std::unique_ptr<TorusRouter>> routers_;
  std::vector<std::unique_ptr<TorusNode>> nodes_;
  std::vector<const Device*> devices_;
  std::vector<Channel> channels_;
};

}  // namespace heddle
