// Schedules of collectives, executed on sets of ranks instead of numbers: who has contributed to
// what, exactly once, in any legal order of events.
#include "parts/collective_schedule.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "kernel/error.h"
#include "kernel/rng.h"
#include "parts/torus_rings.h"

namespace heddle {
namespace {

using Operation = CollectiveOperation;
using Algorithm = CollectiveAlgorithm;
using Contributions = std::uint64_t;  ///< a bit per rank

constexpr std::array<Operation, 5> operations{Operation::all_reduce, Operation::reduce_scatter,
                                              Operation::all_gather, Operation::all_to_all,
                                              Operation::broadcast};
constexpr std::array<Algorithm, 4> algorithms{Algorithm::ring, Algorithm::bidirectional_ring,
                                              Algorithm::hamiltonian_rings,
                                              Algorithm::hierarchical};

std::string text(Operation operation, Algorithm algorithm, const TorusSize& size) {
  return std::string(name_of(operation)) + " by " + name_of(algorithm) + " on " +
         std::to_string(size.length[0]) + "x" + std::to_string(size.length[1]) + "x" +
         std::to_string(size.length[2]);
}

std::vector<TorusSize> sizes_up_to(unsigned x, unsigned y, unsigned z) {
  std::vector<TorusSize> sizes;
  for (unsigned a = 1; a <= x; ++a) {
    for (unsigned b = 1; b <= y; ++b) {
      for (unsigned c = 1; c <= z; ++c) {
        if (a * b * c > 1) sizes.push_back({{a, b, c}});
      }
    }
  }
  return sizes;
}

bool exists(Operation operation, Algorithm algorithm, const TorusSize& size) {
  const bool ring = algorithm == Algorithm::ring || algorithm == Algorithm::bidirectional_ring;
  if (algorithm == Algorithm::hamiltonian_rings && !disjoint_hamiltonian_rings(size)) return false;
  return ring || operation != Operation::all_to_all;
}

/// f(operation, algorithm, size) for all that exist.
template <class F>
void for_each_case(const std::vector<TorusSize>& sizes, F&& f) {
  for (const TorusSize& size : sizes) {
    for (const Operation operation : operations) {
      for (const Algorithm algorithm : algorithms) {
        if (exists(operation, algorithm, size)) f(operation, algorithm, size);
      }
    }
  }
}

std::vector<unsigned> members(const CollectiveSchedule& schedule, const BlockSet& set) {
  std::vector<unsigned> blocks;
  for (unsigned z = 0; z < set.length[2]; ++z) {
    for (unsigned y = 0; y < set.length[1]; ++y) {
      for (unsigned x = 0; x < set.length[0]; ++x) {
        blocks.push_back(schedule.grid.node({set.low[0] + x, set.low[1] + y, set.low[2] + z}));
      }
    }
  }
  return blocks;
}

/// All ranks, and what is between them. A rank sends a step when it has received all earlier ones;
/// what it is sent it takes at any time.
class Execution {
 public:
  explicit Execution(const CollectiveSchedule& schedule)
      : schedule_(schedule),
        blocks_(schedule.ranks()),
        lanes_(schedule.lanes * std::size_t{schedule.ranks()}) {
    for (unsigned rank = 0; rank < blocks_; ++rank) {
      for (unsigned lane = 0; lane < schedule.lanes; ++lane) {
        Lane& l = at(rank, lane);
        l.input.assign(blocks_, 0);
        l.arrived.assign(schedule.steps(rank, lane).size(), false);
        for (unsigned block = 0; block < blocks_; ++block) l.input[block] = begin(rank, block);
        l.output.assign(blocks_, 0);
        if (schedule.has_output()) l.output[rank] = mark(rank, rank);
      }
    }
  }

  void run(Rng& rng) {
    for (;;) {
      std::vector<std::pair<unsigned, unsigned>> ready;
      for (unsigned rank = 0; rank < blocks_; ++rank) {
        for (unsigned lane = 0; lane < schedule_.lanes; ++lane) {
          if (can_send(rank, lane)) ready.push_back({rank, lane});
        }
      }
      const auto choices = static_cast<std::uint32_t>(ready.size() + under_way_.size());
      if (choices == 0) break;
      const std::uint32_t choice = rng.below(choices);
      if (choice < ready.size()) {
        send(ready[choice].first, ready[choice].second);
      } else {
        deliver(choice - ready.size());
      }
    }
  }

  void expect_result() const {
    for (unsigned rank = 0; rank < blocks_; ++rank) {
      for (unsigned lane = 0; lane < schedule_.lanes; ++lane) {
        const Lane& l = lanes_[rank * schedule_.lanes + lane];
        ASSERT_EQ(l.sent, l.arrived.size()) << "rank " << rank << " is stuck in step " << l.sent;
        for (unsigned block = 0; block < blocks_; ++block) {
          if (schedule_.operation == Operation::reduce_scatter && block != rank) continue;
          ASSERT_EQ((schedule_.has_output() ? l.output : l.input)[block], end(rank, block))
              << "rank " << rank << ", block " << block << ", lane " << lane;
        }
      }
    }
  }

 private:
  struct Lane {
    std::vector<Contributions> input;
    std::vector<Contributions> output;
    std::vector<bool> arrived;  ///< by step
    std::size_t sent = 0;       ///< steps
    std::size_t complete = 0;   ///< of those, the first that have received all
  };
  struct Message {
    unsigned from, to, lane;
    std::size_t step;
    std::vector<unsigned> blocks;
    std::vector<Contributions> content;
  };

  /// Of an all-to-all: which block of whom.
  static Contributions mark(unsigned rank, unsigned block) { return rank * 1000ULL + block + 1; }
  static Contributions bit(unsigned rank) { return Contributions{1} << rank; }
  Contributions everybody() const { return blocks_ == 64 ? ~Contributions{0} : bit(blocks_) - 1; }

  Contributions begin(unsigned rank, unsigned block) const {
    switch (schedule_.operation) {
      case Operation::all_gather:
        return rank == block ? bit(rank) : 0;
      case Operation::broadcast:
        return rank == 0 ? bit(0) : 0;
      case Operation::all_to_all:
        return mark(rank, block);
      default:
        return bit(rank);
    }
  }
  Contributions end(unsigned rank, unsigned block) const {
    switch (schedule_.operation) {
      case Operation::all_gather:
        return bit(block);
      case Operation::broadcast:
        return bit(0);
      case Operation::all_to_all:
        return mark(block, rank);
      default:
        return everybody();
    }
  }

  Lane& at(unsigned rank, unsigned lane) { return lanes_[rank * schedule_.lanes + lane]; }
  bool can_send(unsigned rank, unsigned lane) {
    Lane& l = at(rank, lane);
    if (l.sent == l.arrived.size()) return false;
    const auto& steps = schedule_.steps(rank, lane);
    while (l.complete < l.sent &&
           (l.arrived[l.complete] || steps[l.complete].receive_from == CollectiveStep::nobody)) {
      ++l.complete;
    }
    return l.complete == l.sent;
  }

  void send(unsigned rank, unsigned lane) {
    Lane& l = at(rank, lane);
    const std::size_t k = l.sent++;
    const CollectiveStep& step = schedule_.steps(rank, lane)[k];
    if (step.send_to == CollectiveStep::nobody) return;
    const CollectiveStep& other = schedule_.steps(step.send_to, lane)[k];
    ASSERT_EQ(other.receive_from, rank) << "the receiver of step " << k << " expects another";
    Message message{rank, step.send_to, lane, k, members(schedule_, step.sent), {}};
    ASSERT_EQ(message.blocks.size(), other.received.blocks());
    for (const unsigned block : message.blocks) message.content.push_back(l.input[block]);
    under_way_.push_back(std::move(message));
  }

  void deliver(std::size_t which) {
    const Message message = under_way_[which];
    under_way_.erase(under_way_.begin() + static_cast<std::ptrdiff_t>(which));
    Lane& l = at(message.to, message.lane);
    ASSERT_FALSE(l.arrived[message.step]);
    l.arrived[message.step] = true;
    const CollectiveStep& step = schedule_.steps(message.to, message.lane)[message.step];
    const std::vector<unsigned> into = members(schedule_, step.received);
    for (std::size_t i = 0; i < into.size(); ++i) {
      ASSERT_EQ(at(message.from, message.lane).input[message.blocks[i]], message.content[i])
          << "what was sent has changed before it arrived: it could not be sent again";
      Contributions& place = (schedule_.has_output() ? l.output : l.input)[into[i]];
      ASSERT_EQ(step.reduce ? place & message.content[i] : 0, 0U) << "added twice";
      place = step.reduce ? place | message.content[i] : message.content[i];
    }
  }

  const CollectiveSchedule& schedule_;
  unsigned blocks_;
  std::vector<Lane> lanes_;
  std::deque<Message> under_way_;
};

TEST(CollectiveSchedule, EveryRankEndsWithTheResultInAnyOrderOfEvents) {
  Rng rng(1, "test", "collectives");
  for_each_case(
      sizes_up_to(4, 4, 4), [&](Operation operation, Algorithm algorithm, const TorusSize& size) {
        SCOPED_TRACE(text(operation, algorithm, size));
        const CollectiveSchedule schedule = collective_schedule(operation, algorithm, size);
        Execution execution(schedule);
        execution.run(rng);
        execution.expect_result();
      });
}

TEST(CollectiveSchedule, LongRingsAndOddSizesToo) {
  Rng rng(2, "test", "collectives");
  const std::vector<TorusSize> sizes{{{5, 5, 1}}, {{3, 7, 1}}, {{7, 3, 1}},  {{8, 8, 1}},
                                     {{5, 4, 3}}, {{3, 3, 5}}, {{64, 1, 1}}, {{1, 1, 9}}};
  for_each_case(sizes, [&](Operation operation, Algorithm algorithm, const TorusSize& size) {
    SCOPED_TRACE(text(operation, algorithm, size));
    const CollectiveSchedule schedule = collective_schedule(operation, algorithm, size);
    Execution execution(schedule);
    execution.run(rng);
    execution.expect_result();
  });
}

TEST(CollectiveSchedule, TheFirstRanksOfARingAndABoxAreGroupsToo) {
  Rng rng(3, "test", "collectives");
  const TorusSize torus{{4, 4, 4}};
  for (unsigned ranks = 2; ranks <= 64; ++ranks) {
    for (const Algorithm algorithm : {Algorithm::ring, Algorithm::bidirectional_ring}) {
      const CollectiveSchedule schedule =
          collective_schedule(Operation::all_reduce, algorithm, torus, {{0, 0, 0}, torus}, ranks);
      ASSERT_EQ(schedule.ranks(), ranks);
      Execution execution(schedule);
      execution.run(rng);
      execution.expect_result();
    }
  }
  const TorusBox plane{{0, 0, 2}, {{4, 4, 1}}};
  const CollectiveSchedule schedule =
      collective_schedule(Operation::all_reduce, Algorithm::hierarchical, torus, plane);
  for (const unsigned node : schedule.nodes) EXPECT_EQ(torus.coordinates(node)[2], 2U);
  Execution execution(schedule);
  execution.run(rng);
  execution.expect_result();
}

// --- closed forms -------------------------------------------------------------------------------

/// facts.md: a ring of n takes n - 1 steps for a reduce-scatter or an all-gather, 2 (n - 1) for an
/// all-reduce.
unsigned ring_steps(Operation operation, unsigned n) {
  return operation == Operation::all_reduce || operation == Operation::broadcast ? 2 * (n - 1)
                                                                                 : n - 1;
}

TEST(CollectiveSchedule, StepsAndBytesAreThoseOfTheClosedForms) {
  for_each_case(
      sizes_up_to(4, 4, 4), [&](Operation operation, Algorithm algorithm, const TorusSize& size) {
        SCOPED_TRACE(text(operation, algorithm, size));
        const CollectiveSchedule schedule = collective_schedule(operation, algorithm, size);
        unsigned steps = 0;
        if (algorithm == Algorithm::hierarchical) {
          for (const unsigned n : size.length) steps += ring_steps(operation, n);
        } else {
          steps = ring_steps(operation, size.nodes());
        }
        for (unsigned rank = 0; rank < schedule.ranks(); ++rank) {
          for (unsigned lane = 0; lane < schedule.lanes; ++lane) {
            ASSERT_EQ(schedule.steps(rank, lane).size(), steps);
            unsigned blocks = 0;
            for (const CollectiveStep& step : schedule.steps(rank, lane)) {
              blocks += step.sent.blocks() * (step.send_to != CollectiveStep::nobody);
            }
            if (operation == Operation::broadcast) continue;
            // Nobody can send less: 2 (n - 1) of n blocks for an all-reduce, n - 1 for the others.
            EXPECT_EQ(blocks, ring_steps(operation, size.nodes()));
          }
        }
      });
}

TEST(CollectiveSchedule, EveryStepOfARingIsOneHop) {
  for_each_case(
      sizes_up_to(5, 5, 4), [&](Operation operation, Algorithm algorithm, const TorusSize& size) {
        if (operation == Operation::all_to_all) return;
        SCOPED_TRACE(text(operation, algorithm, size));
        const CollectiveSchedule schedule = collective_schedule(operation, algorithm, size);
        for (unsigned rank = 0; rank < schedule.ranks(); ++rank) {
          for (unsigned lane = 0; lane < schedule.lanes; ++lane) {
            for (const CollectiveStep& step : schedule.steps(rank, lane)) {
              if (step.send_to == CollectiveStep::nobody) continue;
              ASSERT_EQ(size.distance(schedule.nodes[rank], schedule.nodes[step.send_to]), 1U);
            }
          }
        }
      });
}

TEST(CollectiveSchedule, LanesOfHamiltonianRingsShareNoLink) {
  for (const TorusSize& size : {TorusSize{{4, 4, 1}}, TorusSize{{3, 3, 1}}, TorusSize{{8, 4, 1}}}) {
    const CollectiveSchedule schedule =
        collective_schedule(Operation::all_reduce, Algorithm::hamiltonian_rings, size);
    ASSERT_EQ(schedule.lanes, 4U);
    std::set<std::tuple<unsigned, unsigned>> links;
    for (unsigned rank = 0; rank < schedule.ranks(); ++rank) {
      for (unsigned lane = 0; lane < schedule.lanes; ++lane) {
        const CollectiveStep& step = schedule.steps(rank, lane).front();
        EXPECT_TRUE(links.insert({schedule.nodes[rank], schedule.nodes[step.send_to]}).second);
      }
    }
    EXPECT_EQ(links.size(), 4 * size.nodes()) << "every link of the torus carries one lane";
  }
}

TEST(CollectiveSchedule, AChainedStepSendsWhatTheStepBeforeHasReceived) {
  for_each_case(
      sizes_up_to(4, 4, 3), [&](Operation operation, Algorithm algorithm, const TorusSize& size) {
        const CollectiveSchedule schedule = collective_schedule(operation, algorithm, size);
        for (const auto& steps : schedule.lane_steps) {
          for (std::size_t k = 0; k < steps.size(); ++k) {
            if (!steps[k].chained) continue;
            ASSERT_GT(k, 0U);
            EXPECT_EQ(steps[k].sent.low, steps[k - 1].received.low);
            EXPECT_EQ(steps[k].sent.length, steps[k - 1].received.length);
          }
        }
      });
}

// --- rings --------------------------------------------------------------------------------------

void expect_ring(const TorusSize& size, const std::vector<unsigned>& ring) {
  ASSERT_EQ(std::set<unsigned>(ring.begin(), ring.end()).size(), size.nodes());
  ASSERT_EQ(ring.size(), size.nodes());
  for (std::size_t i = 0; i < ring.size() && ring.size() > 1; ++i) {
    ASSERT_EQ(size.distance(ring[i], ring[(i + 1) % ring.size()]), 1U) << i;
  }
}

TEST(TorusRings, EveryTorusHasAHamiltonianRing) {
  for (const TorusSize& size : sizes_up_to(7, 7, 6)) expect_ring(size, hamiltonian_ring(size));
  const TorusSize ultraserver{{4, 4, 4}};
  const std::vector<unsigned> ring = hamiltonian_ring(ultraserver);
  for (const unsigned n : {4U, 8U, 16U, 32U, 64U}) {
    EXPECT_EQ(ultraserver.distance(ring[n - 1], ring[0]), 1U) << "the first " << n << " close";
  }
}

TEST(TorusRings, TwoDisjointRingsUseEveryCableOnce) {
  for (const TorusSize& size : sizes_up_to(12, 12, 1)) {
    const auto& l = size.length;
    const auto rings = disjoint_hamiltonian_rings(size);
    ASSERT_EQ(rings.has_value(), l[0] >= 3 && l[1] >= 3 && l[0] % 2 == l[1] % 2)
        << l[0] << "x" << l[1];
    if (!rings) continue;
    std::set<std::pair<unsigned, unsigned>> cables;
    for (const auto& ring : {rings->first, rings->second}) {
      expect_ring(size, ring);
      for (std::size_t i = 0; i < ring.size(); ++i) {
        const auto ends = std::minmax(ring[i], ring[(i + 1) % ring.size()]);
        EXPECT_TRUE(cables.insert({ends.first, ends.second}).second) << "used twice";
      }
    }
    EXPECT_EQ(cables.size(), 2 * size.nodes());
  }
  EXPECT_FALSE(disjoint_hamiltonian_rings({{4, 4, 4}}));
}

// --- what does not exist ------------------------------------------------------------------------

std::string rejection(Operation operation, Algorithm algorithm, const TorusSize& size,
                      unsigned ranks = 0) {
  try {
    collective_schedule(operation, algorithm, size, {{0, 0, 0}, size}, ranks);
  } catch (const InputError& error) {
    return error.what();
  }
  return "none";
}

TEST(CollectiveSchedule, WhatDoesNotExistIsRejectedInOneSentence) {
  const TorusSize server{{4, 4, 1}};
  EXPECT_EQ(rejection(Operation::all_reduce, Algorithm::hamiltonian_rings, {{4, 3, 1}}),
            "hamiltonian_rings needs a torus of two dimensions, both even or both odd and at least "
            "3, not 4x3x1");
  EXPECT_EQ(rejection(Operation::all_to_all, Algorithm::hierarchical, server),
            "all_to_all is a pairwise exchange in the order of a ring: ring or bidirectional_ring, "
            "not hierarchical");
  EXPECT_EQ(rejection(Operation::all_reduce, Algorithm::hierarchical, server, 8),
            "hierarchical needs all 16 nodes of the torus, not 8; ring and bidirectional_ring take "
            "any number");
  EXPECT_EQ(rejection(Operation::all_reduce, Algorithm::ring, server, 17),
            "17 ranks are more than the 16 nodes of a torus of 4x4x1");
  EXPECT_EQ(rejection(Operation::all_reduce, Algorithm::ring, {{1, 1, 1}}),
            "a collective needs at least 2 ranks");
  EXPECT_THROW(
      collective_schedule(Operation::all_reduce, Algorithm::ring, server, {{2, 0, 0}, {{3, 1, 1}}}),
      InputError);
}

}  // namespace
}  // namespace heddle
