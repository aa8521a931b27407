// The protocol of a TLM-2.0 target socket for any number of initiators, for a device of the
// calendar: what the device does not have to know about phases. The device decides when a request
// is taken and when its response is due.
//
// Cycle behaviour. A request that arrives in cycle t, its annotated delay included, is offered to
// the device from t + 1 on, in each cycle until it is taken; END_REQ is given in the cycle in which
// it is: withheld, it is back-pressure. BEGIN_RESP is given in the cycle in which the response is
// due. Of several initiators, the one after the last whose request was taken comes first, then the
// others by socket index; so the order of devices inside a cycle does not matter. The order of
// plain SystemC processes does, as the calendar does not order them.
//
// Protocol (IEEE 1666-2011, the base protocol): each initiator has at most one request without
// END_REQ and gets at most one response without END_RESP; a response follows the end of the one
// before in the next cycle at the earliest. Responses of one initiator come in the order in which
// they are due. b_transport takes the same way and returns, with no delay, when the response is
// due. A second request before END_REQ, and nb_transport without a memory manager, are answered
// with TLM_GENERIC_ERROR_RESPONSE and TLM_COMPLETED at once.
#pragma once

#include <tlm_utils/multi_passthrough_target_socket.h>

#include <cstdint>
#include <functional>
#include <queue>
#include <string>
#include <tlm>
#include <vector>

#include "kernel/bit_mask.h"
#include "kernel/clock.h"

namespace heddle {

class TlmTarget {
 public:
  using Payload = tlm::tlm_generic_payload;

  using Socket = tlm_utils::multi_passthrough_target_socket_optional<TlmTarget>;

  Socket socket;

  /// Wakes `device` for `reason` when a request may be taken or a response is due. `debug`: what
  /// transport_dbg does; nothing: no bytes.
  TlmTarget(const char* name, Clock& clock, std::uint32_t device, unsigned reason,
            std::function<unsigned(Payload&)> debug = {});

  /// To be called before the simulation starts, when the socket is bound.
  void elaborated();

  /// In the device's cycle: offers the oldest request of each initiator, accept(number, payload),
  /// which says whether it is taken. Numbers are used again after finish().
  template <class Accept>
  void take_requests(Cycle now, Accept&& accept) {
    const auto ports = static_cast<unsigned>(ports_.size());
    const unsigned first = first_port_;
    for (unsigned i = 0; i < ports; ++i) {
      const unsigned port = (first + i) % ports;
      const List& arrived = ports_[port].arrived;
      if (arrived.empty() || transactions_[arrived.head].visible_at > now) continue;
      if (!accept(arrived.head, *transactions_[arrived.head].payload)) continue;
      taken(port, now);
      first_port_ = (port + 1) % ports;
    }
  }

  Payload& payload(std::uint32_t number) { return *transactions_[number].payload; }
  /// The response is due in cycle `at`, later than now or, before respond(), now; its status is
  /// set.
  void finish(std::uint32_t number, Cycle at);
  /// In the device's cycle: begins the responses that are due.
  void respond(Cycle now);

  /// Requests whose response has not ended.
  std::uint32_t open() const { return open_; }
  /// Requests refused for their protocol.
  std::uint64_t refused() const { return refused_; }
  /// One line per initiator that waits, or lets wait.
  void waits(const std::string& device, const std::string& for_what,
             std::vector<std::string>& lines) const;

 private:
  static constexpr std::uint32_t none = ~std::uint32_t{0};

  struct Transaction {
    Payload* payload = nullptr;
    sc_core::sc_event* done = nullptr;  ///< of b_transport; nobody for nb_transport
    unsigned port = 0;
    Cycle visible_at = 0;  ///< first cycle in which it may be taken
    std::uint32_t next = none;
  };
  /// Transactions in order, linked through `next`.
  struct List {
    std::uint32_t head = none;
    std::uint32_t tail = none;
    bool empty() const { return head == none; }
  };
  /// One initiator.
  struct Port {
    List arrived;                     ///< by visible_at
    List responses;                   ///< in the order in which they are due
    std::uint32_t responding = none;  ///< BEGIN_RESP without END_RESP
    Cycle respond_from = 0;
    bool requesting = false;  ///< BEGIN_REQ without END_REQ
  };
  struct Done {
    Cycle at;
    std::uint64_t order;
    std::uint32_t transaction;
    bool operator>(const Done& other) const {
      return at != other.at ? at > other.at : order > other.order;
    }
  };

  tlm::tlm_sync_enum nb_transport_fw(int id, Payload& payload, tlm::tlm_phase& phase,
                                     sc_core::sc_time& delay);
  void b_transport(int id, Payload& payload, sc_core::sc_time& delay);
  unsigned transport_dbg(int id, Payload& payload);

  void arrive(unsigned port, Payload& payload, sc_core::sc_event* done,
              const sc_core::sc_time& delay);
  Cycle cycle_after(const sc_core::sc_time& delay) const;
  void taken(unsigned port, Cycle now);
  void begin_response(unsigned port, Cycle now);
  void end_response(unsigned port, Cycle respond_from);
  void wake(Cycle at) { clock_.wake(device_, reason_, at); }

  std::uint32_t new_transaction();
  void insert(List& list, std::uint32_t number);
  void append(List& list, std::uint32_t number);
  std::uint32_t pop(List& list);

  Clock& clock_;
  std::uint32_t device_;
  unsigned reason_;
  std::function<unsigned(Payload&)> debug_;
  std::vector<Port> ports_;
  std::vector<Transaction> transactions_;
  List free_;
  unsigned first_port_ = 0;  ///< whose request is looked at first
  std::priority_queue<Done, std::vector<Done>, std::greater<>> done_;
  std::uint64_t done_order_ = 0;
  BitMask responders_;  ///< ports with responses
  std::uint32_t open_ = 0;
  std::uint64_t refused_ = 0;
};

}  // namespace heddle
