// High-bandwidth memory behind a TLM-2.0 target socket: channels with queues, open rows, refresh
// and shared data buses (parts/dram_scheduler.h, parts/dram_timing.h) on the cycle calendar.
//
// Cycle behaviour. A request that arrives in cycle t, its annotated delay included, may influence
// the memory from t + 1 on. Then it is divided at stripes, and its stripes go to the queues of
// their channels in the order of addresses, as many in a cycle as find room. END_REQ is given in
// the cycle in which the last one has found room: withheld, it is the back-pressure of a full
// queue. BEGIN_RESP is given in the cycle after the last data have crossed a data bus. Of several
// initiators, the one after the last whose request was taken comes first, then the others by socket
// index; so the order of devices inside a cycle does not matter. The order of plain SystemC
// processes does, as the calendar does not order them.
//
// Protocol (IEEE 1666-2011, the base protocol): each initiator has at most one request without
// END_REQ and gets at most one response without END_RESP; a response follows the end of the one
// before in the next cycle at the earliest. Responses of one initiator come in the order in which
// their data are done, not in that of the requests. b_transport takes the same way and returns,
// with no delay, when the response is due. transport_dbg takes no time and changes no state but the
// contents it writes. No request aborts the run; a wrong one is answered, after the same phases,
// with
//   TLM_COMMAND_ERROR_RESPONSE      neither read nor write
//   TLM_ADDRESS_ERROR_RESPONSE      beyond the capacity
//   TLM_BYTE_ENABLE_ERROR_RESPONSE  with byte enables
//   TLM_BURST_ERROR_RESPONSE        no data, or a streaming width below the data length
//   TLM_GENERIC_ERROR_RESPONSE      a second request before END_REQ, or nb_transport without a
//                                   memory manager (both TLM_COMPLETED at once); contents without
//                                   a data pointer
//
// Contents, where they are stored, change in the order in which requests are taken, and a read
// returns what it found then: the controller answers a read of bytes that still wait to be written
// from its queue. Its time is that of a read from the memory all the same.
#pragma once

#include <tlm_utils/multi_passthrough_target_socket.h>

#include <cstdint>
#include <optional>
#include <queue>
#include <string>
#include <tlm>
#include <vector>

#include "kernel/device.h"
#include "kernel/link.h"
#include "parts/dram_config.h"
#include "parts/dram_map.h"
#include "parts/dram_scheduler.h"
#include "parts/sparse_memory.h"

namespace heddle {

enum class Contents : std::uint8_t { none, stored };

/// What has been done since the start of the run.
struct HbmCounts {
  std::uint64_t reads = 0;   ///< requests
  std::uint64_t writes = 0;  ///< requests
  std::uint64_t errors = 0;  ///< requests answered with an error
  std::uint64_t bytes_read = 0;
  std::uint64_t bytes_written = 0;
  std::uint64_t row_hits = 0;
  std::uint64_t row_misses = 0;
  std::uint64_t turns = 0;        ///< between reads and writes, of all channels
  std::uint64_t data_cycles = 0;  ///< of all data buses
};

/// The rules of `config` in cycles of a clock, rounded up.
DramTiming dram_timing(const DramConfig& config, const Clock& clock);

class Hbm : public Device {
 public:
  tlm_utils::multi_passthrough_target_socket<Hbm> socket;

  /// Throws InputError as DramConfig::check.
  Hbm(const sc_core::sc_module_name& module_name, Clock& clock, const DramConfig& config,
      Contents contents = Contents::none);

  HbmCounts counts() const;
  /// Of all channels: those that have fallen due until `now`.
  std::uint64_t refreshes(Cycle now) const;
  unsigned channels() const { return static_cast<unsigned>(schedulers_.size()); }
  void attach(unsigned channel, DramProbe* probe) { schedulers_[channel].attach(probe); }

  void waits(std::vector<std::string>& lines) const override;
  std::vector<BufferView> buffers() const override { return {}; }
  FrameBalance balance() const override { return {}; }
  void verify(bool drained) const override;

 private:
  using Payload = tlm::tlm_generic_payload;
  static constexpr std::uint32_t none = ~std::uint32_t{0};

  /// A request on its way through the memory.
  struct Transaction {
    Payload* payload = nullptr;
    sc_core::sc_event* done = nullptr;  ///< of b_transport; nobody for nb_transport
    unsigned port = 0;
    Cycle visible_at = 0;         ///< first cycle in which it may be taken
    std::uint64_t next_byte = 0;  ///< address of the first that is not in a queue
    std::uint64_t end = 0;        ///< address behind its last byte
    std::uint32_t in_queues = 0;  ///< accesses
    Cycle data_done = 0;
    std::uint32_t next = none;  ///< of a list
  };

  /// Transactions in order, linked through `next`.
  struct List {
    std::uint32_t head = none;
    std::uint32_t tail = none;
    bool empty() const { return head == none; }
  };

  /// One initiator.
  struct Port {
    List arrived;                     ///< by visible_at
    List responses;                   ///< in the order of their data
    std::uint32_t responding = none;  ///< BEGIN_RESP without END_RESP
    Cycle respond_from = 0;
    bool requesting = false;  ///< BEGIN_REQ without END_REQ
  };

  struct Done {
    Cycle at;
    std::uint64_t order;
    std::uint32_t transaction;
    bool operator>(const Done& other) const {
      return at != other.at ? at > other.at : order > other.order;
    }
  };

  void start_of_simulation() override;
  void cycle() override;
  void describe(RegisterMap& map) override;
  DeviceKind device_kind() const override { return DeviceKind::hbm; }
  void describe_configuration(RegisterBlock& config);
  void describe_policy(RegisterBlock& config);
  void describe_timing(RegisterBlock& config);
  void describe_channels(RegisterMap& map);

  tlm::tlm_sync_enum nb_transport_fw(int id, Payload& payload, tlm::tlm_phase& phase,
                                     sc_core::sc_time& delay);
  void b_transport(int id, Payload& payload, sc_core::sc_time& delay);
  unsigned transport_dbg(int id, Payload& payload);

  void arrive(unsigned port, Payload& payload, sc_core::sc_event* done,
              const sc_core::sc_time& delay);
  Cycle cycle_after(const sc_core::sc_time& delay) const;
  void take_requests();
  bool take_request(unsigned port);
  bool begin(std::uint32_t number);
  bool place_stripes(std::uint32_t number);
  void end_request(unsigned port, std::uint32_t number);
  void access_contents(Payload& payload);
  void run_channel(unsigned channel);
  void finish(std::uint32_t number, Cycle at);
  void respond();
  void begin_response(unsigned port);
  void end_response(unsigned port, Cycle respond_from);
  tlm::tlm_response_status verdict(const Payload& payload) const;

  std::uint32_t new_transaction();
  void insert(List& list, std::uint32_t number);
  void forget(std::uint32_t number);
  void append(List& list, std::uint32_t number);
  std::uint32_t pop(List& list);

  unsigned arrival_reason() const { return channels(); }
  unsigned respond_reason() const { return channels() + 1; }

  DramConfig config_;
  DramMap map_;
  LinkRate bus_;  ///< of one channel
  std::vector<DramScheduler> schedulers_;
  std::vector<Port> ports_;
  std::vector<Transaction> transactions_;
  List free_;
  unsigned first_port_ = 0;  ///< whose request is looked at first
  bool blocked_ = false;     ///< a request waits for room in a queue
  std::priority_queue<Done, std::vector<Done>, std::greater<>> done_;
  std::uint64_t done_order_ = 0;
  BitMask responders_;  ///< ports with responses
  std::optional<SparseMemory> contents_;
  std::uint32_t open_ = 0;  ///< transactions
  HbmCounts counts_;
};

}  // namespace heddle
