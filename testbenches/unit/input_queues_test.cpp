#include "parts/input_queues.h"

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <utility>

#include "kernel/rng.h"

namespace heddle {
namespace {

using Key = std::pair<unsigned, unsigned>;

/// Against queues of the standard library: order, lengths, capacity, and who asks for what.
void drive(bool per_output) {
  constexpr unsigned ports = 5;
  constexpr std::uint32_t capacity = 6;
  Rng rng(1, "test", "queues");
  InputQueues queues(ports, per_output, capacity);
  std::map<Key, std::deque<SwitchCell>> naive;
  const auto queue = [&](unsigned input, unsigned output) -> std::deque<SwitchCell>& {
    return naive[{input, per_output ? output : 0}];
  };
  const auto asks = [&](unsigned input, unsigned output) {
    const auto& cells = queue(input, output);
    return !cells.empty() && cells.front().output == output;
  };
  unsigned refused = 0;
  std::uint32_t held = 0;
  for (std::uint32_t slot = 0; slot < 20'000; ++slot) {
    const unsigned input = rng.below(ports);
    const unsigned output = rng.below(ports);
    if (rng.below(100) < 52) {
      const SwitchCell cell{slot, 0, static_cast<std::uint8_t>(input),
                            static_cast<std::uint8_t>(output)};
      const bool room = queue(input, output).size() < capacity;
      ASSERT_EQ(queues.push(cell), room);
      if (room) queue(input, output).push_back(cell);
      held += room ? 1 : 0;
      refused += room ? 0 : 1;
    } else if (asks(input, output)) {
      EXPECT_EQ(queues.pop(input, output).arrived, queue(input, output).front().arrived);
      queue(input, output).pop_front();
      --held;
    }
    ASSERT_EQ(queues.held(), held);
    ASSERT_EQ(queues.length(input, output), queue(input, output).size());
    for (unsigned o = 0; o < ports; ++o) {
      for (unsigned i = 0; i < ports; ++i) {
        ASSERT_EQ((queues.requests().inputs_for[o] >> i & 1) != 0, asks(i, o));
      }
    }
  }
  EXPECT_GT(refused, 100U);
}

TEST(InputQueues, OneFifoPerInput) { drive(false); }
TEST(InputQueues, OneQueuePerInputAndOutput) { drive(true); }

}  // namespace
}  // namespace heddle
