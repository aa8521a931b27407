// One socket for all stacks of a chip's memory: consecutive blocks of addresses lie in consecutive
// stacks. It takes no time. A transaction may not cross the end of a block
// (TLM_ADDRESS_ERROR_RESPONSE); its initiator must end responses at once (TLM_COMPLETED), as those
// of several stacks may come in one cycle.
#pragma once

#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <systemc>
#include <tlm>
#include <vector>

namespace heddle {

class Interleave : public sc_core::sc_module {
 public:
  tlm_utils::simple_target_socket<Interleave> socket;

  Interleave(const sc_core::sc_module_name& module_name, unsigned stacks, std::uint64_t block_bytes)
      : sc_module(module_name), socket("socket"), block_bytes_(block_bytes) {
    socket.register_nb_transport_fw(this, &Interleave::nb_transport_fw);
    socket.register_b_transport(this, &Interleave::b_transport);
    socket.register_transport_dbg(this, &Interleave::transport_dbg);
    for (unsigned stack = 0; stack < stacks; ++stack) {
      const std::string name = "stack" + std::to_string(stack);
      stacks_.push_back(std::make_unique<Stack>(name.c_str()));
      stacks_.back()->register_nb_transport_bw(this, &Interleave::nb_transport_bw,
                                               static_cast<int>(stack));
    }
  }

  using Stack = tlm_utils::simple_initiator_socket_tagged<Interleave>;
  Stack& stack(unsigned number) { return *stacks_[number]; }

 private:
  using Payload = tlm::tlm_generic_payload;

  struct Place {
    unsigned stack;
    std::uint64_t address;
  };
  Place place(std::uint64_t address) const {
    const std::uint64_t block = address / block_bytes_;
    return {static_cast<unsigned>(block % stacks_.size()),
            block / stacks_.size() * block_bytes_ + address % block_bytes_};
  }
  std::uint64_t address(const Place& place) const {
    const std::uint64_t block = place.address / block_bytes_ * stacks_.size() + place.stack;
    return block * block_bytes_ + place.address % block_bytes_;
  }
  bool crosses(const Payload& payload) const {
    return payload.get_address() % block_bytes_ + payload.get_data_length() > block_bytes_;
  }

  tlm::tlm_sync_enum nb_transport_fw(Payload& payload, tlm::tlm_phase& phase,
                                     sc_core::sc_time& delay) {
    const Place to = place(payload.get_address());
    if (phase != tlm::BEGIN_REQ)
      return (*stacks_[to.stack])->nb_transport_fw(payload, phase, delay);
    if (crosses(payload)) {
      payload.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
      return tlm::TLM_COMPLETED;
    }
    payload.set_address(to.address);
    return (*stacks_[to.stack])->nb_transport_fw(payload, phase, delay);
  }

  tlm::tlm_sync_enum nb_transport_bw(int stack, Payload& payload, tlm::tlm_phase& phase,
                                     sc_core::sc_time& delay) {
    const std::uint64_t local = payload.get_address();
    payload.set_address(address({static_cast<unsigned>(stack), local}));
    const tlm::tlm_sync_enum answer = socket->nb_transport_bw(payload, phase, delay);
    if (phase == tlm::END_REQ) payload.set_address(local);  // the stack still works with it
    return answer;
  }

  void b_transport(Payload& payload, sc_core::sc_time& delay) {
    if (crosses(payload)) return payload.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
    const std::uint64_t whole = payload.get_address();
    const Place to = place(whole);
    payload.set_address(to.address);
    (*stacks_[to.stack])->b_transport(payload, delay);
    payload.set_address(whole);
  }

  /// Piece by piece: it takes no time, so blocks do not matter.
  unsigned transport_dbg(Payload& payload) {
    const std::uint64_t whole = payload.get_address();
    const unsigned length = payload.get_data_length();
    unsigned char* const data = payload.get_data_ptr();
    unsigned done = 0;
    while (done < length) {
      const std::uint64_t at = whole + done;
      const auto piece = static_cast<unsigned>(
          std::min<std::uint64_t>(length - done, block_bytes_ - at % block_bytes_));
      const Place to = place(at);
      payload.set_address(to.address);
      payload.set_data_ptr(data + done);
      payload.set_data_length(piece);
      const unsigned moved = (*stacks_[to.stack])->transport_dbg(payload);
      done += moved;
      if (moved < piece) break;
    }
    payload.set_address(whole);
    payload.set_data_ptr(data);
    payload.set_data_length(length);
    return done;
  }

  std::uint64_t block_bytes_;
  std::vector<std::unique_ptr<Stack>> stacks_;
};

}  // namespace heddle
