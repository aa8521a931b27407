// An outside TLM-2.0 initiator for tests: runs a script as a SystemC process that reads and writes
// the registers of devices.
#pragma once

#include <tlm_utils/simple_initiator_socket.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <systemc>
#include <utility>
#include <vector>

#include "kernel/csr.h"

namespace heddle::testing {

class RegisterBus : public sc_core::sc_module {
 public:
  using Script = std::function<void(RegisterBus&)>;

  SC_HAS_PROCESS(RegisterBus);
  explicit RegisterBus(Script script)
      : sc_core::sc_module(sc_core::sc_module_name("bus")), script_(std::move(script)) {
    SC_THREAD(run);
  }

  /// Returns the number by which the script names the device.
  unsigned attach(Csr& csr) {
    const ModuleScope scope(*this);
    const std::string name = "socket" + std::to_string(sockets_.size());
    sockets_.push_back(std::make_unique<Initiator>(name.c_str()));
    sockets_.back()->bind(csr.socket);
    return static_cast<unsigned>(sockets_.size() - 1);
  }
  bool done() const { return done_; }

  void wait_until(double ns) {
    wait(sc_core::sc_time(ns, sc_core::SC_NS) - sc_core::sc_time_stamp());
  }

  struct Access {
    tlm::tlm_command command = tlm::TLM_READ_COMMAND;
    std::uint64_t address = 0;
    unsigned length = 4;
    unsigned streaming_width = ~0U;
    bool byte_enables = false;
    bool no_data = false;
    std::uint64_t value = 0;
    sc_core::sc_time delay = sc_core::SC_ZERO_TIME;  ///< of the initiator, then with the access's

    tlm::tlm_response_status response = tlm::TLM_INCOMPLETE_RESPONSE;
    bool dmi_allowed = false;
  };
  /// Does the access without waiting for its delay.
  Access access(unsigned device, Access what) {
    tlm::tlm_generic_payload payload;
    unsigned char enable = TLM_BYTE_ENABLED;
    payload.set_command(what.command);
    payload.set_address(what.address);
    payload.set_data_ptr(what.no_data ? nullptr : reinterpret_cast<unsigned char*>(&what.value));
    payload.set_data_length(what.length);
    payload.set_streaming_width(what.streaming_width);
    if (what.byte_enables) {
      payload.set_byte_enable_ptr(&enable);
      payload.set_byte_enable_length(1);
    }
    payload.set_dmi_allowed(true);
    (*sockets_[device])->b_transport(payload, what.delay);
    what.response = payload.get_response_status();
    what.dmi_allowed = payload.is_dmi_allowed();
    return what;
  }

  std::uint64_t read(unsigned device, std::uint64_t address, unsigned length) {
    return require(access(device, {tlm::TLM_READ_COMMAND, address, length})).value;
  }
  void write(unsigned device, std::uint64_t address, unsigned length, std::uint64_t value) {
    Access what{tlm::TLM_WRITE_COMMAND, address, length};
    what.value = value;
    require(access(device, what));
  }

  /// Bytes read by transport_dbg.
  unsigned debug(unsigned device, tlm::tlm_command command, std::uint64_t address, void* data,
                 unsigned length) {
    tlm::tlm_generic_payload payload;
    payload.set_command(command);
    payload.set_address(address);
    payload.set_data_ptr(static_cast<unsigned char*>(data));
    payload.set_data_length(length);
    return (*sockets_[device])->transport_dbg(payload);
  }
  std::uint64_t debug_read(unsigned device, std::uint64_t address, unsigned length) {
    std::uint64_t value = 0;
    if (debug(device, tlm::TLM_READ_COMMAND, address, &value, length) != length) {
      throw std::runtime_error("nothing to read at " + std::to_string(address));
    }
    return value;
  }
  bool direct(unsigned device, std::uint64_t address) {
    tlm::tlm_generic_payload payload;
    payload.set_address(address);
    tlm::tlm_dmi dmi;
    return (*sockets_[device])->get_direct_mem_ptr(payload, dmi);
  }

 private:
  using Initiator = tlm_utils::simple_initiator_socket<RegisterBus>;

  static Access require(const Access& done) {
    if (done.response != tlm::TLM_OK_RESPONSE) {
      throw std::runtime_error("access to " + std::to_string(done.address) + " fails");
    }
    return done;
  }

  void run() {
    script_(*this);
    done_ = true;
  }

  Script script_;
  std::vector<std::unique_ptr<Initiator>> sockets_;
  bool done_ = false;
};

/// The address of `block[i].name[j]`; throws std::runtime_error when there is none.
inline std::uint64_t address_of(const RegisterMap& map, const std::string& block,
                                const std::string& name, unsigned i = 0, unsigned j = 0) {
  for (const RegisterBlock& b : map.blocks()) {
    if (b.name != block || i >= b.count) continue;
    for (const Register& r : b.registers) {
      if (r.name == name && j < r.count) return b.base + i * b.stride + r.offset + j * r.stride;
    }
  }
  throw std::runtime_error("no register " + block + "." + name);
}

}  // namespace heddle::testing
