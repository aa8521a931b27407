// The DMA engines of a core: transfers between its SBUF and memory, cut into descriptors.
//
//  - A transfer's descriptors are dealt to the engines in turn, each to the same queue number of
//    its engine. An engine takes the descriptors of a queue in order, and its queues in turn.
//  - Each queue deals on from where it has stopped, and begins with engine 0: short transfers of
//    several queues meet there. So they do in the hardware, where the SBUF partition decides: an
//    engine moves the data of eight partitions, whatever the queue, and a transfer to the first
//    four keeps the first engine alone busy (AWS Neuron documentation, "Introduction to DMA with
//    NKI"). Programs here name no partitions; to deal on is what tiles over all of them do.
//  - A transfer may begin `start` after it was posted.
//  - A descriptor keeps its engine for max(descriptor_time, bytes / rate), and until the memory has
//    taken its request (END_REQ); an engine with `outstanding` descriptors in memory waits.
//  - A transfer is done when the last of its descriptors is: when the engine has had its time and
//    the memory has answered; but not before those that were posted to its queue before it. So a
//    semaphore that counts transfers of a queue says which ones are done.
//
// Requests are TLM-2.0 transactions, approximately timed, one socket per memory stack and one for
// the memory of other chips; the requests of a socket begin in order, one per cycle at most. All
// ways in which the base protocol lets a target answer are heard; its annotated delays are not.
//
// Cycle behaviour: what the memory says in cycle t counts from t + 1 on.
#pragma once

#include <tlm_utils/simple_initiator_socket.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <string>
#include <tlm>
#include <vector>

#include "accelerator/accelerator_config.h"
#include "kernel/clock.h"
#include "kernel/link.h"
#include "kernel/tlm_payload_pool.h"
#include "parts/cycle_account.h"
#include "parts/instruction.h"

namespace heddle {

/// Times of a transfer, for those who have waited for it.
struct TransferTimes {
  Cycle posted = 0;
  Cycle begun = 0;        ///< its first descriptor
  Cycle engine_done = 0;  ///< when the engines have had their time for it, and for those before
  Cycle done = 0;
  Cycle stalled = 0;  ///< of its engines, because the memory took requests late
  Cycle worked = 0;   ///< of its engines
  bool remote = false;
};

/// A transfer that is over.
struct FinishedTransfer {
  TransferTimes times;
  std::array<SemaphoreUse, 3> signals;
  Engine poster = Engine::sync;
  std::uint32_t kernel = 0;
  std::uint64_t bytes = 0;
  std::uint8_t queue = 0;
  bool write = false;
};

struct DmaCounts {
  std::uint64_t transfers = 0;
  std::uint64_t descriptors = 0;
  std::uint64_t bytes_read = 0;     ///< from this chip's memory
  std::uint64_t bytes_written = 0;  ///< to it
  std::uint64_t bytes_remote = 0;   ///< from and to other chips
};

class DmaEngines {
 public:
  using Socket = tlm_utils::simple_initiator_socket_tagged_optional<DmaEngines>;

  /// Wakes `device` for `first_reason` + engine, and for the reason after those when the memory has
  /// said something or a transfer is done.
  DmaEngines(Clock& clock, const AcceleratorConfig& config, std::uint32_t device,
             unsigned first_reason);

  /// The sockets of the memory stacks, then that of other chips' memory.
  Socket& socket(unsigned number) { return *sockets_[number]; }
  unsigned remote_socket() const { return static_cast<unsigned>(sockets_.size()) - 1; }

  /// A `transfer` instruction of kernel number `kernel`, in cycle `now`.
  void post(const Instruction& instruction, Engine poster, std::uint32_t kernel, Cycle now);

  /// What the memory has said in earlier cycles.
  void receive(Cycle now);
  /// Calls f(finished) for each transfer that is done by now, in the order of queues, then of
  /// posting.
  template <class F>
  void take_finished(Cycle now, F&& f) {
    if (answered_ == 0) return;
    for (Queue& queue : under_way_) {
      for (; !queue.transfers.empty(); queue.transfers.pop_front()) {
        Transfer& first = transfers_[queue.transfers.front()];
        TransferTimes& times = first.finished.times;
        if (first.open != 0 || times.done > now) break;
        times.done = now;
        queue.engine_done = times.engine_done = std::max(times.engine_done, queue.engine_done);
        f(first.finished);
        free_transfers_.push_back(queue.transfers.front());
        --open_;
        --answered_;
      }
    }
  }
  /// Starts descriptors and requests.
  void run(Cycle now);

  bool idle() const { return open_ == 0; }
  const DmaCounts& counts() const { return counts_; }
  /// Of one engine, the cycles before `end`, the latest that has begun or one after it.
  CycleAccount account(unsigned engine, Cycle end) const {
    const Mover& of = engines_[engine];
    CycleAccount account = of.account.before(end, CycleCause::busy);
    account.book(CycleCause::idle, std::min(of.held_from, end));
    account.book(of.remote ? CycleCause::torus : CycleCause::hbm, end);
    return account;
  }
  /// Until when an engine has something to do, of what has begun.
  Cycle busy_until() const {
    Cycle until = 0;
    for (const Mover& engine : engines_) until = std::max(until, engine.account.booked_until());
    return until;
  }
  unsigned engines() const { return static_cast<unsigned>(engines_.size()); }
  /// Transfers that are not done.
  std::uint64_t open() const { return open_; }
  std::uint64_t payloads_live() const { return payloads_.live(); }

 private:
  struct Transfer {
    FinishedTransfer finished;
    std::uint64_t address = 0;
    std::uint32_t descriptors = 0;
    std::uint32_t open = 0;  ///< descriptors that are not done
    std::uint32_t begun = 0;
    Cycle ready_at = 0;
  };
  /// The descriptors of a transfer that one engine has still to begin: `next`, and each
  /// engines()-th after it.
  struct Share {
    std::uint32_t transfer;
    std::uint32_t next;
  };
  /// A queue of all engines together.
  struct Queue {
    std::deque<std::uint32_t> transfers;  ///< that are not done
    Cycle engine_done = 0;                ///< of the latest that is
  };
  struct Mover {
    std::vector<std::deque<Share>> queues;
    std::uint32_t filled = 0;  ///< mask of queues with shares
    unsigned turn = 0;
    Cycle free_at = 0;
    std::uint32_t outstanding = 0;
    std::uint32_t requests = 0;  ///< of its latest descriptor, that the memory has not taken
    bool remote = false;         ///< that descriptor
    Cycle held_from = never;     ///< since when the memory keeps it from the next one
    CycleAccount account;
  };
  struct Descriptor {
    std::uint32_t transfer;
    std::uint16_t engine;
    std::uint16_t answers;  ///< still to come
    Cycle engine_done;
  };
  struct Request {
    std::uint32_t descriptor;
    std::uint32_t bytes;
    std::uint64_t address;
    bool write;
  };
  struct Port {
    std::deque<Request> requests;
    Cycle request_from = 0;                             ///< never: a request is without END_REQ
    std::uint32_t requesting = 0;                       ///< its descriptor
    const tlm::tlm_generic_payload* request = nullptr;  ///< until the memory has taken it
  };
  /// What the memory has said.
  struct Message {
    Cycle at;
    std::uint32_t descriptor;
    unsigned port;
    bool answer;  ///< else END_REQ
  };
  struct Tag : tlm::tlm_extension<Tag> {
    std::uint32_t descriptor = 0;
    tlm_extension_base* clone() const override { return new Tag(*this); }
    void copy_from(const tlm_extension_base& other) override {
      descriptor = static_cast<const Tag&>(other).descriptor;
    }
  };

  std::uint32_t new_transfer();
  std::uint32_t new_descriptor();
  std::uint64_t bytes_of(const Transfer& transfer, std::uint32_t number) const;
  void run_engine(unsigned number, Cycle now);
  unsigned next_queue(const Mover& engine, Cycle now, Cycle& ready_at) const;
  void begin(unsigned number, unsigned queue, Cycle now);
  void ask_for(std::uint32_t descriptor, const Transfer& transfer, std::uint64_t address,
               std::uint64_t bytes);
  void run_port(unsigned number, Cycle now);
  void end_request(unsigned port, Cycle now);
  void answer(std::uint32_t descriptor, Cycle now);
  void hear(unsigned port, tlm::tlm_generic_payload& payload, bool answered);
  void note(unsigned port, const tlm::tlm_generic_payload& payload, bool answer);
  tlm::tlm_sync_enum nb_transport_bw(int port, tlm::tlm_generic_payload& payload,
                                     tlm::tlm_phase& phase, sc_core::sc_time& delay);
  void wake_engine(unsigned engine, Cycle at) { clock_.wake(device_, first_reason_ + engine, at); }
  void wake_port(Cycle at) { clock_.wake(device_, first_reason_ + engines(), at); }

  Clock& clock_;
  DmaConfig config_;
  std::uint64_t interleave_bytes_;
  std::uint64_t stacks_;
  std::uint32_t device_;
  unsigned first_reason_;
  Cycle start_;
  Cycle descriptor_cycles_;
  LinkRate rate_;

  std::vector<std::unique_ptr<Socket>> sockets_;
  std::vector<Port> ports_;
  std::vector<Mover> engines_;
  std::vector<unsigned> deal_from_;  // by queue: the engine that gets the next descriptor
  std::vector<Transfer> transfers_;
  std::vector<std::uint32_t> free_transfers_;
  std::vector<Queue> under_way_;  // by number
  std::uint64_t answered_ = 0;    // of these, all descriptors
  std::vector<Descriptor> descriptors_;
  std::vector<std::uint32_t> free_descriptors_;
  std::vector<Message> messages_;
  TlmPayloadPool payloads_;
  std::uint64_t open_ = 0;
  DmaCounts counts_;
};

}  // namespace heddle
