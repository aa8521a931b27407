// What the hosts of a run send: one traffic source per host, and the triggers between messages.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "endpoints/traffic_source.h"
#include "engine/connection_matrix.h"
#include "engine/scenario.h"

namespace heddle {

/// What a workload needs to know about the fabric.
struct HostNetwork {
  std::uint64_t hosts = 2;
  HostLink link;
  std::uint64_t period_ps = 1000;  ///< of the hosts' clock; durations are rounded up to cycles
  bool doorbells = false;  ///< message ids are kept for what others post through the hosts' NICs
};

/// Builds the sources from the entries of a scenario's workload, which run side by side.
///
/// Closed patterns (incast, permutation, all_to_all, file) have the message ids 0 .. n-1, in the
/// order of the entries and within an entry in pattern order; ids of open-loop streams follow
/// (IdSpace).
///   incast       receiver r of R is host r*H/R. The other H-R hosts, in ascending order, are taken
///                at equal distances as senders and dealt to the receivers in turn, so that each
///                receiver's senders spread over the whole fabric. No host has two roles.
///   permutation  a uniformly random one without fixed points, or host i to i + shift modulo H.
///   all_to_all   host i to i+1, i+2, ... modulo H, in this order.
///   file         a connection matrix; its start times count from `start`.
class Workload {
 public:
  /// Relative file names start from `directory`. Throws InputError for what does not fit.
  Workload(const std::vector<WorkloadConfig>& configs, const HostNetwork& network,
           std::uint64_t seed, const std::string& directory);

  TrafficSource& source(HostId host) { return sources_[host]; }

  /// `wake(host, cycle)` is called when a trigger gives `host` a message due in `cycle`.
  void on_release(std::function<void(HostId, Cycle)> wake) { wake_ = std::move(wake); }

  /// The NIC says, once per message, that all of a message has been acknowledged to its sender (as
  /// htsim counts sending as done), or has been delivered. Messages that this releases are due at
  /// now + 1. Which ones are released in a cycle does not depend on the order of the calls within
  /// it.
  void message_sent(const Message& message, Cycle now) { fire(send_firings_, message, now); }
  void message_received(const Message& message, Cycle now) { fire(recv_firings_, message, now); }

  /// The entry that a message comes from; nothing for those that others posted.
  std::optional<std::size_t> entry_of(MessageId message) const;

  /// Closed messages, those that wait for triggers included.
  std::uint64_t messages_total() const { return closed_messages_; }

  /// One line for each message that still waits for a trigger, in the order of their ids: "message
  /// 12 (3->7) waits for trigger 5, fired when message 9 (1->3) is sent".
  std::vector<std::string> never_started() const;

 private:
  static constexpr std::uint32_t no_firing = ~std::uint32_t{0};

  /// A message that fires a trigger when it has been sent or received.
  struct Firing {
    MessageId message;
    HostId source;
    HostId destination;
    std::uint32_t trigger;
    bool on_receive;
    bool done;
  };

  struct Trigger {
    std::uint64_t id;              ///< as in the file, for messages
    bool one_by_one;               ///< each firing releases one message (multishot)
    std::uint64_t missing;         ///< firings until all are released, unless one by one
    std::vector<Message> waiting;  ///< in file order; due is set when they are released
    std::size_t released = 0;
  };

  void check_room(std::uint64_t messages) const;
  void add_closed(const WorkloadConfig& config, std::uint64_t source, std::uint64_t destination);
  Message next_closed(const WorkloadConfig& config, HostId source, HostId destination,
                      std::uint64_t bytes);
  void add_incast(const WorkloadConfig& config);
  void add_permutation(const WorkloadConfig& config, const std::string& name);
  void add_all_to_all(const WorkloadConfig& config);
  void add_file(const WorkloadConfig& config, const std::string& directory);
  void add_firing(std::vector<std::uint32_t>& firings, const Message& message,
                  std::uint32_t trigger, bool on_receive);
  GeneratorConfig generator_config(const WorkloadConfig& config, std::size_t position) const;
  void check_id_space(const GeneratorConfig& generator, const IdSpace& ids) const;
  void build_sources(const std::vector<GeneratorConfig>& generators);

  void fire(const std::vector<std::uint32_t>& firings, const Message& message, Cycle now);
  void release(Message message, Cycle now);
  static std::string list(const std::vector<const Firing*>& firings);

  Cycle cycles(std::uint64_t picoseconds) const {
    return (picoseconds + network_.period_ps - 1) / network_.period_ps;
  }

  HostNetwork network_;
  std::uint64_t seed_;
  std::uint64_t closed_messages_ = 0;
  std::vector<std::uint64_t> closed_ends_;  ///< by entry: closed messages up to it, itself included
  std::vector<std::size_t> open_entries_;   ///< by generator
  std::vector<std::vector<Message>> closed_;  ///< by host; empty once the sources are built
  std::vector<TrafficSource> sources_;        ///< by host
  std::vector<Trigger> triggers_;
  std::vector<Firing> firings_;
  std::vector<std::uint32_t> send_firings_;  ///< by message id; shorter where nothing follows
  std::vector<std::uint32_t> recv_firings_;
  std::function<void(HostId, Cycle)> wake_;
};

}  // namespace heddle
