#include "kernel/csr.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace heddle {

namespace {

bool is_high_half(const RegisterMap::Found& found, std::uint64_t address) {
  return address != found.address;
}

/// The checks that need no register.
tlm::tlm_response_status form_of(const tlm::tlm_generic_payload& payload) {
  const unsigned length = payload.get_data_length();
  if (payload.get_byte_enable_ptr() != nullptr) return tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE;
  if (payload.get_data_ptr() == nullptr || (length != 4 && length != 8) ||
      payload.get_streaming_width() < length || payload.get_address() % length != 0) {
    return tlm::TLM_BURST_ERROR_RESPONSE;
  }
  return tlm::TLM_OK_RESPONSE;
}

tlm::tlm_response_status permission(const Register& declared, tlm::tlm_command command) {
  const bool allowed = command == tlm::TLM_READ_COMMAND    ? static_cast<bool>(declared.read)
                       : command == tlm::TLM_WRITE_COMMAND ? static_cast<bool>(declared.write)
                                                           : true;
  return allowed ? tlm::TLM_OK_RESPONSE : tlm::TLM_COMMAND_ERROR_RESPONSE;
}

}  // namespace

Csr::Csr(const char* socket_name, Clock& clock, std::uint32_t device, RegisterMap map)
    : socket(socket_name), clock_(clock), device_(device), map_(std::move(map)) {
  map_.check();
  socket.register_b_transport(this, &Csr::transport);
  socket.register_transport_dbg(this, &Csr::debug);
  socket.register_get_direct_mem_ptr(this, &Csr::direct);
}

void Csr::transport(Payload& payload, sc_core::sc_time& delay) {
  payload.set_dmi_allowed(false);
  try {
    payload.set_response_status(access(payload, delay));
  } catch (const std::exception&) {  // nothing is thrown through a bus
    payload.set_response_status(tlm::TLM_GENERIC_ERROR_RESPONSE);
  }
  delay += clock_.time_of(access_cycles);
}

tlm::tlm_response_status Csr::access(Payload& payload, const sc_core::sc_time& delay) {
  if (const auto form = form_of(payload); form != tlm::TLM_OK_RESPONSE) return form;
  const std::uint64_t address = payload.get_address();
  const unsigned length = payload.get_data_length();
  const RegisterMap::Found found = map_.find(address);
  if (found.declared == nullptr) return tlm::TLM_ADDRESS_ERROR_RESPONSE;
  if (length > found.declared->bytes) return tlm::TLM_BURST_ERROR_RESPONSE;
  if (const auto may = permission(*found.declared, payload.get_command());
      may != tlm::TLM_OK_RESPONSE) {
    return may;
  }
  if (payload.is_read()) {
    const std::uint64_t value = read(found, address, length);
    const auto half = static_cast<std::uint32_t>(value);
    std::memcpy(payload.get_data_ptr(),
                length == 4 ? static_cast<const void*>(&half) : static_cast<const void*>(&value),
                length);
  } else if (payload.is_write()) {
    std::uint64_t value = 0;
    std::uint32_t half = 0;
    std::memcpy(length == 4 ? static_cast<void*>(&half) : static_cast<void*>(&value),
                payload.get_data_ptr(), length);
    return write(found, address, length, length == 4 ? half : value,
                 clock_.first_cycle_after(sc_core::sc_time_stamp() + delay));
  }
  return tlm::TLM_OK_RESPONSE;
}

std::uint64_t Csr::read(const RegisterMap::Found& found, std::uint64_t address, unsigned bytes) {
  const Half kept = std::exchange(read_high_, {});
  if (is_high_half(found, address)) {
    return kept.address == found.address ? kept.bits : peek(found) >> 32;
  }
  const std::uint64_t value = peek(found);
  if (found.declared->clear) found.declared->clear(found.index);
  if (bytes == 4 && found.declared->bytes == 8) {
    read_high_ = {found.address, static_cast<std::uint32_t>(value >> 32)};
  }
  return value;
}

tlm::tlm_response_status Csr::write(const RegisterMap::Found& found, std::uint64_t address,
                                    unsigned bytes, std::uint64_t value, Cycle from) {
  const Half kept = std::exchange(written_low_, {});
  if (bytes < found.declared->bytes) {
    if (!is_high_half(found, address)) {
      written_low_ = {found.address, static_cast<std::uint32_t>(value)};
      return tlm::TLM_OK_RESPONSE;
    }
    const std::uint32_t low = kept.address == found.address ? kept.bits
                              : found.declared->read ? static_cast<std::uint32_t>(peek(found))
                                                     : 0;
    value = value << 32 | low;
  }
  if (value < found.declared->minimum || value > found.declared->maximum) {
    return tlm::TLM_GENERIC_ERROR_RESPONSE;
  }
  write_at(found, value, from);
  return tlm::TLM_OK_RESPONSE;
}

void Csr::write_at(const RegisterMap::Found& found, std::uint64_t value, Cycle from) {
  const std::uint64_t number = writes_++;
  pending_.push_back({number, found.address, value});
  clock_.before_cycle(from, [this, number, found, value] {
    pending_.erase(std::find_if(pending_.begin(), pending_.end(),
                                [&](const Pending& p) { return p.number == number; }));
    found.declared->write(found.index, value);
  });
  clock_.wake(device_, 0, from);
}

/// What the register holds or, sooner, what it will: the last write to it.
std::uint64_t Csr::peek(const RegisterMap::Found& found) const {
  for (auto p = pending_.rbegin(); p != pending_.rend(); ++p) {
    if (p->address == found.address) return p->value;
  }
  return found.declared->read(found.index);
}

unsigned Csr::debug(Payload& payload) {
  if (!payload.is_read() || payload.get_data_ptr() == nullptr) return 0;
  unsigned done = 0;
  for (; done < payload.get_data_length(); ++done) {
    const RegisterMap::Found found = map_.find(payload.get_address() + done);
    if (found.declared == nullptr || !found.declared->read) break;
    const std::uint64_t byte = payload.get_address() + done - found.address;
    payload.get_data_ptr()[done] = static_cast<unsigned char>(peek(found) >> (8 * byte));
  }
  return done;
}

bool Csr::direct(Payload&, tlm::tlm_dmi&) { return false; }

}  // namespace heddle
