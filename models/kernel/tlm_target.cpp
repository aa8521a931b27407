#include "kernel/tlm_target.h"

#include <fmt/format.h>

#include <utility>

namespace heddle {

TlmTarget::TlmTarget(const char* name, Clock& clock, std::uint32_t device, unsigned reason,
                     std::function<unsigned(Payload&)> debug)
    : socket(name), clock_(clock), device_(device), reason_(reason), debug_(std::move(debug)) {
  socket.register_nb_transport_fw(this, &TlmTarget::nb_transport_fw);
  socket.register_b_transport(this, &TlmTarget::b_transport);
  socket.register_transport_dbg(this, &TlmTarget::transport_dbg);
}

void TlmTarget::elaborated() {
  ports_.resize(socket.size());
  responders_.resize(socket.size());
}

// --- calls of initiators, at any time ---------------------------------------------------------

/// The cycle after the one in which a call with this delay arrives.
Cycle TlmTarget::cycle_after(const sc_core::sc_time& delay) const {
  return clock_.first_cycle_after(sc_core::sc_time_stamp() + delay);
}

tlm::tlm_sync_enum TlmTarget::nb_transport_fw(int id, Payload& payload, tlm::tlm_phase& phase,
                                              sc_core::sc_time& delay) {
  const auto number = static_cast<unsigned>(id);
  Port& port = ports_[number];
  if (phase == tlm::BEGIN_REQ) {
    if (port.requesting || !payload.has_mm()) {
      payload.set_response_status(tlm::TLM_GENERIC_ERROR_RESPONSE);
      ++refused_;
      return tlm::TLM_COMPLETED;
    }
    port.requesting = true;
    payload.acquire();
    arrive(number, payload, nullptr, delay);
  } else if (phase == tlm::END_RESP && port.responding != none) {
    end_response(number, cycle_after(delay));
  }
  return tlm::TLM_ACCEPTED;
}

void TlmTarget::b_transport(int id, Payload& payload, sc_core::sc_time& delay) {
  sc_core::sc_event done;
  arrive(static_cast<unsigned>(id), payload, &done, delay);
  sc_core::wait(done);
  delay = sc_core::SC_ZERO_TIME;
}

unsigned TlmTarget::transport_dbg(int, Payload& payload) { return debug_ ? debug_(payload) : 0; }

void TlmTarget::arrive(unsigned port, Payload& payload, sc_core::sc_event* done,
                       const sc_core::sc_time& delay) {
  const std::uint32_t number = new_transaction();
  transactions_[number] = {&payload, done, port, cycle_after(delay), none};
  insert(ports_[port].arrived, number);
  wake(transactions_[number].visible_at);
}

// --- requests -----------------------------------------------------------------------------------

/// The oldest request of a port.
void TlmTarget::taken(unsigned port, Cycle now) {
  Port& p = ports_[port];
  const Transaction& transaction = transactions_[pop(p.arrived)];
  if (!p.arrived.empty()) wake(std::max(now + 1, transactions_[p.arrived.head].visible_at));
  if (transaction.done != nullptr) return;
  p.requesting = false;
  tlm::tlm_phase phase = tlm::END_REQ;
  sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
  socket[static_cast<int>(port)]->nb_transport_bw(*transaction.payload, phase, delay);
}

// --- responses ----------------------------------------------------------------------------------

void TlmTarget::finish(std::uint32_t number, Cycle at) {
  done_.push({at, done_order_++, number});
  if (at > clock_.now()) wake(at);
}

void TlmTarget::respond(Cycle now) {
  for (; !done_.empty() && done_.top().at <= now; done_.pop()) {
    const std::uint32_t number = done_.top().transaction;
    const unsigned port = transactions_[number].port;
    append(ports_[port].responses, number);
    responders_.set(port);
  }
  responders_.for_each([&](unsigned port) {
    const Port& p = ports_[port];
    if (p.responding != none) return;  // its END_RESP wakes us
    if (p.respond_from > now) return wake(p.respond_from);
    begin_response(port, now);
  });
}

void TlmTarget::begin_response(unsigned port, Cycle now) {
  Port& p = ports_[port];
  p.responding = pop(p.responses);
  if (p.responses.empty()) responders_.clear(port);
  const Transaction& transaction = transactions_[p.responding];
  if (transaction.done != nullptr) {
    transaction.done->notify(sc_core::SC_ZERO_TIME);
    return end_response(port, now + 1);
  }
  tlm::tlm_phase phase = tlm::BEGIN_RESP;
  sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
  const tlm::tlm_sync_enum answer =
      socket[static_cast<int>(port)]->nb_transport_bw(*transaction.payload, phase, delay);
  const bool ended =
      answer == tlm::TLM_COMPLETED || (answer == tlm::TLM_UPDATED && phase == tlm::END_RESP);
  if (ended && p.responding != none) end_response(port, cycle_after(delay));
}

/// The port may get its next response in cycle `respond_from`.
void TlmTarget::end_response(unsigned port, Cycle respond_from) {
  Port& p = ports_[port];
  const std::uint32_t number = std::exchange(p.responding, none);
  p.respond_from = respond_from;
  if (transactions_[number].done == nullptr) transactions_[number].payload->release();
  --open_;
  append(free_, number);
  if (responders_.test(port)) wake(respond_from);
}

// --- transactions -------------------------------------------------------------------------------

std::uint32_t TlmTarget::new_transaction() {
  ++open_;
  if (!free_.empty()) return pop(free_);
  transactions_.emplace_back();
  return static_cast<std::uint32_t>(transactions_.size() - 1);
}

void TlmTarget::append(List& list, std::uint32_t number) {
  transactions_[number].next = none;
  (list.empty() ? list.head : transactions_[list.tail].next) = number;
  list.tail = number;
}

/// Behind those that are visible as early.
void TlmTarget::insert(List& list, std::uint32_t number) {
  const auto later = [&](std::uint32_t other) {
    return transactions_[other].visible_at > transactions_[number].visible_at;
  };
  if (list.empty() || !later(list.tail)) return append(list, number);
  std::uint32_t* place = &list.head;
  while (!later(*place)) place = &transactions_[*place].next;
  transactions_[number].next = std::exchange(*place, number);
}

std::uint32_t TlmTarget::pop(List& list) {
  const std::uint32_t number = list.head;
  list.head = transactions_[number].next;
  return number;
}

// --- what others may see ------------------------------------------------------------------------

void TlmTarget::waits(const std::string& device, const std::string& for_what,
                      std::vector<std::string>& lines) const {
  for (std::size_t port = 0; port < ports_.size(); ++port) {
    if (!ports_[port].arrived.empty()) {
      lines.push_back(
          fmt::format("{}: a request of initiator {} waits for {}", device, port, for_what));
    }
    if (ports_[port].responding != none) {
      lines.push_back(fmt::format("{}: initiator {} has not ended a response", device, port));
    }
  }
}

}  // namespace heddle
