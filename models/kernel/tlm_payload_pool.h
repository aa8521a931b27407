// Memory manager for the generic payloads of a TLM-2.0 initiator: payloads are used again, and none
// is made while the run goes on in its stride.
#pragma once

#include <cstddef>
#include <memory>
#include <tlm>
#include <vector>

namespace heddle {

/// Must outlive every transaction that it has given.
class TlmPayloadPool : public tlm::tlm_mm_interface {
 public:
  /// A payload with one reference, the caller's, who gives it up with payload.release(). Its
  /// attributes are those of its last use, its response is incomplete; the caller sets the rest.
  tlm::tlm_generic_payload& acquire() {
    if (free_.empty()) {
      payloads_.push_back(std::make_unique<tlm::tlm_generic_payload>(this));
      free_.reserve(payloads_.size());
      free_.push_back(payloads_.back().get());
    }
    tlm::tlm_generic_payload& payload = *free_.back();
    free_.pop_back();
    payload.acquire();
    payload.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
    payload.set_dmi_allowed(false);
    return payload;
  }

  /// Payloads that somebody holds.
  std::size_t live() const { return payloads_.size() - free_.size(); }
  std::size_t size() const { return payloads_.size(); }

 private:
  /// The last reference is gone.
  void free(tlm::tlm_generic_payload* payload) override {
    payload->reset();
    free_.push_back(payload);
  }

  std::vector<std::unique_ptr<tlm::tlm_generic_payload>> payloads_;
  std::vector<tlm::tlm_generic_payload*> free_;
};

}  // namespace heddle
