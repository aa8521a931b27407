// The control and status registers of a device behind a TLM-2.0 target socket.
//
// Access. Data is an integer in the byte order of the machine, as TLM-2.0 has it. A 32-bit register
// is accessed whole; a 64-bit one whole or by halves, the low half at the lower address:
//  - reading the low half keeps the high half of that moment, and the next read, if it is of that
//    high half, returns it: two halves read one after the other belong together. Read alone, the
//    high half is that of the moment;
//  - writing the low half keeps it, and writing the high half writes both. The high half alone
//    leaves the low half as it is.
//
// Time. Loosely timed: an access is done when b_transport returns, and adds `access_cycles` to its
// delay, also when it fails. A read sees the device between two cycles, those whose time has come;
// at the very time of a cycle's edge, before or after that cycle, as SystemC orders the processes.
// A write takes effect at the beginning of the first cycle after the initiator's local time (time
// stamp and delay), before any device runs: never within a cycle, and, at an edge, in the next
// cycle whichever process came first. Writes take effect in the order of their cycles, those of one
// cycle in the order in which they were made. They read back at once.
//
// Responses, the first that applies:
//   TLM_BYTE_ENABLE_ERROR_RESPONSE  byte enables
//   TLM_BURST_ERROR_RESPONSE        no data pointer; a length other than 4 and 8; a streaming width
//                                   smaller than the length; an address that is not a multiple of
//                                   the length
//   TLM_ADDRESS_ERROR_RESPONSE      no register at the address
//   TLM_BURST_ERROR_RESPONSE        8 bytes of a 32-bit register
//   TLM_COMMAND_ERROR_RESPONSE      a write to what can only be read, a read of a command
//   TLM_GENERIC_ERROR_RESPONSE      a value beyond the register's bounds; nothing has changed
//   TLM_OK_RESPONSE                 else; for TLM_IGNORE_COMMAND without doing anything
//
// transport_dbg reads any number of bytes from any address, up to the first that cannot be read,
// and has no side effect; it does not write. There is no direct memory interface.
#pragma once

#include <tlm_utils/simple_target_socket.h>

#include <cstdint>
#include <tlm>
#include <vector>

#include "kernel/clock.h"
#include "kernel/registers.h"

namespace heddle {

/// While one exists, new SystemC objects become parts of `module`, as if its constructor made them.
class ModuleScope {
 public:
  explicit ModuleScope(sc_core::sc_module& module) {
    sc_core::sc_get_curr_simcontext()->hierarchy_push(&module);
  }
  ~ModuleScope() { sc_core::sc_get_curr_simcontext()->hierarchy_pop(); }
  ModuleScope(const ModuleScope&) = delete;
  ModuleScope& operator=(const ModuleScope&) = delete;
};

class Csr {
 public:
  using Socket = tlm_utils::simple_target_socket_optional<Csr>;

  static constexpr Cycle access_cycles = 8;  ///< a choice: the order of a bus inside a chip

  /// `device`: is woken in the cycle in which a write takes effect, for its reason 0.
  Csr(const char* socket_name, Clock& clock, std::uint32_t device, RegisterMap map);

  const RegisterMap& map() const { return map_; }

  Socket socket;

 private:
  using Payload = tlm::tlm_generic_payload;

  /// A write whose cycle has not come.
  struct Pending {
    std::uint64_t number;
    std::uint64_t address;
    std::uint64_t value;
  };
  /// Half of a 64-bit register that waits for the other.
  struct Half {
    static constexpr std::uint64_t nowhere = ~std::uint64_t{0};
    std::uint64_t address = nowhere;  ///< of the register
    std::uint32_t bits = 0;
  };

  void transport(Payload& payload, sc_core::sc_time& delay);
  unsigned debug(Payload& payload);
  bool direct(Payload& payload, tlm::tlm_dmi& dmi);

  tlm::tlm_response_status access(Payload& payload, const sc_core::sc_time& delay);
  std::uint64_t read(const RegisterMap::Found& found, std::uint64_t address, unsigned bytes);
  tlm::tlm_response_status write(const RegisterMap::Found& found, std::uint64_t address,
                                 unsigned bytes, std::uint64_t value, Cycle from);
  void write_at(const RegisterMap::Found& found, std::uint64_t value, Cycle from);
  std::uint64_t peek(const RegisterMap::Found& found) const;

  Clock& clock_;
  std::uint32_t device_;
  RegisterMap map_;
  Half read_high_;
  Half written_low_;
  std::vector<Pending> pending_;
  std::uint64_t writes_ = 0;
};

}  // namespace heddle
