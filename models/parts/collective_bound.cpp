#include "parts/collective_bound.h"

#include <algorithm>
#include <vector>

namespace heddle {

namespace {

constexpr unsigned directions = 2 * torus_dimensions;
constexpr unsigned to_router = directions;
constexpr unsigned to_node = directions + 1;
constexpr unsigned links_of_node = directions + 2;

/// Calls f(node, dimension, way) for the links between routers on the way, in order.
template <class F>
void for_each_link(const TorusShape& shape, unsigned from, unsigned to, F&& f) {
  const TorusShape::Place& source = shape.place(from);
  const TorusShape::Place& target = shape.place(to);
  unsigned here = from;
  for (unsigned d = 0; d < torus_dimensions; ++d) {
    const RingChoice choice =
        choose_way(shape.size(d), shape.place(here)[d], target[d], tie_goes_up(source, target, d));
    const Way way = choice == RingChoice::down ? Way::down : Way::up;
    while (shape.place(here)[d] != target[d]) {
      f(here, d, way);
      here = shape.neighbour(here, d, way);
    }
  }
}

/// What the links carry in one step of all ranks and lanes.
class Loads {
 public:
  Loads(const TorusShape& shape, const TorusCost& cost)
      : shape_(shape), cost_(cost), bytes_(std::size_t{shape.nodes()} * links_of_node) {}

  void clear() { std::fill(bytes_.begin(), bytes_.end(), 0.0); }
  void add(unsigned from, unsigned to, double bytes) {
    for_each_place(from, to, [&](std::size_t link, const LinkCost&) { bytes_[link] += bytes; });
  }
  /// On the busiest link of the way.
  double cycles(unsigned from, unsigned to) const {
    double longest = 0;
    for_each_place(from, to, [&](std::size_t link, const LinkCost& c) {
      longest = std::max(longest, bytes_[link] * c.cycles_per_byte);
    });
    return longest;
  }

 private:
  template <class F>
  void for_each_place(unsigned from, unsigned to, F&& f) const {
    f(std::size_t{from} * links_of_node + to_router, cost_.local);
    for_each_link(shape_, from, to, [&](unsigned node, unsigned dimension, Way way) {
      f(std::size_t{node} * links_of_node + 2 * dimension + (way == Way::up ? 0 : 1),
        cost_.ring[dimension]);
    });
    f(std::size_t{to} * links_of_node + to_node, cost_.local);
  }

  const TorusShape& shape_;
  const TorusCost& cost_;
  std::vector<double> bytes_;
};

/// Of a rank's lane.
struct Progress {
  double sent = 0;   ///< the latest step's last byte has left
  double whole = 0;  ///< everything received so far may go on
  double first = 0;  ///< so may the first packet of the latest step
};

}  // namespace

double step_latency(const TorusShape& shape, const TorusCost& cost, unsigned from, unsigned to) {
  double cycles = cost.local.latency;
  unsigned hops = 0;
  for_each_link(shape, from, to, [&](unsigned, unsigned dimension, Way) {
    cycles += cost.ring[dimension].latency;
    // The first one's packets are part of m / B.
    if (hops++ > 0) cycles += cost.packet_bytes * cost.ring[dimension].cycles_per_byte;
  });
  return cycles + cost.packet_bytes * cost.local.cycles_per_byte + cost.local.latency +
         cost.arrive_latency + cost.reduce_latency;
}

double collective_bound(const CollectiveSchedule& schedule, std::uint64_t part_words,
                        const TorusShape& shape, const TorusCost& cost) {
  const unsigned ranks = schedule.ranks();
  const unsigned lanes = schedule.lanes;
  std::vector<Progress> now(std::size_t{ranks} * lanes);
  for (Progress& p : now) p = {0, cost.send_latency, cost.send_latency};
  Loads loads(shape, cost);
  double last = 0;
  const std::size_t steps = schedule.steps(0, 0).size();
  for (std::size_t k = 0; k < steps; ++k) {
    const auto for_each_transfer = [&](auto&& f) {
      for (unsigned rank = 0; rank < ranks; ++rank) {
        for (unsigned lane = 0; lane < lanes; ++lane) {
          const CollectiveStep& step = schedule.steps(rank, lane)[k];
          if (step.send_to != CollectiveStep::nobody) f(rank, lane, step);
        }
      }
    };
    loads.clear();
    for_each_transfer([&](unsigned rank, unsigned, const CollectiveStep& step) {
      loads.add(schedule.nodes[rank], schedule.nodes[step.send_to],
                cost.wire_bytes(step.sent.blocks() * part_words));
    });
    const std::vector<Progress> before = now;
    for_each_transfer([&](unsigned rank, unsigned lane, const CollectiveStep& step) {
      const Progress& sender = before[rank * lanes + lane];
      const bool chained = cost.by_packets && step.chained;
      const unsigned from = schedule.nodes[rank];
      const unsigned to = schedule.nodes[step.send_to];
      const double latency = step_latency(shape, cost, from, to) + cost.send_latency;
      const double cycles = loads.cycles(from, to);
      const double packet = std::min(
          cycles, cost.packet_bytes * (cycles / cost.wire_bytes(step.sent.blocks() * part_words)));
      const double begin = std::max(sender.sent, chained ? sender.first : sender.whole);
      const double end = std::max(begin + cycles, chained ? sender.whole + packet : 0.0);
      now[rank * lanes + lane].sent = std::max(now[rank * lanes + lane].sent, end);
      Progress& receiver = now[step.send_to * lanes + lane];
      receiver.whole = std::max(receiver.whole, end + latency);
      receiver.first = begin + packet + latency;
      last = std::max(last, end + latency - cost.send_latency);
    });
  }
  return last;
}

double bus_factor(CollectiveOperation operation, unsigned ranks) {
  const double n = ranks;
  if (operation == CollectiveOperation::all_reduce) return 2 * (n - 1) / n;
  return operation == CollectiveOperation::broadcast ? 1 : (n - 1) / n;
}

}  // namespace heddle
