#include "parts/round_robin_arbiter.h"

#include <gtest/gtest.h>

#include <array>

#include "parts/random_arbiter.h"

namespace heddle {
namespace {

/// Looks at one port after the other.
unsigned naive_pick(unsigned ports, unsigned pointer, PortMask requests) {
  for (unsigned n = 0; n < ports; ++n) {
    const unsigned port = (pointer + n) % ports;
    if ((requests >> port & 1) != 0) return port;
  }
  return ports;
}

TEST(RoundRobinArbiter, PicksTheNextInTurnForEveryMaskAndPointer) {
  for (unsigned ports = 1; ports <= 8; ++ports) {
    for (unsigned pointer = 0; pointer < ports; ++pointer) {
      const RoundRobinArbiter arbiter(ports, pointer);
      for (PortMask requests = 1; requests <= first_ports(ports); ++requests) {
        ASSERT_EQ(arbiter.pick(requests), naive_pick(ports, pointer, requests));
      }
    }
  }
}

TEST(RoundRobinArbiter, GoesRoundAmongSixtyFour) {
  RoundRobinArbiter arbiter(64, 63);
  EXPECT_EQ(arbiter.pick(~PortMask{0}), 63U);
  EXPECT_EQ(arbiter.pick(first_ports(63)), 0U);
  arbiter.move_behind(63);
  EXPECT_EQ(arbiter.pointer(), 0U);
  arbiter.move_behind(62);
  EXPECT_EQ(arbiter.pick(port_bit(62) | port_bit(5)), 5U);
}

TEST(RoundRobinArbiter, ServesEveryRequesterOnceInARound) {
  RoundRobinArbiter arbiter(5);
  std::array<unsigned, 5> served{};
  for (unsigned turn = 0; turn < 30; ++turn) {
    const unsigned port = arbiter.pick(first_ports(5));
    EXPECT_EQ(port, turn % 5);
    ++served[port];
    arbiter.move_behind(port);
  }
  for (const unsigned count : served) EXPECT_EQ(count, 6U);
}

TEST(RandomArbiter, PicksRequestersAlikeAndNobodyElse) {
  constexpr unsigned draws = 60'000;
  const PortMask requests =
      port_bit(0) | port_bit(7) | port_bit(31) | port_bit(32) | port_bit(40) | port_bit(63);
  RandomArbiter arbiter(Rng(1, "test", "arbiter"));
  std::array<double, 64> picked{};
  for (unsigned i = 0; i < draws; ++i) ++picked[arbiter.pick(requests)];
  double chi_square = 0;
  for (unsigned port = 0; port < 64; ++port) {
    if ((requests >> port & 1) == 0) {
      EXPECT_EQ(picked[port], 0) << port;
      continue;
    }
    const double expected = draws / 6.0;
    chi_square += (picked[port] - expected) * (picked[port] - expected) / expected;
  }
  EXPECT_LT(chi_square, 20.52);  // 5 degrees of freedom, 0.1 %
}

}  // namespace
}  // namespace heddle
