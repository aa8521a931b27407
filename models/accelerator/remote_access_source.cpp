#include "accelerator/remote_access_source.h"

#include <fmt/format.h>

#include <algorithm>

namespace heddle {

RemoteAccessSource::RemoteAccessSource(const sc_core::sc_module_name& module_name, Clock& clock,
                                       const RemoteAccesses& accesses)
    : Device(module_name, clock, 1),
      socket("socket"),
      accesses_(accesses),
      rng_(clock.options().seed, path(), "accesses"),
      request_from_(std::max<Cycle>(accesses.start, 1)) {
  socket.register_nb_transport_bw(this, &RemoteAccessSource::nb_transport_bw);
  wake(0, request_from_);
}

void RemoteAccessSource::cycle() {
  due_.clear(0);
  // An answer of this very cycle counts from the next one on.
  const std::uint64_t answered = answered_ - (answered_at_ == now() ? 1 : 0);
  if (now() < request_from_ || begun_ == accesses_.count ||
      begun_ - answered == accesses_.outstanding) {
    return;
  }
  tlm::tlm_generic_payload& payload = payloads_.acquire();
  const bool other = accesses_.mix > 0 && rng_.uniform() < accesses_.mix;
  payload.set_command(accesses_.write != other ? tlm::TLM_WRITE_COMMAND : tlm::TLM_READ_COMMAND);
  payload.set_address(next_address());
  payload.set_data_ptr(nullptr);
  payload.set_data_length(static_cast<unsigned>(accesses_.bytes));
  payload.set_streaming_width(static_cast<unsigned>(accesses_.bytes));
  request_from_ = never;
  ++begun_;
  tlm::tlm_phase phase = tlm::BEGIN_REQ;
  sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
  if (socket->nb_transport_fw(payload, phase, delay) != tlm::TLM_ACCEPTED) {
    throw CheckFailure("the endpoint has not accepted a request");
  }
}

/// Anywhere in the memory of the node, at a multiple of the access.
std::uint64_t RemoteAccessSource::next_address() {
  const std::uint64_t places = accesses_.memory_bytes / accesses_.bytes;
  const std::uint64_t node = accesses_.target(rng_);
  return node * accesses_.memory_bytes + rng_.bits() % places * accesses_.bytes;
}

tlm::tlm_sync_enum RemoteAccessSource::nb_transport_bw(tlm::tlm_generic_payload& payload,
                                                       tlm::tlm_phase& phase, sc_core::sc_time&) {
  wake(0, now() + 1);
  if (phase == tlm::END_REQ) {
    request_from_ = now() + 1;
    return tlm::TLM_ACCEPTED;
  }
  ++answered_;
  answered_at_ = now();
  errors_ += payload.is_response_ok() ? 0 : 1;
  payload.release();
  return tlm::TLM_COMPLETED;
}

void RemoteAccessSource::waits(std::vector<std::string>& lines) const {
  if (done()) return;
  lines.push_back(
      fmt::format("{}: {} of {} accesses answered", path(), answered_, accesses_.count));
}

void RemoteAccessSource::verify(bool drained) const {
  if (drained && (!done() || payloads_.live() != 0)) {
    throw CheckFailure(path() + ": accesses without an answer");
  }
}

}  // namespace heddle
