// What a chip of a torus is to its router: remote memory over TLM-2.0, and the chip's part in
// collectives.
//
// Remote memory. All memories of a torus are one range of addresses: node * capacity + offset.
// Initiators of the chip reach it through the target socket `memory_map`; the chip's own memory is
// bound to the initiator socket `memory`. An access to the own node is passed on to it; one to
// another node is cut into packets of at most `torus.payload`, at its multiples, which ask that
// node's endpoint, which asks its own memory and answers. Any initiator and any TLM-2.0 target will
// do, on the calendar or not.
//
// Cycle behaviour. A transaction that arrives in cycle t may influence the endpoint from t + 1 on.
// Its packets take places of the window (`outstanding`) in the order of addresses; END_REQ comes in
// the cycle in which the last one has its place. A packet may start `latency` after it got its
// place, one packet per link at a time. What arrives acts `latency` after its last byte. A request
// is then passed to the memory in the same cycle if no other one is without END_REQ; the memory's
// response counts from the cycle after BEGIN_RESP, and the answer may start `latency` later.
// BEGIN_RESP to the initiator comes in the cycle in which the last answer acts.
//
// Message classes. Requests and data of collectives are class 0, answers class 1. Answers are
// always taken. Requests are taken while fewer than `service` are unanswered, else they stay in
// their buffer; data of collectives are always taken. So nothing that is taken waits for room that
// only class 0 can give, and the two classes cannot wait for each other in a circle.
//
// Losses. A request without an answer for `time_out` is sent again, and at most `repeats` times;
// then its transaction is answered with TLM_GENERIC_ERROR_RESPONSE. The node asked remembers the
// latest use of each place of each window: it does no write twice, and an old copy that comes late
// does nothing.
//
// The protocol and the errors of `memory_map` are those of kernel/tlm_target.h, and
//   TLM_COMMAND_ERROR_RESPONSE      neither read nor write
//   TLM_ADDRESS_ERROR_RESPONSE      beyond the last node's memory, or across the end of one
//   TLM_BYTE_ENABLE_ERROR_RESPONSE  with byte enables
//   TLM_BURST_ERROR_RESPONSE        no data, or a streaming width below the data length
// and what a memory answers. transport_dbg goes straight to the memory that is meant, and takes no
// time; a node without a memory, or whose memory keeps no contents, gives 0 bytes.
#pragma once

#include <tlm_utils/simple_initiator_socket.h>

#include <deque>
#include <functional>
#include <string>
#include <tlm>
#include <utility>
#include <vector>

#include "accelerator/torus_channel.h"
#include "accelerator/torus_config.h"
#include "accelerator/torus_endpoint_config.h"
#include "accelerator/torus_log.h"
#include "accelerator/torus_memory_log.h"
#include "accelerator/torus_node.h"
#include "kernel/environment.h"
#include "kernel/tlm_target.h"
#include "parts/collective_engine.h"
#include "parts/round_robin_arbiter.h"
#include "parts/torus_messages.h"
#include "parts/torus_route.h"

namespace heddle {

/// Since the start of the run.
struct TorusEndpointCounts {
  std::uint64_t reads = 0;  ///< transactions of this chip's initiators
  std::uint64_t writes = 0;
  std::uint64_t own = 0;       ///< of those, to the own node
  std::uint64_t errors = 0;    ///< answered with an error
  std::uint64_t requests = 0;  ///< packets sent to other nodes' memories, repeated ones included
  std::uint64_t repeated = 0;
  std::uint64_t duplicates = 0;     ///< requests and answers that had come before
  std::uint64_t served = 0;         ///< requests of other nodes passed to the memory
  std::uint64_t bytes_read = 0;     ///< from other nodes
  std::uint64_t bytes_written = 0;  ///< to other nodes
};

class TorusEndpoint;

/// Where it stands, and what all endpoints of a torus share.
struct TorusEndpointPlace {
  unsigned node;
  const TorusShape& shape;
  std::uint64_t memory_bytes;  ///< of each node
  std::uint32_t buffer_flits;  ///< of each of its virtual channels
  TorusMessages& messages;
  TorusLog& log;
  TorusMemoryLog& memory_log;
  /// All endpoints of the torus, by node, when the run begins: for transport_dbg.
  const std::vector<TorusEndpoint*>& peers;
};

class TorusEndpoint : public TorusNode {
  TlmTarget target_;

 public:
  TlmTarget::Socket& memory_map;
  tlm_utils::simple_initiator_socket_optional<TorusEndpoint> memory;

  /// The configurations must outlive the endpoint.
  TorusEndpoint(const sc_core::sc_module_name& module_name, const Environment& environment,
                const TorusEndpointPlace& place, const TorusConfig& torus,
                const TorusEndpointConfig& config);

  std::uint32_t unreturned_flits(unsigned channel) const override {
    return returns_.pending(channel) + held_flits_[channel];
  }
  bool at_rest() const override { return idle() && returns_.idle(); }

  /// Takes part in a collective from cycle `at` on, or from the next one; to be called in a
  /// device's cycle, or between two. `done(cycles)` is called in the endpoint's cycle in which the
  /// result is here and has been checked: what it changes may be seen from the next cycle on. Jobs
  /// of one cycle begin in the order of their tags.
  void begin_collective(const CollectiveJob& job, std::function<void(Cycle)> done, Cycle at = 0);

  const TorusEndpointCounts& counts() const { return counts_; }
  const CollectiveCounts& collectives() const { return engine_.counts(); }
  /// Nothing is under way here.
  bool idle() const;

  void waits(std::vector<std::string>& lines) const override;
  std::vector<BufferView> buffers() const override;
  std::vector<StateView> state() const override;
  FrameBalance balance() const override;
  void verify(bool drained) const override;

 protected:
  void start_of_simulation() override { target_.elaborated(); }
  void cycle() override;
  void describe(RegisterMap& map) override;
  DeviceKind device_kind() const override { return DeviceKind::torus_endpoint; }
  unsigned port_count() const override { return 1; }

 private:
  using Payload = tlm::tlm_generic_payload;
  enum OwnReason : unsigned { work = own_reasons, reasons };
  static constexpr std::uint32_t none = ~std::uint32_t{0};

  /// A transaction of the chip's initiators, by its number at the target.
  struct Transfer {
    bool begun = false;
    bool own = false;
    std::uint64_t next = 0;  ///< bytes that have places in the window
    std::uint32_t unanswered = 0;
    tlm::tlm_response_status status = tlm::TLM_OK_RESPONSE;
    Cycle taken = 0;
  };
  /// A place of the window: a packet that is asked of another node.
  struct Slot {
    std::uint32_t transfer = none;  ///< none: free
    std::uint32_t serial = 0;       ///< of its uses
    std::uint64_t offset = 0;       ///< in the transaction
    std::uint32_t bytes = 0;
    unsigned repeats = 0;
  };
  struct Request {
    std::uint32_t slot;
    std::uint32_t serial;
    Cycle ready;
  };
  struct Timer {
    Cycle at;
    std::uint32_t slot;
    std::uint32_t serial;
  };
  /// What was last asked of this node by a place of another one's window.
  struct Asked {
    std::uint32_t serial = 0;
    bool answered = true;
    std::int8_t status = 1;
  };
  /// An access to the memory: of another node, or of the chip itself.
  class Job : public Payload {
   public:
    using Payload::Payload;
    std::uint64_t order = 0;        ///< in which the memory was asked
    std::uint32_t transfer = none;  ///< of the chip; else
    unsigned node = 0;              ///< who has asked
    TorusMessage message;
    std::vector<unsigned char> data;
  };
  /// Payloads that free themselves into the endpoint's list.
  class Jobs : public tlm::tlm_mm_interface {
   public:
    Job& acquire();
    std::size_t live() const { return jobs_.size() - free_.size(); }

   private:
    void free(Payload* payload) override;
    std::deque<Job> jobs_;
    std::vector<Job*> free_;
  };
  struct Arrived {
    Cycle at;  ///< acts
    Frame frame;
  };
  struct Response {
    Job* job;
    Cycle at;
  };
  struct Answer {
    unsigned node;
    TorusMessage message;
    Job* job;  ///< with the data of a read; null for none
    Cycle ready;
  };
  struct Begin {
    Cycle at;
    CollectiveJob job;
    std::function<void(Cycle)> done;
  };

  // 1. what has arrived
  void receive();
  void accept(const Frame& frame);
  bool is_request(const Frame& frame) const;
  std::uint32_t flits_of(const Frame& frame) const;
  void leave_buffer(const Frame& frame);
  void take_held();
  // 3. packets act
  void act();
  void take_request(const Frame& frame);
  void withdraw();
  Asked& asked(unsigned node, std::uint32_t slot);
  void take_answer(std::uint32_t record);
  void answered(std::uint32_t slot, tlm::tlm_response_status status);
  // 2. and 6. the memory
  void take_responses();
  void conclude_job(Job& job);
  void ask_memory();
  tlm::tlm_sync_enum nb_transport_bw(Payload& payload, tlm::tlm_phase& phase,
                                     sc_core::sc_time& delay);
  void memory_answers(Payload& payload);
  // 4. the chip's initiators
  bool take_transaction(std::uint32_t number, Payload& payload);
  bool place_packets(std::uint32_t number, Payload& payload);
  bool place_own(std::uint32_t number, const Payload& payload, std::uint64_t address,
                 std::uint32_t bytes);
  bool place_remote(std::uint32_t number, std::uint32_t bytes);
  void piece_done(std::uint32_t number, tlm::tlm_response_status status);
  void end_transfer(std::uint32_t number);
  tlm::tlm_response_status verdict(const Payload& payload) const;
  unsigned debug(Payload& payload);
  // 5. repeats
  void repeat_requests();
  // 7. collectives
  void advance_collectives();
  // 8. packets to the router
  void transmit();
  bool send_answer();
  bool send_control();
  bool send_request();
  bool send_piece();
  void drop_void_requests();
  unsigned best_lane(unsigned message_class) const;
  std::uint64_t unanswered(bool own) const;
  bool fits(unsigned channel, std::uint64_t payload_bytes) const;
  std::uint32_t new_packet(Cycle due);
  void send_packet(std::uint32_t record, unsigned node, unsigned channel,
                   std::uint64_t payload_bytes);
  void arm();

  /// The first cycle in which a call from outside this device's cycle may act.
  Cycle next() const { return clock_.first_cycle_after(sc_core::sc_time_stamp()); }

  PacketPool& packets_;
  TorusEndpointPlace place_;
  const TorusConfig& torus_;
  const TorusEndpointConfig& config_;
  Cycle latency_;

  RoundRobinArbiter turn_{4};
  std::uint32_t sequence_ = 0;

  std::vector<Transfer> transfers_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_slots_;
  std::deque<Request> requests_;
  std::deque<Timer> timers_;

  std::vector<std::vector<Asked>>
      asked_;                    // by node, those that have asked, and place of its window
  std::deque<Frame> held_;       // requests that wait in their buffers
  std::deque<Arrived> arrived_;  // out of their buffers
  std::array<std::uint32_t, torus_most_channels> held_flits_{};
  Occupancy buffered_;
  Jobs jobs_;
  std::deque<Job*> to_memory_;
  std::uint64_t order_ = 0;
  unsigned in_service_ = 0;          // requests of other nodes
  Cycle memory_from_ = 0;            // never: a request is without END_REQ
  const Payload* asking_ = nullptr;  // that request
  bool offer_again_ = false;         // what has become free may let a transaction in
  Cycle armed_ = 0;                  // for when the device has woken itself
  std::deque<Response> responses_;
  std::deque<Answer> answers_;

  CollectiveEngine engine_;
  std::vector<Begin> begins_;
  std::vector<std::pair<std::uint32_t, std::function<void(Cycle)>>> done_;  // by tag

  TorusEndpointCounts counts_;
  FrameBalance balance_;
};

}  // namespace heddle
