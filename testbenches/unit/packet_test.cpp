// A packet's book of time, and the pool of records.
#include "kernel/packet.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <set>
#include <vector>

#include "kernel/rng.h"

namespace heddle {
namespace {

std::uint64_t sum_of_stages(const PacketRecord& record) {
  return std::accumulate(record.stage.begin(), record.stage.end(), std::uint64_t{0});
}

TEST(PacketRecord, EveryCycleGoesToOneStage) {
  PacketPool pool;
  PacketRecord& record = pool[pool.acquire()];
  record.spend(Stage::pipeline, 10);
  record.spend(Stage::propagation, 15);
  record.spend(Stage::egress_queue, 15);
  record.spend(Stage::pipeline, 22);
  EXPECT_EQ(record.stage[static_cast<unsigned>(Stage::pipeline)], 17U);
  EXPECT_EQ(record.stage[static_cast<unsigned>(Stage::propagation)], 5U);
  EXPECT_EQ(record.stage[static_cast<unsigned>(Stage::egress_queue)], 0U);
  EXPECT_EQ(sum_of_stages(record), 22U);
}

TEST(PacketRecord, TimeCannotRunBackwards) {
  PacketPool pool;
  PacketRecord& record = pool[pool.acquire()];
  record.spend(Stage::pipeline, 10);
  EXPECT_THROW(record.spend(Stage::pipeline, 9), CheckFailure);
  EXPECT_NO_THROW(record.spend(Stage::pipeline, 10));
  EXPECT_EQ(sum_of_stages(record), 10U);
}

TEST(PacketRecord, StagesAddUpForEverySequence) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Rng rng(seed, "packet_test", "stages");
    PacketPool pool;
    PacketRecord& record = pool[pool.acquire()];
    Cycle now = 0;
    for (int n = 0; n < 200; ++n) {
      now += rng.below(50);
      record.spend(static_cast<Stage>(rng.below(stage_count)), now);
      ASSERT_EQ(sum_of_stages(record), now) << "seed " << seed;
    }
  }
}

TEST(PacketPool, NumbersAreUniqueAmongTheLivingAndRecordsAreFresh) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Rng rng(seed, "packet_test", "pool");
    PacketPool pool;
    std::vector<std::uint32_t> living;
    std::uint32_t highest = 0;
    std::size_t most = 0;
    for (int n = 0; n < 3000; ++n) {
      if (living.empty() || rng.below(100) < 52) {
        const std::uint32_t number = pool.acquire();
        ASSERT_EQ(std::set<std::uint32_t>(living.begin(), living.end()).count(number), 0U);
        ASSERT_EQ(sum_of_stages(pool[number]), 0U);
        ASSERT_EQ(pool[number].next, no_packet);
        ASSERT_EQ(pool[number].message_bytes, 0U);
        pool[number].spend(Stage::hbm, 7);
        pool[number].next = 3;
        pool[number].message_bytes = number + 1;
        living.push_back(number);
        highest = std::max(highest, number);
        most = std::max(most, living.size());
      } else {
        const std::size_t index = rng.below(static_cast<std::uint32_t>(living.size()));
        ASSERT_EQ(pool[living[index]].message_bytes, living[index] + 1) << "its own record";
        pool.release(living[index]);
        living.erase(living.begin() + static_cast<std::ptrdiff_t>(index));
      }
      ASSERT_EQ(pool.live(), living.size());
    }
    EXPECT_EQ(highest + 1, most) << "numbers are used again before new ones are made";
  }
}

}  // namespace
}  // namespace heddle
