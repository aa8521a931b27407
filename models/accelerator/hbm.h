// High-bandwidth memory behind a TLM-2.0 target socket: channels with queues, open rows, refresh
// and shared data buses (parts/dram_scheduler.h, parts/dram_timing.h) on the cycle calendar.
//
// Cycle behaviour. A request that arrives in cycle t, its annotated delay included, may influence
// the memory from t + 1 on. Then it is divided at stripes, and its stripes go to the queues of
// their channels in the order of addresses, as many in a cycle as find room. END_REQ is given in
// the cycle in which the last one has found room: withheld, it is the back-pressure of a full
// queue. BEGIN_RESP is given in the cycle after the last data have crossed a data bus.
//
// The protocol is that of kernel/tlm_target.h. transport_dbg takes no time and changes no state but
// the contents it writes. No request aborts the run; a wrong one is answered, after the same
// phases, with
//   TLM_COMMAND_ERROR_RESPONSE      neither read nor write
//   TLM_ADDRESS_ERROR_RESPONSE      beyond the capacity
//   TLM_BYTE_ENABLE_ERROR_RESPONSE  with byte enables
//   TLM_BURST_ERROR_RESPONSE        no data, or a streaming width below the data length
//   TLM_GENERIC_ERROR_RESPONSE      contents without a data pointer
//
// Contents, where they are stored, change in the order in which requests are taken, and a read
// returns what it found then: the controller answers a read of bytes that still wait to be written
// from its queue. Its time is that of a read from the memory all the same.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tlm>
#include <vector>

#include "kernel/device.h"
#include "kernel/link.h"
#include "kernel/tlm_target.h"
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
  TlmTarget target_;

 public:
  TlmTarget::Socket& socket;

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
  /// A request on its way through the memory, by its number at the target.
  struct Transaction {
    std::uint64_t next_byte = 0;  ///< address of the first that is not in a queue
    std::uint64_t end = 0;        ///< address behind its last byte; 0 before it is looked at
    std::uint32_t in_queues = 0;  ///< accesses
    Cycle data_done = 0;
  };

  void start_of_simulation() override { target_.elaborated(); }
  void cycle() override;
  void describe(RegisterMap& map) override;
  DeviceKind device_kind() const override { return DeviceKind::hbm; }
  void describe_configuration(RegisterBlock& config);
  void describe_policy(RegisterBlock& config);
  void describe_timing(RegisterBlock& config);
  void describe_channels(RegisterMap& map);

  unsigned debug(Payload& payload);
  void take_requests();
  bool take_request(std::uint32_t number, Payload& payload);
  bool begin(std::uint32_t number, Payload& payload);
  bool place_stripes(std::uint32_t number, const Payload& payload);
  void access_contents(Payload& payload);
  void run_channel(unsigned channel);
  tlm::tlm_response_status verdict(const Payload& payload) const;

  unsigned target_reason() const { return channels(); }

  DramConfig config_;
  DramMap map_;
  LinkRate bus_;  ///< of one channel
  std::vector<DramScheduler> schedulers_;
  std::vector<Transaction> transactions_;
  bool blocked_ = false;  ///< a request waits for room in a queue
  std::optional<SparseMemory> contents_;
  HbmCounts counts_;
};

}  // namespace heddle
