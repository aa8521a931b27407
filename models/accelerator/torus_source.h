// A source and sink of packets at a node of a torus: random traffic, for theory and benchmarks.
//
// Messages come in time slots of one message on the wire, in each with the probability `load`, and
// go to a node drawn uniformly. The source does not wait for the torus: a message's due cycle is
// the begin of its slot, and the time until it leaves counts. Messages longer than a packet take
// several, sent back to back.
//
// Cycle behaviour. The first packet that is due starts as soon as the link is free and a buffer of
// the router has room for it; of several lanes it takes the one with most room. A packet is taken
// when its last byte arrives, and its room given back in that cycle.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "accelerator/torus_config.h"
#include "accelerator/torus_log.h"
#include "accelerator/torus_node.h"
#include "kernel/environment.h"
#include "kernel/rng.h"

namespace heddle {

/// What a source of a torus sends.
struct TorusTraffic {
  double load = 0.5;       ///< share of the local link's rate, headers included
  bool to_itself = false;  ///< its own node is one of the destinations
  std::uint64_t message_bytes = 512;
  Cycle start = 0;
  Cycle stop = 0;  ///< messages are due in [start, stop)
};

/// The packets of a node, in the order in which they are due: always one ahead of what was sent.
/// Knows no torus, and can be copied to see what is still to come.
class TorusStream {
 public:
  /// `config` must outlive the stream; `rate`: of the local link.
  TorusStream(const TorusConfig& config, const TorusTraffic& traffic, unsigned node, unsigned nodes,
              LinkRate rate, const Rng& rng);

  /// When the next packet is due; `never` after the last.
  Cycle due() const { return due_; }
  std::uint16_t destination() const { return destination_; }
  std::uint16_t payload() const;
  std::uint32_t flits() const { return static_cast<std::uint32_t>(config_->flits(payload())); }
  std::uint32_t wire_bytes() const {
    return flits() * static_cast<std::uint32_t>(config_->flit.value);
  }
  std::uint32_t message() const { return message_; }
  void advance();

 private:
  void draw_message();
  Cycle slot_begin(std::uint64_t slot, std::uint64_t sent_wire_bytes) const;

  const TorusConfig* config_;
  TorusTraffic traffic_;
  unsigned node_;
  unsigned nodes_;
  LinkRate rate_;
  Rng rng_;
  std::uint64_t message_wire_bytes_;
  std::uint64_t slot_ = 0;  // the next one that may begin a message
  Cycle due_ = never;
  std::uint16_t destination_ = 0;
  std::uint64_t left_bytes_ = 0;       // of the message, from this packet on
  std::uint64_t sent_wire_bytes_ = 0;  // of its packets before
  std::uint32_t message_ = 0;
};

class TorusSource : public TorusNode {
 public:
  /// `config` and `log` must outlive the source; `flits`: of each of its own buffers.
  TorusSource(const sc_core::sc_module_name& module_name, const Environment& environment,
              unsigned node, unsigned nodes, const TorusConfig& config, const TorusTraffic& traffic,
              std::uint32_t flits, TorusLog& log);

  void attach(const TorusLinks& links, std::uint32_t router_room) override;

  /// Nothing is left to be sent.
  bool exhausted() const { return !stream_ || stream_->due() == never; }
  /// What was due in the log's window and has not been sent.
  std::uint64_t unsent_wire_bytes() const;

  void waits(std::vector<std::string>& lines) const override;
  std::vector<BufferView> buffers() const override { return {}; }
  FrameBalance balance() const override;
  void verify(bool drained) const override;

 protected:
  void cycle() override;
  DeviceKind device_kind() const override { return DeviceKind::torus_source; }
  unsigned port_count() const override { return 1; }

 private:
  enum OwnReason : unsigned { send = own_reasons, give_back, reasons };

  void receive();
  void accept(const Frame& frame);
  void send_due();
  void send_packet(unsigned channel);
  unsigned best_lane() const;

  PacketPool& packets_;
  const TorusConfig& config_;
  TorusTraffic traffic_;
  unsigned node_;
  unsigned nodes_;
  TorusLog& log_;
  std::optional<TorusStream> stream_;  // from when the local link is known
  std::uint32_t order_ = 0;
  FrameBalance balance_;
};

}  // namespace heddle
