#include "parts/collective_schedule.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "kernel/error.h"
#include "parts/torus_rings.h"

namespace heddle {

namespace {

using Operation = CollectiveOperation;
using Algorithm = CollectiveAlgorithm;
using Order = std::vector<unsigned>;

std::uint16_t narrow(unsigned value) { return static_cast<std::uint16_t>(value); }

BlockSet one_block(unsigned rank) { return {{narrow(rank), 0, 0}, {1, 1, 1}}; }

/// A ring of some ranks, of which each place has the blocks that it ends with (reduce-scatter) or
/// begins with (all-gather).
struct RingPhase {
  Order ranks;
  std::vector<BlockSet> blocks;  ///< by place

  unsigned size() const { return static_cast<unsigned>(ranks.size()); }
  /// The place `back` places before `place`.
  unsigned before(unsigned place, unsigned back) const {
    return (place + size() - back % size()) % size();
  }
};

class Builder {
 public:
  Builder(CollectiveSchedule& schedule, unsigned lane) : schedule_(schedule), lane_(lane) {}

  /// After n - 1 steps each place has the sum of its own blocks.
  void reduce_scatter(const RingPhase& ring) {
    for (unsigned k = 0; k + 1 < ring.size(); ++k) pass(ring, k, 1, true, k > 0);
  }
  /// After n - 1 steps each place has everybody's blocks. `follows`: a reduce-scatter of the same
  /// ring, which has received last what is sent first.
  void all_gather(const RingPhase& ring, bool follows) {
    for (unsigned k = 0; k + 1 < ring.size(); ++k) pass(ring, k, 0, false, follows || k > 0);
  }
  /// The blocks of all places come from place 0, one behind the other.
  void broadcast(const RingPhase& ring) {
    const unsigned n = ring.size();
    for (unsigned k = 0; k < 2 * (n - 1); ++k) {
      for (unsigned place = 0; place < n; ++place) {
        CollectiveStep step;
        if (place + 1 < n && k >= place && k - place < n) {
          step.send_to = narrow(ring.ranks[place + 1]);
          step.sent = ring.blocks[k - place];
          step.chained = place > 0;
        }
        if (place > 0 && k + 1 >= place && k + 1 - place < n) {
          step.receive_from = narrow(ring.ranks[place - 1]);
          step.received = ring.blocks[k + 1 - place];
        }
        schedule_.steps(ring.ranks[place], lane_).push_back(step);
      }
    }
  }
  void all_to_all(const RingPhase& ring) {
    const unsigned n = ring.size();
    for (unsigned k = 1; k < n; ++k) {
      for (unsigned place = 0; place < n; ++place) {
        const unsigned from = ring.before(place, k);
        CollectiveStep step;
        step.send_to = narrow(ring.ranks[(place + k) % n]);
        step.receive_from = narrow(ring.ranks[from]);
        step.sent = ring.blocks[(place + k) % n];
        step.received = ring.blocks[from];
        schedule_.steps(ring.ranks[place], lane_).push_back(step);
      }
    }
  }

 private:
  /// One step of a ring: every place passes on the blocks of the place `k + offset` before it.
  void pass(const RingPhase& ring, unsigned k, unsigned offset, bool reduce, bool chained) {
    const unsigned n = ring.size();
    for (unsigned place = 0; place < n; ++place) {
      CollectiveStep step;
      step.send_to = narrow(ring.ranks[(place + 1) % n]);
      step.receive_from = narrow(ring.ranks[ring.before(place, 1)]);
      step.sent = ring.blocks[ring.before(place, k + offset)];
      step.received = ring.blocks[ring.before(place, k + offset + 1)];
      step.reduce = reduce;
      step.chained = chained;
      schedule_.steps(ring.ranks[place], lane_).push_back(step);
    }
  }

  CollectiveSchedule& schedule_;
  unsigned lane_;
};

/// The same ring, passed the other way from the same place.
Order reversed(Order order) {
  std::reverse(order.begin() + 1, order.end());
  return order;
}

/// One order of ranks per lane.
std::vector<Order> lanes_of(Algorithm algorithm, Order order) {
  if (algorithm == Algorithm::ring) return {std::move(order)};
  return {order, reversed(order)};
}

void build_lane(CollectiveSchedule& schedule, unsigned lane, const Order& order) {
  RingPhase ring{order, {}};
  for (const unsigned rank : order) ring.blocks.push_back(one_block(rank));
  Builder builder(schedule, lane);
  switch (schedule.operation) {
    case Operation::all_reduce:
      builder.reduce_scatter(ring);
      return builder.all_gather(ring, true);
    case Operation::reduce_scatter:
      return builder.reduce_scatter(ring);
    case Operation::all_gather:
      return builder.all_gather(ring, false);
    case Operation::all_to_all:
      return builder.all_to_all(ring);
    default:
      return builder.broadcast(ring);
  }
}

// --- by dimension -------------------------------------------------------------------------------

using Coordinates = std::array<unsigned, TorusSize::dimensions>;

/// The blocks of all ranks that agree with `at` in the dimensions of `own`.
BlockSet blocks_at(const TorusSize& grid, const Coordinates& at, unsigned own) {
  BlockSet set;
  for (unsigned d = 0; d < TorusSize::dimensions; ++d) {
    const bool fixed = (own >> d & 1) != 0;
    set.low[d] = narrow(fixed ? at[d] : 0);
    set.length[d] = narrow(fixed ? 1 : grid.length[d]);
  }
  return set;
}

/// The ring along `dimension` through `from`; blocks agree with a place in the dimensions of `own`.
RingPhase line(const TorusSize& grid, Coordinates from, unsigned dimension, unsigned own,
               bool backward) {
  RingPhase ring;
  const unsigned n = grid.length[dimension];
  for (unsigned i = 0; i < n; ++i) {
    from[dimension] = backward ? (n - i) % n : i;
    ring.ranks.push_back(grid.node(from));
    ring.blocks.push_back(blocks_at(grid, from, own));
  }
  return ring;
}

/// Calls f(ring) for every ring along `dimension`, of those through `plane` 0 in the dimensions of
/// `only`.
template <class F>
void for_each_line(const TorusSize& grid, unsigned dimension, unsigned own, unsigned only,
                   bool backward, F&& f) {
  for (unsigned rank = 0; rank < grid.nodes(); ++rank) {
    const Coordinates at = grid.coordinates(rank);
    bool wanted = at[dimension] == 0;
    for (unsigned d = 0; d < TorusSize::dimensions; ++d) {
      if ((only >> d & 1) != 0 && at[d] != 0) wanted = false;
    }
    if (wanted) f(line(grid, at, dimension, own, backward));
  }
}

/// Ranks that have no part in a phase have empty steps in its place.
void even_out(CollectiveSchedule& schedule, unsigned lane) {
  std::size_t steps = 0;
  for (unsigned r = 0; r < schedule.ranks(); ++r) {
    steps = std::max(steps, schedule.steps(r, lane).size());
  }
  for (unsigned r = 0; r < schedule.ranks(); ++r) schedule.steps(r, lane).resize(steps);
}

void build_by_dimension(CollectiveSchedule& schedule, unsigned lane) {
  const TorusSize& grid = schedule.grid;
  const bool backward = lane == 1;
  std::vector<unsigned> dimensions;
  for (unsigned d = 0; d < TorusSize::dimensions; ++d) {
    if (grid.length[d] > 1) dimensions.push_back(d);
  }
  const Operation operation = schedule.operation;
  Builder builder(schedule, lane);
  unsigned own = 0;
  if (operation == Operation::broadcast) {
    // Whoever has it passes it on along the next dimension: the whole buffer, in as many pieces as
    // the ring has places.
    unsigned later = (1U << TorusSize::dimensions) - 1;
    for (const unsigned d : dimensions) {
      later &= ~(1U << d);
      for_each_line(grid, d, 1U << d, later, backward,
                    [&](const RingPhase& ring) { builder.broadcast(ring); });
      even_out(schedule, lane);
    }
    return;
  }
  for (const unsigned d : dimensions) {
    own |= 1U << d;
    if (operation == Operation::all_gather) continue;
    for_each_line(grid, d, own, 0, backward,
                  [&](const RingPhase& ring) { builder.reduce_scatter(ring); });
  }
  if (operation == Operation::reduce_scatter) return;
  for (auto d = dimensions.rbegin(); d != dimensions.rend(); ++d) {
    const bool follows = operation == Operation::all_reduce && d == dimensions.rbegin();
    for_each_line(grid, *d, own, 0, backward,
                  [&](const RingPhase& ring) { builder.all_gather(ring, follows); });
    own &= ~(1U << *d);
  }
}

// --- participants -------------------------------------------------------------------------------

unsigned node_in(const TorusSize& torus, const TorusBox& box, unsigned member) {
  auto at = box.size.coordinates(member);
  for (unsigned d = 0; d < TorusSize::dimensions; ++d) at[d] += box.low[d];
  return torus.node(at);
}

std::string text_of(const TorusSize& size) {
  return fmt::format("{}x{}x{}", size.length[0], size.length[1], size.length[2]);
}

void check(Operation operation, Algorithm algorithm, const TorusSize& torus, const TorusBox& box,
           unsigned ranks) {
  for (unsigned d = 0; d < TorusSize::dimensions; ++d) {
    if (box.size.length[d] == 0 || box.low[d] + box.size.length[d] > torus.length[d]) {
      throw InputError(fmt::format("a group of {} nodes does not fit a torus of {}",
                                   text_of(box.size), text_of(torus)));
    }
  }
  if (ranks > box.size.nodes()) {
    throw InputError(fmt::format("{} ranks are more than the {} nodes of a torus of {}", ranks,
                                 box.size.nodes(), text_of(box.size)));
  }
  if (ranks < 2) throw InputError("a collective needs at least 2 ranks");
  const bool ring = algorithm == Algorithm::ring || algorithm == Algorithm::bidirectional_ring;
  if (!ring && ranks != box.size.nodes()) {
    throw InputError(
        fmt::format("{} needs all {} nodes of the torus, not {}; ring and "
                    "bidirectional_ring take any number",
                    name_of(algorithm), box.size.nodes(), ranks));
  }
  if (!ring && operation == Operation::all_to_all) {
    throw InputError(
        fmt::format("all_to_all is a pairwise exchange in the order of a ring: ring or "
                    "bidirectional_ring, not {}",
                    name_of(algorithm)));
  }
}

}  // namespace

const char* name_of(CollectiveOperation operation) {
  constexpr std::array<const char*, 5> names{"all_reduce", "reduce_scatter", "all_gather",
                                             "all_to_all", "broadcast"};
  return names[static_cast<unsigned>(operation)];
}

const char* name_of(CollectiveAlgorithm algorithm) {
  constexpr std::array<const char*, 4> names{"ring", "bidirectional_ring", "hamiltonian_rings",
                                             "hierarchical"};
  return names[static_cast<unsigned>(algorithm)];
}

CollectiveSchedule collective_schedule(Operation operation, Algorithm algorithm,
                                       const TorusSize& torus, const TorusBox& box,
                                       unsigned ranks) {
  if (ranks == 0) ranks = box.size.nodes();
  check(operation, algorithm, torus, box, ranks);
  CollectiveSchedule schedule;
  schedule.operation = operation;
  schedule.algorithm = algorithm;
  schedule.grid = {{ranks, 1, 1}};
  const auto take = [&](const Order& members) {
    for (unsigned i = 0; i < ranks; ++i) {
      schedule.nodes.push_back(node_in(torus, box, members[i]));
    }
  };
  const auto prepare = [&](std::size_t lanes) {
    schedule.lanes = static_cast<unsigned>(lanes);
    schedule.lane_steps.resize(ranks * lanes);
  };
  Order order(ranks);
  std::iota(order.begin(), order.end(), 0U);
  if (algorithm == Algorithm::hierarchical) {
    schedule.grid = box.size;
    take(order);
    prepare(2);
    for (unsigned lane = 0; lane < 2; ++lane) build_by_dimension(schedule, lane);
    return schedule;
  }
  std::vector<Order> lanes = lanes_of(algorithm, order);
  if (algorithm == Algorithm::hamiltonian_rings) {
    const auto rings = disjoint_hamiltonian_rings(box.size);
    if (!rings || box.size.nodes() != torus.nodes()) {
      throw InputError(
          fmt::format("hamiltonian_rings needs a torus of two dimensions, both even or "
                      "both odd and at least 3, not {}",
                      text_of(box.size)));
    }
    take(rings->first);
    Order rank_of(ranks);
    for (unsigned rank = 0; rank < ranks; ++rank) rank_of[rings->first[rank]] = rank;
    Order second;
    for (const unsigned node : rings->second) second.push_back(rank_of[node]);
    lanes.push_back(second);
    lanes.push_back(reversed(second));
  } else {
    take(hamiltonian_ring(box.size));
  }
  prepare(lanes.size());
  for (unsigned lane = 0; lane < lanes.size(); ++lane) build_lane(schedule, lane, lanes[lane]);
  return schedule;
}

CollectiveSchedule collective_schedule(Operation operation, Algorithm algorithm,
                                       const TorusSize& torus) {
  return collective_schedule(operation, algorithm, torus, {{0, 0, 0}, torus});
}

}  // namespace heddle
