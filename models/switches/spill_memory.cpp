#include "switches/spill_memory.h"

#include <fmt/format.h>

namespace heddle {

namespace {

constexpr std::uint32_t unbounded = ~std::uint32_t{0};  // the pool of records is the bound

/// Bytes at `rate`: one per 8e12 / (rate * period) cycles.
Pacer byte_pacer(Rate rate, std::uint64_t period_ps) {
  return Pacer(Pacer::Wide{8} * ps_per_second, Pacer::Wide{rate.bits_per_second} * period_ps);
}

std::uint64_t block_bytes(const DramConfig& memory, std::uint32_t largest_packet_bytes) {
  const std::uint64_t stripe = memory.stripe.value;
  return (largest_packet_bytes + stripe - 1) / stripe * stripe;
}

}  // namespace

SpillMemory::SpillMemory(const Environment& environment, const SpillPlace& place,
                         const SpillConfig& config, VoqBank& voqs, SharedBuffer& sram,
                         Occupancy& ingress)
    : socket("memory_socket"),
      clock_(environment.clock),
      records_(environment.packets),
      place_(place),
      voqs_(voqs),
      sram_(sram),
      ingress_(ingress),
      dram_bound_bytes_(config.dram_bound->value),
      recovery_bytes_(config.recovery->value),
      read_buffer_limit_(config.read_buffer.value),
      block_bytes_(block_bytes(config.memory, place.largest_packet_bytes)),
      blocks_(config.memory.capacity.value / block_bytes_),
      bound_(voqs.size()),
      wanted_(voqs.size()),
      unread_(voqs.size(), unbounded),
      writes_(1, unbounded),
      pacer_(byte_pacer(*config.rate, environment.clock.options().period_ps)) {
  socket.register_nb_transport_bw(this, &SpillMemory::nb_transport_bw);
}

// --- packets of the leaf ------------------------------------------------------------------------

void SpillMemory::joined(unsigned voq, unsigned group, const Frame& packet) {
  const VoqBank::Account& account = voqs_.account(voq);
  const std::uint32_t bytes = stored_bytes(packet);
  if (packet.packet >= packets_.size()) packets_.resize(packet.packet + 1);
  Packet& p = packets_[packet.packet];
  p.at = At::sram;
  if (account.queued_bytes > dram_bound_bytes_) bound_.set(voq);
  if (!bound_.test(voq) || bytes > block_bytes_) return;
  if (free_.empty() && owner_.size() < blocks_) {
    free_.push_back(static_cast<std::uint32_t>(owner_.size()));
    owner_.push_back(no_packet);
  }
  if (free_.empty()) return;  // the memory is full
  p = {At::waiting, bytes, voq, group, free_.back(), account.enqueued_bytes - bytes};
  free_.pop_back();
  owner_[p.block] = packet.packet;
  unread_.push(voq, packet.packet);
  writes_.push(0, p.block);
  update(voq);
}

bool SpillMemory::left(unsigned voq, const Frame& packet) {
  Packet& p = packets_[packet.packet];
  const bool fetched = p.at == At::fetched;
  if (!fetched && p.at != At::sram) throw CheckFailure("a packet leaves that is not in SRAM");
  if (voqs_.account(voq).queued_bytes <= recovery_bytes_) bound_.clear(voq);
  update(voq);
  return fetched;
}

/// The balance of its VOQ exceeds what is in front of it.
bool SpillMemory::covered(const Packet& packet) const {
  const VoqBank::Account& account = voqs_.account(packet.voq);
  const std::uint64_t sent = account.enqueued_bytes - account.queued_bytes;
  return account.balance_bytes > static_cast<std::int64_t>(packet.start - sent);
}

/// The first of its VOQ's unread packets stays in SRAM.
void SpillMemory::keep(Packet& packet) {
  packet.at = At::sram;
  owner_[packet.block] = no_packet;
  unread_.pop(packet.voq);
}

/// Packets that are due stay in SRAM, or are wanted; and whether the VOQ may send.
void SpillMemory::update(unsigned voq) {
  wanted_.clear(voq);
  while (!unread_.empty(voq)) {
    Packet& packet = packets_[unread_.front(voq)];
    if (!covered(packet)) break;
    if (packet.at != At::waiting) {
      wanted_.assign(voq, packet.at == At::memory);
      break;
    }
    keep(packet);
  }
  if (voqs_.empty(voq)) return;
  const At first = packets_[voqs_.front(voq).packet].at;
  voqs_.hold(voq, first == At::writing || first == At::memory || first == At::reading);
}

// --- requests -----------------------------------------------------------------------------------

void SpillMemory::transmit(Cycle now) {
  if (now < request_from_) return;
  drop_void_writes();
  const bool read = can_read();
  const bool write = !writes_.empty(0) && !(read && last_was_write_);
  if (!read && !write) return;
  if (now < pacer_.due()) {
    if (armed_ != pacer_.due()) wake(pacer_.due());
    armed_ = pacer_.due();
    return;
  }
  ask(packets_[write ? begin_write() : begin_read(now)], write, now);
}

/// Of packets that have stayed in SRAM.
void SpillMemory::drop_void_writes() {
  while (!writes_.empty(0) && owner_[writes_.front(0)] == no_packet) {
    free_.push_back(writes_.pop(0));
  }
}

bool SpillMemory::can_read() {
  reader_ = wanted_.next_round(read_pointer_);
  if (reader_ == wanted_.size()) return false;
  const Packet& packet = packets_[unread_.front(reader_)];
  return read_buffer_bytes_ + packet.bytes <= read_buffer_limit_;
}

std::uint32_t SpillMemory::begin_read(Cycle now) {
  const std::uint32_t number = unread_.pop(reader_);
  Packet& packet = packets_[number];
  packet.at = At::reading;
  read_buffer_bytes_ += packet.bytes;
  ingress_.add(packet.bytes, now);
  update(packet.voq);
  read_pointer_ = reader_ + 1;
  return number;
}

std::uint32_t SpillMemory::begin_write() {
  const std::uint32_t number = owner_[writes_.pop(0)];
  packets_[number].at = At::writing;
  update(packets_[number].voq);
  return number;
}

void SpillMemory::ask(const Packet& packet, bool write, Cycle now) {
  tlm::tlm_generic_payload& payload = payloads_.acquire();
  payload.set_command(write ? tlm::TLM_WRITE_COMMAND : tlm::TLM_READ_COMMAND);
  payload.set_address(packet.block * block_bytes_);
  payload.set_data_ptr(nullptr);  // packets have no contents
  payload.set_data_length(packet.bytes);
  payload.set_streaming_width(packet.bytes);
  last_was_write_ = write;
  request_from_ = never;
  pacer_.spend(now, packet.bytes);
  tlm::tlm_phase phase = tlm::BEGIN_REQ;
  sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
  if (socket->nb_transport_fw(payload, phase, delay) != tlm::TLM_ACCEPTED) {
    throw CheckFailure("the memory has not accepted a request");
  }
}

// --- the memory's answers -----------------------------------------------------------------------

tlm::tlm_sync_enum SpillMemory::nb_transport_bw(tlm::tlm_generic_payload& payload,
                                                tlm::tlm_phase& phase, sc_core::sc_time&) {
  const Cycle next = clock_.now() + 1;
  wake(next);
  if (phase == tlm::END_REQ) {
    request_from_ = next;
    return tlm::TLM_ACCEPTED;
  }
  if (!payload.is_response_ok()) {
    throw CheckFailure("the memory answers: " + payload.get_response_string());
  }
  responses_.push_back({static_cast<std::uint32_t>(payload.get_address() / block_bytes_),
                        payload.is_write(), clock_.now()});
  payload.release();
  return tlm::TLM_COMPLETED;
}

void SpillMemory::receive(Cycle now) {
  auto response = responses_.begin();
  for (; response != responses_.end() && response->at < now; ++response) {
    const std::uint32_t number = owner_[response->block];
    response->write ? written(number, now) : read(number, now);
    update(packets_[number].voq);
  }
  responses_.erase(responses_.begin(), response);
}

void SpillMemory::written(std::uint32_t number, Cycle now) {
  Packet& packet = packets_[number];
  if (unread_.front(packet.voq) == number && covered(packet)) {
    keep(packet);
    free_.push_back(packet.block);
    return;
  }
  packet.at = At::memory;
  records_[number].spend(Stage::voq_queue, now);
  sram_.release(packet.group, packet.voq, packet.bytes);
  ingress_.remove(packet.bytes, now);
  held_.add(packet.bytes, now);
  bytes_written_ += packet.bytes;
}

void SpillMemory::read(std::uint32_t number, Cycle now) {
  Packet& packet = packets_[number];
  packet.at = At::fetched;
  records_[number].spend(Stage::hbm, now);
  held_.remove(packet.bytes, now);
  bytes_read_ += packet.bytes;
  free_.push_back(packet.block);
}

void SpillMemory::verify(bool drained, const std::string& leaf) const {
  if (bytes_written_ != bytes_read_ + held_.level()) {
    throw CheckFailure(fmt::format("{}: {} bytes written to memory, {} read and {} held", leaf,
                                   bytes_written_, bytes_read_, held_.level()));
  }
  if (drained && (held_.level() != 0 || read_buffer_bytes_ != 0 || payloads_.live() != 0)) {
    throw CheckFailure(leaf + ": packets are left behind in its memory");
  }
}

}  // namespace heddle
