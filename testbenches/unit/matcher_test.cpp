// The matchers of a crossbar: iSLIP against the paper's steps written out port by port, PIM against
// its laws, maximum weight against all permutations.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "parts/islip_matcher.h"
#include "parts/maximum_weight_matcher.h"
#include "parts/pim_matcher.h"

namespace heddle {
namespace {

constexpr unsigned nobody = ~0U;

MatchRequests random_requests(unsigned ports, double density, Rng& rng) {
  MatchRequests requests;
  for (unsigned output = 0; output < ports; ++output) {
    for (unsigned input = 0; input < ports; ++input) {
      if (rng.uniform() < density) requests.inputs_for[output] |= port_bit(input);
    }
  }
  return requests;
}

FreePorts random_free(unsigned ports, Rng& rng) {
  if (rng.below(2) == 0) return {first_ports(ports), first_ports(ports)};
  return {rng.bits() & first_ports(ports), rng.bits() & first_ports(ports)};
}

std::vector<unsigned> inputs_of(const Matching& matching, unsigned ports) {
  std::vector<unsigned> inputs(ports, nobody);
  for_each_port(matching.outputs,
                [&](unsigned output) { inputs[output] = matching.input[output]; });
  return inputs;
}

bool asks(const MatchRequests& requests, unsigned input, unsigned output) {
  return (requests.inputs_for[output] >> input & 1) != 0;
}

/// Only free ports that ask for each other, each once.
void expect_legal(const MatchRequests& requests, FreePorts free, const Matching& matching) {
  PortMask used = 0;
  EXPECT_EQ(matching.outputs & ~free.outputs, 0U);
  for_each_port(matching.outputs, [&](unsigned output) {
    const unsigned input = matching.input[output];
    EXPECT_TRUE(asks(requests, input, output)) << input << " to " << output;
    EXPECT_NE(free.inputs & port_bit(input), 0U);
    EXPECT_EQ(used & port_bit(input), 0U) << "twice: " << input;
    used |= port_bit(input);
  });
}

/// No pair that both sides would want is left over.
bool is_maximal(const MatchRequests& requests, FreePorts free, const Matching& matching) {
  for_each_port(matching.outputs,
                [&](unsigned output) { free.inputs &= ~port_bit(matching.input[output]); });
  bool left = false;
  for_each_port(free.outputs & ~matching.outputs,
                [&](unsigned output) { left |= (requests.inputs_for[output] & free.inputs) != 0; });
  return !left;
}

// --- iSLIP
// ------------------------------------------------------------------------------------------------

/// McKeown 1999, section II-B, with flags and loops instead of masks.
class NaiveIslip {
 public:
  NaiveIslip(unsigned ports, unsigned iterations)
      : ports_(ports), iterations_(iterations), grant_(ports), accept_(ports) {}

  std::vector<unsigned> match(const MatchRequests& requests, FreePorts free) {
    std::vector<unsigned> input_of(ports_, nobody);
    std::vector<unsigned> output_of(ports_, nobody);
    for (unsigned iteration = 0; iteration < iterations_; ++iteration) {
      std::vector<unsigned> granted(ports_, nobody);  // by output
      for (unsigned o = 0; o < ports_; ++o) {
        if (input_of[o] != nobody || (free.outputs >> o & 1) == 0) continue;
        for (unsigned n = 0; n < ports_ && granted[o] == nobody; ++n) {
          const unsigned i = (grant_[o] + n) % ports_;
          const bool unmatched = output_of[i] == nobody && (free.inputs >> i & 1) != 0;
          if (unmatched && asks(requests, i, o)) granted[o] = i;
        }
      }
      for (unsigned i = 0; i < ports_; ++i) {
        for (unsigned n = 0; n < ports_ && output_of[i] == nobody; ++n) {
          const unsigned o = (accept_[i] + n) % ports_;
          if (granted[o] != i) continue;
          output_of[i] = o;
          input_of[o] = i;
          if (iteration > 0) continue;
          grant_[o] = (i + 1) % ports_;
          accept_[i] = (o + 1) % ports_;
        }
      }
    }
    return input_of;
  }

 private:
  unsigned ports_;
  unsigned iterations_;
  std::vector<unsigned> grant_;
  std::vector<unsigned> accept_;
};

TEST(IslipMatcher, IsThePapersAlgorithmPortByPort) {
  Rng rng(1, "test", "islip");
  for (unsigned ports : {1U, 2U, 3U, 5U, 16U, 33U, 63U, 64U}) {
    for (unsigned iterations : {1U, 2U, 4U, 7U}) {
      IslipMatcher matcher(ports, iterations);
      NaiveIslip naive(ports, iterations);
      for (unsigned slot = 0; slot < 200; ++slot) {
        const MatchRequests requests = random_requests(ports, rng.uniform(), rng);
        const FreePorts free = random_free(ports, rng);
        const Matching matching = matcher.match(requests, free);
        expect_legal(requests, free, matching);
        ASSERT_EQ(inputs_of(matching, ports), naive.match(requests, free))
            << ports << " ports, " << iterations << " iterations, slot " << slot;
      }
    }
  }
}

TEST(IslipMatcher, LeavesNobodyOverAfterEnoughIterations) {
  Rng rng(2, "test", "islip");
  for (unsigned slot = 0; slot < 500; ++slot) {
    const MatchRequests requests = random_requests(16, rng.uniform(), rng);
    const FreePorts free{first_ports(16), first_ports(16)};
    EXPECT_TRUE(is_maximal(requests, free, IslipMatcher(16, 16).match(requests, free)));
  }
}

// McKeown 1999, III-B: with requests for everything the pointers fall out of step, one more each
// slot, and then every slot carries a cell on every port.
TEST(IslipMatcher, PointersDesynchroniseUnderFullLoad) {
  constexpr unsigned ports = 16;
  MatchRequests all;
  for (PortMask& inputs : all.inputs_for) inputs = first_ports(ports);
  IslipMatcher matcher(ports, 1);
  for (unsigned slot = 0; slot < 5 * ports; ++slot) {
    const Matching matching = matcher.match(all, {first_ports(ports), first_ports(ports)});
    EXPECT_EQ(count_ports(matching.outputs), std::min(slot + 1, ports)) << "slot " << slot;
  }
}

// A pair that asks in every slot is served within N * N slots, whatever the others do.
TEST(IslipMatcher, StarvesNobody) {
  constexpr unsigned ports = 4;
  Rng rng(3, "test", "islip");
  IslipMatcher matcher(ports, 2);
  unsigned waited = 0;
  for (unsigned slot = 0; slot < 20'000; ++slot) {
    MatchRequests requests = random_requests(ports, 0.9, rng);
    requests.inputs_for[3] |= port_bit(2);
    const Matching matching = matcher.match(requests, {first_ports(ports), first_ports(ports)});
    const bool served = (matching.outputs >> 3 & 1) != 0 && matching.input[3] == 2;
    waited = served ? 0 : waited + 1;
    ASSERT_LE(waited, ports * ports);
  }
}

// --- PIM
// ------------------------------------------------------------------------------------------------

TEST(PimMatcher, IsLegalAndMaximalAfterEnoughIterations) {
  Rng rng(1, "test", "pim");
  PimMatcher once(1, Rng(1, "test", "once"));
  PimMatcher often(64, Rng(1, "test", "often"));
  for (unsigned slot = 0; slot < 1000; ++slot) {
    const unsigned ports = 1 + rng.below(64);
    const MatchRequests requests = random_requests(ports, rng.uniform(), rng);
    const FreePorts free = random_free(ports, rng);
    expect_legal(requests, free, once.match(requests, free));
    const Matching matching = often.match(requests, free);
    expect_legal(requests, free, matching);
    EXPECT_TRUE(is_maximal(requests, free, matching));
  }
}

// Each of N outputs grants one of N inputs at random: the inputs with a grant are 1 - (1 - 1/N)^N.
TEST(PimMatcher, OneIterationServesTheShareThatProbabilitySays) {
  constexpr unsigned ports = 8;
  constexpr unsigned slots = 40'000;
  MatchRequests all;
  for (PortMask& inputs : all.inputs_for) inputs = first_ports(ports);
  PimMatcher matcher(1, Rng(1, "test", "pim"));
  double served = 0;
  for (unsigned slot = 0; slot < slots; ++slot) {
    served += count_ports(matcher.match(all, {first_ports(ports), first_ports(ports)}).outputs);
  }
  EXPECT_NEAR(served / slots / ports, 1 - std::pow(1 - 1.0 / ports, ports), 0.002);
}

// --- maximum weight
// ------------------------------------------------------------------------------------------------

class Weights {
 public:
  Weights(unsigned ports, Rng& rng) : ports_(ports), weights_(ports * ports) {
    for (std::uint32_t& w : weights_) w = rng.below(3) == 0 ? 0 : rng.below(12);
  }
  std::uint32_t at(unsigned input, unsigned output) const {
    return weights_[input * ports_ + output];
  }

  MatchRequests requests() const {
    MatchRequests requests;
    for (unsigned o = 0; o < ports_; ++o) {
      for (unsigned i = 0; i < ports_; ++i) {
        if (at(i, o) > 0) requests.inputs_for[o] |= port_bit(i);
      }
    }
    return requests;
  }

  std::uint32_t best(FreePorts free) const {
    std::vector<unsigned> output_of(ports_);
    std::iota(output_of.begin(), output_of.end(), 0U);
    std::uint32_t most = 0;
    do {
      std::uint32_t sum = 0;
      for (unsigned i = 0; i < ports_; ++i) {
        const bool both = (free.inputs >> i & free.outputs >> output_of[i] & 1) != 0;
        sum += both ? at(i, output_of[i]) : 0;
      }
      most = std::max(most, sum);
    } while (std::next_permutation(output_of.begin(), output_of.end()));
    return most;
  }

 private:
  unsigned ports_;
  std::vector<std::uint32_t> weights_;
};

TEST(MaximumWeightMatcher, BeatsEveryPermutation) {
  Rng rng(1, "test", "weight");
  for (unsigned ports = 1; ports <= 6; ++ports) {
    MaximumWeightMatcher matcher(ports);
    for (unsigned n = 0; n < 150; ++n) {
      const Weights weights(ports, rng);
      const FreePorts free = random_free(ports, rng);
      const MatchRequests requests = weights.requests();
      const Matching matching =
          matcher.match(requests, free, [&](unsigned i, unsigned o) { return weights.at(i, o); });
      expect_legal(requests, free, matching);
      std::uint32_t sum = 0;
      for_each_port(matching.outputs, [&](unsigned o) { sum += weights.at(matching.input[o], o); });
      ASSERT_EQ(sum, weights.best(free)) << ports << " ports, case " << n;
    }
  }
}

}  // namespace
}  // namespace heddle
