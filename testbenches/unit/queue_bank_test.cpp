// The queue bank against one std::deque per queue.
#include "parts/queue_bank.h"

#include <gtest/gtest.h>

#include <deque>
#include <vector>

#include "kernel/rng.h"

namespace heddle {
namespace {

class Reference {
 public:
  Reference(unsigned queues, std::uint32_t capacity)
      : bank_(queues, capacity), queues_(queues), capacity_(capacity) {}

  void push(unsigned queue, int value) {
    if (used_ == capacity_) {
      EXPECT_THROW(bank_.push(queue, value), CheckFailure);
    } else {
      bank_.push(queue, value);
      queues_[queue].push_back(value);
      ++used_;
    }
    check();
  }

  void pop(unsigned queue) {
    if (queues_[queue].empty()) return;
    EXPECT_EQ(bank_.pop(queue), queues_[queue].front());
    queues_[queue].pop_front();
    --used_;
    check();
  }

 private:
  void check() const {
    EXPECT_EQ(bank_.used(), used_);
    for (unsigned q = 0; q < queues_.size(); ++q) {
      EXPECT_EQ(bank_.empty(q), queues_[q].empty());
      EXPECT_EQ(bank_.length(q), queues_[q].size());
      if (queues_[q].empty()) continue;
      EXPECT_EQ(bank_.front(q), queues_[q].front());
    }
  }

  QueueBank<int> bank_;
  std::vector<std::deque<int>> queues_;
  std::uint32_t capacity_;
  std::uint32_t used_ = 0;
};

// Two queues over two slots, every sequence of nine operations.
TEST(QueueBank, EveryShortSequence) {
  constexpr unsigned operations = 9;
  for (unsigned sequence = 0; sequence < 1U << (2 * operations); ++sequence) {
    Reference reference(2, 2);
    for (unsigned n = 0; n < operations; ++n) {
      const unsigned operation = sequence >> (2 * n) & 3;
      operation < 2 ? reference.push(operation, static_cast<int>(n)) : reference.pop(operation - 2);
    }
    ASSERT_FALSE(testing::Test::HasFailure()) << "sequence " << sequence;
  }
}

TEST(QueueBank, Swarm) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Rng rng(seed, "queue_bank_test", "swarm");
    const unsigned queues = 1 + rng.below(20);
    Reference reference(queues, 1 + rng.below(60));
    for (int n = 0; n < 500; ++n) {
      const unsigned queue = rng.below(queues);
      rng.below(100) < 55 ? reference.push(queue, n) : reference.pop(queue);
    }
  }
}

TEST(QueueBank, FullAtCapacityAndNotBefore) {
  QueueBank<int> bank(3, 5);
  for (int n = 0; n < 5; ++n) bank.push(static_cast<unsigned>(n) % 3, n);
  EXPECT_THROW(bank.push(0, 9), CheckFailure);
  bank.pop(2);
  EXPECT_NO_THROW(bank.push(0, 9));
}

TEST(QueueBank, TheFrontMayBeChanged) {
  QueueBank<int> bank(1, 2);
  bank.push(0, 1);
  bank.push(0, 2);
  bank.front(0) = 7;
  EXPECT_EQ(bank.pop(0), 7);
  EXPECT_EQ(bank.pop(0), 2);
}

}  // namespace
}  // namespace heddle
