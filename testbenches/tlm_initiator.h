// A TLM-2.0 initiator on the calendar, for tests: sends requests at chosen cycles by nb_transport
// and notes when each phase of the answer comes.
#pragma once

#include <gtest/gtest.h>
#include <tlm_utils/simple_initiator_socket.h>

#include <functional>
#include <string>
#include <tlm>
#include <utility>
#include <vector>

#include "device_bench.h"
#include "kernel/tlm_payload_pool.h"

namespace heddle::testing {

using Payload = tlm::tlm_generic_payload;

struct Request {
  Cycle at;
  bool write;
  std::uint64_t address;
  unsigned bytes;
};

struct Answer {
  unsigned number;  ///< of the request, in the order of sending
  Cycle requested = 0;
  Cycle accepted = 0;
  Cycle answered = 0;
  tlm::tlm_response_status status = tlm::TLM_INCOMPLETE_RESPONSE;
};

/// An initiator on the calendar: sends each request in its cycle, or as soon as the protocol
/// allows.
class Initiator : public BareDevice {
 public:
  tlm_utils::simple_initiator_socket<Initiator> socket;

  Initiator(const sc_core::sc_module_name& module_name, Clock& clock)
      : BareDevice(module_name, clock, 1), socket("socket") {
    socket.register_nb_transport_bw(this, &Initiator::nb_transport_bw);
  }

  void send(const Request& request) {
    script_.push_back(request);
    wake(0, request.at);
  }
  /// END_RESP comes by a call so many cycles after BEGIN_RESP; 0: as the answer to it.
  void answer_after(Cycle cycles) { answer_after_ = cycles; }
  /// What a payload is before it is sent.
  void prepare(std::function<void(Payload&)> prepare) { prepare_ = std::move(prepare); }

  const std::vector<Answer>& answers() const { return answers_; }
  const TlmPayloadPool& pool() const { return pool_; }

 private:
  struct Open {
    Payload* payload;
    unsigned number;
    Cycle end_response;
  };

  void cycle() override {
    due_.clear(0);
    for (std::size_t i = 0; i < open_.size(); ++i) {
      if (open_[i].end_response > now()) continue;
      tlm::tlm_phase phase = tlm::END_RESP;
      sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
      socket->nb_transport_fw(*open_[i].payload, phase, delay);
      close(i--);
    }
    if (now() >= request_from_ && next_ < script_.size() && script_[next_].at <= now()) begin();
  }

  void begin() {
    const Request& request = script_[next_];
    Payload& payload = pool_.acquire();
    payload.set_command(request.write ? tlm::TLM_WRITE_COMMAND : tlm::TLM_READ_COMMAND);
    payload.set_address(request.address);
    payload.set_data_ptr(data_);
    payload.set_data_length(request.bytes);
    payload.set_streaming_width(request.bytes);
    if (prepare_) prepare_(payload);
    answers_.push_back({static_cast<unsigned>(next_), now(), 0, 0, tlm::TLM_INCOMPLETE_RESPONSE});
    open_.push_back({&payload, static_cast<unsigned>(next_), never});
    request_from_ = never;
    ++next_;
    tlm::tlm_phase phase = tlm::BEGIN_REQ;
    sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
    if (socket->nb_transport_fw(payload, phase, delay) == tlm::TLM_COMPLETED) {
      request_from_ = now() + 1;
      answers_.back().status = payload.get_response_status();
      close(open_.size() - 1);
      wake(0, now() + 1);
    }
  }

  void close(std::size_t i) {
    open_[i].payload->release();
    open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(i));
  }

  tlm::tlm_sync_enum nb_transport_bw(Payload& payload, tlm::tlm_phase& phase, sc_core::sc_time&) {
    std::size_t i = 0;
    while (open_[i].payload != &payload) ++i;
    Answer& answer = answers_[open_[i].number];
    if (phase == tlm::END_REQ) {
      answer.accepted = now();
      request_from_ = now() + 1;
      wake(0, request_from_);
      return tlm::TLM_ACCEPTED;
    }
    EXPECT_EQ(phase, tlm::BEGIN_RESP);
    answer.answered = now();
    answer.status = payload.get_response_status();
    if (answer_after_ == 0) {
      close(i);
      return tlm::TLM_COMPLETED;
    }
    open_[i].end_response = now() + answer_after_;
    wake(0, now() + answer_after_);
    return tlm::TLM_ACCEPTED;
  }

  TlmPayloadPool pool_;
  std::vector<Request> script_;
  std::size_t next_ = 0;
  Cycle request_from_ = 0;  ///< never: a request is without END_REQ
  Cycle answer_after_ = 0;
  std::function<void(Payload&)> prepare_;
  std::vector<Open> open_;
  std::vector<Answer> answers_;
  unsigned char data_[1 << 16] = {};
};

}  // namespace heddle::testing
