// Routes of a torus, over all sizes that matter: shortest, evenly split, and free of circles among
// the channels that packets hold and wait for.
#include "parts/torus_route.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <numeric>
#include <set>
#include <string>
#include <tuple>
#include <vector>

namespace heddle {
namespace {

constexpr unsigned most = 17;  // odd and even rings, halves odd and even

/// The nodes of a ring from `from` to `to`, both included.
std::vector<unsigned> walk(unsigned size, unsigned from, unsigned to, Way way) {
  std::vector<unsigned> nodes{from};
  while (nodes.back() != to) {
    nodes.push_back((nodes.back() + (way == Way::up ? 1 : size - 1)) % size);
  }
  return nodes;
}

Way way_of(RingChoice choice) { return choice == RingChoice::up ? Way::up : Way::down; }

TEST(TorusRoute, TakesTheShorterWayRound) {
  for (unsigned size = 1; size <= most; ++size) {
    for (unsigned from = 0; from < size; ++from) {
      for (unsigned to = 0; to < size; ++to) {
        const unsigned direct = from < to ? to - from : from - to;
        const unsigned shortest = std::min(direct, size - direct);
        for (const bool tie_up : {false, true}) {
          const RingChoice choice = choose_way(size, from, to, tie_up);
          if (from == to) {
            EXPECT_EQ(choice, RingChoice::arrived);
            continue;
          }
          const Way way = way_of(choice);
          EXPECT_EQ(walk(size, from, to, way).size() - 1, shortest) << from << "->" << to;
          EXPECT_EQ(ring_distance(size, from, to, way), shortest);
          if (2 * shortest == size) {
            EXPECT_EQ(way, tie_up ? Way::up : Way::down);
          }
        }
      }
    }
  }
}

/// Every set of broken cables in rings of up to eight.
TEST(TorusRoute, GoesTheOtherWayRoundWhereACableIsBroken) {
  for (unsigned size = 2; size <= 8; ++size) {
    for (RingFaults faults = 0; faults < 1U << size; ++faults) {
      for (unsigned from = 0; from < size; ++from) {
        for (unsigned to = 0; to < size; ++to) {
          if (from == to) continue;
          const auto whole = [&](Way way) {
            const std::vector<unsigned> nodes = walk(size, from, to, way);
            for (std::size_t i = 0; i + 1 < nodes.size(); ++i) {
              const unsigned cable = way == Way::up ? nodes[i] : nodes[i + 1];
              if ((faults >> cable & 1) != 0) return false;
            }
            return true;
          };
          const Way first = way_of(choose_way(size, from, to, true));
          const RingChoice choice = choose_way(size, from, to, true, faults);
          if (whole(first)) {
            EXPECT_EQ(way_of(choice), first);
          } else if (whole(opposite(first))) {
            EXPECT_EQ(way_of(choice), opposite(first));
          } else {
            EXPECT_EQ(choice, RingChoice::unreachable);
          }
        }
      }
    }
  }
}

/// Sum over all pairs, a node and itself included: k^2 / 4 links in each even ring per sender, and
/// (k^2 - 1) / 4 in each odd one (Dally and Towles 2004, 3.2).
TEST(TorusRoute, MeanHopsAreThoseOfTheClosedForm) {
  for (const auto& sizes : std::vector<std::array<unsigned, 3>>{
           {4, 4, 4}, {8, 8, 1}, {1, 1, 1}, {2, 3, 5}, {6, 1, 4}, {16, 1, 1}, {2, 2, 2}}) {
    const TorusShape shape(sizes);
    std::uint64_t hops = 0;
    for (unsigned a = 0; a < shape.nodes(); ++a) {
      for (unsigned b = 0; b < shape.nodes(); ++b) hops += torus_hops(shape, a, b);
    }
    std::uint64_t expected = 0;
    for (const unsigned k : sizes) {
      expected += std::uint64_t{shape.nodes()} * shape.nodes() / k * (k * k / 4);
    }
    EXPECT_EQ(hops, expected);
  }
  const TorusShape cube({4, 4, 4});
  std::uint64_t hops = 0;
  for (unsigned b = 0; b < 64; ++b) hops += torus_hops(cube, 0, b);
  EXPECT_EQ(hops, 3U * 64) << "case 23: 3.0 on average";
}

TEST(TorusRoute, NumbersAndNeighboursAgree) {
  const TorusShape shape({3, 4, 5});
  ASSERT_EQ(shape.nodes(), 60U);
  for (unsigned n = 0; n < shape.nodes(); ++n) {
    const TorusShape::Place& place = shape.place(n);
    EXPECT_EQ(shape.node(place), n);
    EXPECT_EQ(n, place[0] + 3U * (place[1] + 4U * place[2]));
    for (unsigned d = 0; d < torus_dimensions; ++d) {
      EXPECT_EQ(shape.neighbour(shape.neighbour(n, d, Way::up), d, Way::down), n);
      unsigned at = n;
      for (unsigned i = 0; i < shape.size(d); ++i) at = shape.neighbour(at, d, Way::up);
      EXPECT_EQ(at, n) << "a ring closes";
    }
  }
}

/// A link of a torus.
using Direction = std::tuple<unsigned, unsigned, Way>;

/// The links of a packet's way, and whether it is behind the dateline of its ring on each. Nothing
/// when it finds none around the broken cables of the first dimension's rings.
std::vector<std::pair<Direction, bool>> route(const TorusShape& shape, unsigned source,
                                              unsigned destination, bool dateline,
                                              RingFaults faults = 0) {
  std::vector<std::pair<Direction, bool>> links;
  unsigned at = source;
  const TorusShape::Place& to = shape.place(destination);
  for (unsigned d = 0; d < torus_dimensions; ++d) {
    const bool tie_up = tie_goes_up(shape.place(source), to, d);
    const RingChoice choice =
        choose_way(shape.size(d), shape.place(at)[d], to[d], tie_up, d == 0 ? faults : 0);
    if (choice == RingChoice::unreachable) return {};
    bool behind = false;
    while (shape.place(at)[d] != to[d]) {
      const Way way = way_of(choice);
      behind |= dateline && crosses_dateline(shape.size(d), shape.place(at)[d], way);
      links.push_back({{at, d, way}, behind});
      at = shape.neighbour(at, d, way);
    }
  }
  EXPECT_EQ(at, destination);
  return links;
}

/// Every pair's traffic once: over all links of a dimension, loads differ by little.
TEST(TorusRoute, TiesAreSplitEvenly) {
  for (const auto& sizes : std::vector<std::array<unsigned, 3>>{
           {4, 4, 4}, {4, 4, 1}, {2, 2, 2}, {2, 2, 1}, {6, 6, 1}}) {
    const TorusShape shape(sizes);
    std::map<Direction, unsigned> load;
    for (unsigned a = 0; a < shape.nodes(); ++a) {
      for (unsigned b = 0; b < shape.nodes(); ++b) {
        for (const auto& [link, behind] : route(shape, a, b, true)) ++load[link];
      }
    }
    for (unsigned d = 0; d < torus_dimensions; ++d) {
      if (sizes[d] == 1) continue;
      // k / 8 of a node's packets cross each link.
      const unsigned expected = shape.nodes() * sizes[d] / 8;
      for (unsigned n = 0; n < shape.nodes(); ++n) {
        for (const Way way : {Way::up, Way::down}) {
          EXPECT_EQ((load[{n, d, way}]), expected) << sizes[0] << "x" << sizes[1] << "x" << sizes[2]
                                                   << " node " << n << " dimension " << d;
        }
      }
    }
  }
  const TorusShape ring({4, 1, 1});
  std::map<Direction, unsigned> load;
  for (unsigned a = 0; a < 4; ++a) {
    for (const auto& [link, behind] : route(ring, a, (a + 2) % 4, true)) ++load[link];
  }
  for (const auto& [link, packets] : load) EXPECT_EQ(packets, 1U);
  EXPECT_EQ(load.size(), 8U) << "both directions of all four cables";
}

using Channel = std::pair<Direction, bool>;

/// A packet that holds one channel of its way waits for the next: whether those waits can close a
/// circle (Dally and Seitz 1987). Packets that were sent before any cable broke are still there.
bool may_deadlock(const TorusShape& shape, bool dateline, RingFaults faults = 0) {
  std::map<Channel, std::set<Channel>> waits;
  for (unsigned a = 0; a < shape.nodes(); ++a) {
    for (unsigned b = 0; b < shape.nodes(); ++b) {
      for (const RingFaults broken : {RingFaults{0}, faults}) {
        const auto links = route(shape, a, b, dateline, broken);
        for (std::size_t i = 0; i + 1 < links.size(); ++i) waits[links[i]].insert(links[i + 1]);
      }
    }
  }
  std::map<Channel, int> colour;  // 1: being looked at, 2: done
  const std::function<bool(const Channel&)> finds_circle = [&](const Channel& channel) {
    colour[channel] = 1;
    for (const Channel& next : waits[channel]) {
      if (colour[next] == 1 || (colour[next] == 0 && finds_circle(next))) return true;
    }
    colour[channel] = 2;
    return false;
  };
  return std::any_of(waits.begin(), waits.end(), [&](const auto& entry) {
    const Channel channel = entry.first;
    return colour[channel] == 0 && finds_circle(channel);
  });
}

TEST(TorusRoute, DatelinesLeaveNoCircleOfChannels) {
  for (unsigned size = 2; size <= 12; ++size) {
    const TorusShape ring({size, 1, 1});
    EXPECT_FALSE(may_deadlock(ring, true)) << size;
    EXPECT_EQ(may_deadlock(ring, false), size >= 5)
        << size << ": in a ring of four, ways of two links begin at every other node";
  }
  for (const auto& sizes : std::vector<std::array<unsigned, 3>>{
           {4, 4, 1}, {5, 4, 1}, {3, 4, 5}, {4, 4, 4}, {6, 2, 3}}) {
    EXPECT_FALSE(may_deadlock(TorusShape(sizes), true));
    EXPECT_TRUE(may_deadlock(TorusShape(sizes), false));
  }
}

/// The long way round passes each node once, so it crosses the dateline once.
TEST(TorusRoute, NorDoDetours) {
  for (unsigned size = 2; size <= 9; ++size) {
    for (unsigned cable = 0; cable < size; ++cable) {
      EXPECT_FALSE(may_deadlock(TorusShape({size, 1, 1}), true, RingFaults{1} << cable)) << size;
      EXPECT_FALSE(may_deadlock(TorusShape({size, 2, 1}), true, RingFaults{1} << cable)) << size;
    }
  }
}

}  // namespace
}  // namespace heddle
