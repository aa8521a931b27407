#include "engine/packet_path.h"

namespace heddle {

using Json = nlohmann::ordered_json;

class PacketPath::Probe : public LinkProbe {
 public:
  Probe(PacketPath& path, Link& link) : path_(path), link_(link) { link.attach(this); }
  ~Probe() override { link_.attach(nullptr); }
  Probe(const Probe&) = delete;
  Probe& operator=(const Probe&) = delete;

  void started(const Frame& frame, Cycle now) override { path_.started(link_, frame, now); }

 private:
  PacketPath& path_;
  Link& link_;
};

PacketPath::PacketPath(const PacketName& name, const Fabric& fabric, PacketPool& packets)
    : name_(name), fabric_(fabric), packets_(packets) {
  for (const auto& link : fabric.links()) probes_.push_back(std::make_unique<Probe>(*this, *link));
}

PacketPath::~PacketPath() = default;

void PacketPath::started(const Link& link, const Frame& frame, Cycle now) {
  if (frame.kind != FrameKind::packet && frame.kind != FrameKind::cell) return;
  for_each_packet(packets_, frame, [&](const PacketRecord& record) {
    const Frame& packet = frame.kind == FrameKind::cell ? record.frame : frame;
    if (packet.kind != FrameKind::packet) return;  // an answer
    if (record.message != name_.message || record.order != name_.order) return;
    if (hops_.empty()) packet_ = packet;
    hops_.push_back({&link, now, record});
    hops_.back().record.spend(link.waiting(), now);  // the receiver will book it
  });
}

Json PacketPath::json(const SlowestPacket& delivered) const {
  Json json{{"source", packet_.source},
            {"destination", packet_.destination},
            {"sequence", packet_.sequence},
            {"bytes", packet_.payload_bytes},
            {"due_cycle", delivered.record.due},
            {"delivered_cycle", delivered.delivered()},
            {"stage_cycles", delivered.record.stage},
            {"hops", Json::array()}};
  for (const Hop& hop : hops_) {
    json["hops"].push_back({{"link", hop.link->name()},
                            {"from", sender_name(hop.link->name())},
                            {"to", fabric_.devices()[hop.link->receiver()]->path()},
                            {"start_cycle", hop.start},
                            {"stage_cycles", hop.record.stage}});
  }
  return json;
}

}  // namespace heddle
