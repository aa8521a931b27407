// One node's part in collectives (parts/collective_schedule.h), with real data: a word of 64 bits
// for each 64 bytes of the buffer, added modulo 2^64 where the operation reduces.
//
// Steps. A lane sends its steps in order, packet by packet. A step begins when everything that the
// earlier steps of the lane receive is there; with `by_packets` a packet of a chained step goes on
// as soon as it is there itself. What has arrived is there `reduce_latency` later, and what may be
// sent goes `send_latency` after that. What arrives is added or stored at once, in whatever order,
// also for later steps; what arrives for a collective that has not begun here waits in memory.
//
// Losses. The receiver answers each complete step with `got`. A sender that has not heard of a step
// `time_out` after it has sent its last packet asks (`probe`); the receiver answers with `got`, or
// with one `missing` for each hole, and those packets are sent again. Packets that come twice
// change nothing. What a rank has sent stays unchanged until it has arrived: a property of all
// schedules, which their test checks.
//
// The result is checked, word by word, when the last of it is there.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "kernel/units.h"
#include "parts/collective_schedule.h"

namespace heddle {

/// Bytes of the buffer behind one word.
inline constexpr std::uint64_t collective_word_bytes = 64;

struct CollectiveOptions {
  std::uint32_t words_per_packet = 8;
  Cycle send_latency = 0;
  Cycle reduce_latency = 0;
  Cycle time_out = 100'000;
  bool by_packets = false;
};

/// What a rank is told to take part in. `tag`: the same at all ranks of a collective, and different
/// from that of every other one that is not finished everywhere.
struct CollectiveJob {
  std::shared_ptr<const CollectiveSchedule> schedule;
  unsigned rank = 0;
  std::uint32_t tag = 0;
  std::uint64_t bytes = 0;  ///< of each rank's buffer; rounded up to whole words for every part
};

/// Words of each lane's part of a block.
std::uint64_t collective_part_words(const CollectiveSchedule& schedule, std::uint64_t bytes);

/// What goes between two nodes.
struct CollectiveMessage {
  enum class Kind : std::uint8_t { piece, probe, got, missing };

  Kind kind = Kind::piece;
  std::uint8_t lane = 0;
  std::uint16_t step = 0;
  std::uint32_t tag = 0;
  std::uint32_t first = 0;  ///< piece: which of the step's packets; missing: the first of them
  std::uint32_t count = 0;  ///< piece: words; missing: packets
};

struct CollectiveCounts {
  std::uint64_t pieces_sent = 0;
  std::uint64_t pieces_received = 0;  ///< duplicates not included
  std::uint64_t words_received = 0;   ///< of those
  std::uint64_t duplicates = 0;
  std::uint64_t repeated = 0;  ///< of those sent, because somebody missed them
  std::uint64_t probes = 0;
  std::uint64_t early = 0;  ///< pieces that came before the collective began here
  std::uint64_t completed = 0;
};

class CollectiveEngine {
 public:
  /// The collective with this tag has its result here; `cycles` since it began here.
  struct Completion {
    std::uint32_t tag;
    Cycle cycles;
  };
  struct Outgoing {
    unsigned node = 0;
    CollectiveMessage message;
  };

  CollectiveEngine(unsigned node, const CollectiveOptions& options)
      : node_(node), options_(options) {}

  /// Throws CheckFailure for a tag that is in use.
  void begin(const CollectiveJob& job, Cycle now);

  /// Time passes; calls completed(Completion) for each collective whose result is there, which has
  /// been checked. Throws CheckFailure for a wrong result.
  template <class Completed>
  void advance(Cycle now, Completed&& completed) {
    release(now);
    while (!results_.empty() && results_.front().at <= now) {
      const Completion completion = conclude(results_.front().tag, results_.front().at);
      results_.pop_front();
      completed(completion);
    }
    ask(now);
  }
  /// When advance() will next have something to do; `never` for nothing.
  Cycle next_event() const;

  /// The next packet with data, if there is one that may be sent now; it is chosen, and taken by
  /// send_piece().
  bool has_piece();
  /// Of the lane that has_piece() has chosen.
  std::uint32_t piece_words() const;
  unsigned piece_lane() const { return choice_lane_; }
  /// Copies its words to `words`.
  Outgoing send_piece(std::uint64_t* words, Cycle now);

  bool has_control() const { return !control_.empty(); }
  const Outgoing& control() const { return control_.front(); }
  void send_control() { control_.pop_front(); }

  void receive(unsigned from_node, const CollectiveMessage& message, const std::uint64_t* words,
               Cycle now);

  const CollectiveCounts& counts() const { return counts_; }
  /// Nothing is open here.
  bool idle() const { return runs_.empty() && early_.empty() && control_.empty(); }
  void waits(const std::string& device, std::vector<std::string>& lines) const;

 private:
  struct Range {
    std::uint16_t step;
    std::uint32_t first;
    std::uint32_t count;
  };
  struct Lane {
    std::vector<std::uint32_t> received;   ///< by step: packets
    std::vector<std::uint32_t> available;  ///< by step: of the first packets, how many are there
    std::vector<std::uint32_t> in_order;   ///< by step: first packets that have come
    std::vector<std::uint64_t> came;       ///< a bit per packet, step by step
    std::vector<std::uint32_t> first_bit;  ///< by step
    std::vector<bool> answered;            ///< by step: the receiver has everything
    std::uint32_t whole = 0;               ///< steps, from the first on, that are there
    std::uint32_t step = 0;                ///< that is being sent
    std::uint32_t packet = 0;              ///< of it
    std::deque<Range> again;
  };
  struct Run {
    CollectiveJob job;
    std::uint64_t part_words = 0;
    Cycle began = 0;
    bool open = false;              ///< send_latency has passed
    bool result = false;            ///< is there, and checked
    std::uint64_t outstanding = 0;  ///< packets that have not come
    std::uint32_t unanswered = 0;   ///< steps sent or to be sent
    std::vector<std::uint64_t> data;
    std::vector<std::uint64_t> output;  ///< where it stands beside the data
    std::vector<Lane> lanes;
  };
  /// Something becomes available.
  struct Release {
    Cycle at;
    std::uint32_t tag;
    std::uint32_t packets;  ///< 0: the run is open
    std::uint16_t step;
    std::uint8_t lane;
  };
  struct Result {
    Cycle at;
    std::uint32_t tag;
  };
  struct Timer {
    Cycle at;
    std::uint32_t tag;
    std::uint16_t step;
    std::uint8_t lane;
  };
  struct Early {
    unsigned from_node;
    CollectiveMessage message;
    std::vector<std::uint64_t> words;
  };

  Run* find(std::uint32_t tag);
  const CollectiveStep& step_of(const Run& run, unsigned lane, unsigned step) const {
    return run.job.schedule->steps(run.job.rank, lane)[step];
  }
  std::uint32_t words_of(const Run& run, const BlockSet& set, std::uint32_t packet) const;
  std::uint32_t packets_of(const Run& run, const BlockSet& set) const;
  void fill(Run& run) const;
  void prepare(Run& run, unsigned lane);
  void check(const Run& run) const;
  bool may_send(const Run& run, unsigned lane) const;
  template <class F>
  void for_each_stretch(const Run& run, unsigned lane, const BlockSet& set, std::uint32_t packet,
                        F&& f) const;

  void release_at(Cycle at, Release release);
  void release(Cycle now);
  void skip_silent_steps(Run& run, unsigned lane);
  Completion conclude(std::uint32_t tag, Cycle at);
  void ask(Cycle now);
  void forget_if_finished(const Run& run);

  void take_piece(unsigned from_node, const CollectiveMessage& message, const std::uint64_t* words,
                  Cycle now);
  void apply(Run& run, const CollectiveMessage& message, const std::uint64_t* words, Cycle now);
  void answer_probe(unsigned from_node, const CollectiveMessage& message);
  void take_got(const CollectiveMessage& message);

  unsigned node_;
  CollectiveOptions options_;
  std::vector<std::unique_ptr<Run>> runs_;  // in the order in which they have begun
  std::deque<Release> releases_;
  std::deque<Result> results_;
  std::deque<Timer> timers_;
  std::deque<Outgoing> control_;
  std::vector<Early> early_;
  std::deque<std::uint32_t> finished_;  // the latest tags
  Run* choice_ = nullptr;
  unsigned choice_lane_ = 0;
  unsigned turn_ = 0;
  CollectiveCounts counts_;
};

}  // namespace heddle
