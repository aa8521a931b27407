// The way of a leaf's packets through its external memory: which packets go there, when they are
// written and read back, and the TLM-2.0 initiator that asks the memory for it.
//
//  - A VOQ that an arriving packet makes longer than `dram_bound` is DRAM-bound: that packet and
//    those after it go to the memory, until the VOQ has drained to `recovery`. With no room in the
//    memory a packet stays in SRAM.
//  - A packet on its way there is in SRAM until its write is done, and then only in the memory. If
//    its VOQ has credit for it before the write has begun, or when it is done, it stays in SRAM.
//  - Packets of a VOQ are read back in their order, each when the VOQ's balance exceeds the bytes
//    in front of it, so that all that is read can be sent. They are read into a part of SRAM of
//    their own (`read_buffer`), which packets that wait cannot fill: no VOQ's reading waits for
//    another's sending.
//  - The order of a VOQ never changes: a VOQ whose first packet is not in SRAM sends nothing.
//  - Reads and writes are asked for in turn when both wait, one request per packet, at most at
//    `rate`; among VOQs with packets to read, in turn.
//
// Cycle behaviour: what has happened in the leaf's cycle can lead to a request in the same cycle;
// the next request begins in the cycle after END_REQ at the earliest; a response counts from the
// cycle after BEGIN_RESP.
//
// A packet's time in the memory, from the end of its write to the end of its read, is its stage
// `hbm`.
#pragma once

#include <tlm_utils/simple_initiator_socket.h>

#include <cstdint>
#include <string>
#include <tlm>
#include <vector>

#include "kernel/environment.h"
#include "kernel/occupancy.h"
#include "kernel/pacer.h"
#include "kernel/registers.h"
#include "kernel/tlm_payload_pool.h"
#include "parts/queue_bank.h"
#include "parts/shared_buffer.h"
#include "parts/voq_bank.h"
#include "switches/spill_config.h"

namespace heddle {

/// Who is woken, and the largest packet in SRAM.
struct SpillPlace {
  std::uint32_t device;
  std::uint32_t reason;
  std::uint32_t largest_packet_bytes;
};

class SpillMemory {
 public:
  tlm_utils::simple_initiator_socket<SpillMemory> socket;

  /// `config` without `auto`. To be made in the constructor of the leaf, whose VOQs, SRAM and
  /// account of it these are.
  SpillMemory(const Environment& environment, const SpillPlace& place, const SpillConfig& config,
              VoqBank& voqs, SharedBuffer& sram, Occupancy& ingress);

  /// Responses of earlier cycles: packets change places.
  void receive(Cycle now);
  /// A packet has joined a VOQ; `group` is its ingress group in SRAM.
  void joined(unsigned voq, unsigned group, const Frame& packet);
  /// A VOQ has received a credit.
  void credited(unsigned voq) { update(voq); }
  /// The first packet of a VOQ has left it, to be sent. Whether it was read back: then its SRAM is
  /// given back by sent(), else by the SharedBuffer.
  bool left(unsigned voq, const Frame& packet);
  /// The last byte of a packet that was read back has left SRAM.
  void sent(std::uint32_t bytes) { read_buffer_bytes_ -= bytes; }
  /// The request of this cycle, if any.
  void transmit(Cycle now);

  /// Bytes in the memory.
  const Occupancy& occupancy() const { return held_; }
  std::uint64_t bytes_written() const { return bytes_written_; }
  std::uint64_t bytes_read() const { return bytes_read_; }
  bool dram_bound(unsigned voq) const { return bound_.test(voq); }

  /// Its registers, from `base` on.
  void describe(RegisterMap& map, std::uint64_t base);

  /// Law: bytes written = bytes read + held; `drained`: and nothing is held.
  void verify(bool drained, const std::string& leaf) const;

 private:
  enum class At : std::uint8_t {
    sram,
    waiting,  ///< in SRAM, to be written
    writing,  ///< in SRAM, the memory has been asked
    memory,
    reading,  ///< in the memory, with room in the read buffer
    fetched   ///< in the read buffer
  };
  /// A packet of a VOQ, by the number of its record.
  struct Packet {
    At at = At::sram;
    std::uint32_t bytes = 0;
    unsigned voq = 0;
    unsigned group = 0;
    std::uint32_t block = 0;
    std::uint64_t start = 0;  ///< bytes that joined its VOQ before it
  };
  struct Response {
    std::uint32_t block;
    bool write;
    Cycle at;
  };

  void update(unsigned voq);
  bool covered(const Packet& packet) const;
  void keep(Packet& packet);
  void written(std::uint32_t number, Cycle now);
  void read(std::uint32_t number, Cycle now);
  void drop_void_writes();
  bool can_read();
  std::uint32_t begin_read(Cycle now);
  std::uint32_t begin_write();
  void ask(const Packet& packet, bool write, Cycle now);
  tlm::tlm_sync_enum nb_transport_bw(tlm::tlm_generic_payload& payload, tlm::tlm_phase& phase,
                                     sc_core::sc_time& delay);
  void wake(Cycle at) { clock_.wake(place_.device, place_.reason, at); }

  Clock& clock_;
  PacketPool& records_;
  SpillPlace place_;
  VoqBank& voqs_;
  SharedBuffer& sram_;
  Occupancy& ingress_;
  std::uint64_t dram_bound_bytes_;
  std::uint64_t recovery_bytes_;
  std::uint64_t read_buffer_limit_;
  std::uint64_t block_bytes_;  ///< that a packet takes: whole stripes for the largest
  std::uint64_t blocks_;

  BitMask bound_;                     // VOQs whose arriving packets go to the memory
  BitMask wanted_;                    // VOQs with a packet to be read now
  unsigned read_pointer_ = 0;         // where the round of reads goes on
  unsigned reader_ = 0;               // VOQ whose turn it is to read
  std::vector<Packet> packets_;       // by number of record
  QueueBank<std::uint32_t> unread_;   // per VOQ: packets not in SRAM for good and not asked for
  QueueBank<std::uint32_t> writes_;   // one queue: blocks to be written
  std::vector<std::uint32_t> owner_;  // per block: packet, or no_packet when it has stayed in SRAM
  std::vector<std::uint32_t> free_;   // blocks that have been used before
  std::uint64_t read_buffer_bytes_ = 0;  // reading, fetched, or being sent

  TlmPayloadPool payloads_;
  Pacer pacer_;             // an event is a byte
  Cycle request_from_ = 0;  // never: a request is without END_REQ
  Cycle armed_ = 0;         // for when the pacer has woken us last
  bool last_was_write_ = false;
  std::vector<Response> responses_;  // each counts from the cycle after it

  Occupancy held_;
  std::uint64_t bytes_written_ = 0;
  std::uint64_t bytes_read_ = 0;
};

}  // namespace heddle
