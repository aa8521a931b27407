// Connection matrix files (.cm) of the htsim simulators of Broadcom and UEC: who sends how much to
// whom, when, or after which other connection.
//
//   Nodes 16                          the header, before everything else
//   Connections 2
//   Triggers 1                        only needed with triggers
//   # a comment
//   0->1 id 1 start 0 size 4096 send_done_trigger 7
//   1->0 id 2 trigger 7 size 4096
//   trigger id 7 oneshot              or `multishot`, or `barrier count N`
//
// `size` is in bytes, `start` in picoseconds. Attributes come in any order; `id` may be absent.
// `recv_done_trigger` fires when the message has arrived instead of when it has been sent, and
// `msg N` tells messages of one id apart.
//
// The reference is ConnectionMatrix::load in Broadcom/csg-htsim,
// sim/datacenter/connection_matrix.cpp (which says beside the parsing of `start` that it is in
// picoseconds), and for `msg` the UEC version of that file. What makes htsim stop, hang or guess
// is an error here, and so are its `prio`, `addon` and link failures, which have no meaning here.
#pragma once

#include <cstdint>
#include <istream>
#include <string>
#include <vector>

#include "endpoints/message.h"
#include "kernel/units.h"

namespace heddle {

/// How many firings a trigger needs, and what they release (htsim, sim/trigger.cpp).
enum class TriggerKind : std::uint8_t {
  oneshot,    ///< one firing releases all that wait
  multishot,  ///< each firing releases the next that waits, in file order
  barrier,    ///< `count` firings release all that wait
};

struct ConnectionMatrix {
  static constexpr std::uint32_t no_trigger = ~std::uint32_t{0};

  struct Connection {
    HostId source = 0;
    HostId destination = 0;
    std::uint64_t bytes = 0;
    Duration start;  ///< unless it waits for a trigger
    std::uint32_t line = 0;
    std::uint32_t trigger = no_trigger;  ///< position in `triggers`, as in the next two
    std::uint32_t send_done_trigger = no_trigger;
    std::uint32_t recv_done_trigger = no_trigger;
  };

  struct Trigger {
    std::uint64_t id = 0;  ///< as in the file
    TriggerKind kind = TriggerKind::oneshot;
    std::uint64_t count = 1;  ///< firings that a barrier or oneshot needs
    std::uint32_t line = 0;
  };

  std::uint64_t nodes = 0;
  std::uint32_t nodes_line = 0;
  std::vector<Connection> connections;  ///< in file order
  std::vector<Trigger> triggers;        ///< in file order
};

/// Reads a file. What cannot be used is an InputError "file:line: ...". A cycle of connections that
/// wait for each other is legal: its run makes no progress.
ConnectionMatrix read_connection_matrix(const std::string& path);

/// The same from a stream; `name` stands for the file in messages.
ConnectionMatrix parse_connection_matrix(std::istream& in, const std::string& name);

}  // namespace heddle
