// The way of one packet through the fabric: on which link it started when, and what its time had
// gone to by then.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "engine/fabric.h"

namespace heddle {

/// One transmission of a packet: the copies of a packet that was repeated differ in `order`.
struct PacketName {
  std::uint32_t message = 0;
  std::uint32_t order = 0;
};

/// Attaches to every link of a fabric; nothing else can meanwhile.
class PacketPath {
 public:
  PacketPath(const PacketName& name, const Fabric& fabric, PacketPool& packets);
  ~PacketPath();
  PacketPath(const PacketPath&) = delete;
  PacketPath& operator=(const PacketPath&) = delete;

  /// `source`, `destination`, `sequence` and `bytes` of the packet, `due_cycle`, `delivered_cycle`
  /// and `stage_cycles` (by stage, in the order of the enumeration) as it was `delivered`, and
  /// `hops`, for each link in the order of time: `link`, `from`, `to`, `start_cycle` of the frame
  /// with the packet's last byte, and `stage_cycles`, what was booked by then.
  nlohmann::ordered_json json(const SlowestPacket& delivered) const;

 private:
  class Probe;
  struct Hop {
    const Link* link;
    Cycle start;
    PacketRecord record;
  };

  void started(const Link& link, const Frame& frame, Cycle now);

  PacketName name_;
  const Fabric& fabric_;
  PacketPool& packets_;
  std::vector<std::unique_ptr<Probe>> probes_;
  std::vector<Hop> hops_;
  Frame packet_;
};

}  // namespace heddle
