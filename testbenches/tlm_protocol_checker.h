// A passive checker of the TLM-2.0 base protocol, between an initiator and a target: forwards every
// call unchanged, and fails the test when a phase comes that may not (IEEE 1666-2011, 15.2).
#pragma once

#include <gtest/gtest.h>
#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>

#include <map>
#include <systemc>
#include <tlm>

namespace heddle::testing {

class TlmProtocolChecker : public sc_core::sc_module {
 public:
  tlm_utils::simple_target_socket<TlmProtocolChecker> from_initiator;
  tlm_utils::simple_initiator_socket<TlmProtocolChecker> to_target;

  explicit TlmProtocolChecker(const sc_core::sc_module_name& module_name)
      : sc_core::sc_module(module_name), from_initiator("from_initiator"), to_target("to_target") {
    from_initiator.register_nb_transport_fw(this, &TlmProtocolChecker::forward);
    from_initiator.register_b_transport(this, &TlmProtocolChecker::block);
    from_initiator.register_transport_dbg(this, &TlmProtocolChecker::debug);
    to_target.register_nb_transport_bw(this, &TlmProtocolChecker::backward);
  }

  std::uint64_t completed() const { return completed_; }
  std::size_t open() const { return phases_.size(); }

 private:
  using Payload = tlm::tlm_generic_payload;

  tlm::tlm_sync_enum forward(Payload& payload, tlm::tlm_phase& phase, sc_core::sc_time& delay) {
    const bool request = phase == tlm::BEGIN_REQ;
    if (request) {
      EXPECT_EQ(phases_.count(&payload), 0U) << "a payload begins a second transaction";
      EXPECT_FALSE(requesting_) << "a second BEGIN_REQ before END_REQ";
      EXPECT_TRUE(payload.has_mm());
      EXPECT_EQ(payload.get_response_status(), tlm::TLM_INCOMPLETE_RESPONSE);
      requesting_ = true;
      phases_[&payload] = tlm::BEGIN_REQ;
    } else {
      EXPECT_EQ(phase, tlm::END_RESP);
      end_response(payload);
    }
    const tlm::tlm_sync_enum answer = to_target->nb_transport_fw(payload, phase, delay);
    if (answer == tlm::TLM_COMPLETED && request) {
      EXPECT_NE(payload.get_response_status(), tlm::TLM_INCOMPLETE_RESPONSE);
      requesting_ = false;
      phases_.erase(&payload);
    }
    EXPECT_NE(answer, tlm::TLM_UPDATED) << "this target answers by calls only";
    return answer;
  }

  tlm::tlm_sync_enum backward(Payload& payload, tlm::tlm_phase& phase, sc_core::sc_time& delay) {
    if (phase == tlm::END_REQ) {
      EXPECT_EQ(phases_[&payload], tlm::BEGIN_REQ);
      phases_[&payload] = tlm::END_REQ;
      requesting_ = false;
    } else {
      EXPECT_EQ(phase, tlm::BEGIN_RESP);
      EXPECT_EQ(phases_[&payload], tlm::END_REQ);
      EXPECT_FALSE(responding_) << "a second BEGIN_RESP before END_RESP";
      EXPECT_NE(payload.get_response_status(), tlm::TLM_INCOMPLETE_RESPONSE);
      phases_[&payload] = tlm::BEGIN_RESP;
      responding_ = true;
    }
    const tlm::tlm_sync_enum answer = from_initiator->nb_transport_bw(payload, phase, delay);
    const bool ended =
        answer == tlm::TLM_COMPLETED || (answer == tlm::TLM_UPDATED && phase == tlm::END_RESP);
    if (ended) end_response(payload);
    return answer;
  }

  void end_response(const Payload& payload) {
    EXPECT_EQ(phases_[&payload], tlm::BEGIN_RESP);
    EXPECT_TRUE(responding_);
    responding_ = false;
    phases_.erase(&payload);
    ++completed_;
  }

  void block(Payload& payload, sc_core::sc_time& delay) {
    to_target->b_transport(payload, delay);
    EXPECT_NE(payload.get_response_status(), tlm::TLM_INCOMPLETE_RESPONSE);
  }
  unsigned debug(Payload& payload) { return to_target->transport_dbg(payload); }

  std::map<const Payload*, tlm::tlm_phase> phases_;
  bool requesting_ = false;
  bool responding_ = false;
  std::uint64_t completed_ = 0;
};

}  // namespace heddle::testing
