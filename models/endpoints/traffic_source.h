// The message stream of one host: what it wants to send, and when. A source knows no network and
// no clock; the NIC asks it for the next due cycle and takes messages in order.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "endpoints/message.h"
#include "kernel/rng.h"

namespace heddle {

/// What a message costs on its host's link.
struct HostLink {
  std::uint64_t rate_bytes = 1;  ///< every `rate_cycles` cycles: exact, in lowest terms
  std::uint64_t rate_cycles = 1;
  std::uint64_t mtu = 4096;         ///< payload bytes of a full packet
  std::uint64_t header_bytes = 0;   ///< of each packet, checksums included
  std::uint64_t framing_bytes = 0;  ///< of each packet: preamble and inter-packet gap

  constexpr std::uint64_t packets(std::uint64_t payload) const { return (payload + mtu - 1) / mtu; }
  constexpr std::uint64_t wire_bytes(std::uint64_t payload) const {
    return payload + packets(payload) * (header_bytes + framing_bytes);
  }
};

/// A point of a cumulative distribution: a message is at most `bytes` long with `probability`.
struct SizePoint {
  std::uint64_t bytes = 0;
  double probability = 0;
};

/// Ascending in both; the first probability is 0, the last 1; linear between the points.
using SizeTable = std::vector<SizePoint>;

/// The message size below which the share `probability` of [0, 1) lies: linear between points,
/// rounded up to whole bytes, at least 1.
std::uint64_t size_at(const SizeTable& table, double probability);

enum class ArrivalProcess : std::uint8_t {
  /// Time is cut in slots of one message time on the wire; a message starts in each with
  /// probability `load`. The slots of all hosts start together, as the slotted theory of output
  /// queueing assumes (Karol, Hluchyj, Morgan, IEEE Trans. Commun. 35(12), 1987).
  bernoulli,
  /// Exponential gaps between starts.
  poisson,
  /// Bursts of geometrically many messages (mean `burst`), back to back to one receiver, with
  /// exponential silences between. A host starts inside a burst with probability `load`.
  bursty,
};

/// An open-loop stream: it does not wait for the network, so a message's due cycle is the intended
/// one. Destinations are uniform over the other hosts. `load` is a share of the bytes per cycle of
/// the host's link with headers and framing, met exactly on average.
struct GeneratorConfig {
  ArrivalProcess process = ArrivalProcess::poisson;
  double load = 0.5;
  double burst = 1;                  ///< bursty: mean messages per burst, at least 1
  std::uint64_t bytes = 1;           ///< payload of each message, unless `sizes` is set
  const SizeTable* sizes = nullptr;  ///< poisson only; must outlive the generator
  double mean_wire_bytes = 1;        ///< of a message; with `sizes`, the mean over the table
  Cycle start = 0;
  Cycle stop = 0;  ///< messages are due in [start, stop)
  std::uint8_t traffic_class = 0;
  std::uint32_t workload = 0;  ///< position in the scenario's list: part of the random key
};

/// Message ids of open-loop streams: message n of generator g at host h has the id
/// first + (n * generators + g) * hosts + h, which no other message of the run has and which does
/// not depend on the order in which hosts run. Running out of 32 bits is an InputError.
struct IdSpace {
  MessageId first = 0;
  std::uint64_t generators = 1;
  std::uint64_t hosts = 2;
};

/// Makes the messages of one open-loop stream of one host, always one ahead of what was taken.
class MessageGenerator {
 public:
  /// `position` is the generator's place among those of the run (g in IdSpace).
  MessageGenerator(const GeneratorConfig& config, const HostLink& link, HostId host,
                   const IdSpace& ids, std::uint64_t position, std::uint64_t seed);

  /// The next message; its due cycle is `never` when the stream has ended.
  const Message& next() const { return next_; }
  void advance();

 private:
  // Time runs in ticks: 2^20 to a `1 / rate_bytes` of a cycle. A message time is a whole
  // number of ticks, so slots and bursts do not drift, and random gaps are rounded by less than a
  // millionth of a byte time. 64 bits do not hold a run of seconds in ticks.
  __extension__ using Ticks = unsigned __int128;

  void continue_burst();
  void number();
  void draw_destination();
  Ticks exponential(double mean_ticks);
  std::uint64_t geometric(double success);  ///< failures before the first success

  GeneratorConfig config_;
  Rng rng_;
  Message next_;
  std::uint32_t other_hosts_;
  std::uint64_t next_id_;
  std::uint64_t id_stride_;
  std::uint64_t ticks_per_cycle_;
  Ticks message_ticks_;
  Ticks last_tick_ = 0;  ///< a message that starts later is due at `stop` or beyond
  Ticks time_ = 0;       ///< since `start`: of the last start (poisson), or of the next chance
  double mean_gap_ticks_;
  std::uint64_t burst_left_ = 0;
};

/// Merges a host's closed messages (known up front), released ones (by triggers) and open-loop
/// streams into one stream ordered by due cycle, then id.
class TrafficSource {
 public:
  TrafficSource() = default;
  TrafficSource(std::vector<Message> closed, std::vector<MessageGenerator> generators);

  /// When the earliest message is due; `never` while nothing is known to come. May become earlier
  /// by `release` only.
  Cycle next_due() const { return next_due_; }

  /// Removes the earliest message. Only while next_due() is not `never`.
  Message take();

  /// Adds a message whose due cycle lies in the future, so that it does not matter whether the
  /// host has already run in the present cycle.
  void release(const Message& message);

  /// Keeps message ids for what comes from outside: first, first + stride, ...
  void keep_ids(std::uint64_t first, std::uint64_t stride) {
    next_kept_id_ = first;
    kept_id_stride_ = stride;
  }
  /// The next of them; nothing when none were kept or all have been used.
  std::optional<MessageId> take_id();

 private:
  static constexpr std::uint64_t no_id = std::uint64_t{1} << 32;

  const Message* earliest() const;

  std::vector<Message> closed_;  ///< ascending from next_closed_
  std::size_t next_closed_ = 0;
  std::vector<Message> released_;  ///< a heap, the earliest at the front
  std::vector<MessageGenerator> generators_;
  Cycle next_due_ = never;
  std::uint64_t next_kept_id_ = no_id;
  std::uint64_t kept_id_stride_ = 0;
};

}  // namespace heddle
