// Engines of all ranks of a collective with a network between them that delays, and may lose and
// double. The engines check their results themselves.
#include "parts/collective_engine.h"

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kernel/error.h"
#include "kernel/rng.h"

namespace heddle {
namespace {

using Operation = CollectiveOperation;
using Algorithm = CollectiveAlgorithm;

struct Network {
  Cycle latency = 10;        ///< at least
  std::uint32_t jitter = 1;  ///< fewer cycles than this are added, at random
  double loss = 0;           ///< of every message
  double doubled = 0;
  std::uint32_t late = 1;  ///< ranks begin up to so many cycles late
};

/// One packet per node and cycle.
class Bench {
 public:
  Bench(const CollectiveSchedule& schedule, std::uint64_t bytes, const CollectiveOptions& options,
        const Network& network, std::uint64_t seed)
      : schedule_(std::make_shared<CollectiveSchedule>(schedule)),
        bytes_(bytes),
        words_(options.words_per_packet),
        network_(network),
        rng_(seed, "test", "engines") {
    std::vector<unsigned> nodes(schedule.nodes);
    for (unsigned rank = 0; rank < nodes.size(); ++rank) {
      rank_of_[nodes[rank]] = rank;
      engines_.emplace_back(nodes[rank], options);
      begins_.push_back(rng_.below(network.late));
    }
  }

  /// Returns when the last rank had its result. `times`: so many collectives, one after the other
  /// at each rank.
  Cycle run(unsigned times = 1) {
    std::vector<unsigned> begun(engines_.size(), 0);
    unsigned finished = 0;
    Cycle last = 0;
    Cycle now = 0;
    for (; now < 10'000'000; ++now) {
      for (unsigned r = 0; r < engines_.size(); ++r) {
        if (begun[r] < times && begins_[r] <= now) {
          engines_[r].begin({schedule_, r, begun[r]++, bytes_}, now);
          begins_[r] = never;
        }
        engines_[r].advance(now, [&](const CollectiveEngine::Completion&) {
          ++finished;
          last = now;
          begins_[r] = now + 1 + rng_.below(network_.late);
        });
      }
      deliver(now);
      for (unsigned r = 0; r < engines_.size(); ++r) send(r, now);
      if (finished == times * engines_.size() && idle() && under_way_.empty()) break;
    }
    EXPECT_EQ(finished, times * engines_.size());
    EXPECT_TRUE(idle());
    return last;
  }

  CollectiveCounts counts() const {
    CollectiveCounts sum;
    for (const CollectiveEngine& engine : engines_) {
      sum.pieces_sent += engine.counts().pieces_sent;
      sum.pieces_received += engine.counts().pieces_received;
      sum.duplicates += engine.counts().duplicates;
      sum.repeated += engine.counts().repeated;
      sum.words_received += engine.counts().words_received;
      sum.early += engine.counts().early;
    }
    return sum;
  }
  std::uint64_t lost() const { return lost_pieces_; }

 private:
  struct Message {
    unsigned from;
    CollectiveEngine::Outgoing what;
    std::vector<std::uint64_t> words;
  };

  bool idle() const {
    for (const CollectiveEngine& engine : engines_) {
      if (!engine.idle()) return false;
    }
    return true;
  }

  void send(unsigned rank, Cycle now) {
    CollectiveEngine& engine = engines_[rank];
    Message message{schedule_->nodes[rank], {}, {}};
    if (engine.has_control()) {
      message.what = engine.control();
      engine.send_control();
    } else if (engine.has_piece()) {
      message.words.resize(words_);
      message.what = engine.send_piece(message.words.data(), now);
    } else {
      return;
    }
    if (rng_.uniform() < network_.loss) {
      lost_pieces_ += message.words.empty() ? 0 : 1;
      return;
    }
    const unsigned copies = rng_.uniform() < network_.doubled ? 2 : 1;
    for (unsigned n = 0; n < copies; ++n) {
      under_way_.emplace(now + network_.latency + rng_.below(network_.jitter), message);
    }
  }

  void deliver(Cycle now) {
    while (!under_way_.empty() && under_way_.begin()->first <= now) {
      const Message message = under_way_.begin()->second;
      under_way_.erase(under_way_.begin());
      engines_[rank_of_.at(message.what.node)].receive(message.from, message.what.message,
                                                       message.words.data(), now);
    }
  }

  std::shared_ptr<const CollectiveSchedule> schedule_;
  std::uint64_t bytes_;
  std::uint32_t words_;
  Network network_;
  Rng rng_;
  std::map<unsigned, unsigned> rank_of_;
  std::deque<CollectiveEngine> engines_;
  std::vector<Cycle> begins_;
  std::multimap<Cycle, Message> under_way_;
  std::uint64_t lost_pieces_ = 0;
};

CollectiveOptions options(bool by_packets) {
  CollectiveOptions options;
  options.words_per_packet = 4;
  options.send_latency = 3;
  options.reduce_latency = 2;
  options.time_out = 400;
  options.by_packets = by_packets;
  return options;
}

const std::vector<std::pair<Operation, Algorithm>>& kinds() {
  static const std::vector<std::pair<Operation, Algorithm>> all{
      {Operation::all_reduce, Algorithm::ring},
      {Operation::all_reduce, Algorithm::bidirectional_ring},
      {Operation::all_reduce, Algorithm::hamiltonian_rings},
      {Operation::all_reduce, Algorithm::hierarchical},
      {Operation::reduce_scatter, Algorithm::bidirectional_ring},
      {Operation::reduce_scatter, Algorithm::hierarchical},
      {Operation::all_gather, Algorithm::hamiltonian_rings},
      {Operation::all_gather, Algorithm::hierarchical},
      {Operation::all_to_all, Algorithm::ring},
      {Operation::all_to_all, Algorithm::bidirectional_ring},
      {Operation::broadcast, Algorithm::bidirectional_ring},
      {Operation::broadcast, Algorithm::hierarchical}};
  return all;
}

TEST(CollectiveEngine, DataAreRightAndEveryPieceComesOnce) {
  for (const auto& [operation, algorithm] : kinds()) {
    for (const bool by_packets : {false, true}) {
      SCOPED_TRACE(std::string(name_of(operation)) + " by " + name_of(algorithm));
      const auto schedule = collective_schedule(operation, algorithm, {{4, 4, 1}});
      Bench bench(schedule, 30'000, options(by_packets), {}, 1);
      bench.run();
      EXPECT_EQ(bench.counts().pieces_sent, bench.counts().pieces_received);
      EXPECT_EQ(bench.counts().duplicates + bench.counts().repeated, 0U);
    }
  }
}

/// Steps (L + m / B), one packet per cycle; by packets the longest of the two decides.
TEST(CollectiveEngine, AnIdleNetworkGivesTheClosedFormToTheCycle) {
  for (const unsigned ranks : {2U, 3U, 8U, 16U}) {
    for (const std::uint64_t packets : {1U, 5U, 40U}) {
      const auto schedule =
          collective_schedule(Operation::all_reduce, Algorithm::ring, {{ranks, 1, 1}});
      const std::uint64_t bytes = ranks * packets * 4 * collective_word_bytes;
      const Cycle steps = 2 * (ranks - 1);
      const Cycle latency = 3 + 10 + 2;  // send, network, reduce
      Bench whole(schedule, bytes, options(false), {}, 1);
      EXPECT_EQ(whole.run(), steps * (latency + packets - 1)) << ranks << ", " << packets;
      Bench by_packets(schedule, bytes, options(true), {}, 1);
      EXPECT_NEAR(static_cast<double>(by_packets.run()),
                  static_cast<double>((steps - 1) * std::max<Cycle>(latency, packets + 1) +
                                      latency + packets - 1),
                  static_cast<double>(latency))
          << "an acknowledgement takes a cycle of each step";
    }
  }
}

TEST(CollectiveEngine, LossesDelaysAndDoublesChangeNoResult) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    const auto& [operation, algorithm] = kinds()[seed % kinds().size()];
    SCOPED_TRACE("seed " + std::to_string(seed));
    const TorusSize size =
        algorithm == Algorithm::hamiltonian_rings ? TorusSize{{4, 4, 1}} : TorusSize{{3, 2, 2}};
    Network network;
    network.jitter = 30;
    network.loss = 0.02 * static_cast<double>(seed % 5);
    network.doubled = 0.05;
    network.late = seed % 3 == 0 ? 3000 : 1;
    Bench bench(collective_schedule(operation, algorithm, size), 20'000, options(seed % 2 == 0),
                network, seed);
    bench.run(3);
    EXPECT_GE(bench.counts().repeated, bench.lost() > 0 ? 1U : 0U);
  }
}

TEST(CollectiveEngine, WhoBeginsLateFindsWhatHasCome) {
  Network network;
  network.late = 5000;
  const auto schedule = collective_schedule(Operation::all_reduce, Algorithm::ring, {{4, 1, 1}});
  Bench bench(schedule, 8192, options(false), network, 5);
  bench.run();
  EXPECT_GT(bench.counts().early, 0U);
  EXPECT_EQ(bench.counts().duplicates, 0U);
}

TEST(CollectiveEngine, AWrongWordIsFound) {
  const auto schedule = std::make_shared<CollectiveSchedule>(
      collective_schedule(Operation::broadcast, Algorithm::ring, {{2, 1, 1}}));
  CollectiveEngine engine(1, options(false));
  engine.begin({schedule, 1, 7, 512}, 0);
  const std::vector<std::uint64_t> words(4, 0);
  for (std::uint16_t step = 0; step < 2; ++step) {
    engine.receive(0, {CollectiveMessage::Kind::piece, 0, step, 7, 0, 4}, words.data(), 5);
  }
  EXPECT_THROW(engine.advance(100, [](const CollectiveEngine::Completion&) {}), CheckFailure);
}

}  // namespace
}  // namespace heddle
