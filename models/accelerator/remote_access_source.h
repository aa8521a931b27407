// An initiator of a chip that reads or writes memory through its endpoint: so many transactions,
// with so many under way, for measurements of remote memory.
//
// Cycle behaviour. The first request begins in cycle `start`, the next one in the cycle after
// END_REQ or, where as many as allowed are under way, after BEGIN_RESP. Its data are not looked at:
// it gives none.
#pragma once

#include <tlm_utils/simple_initiator_socket.h>

#include <functional>
#include <string>
#include <vector>

#include "kernel/device.h"
#include "kernel/rng.h"
#include "kernel/tlm_payload_pool.h"

namespace heddle {

struct RemoteAccesses {
  bool write = false;
  double mix = 0;             ///< share of the other kind
  std::uint64_t bytes = 512;  ///< of each
  std::uint64_t count = 1000;
  std::uint64_t outstanding = 1;
  Cycle start = 0;
  std::uint64_t memory_bytes = 0;  ///< of each node; at least `bytes`
  /// The node of the next access.
  std::function<unsigned(Rng&)> target;
};

class RemoteAccessSource : public Device {
 public:
  tlm_utils::simple_initiator_socket<RemoteAccessSource> socket;

  RemoteAccessSource(const sc_core::sc_module_name& module_name, Clock& clock,
                     const RemoteAccesses& accesses);

  bool done() const { return answered_ == accesses_.count; }
  std::uint64_t errors() const { return errors_; }

  void waits(std::vector<std::string>& lines) const override;
  std::vector<BufferView> buffers() const override { return {}; }
  FrameBalance balance() const override { return {}; }
  void verify(bool drained) const override;

 protected:
  void cycle() override;

 private:
  tlm::tlm_sync_enum nb_transport_bw(tlm::tlm_generic_payload& payload, tlm::tlm_phase& phase,
                                     sc_core::sc_time& delay);
  std::uint64_t next_address();

  RemoteAccesses accesses_;
  Rng rng_;
  TlmPayloadPool payloads_;
  std::uint64_t begun_ = 0;
  std::uint64_t answered_ = 0;
  Cycle answered_at_ = never;  // the latest; there is one per cycle
  std::uint64_t errors_ = 0;
  Cycle request_from_;  // never: a request is without END_REQ
};

}  // namespace heddle
