// The book of the hosts: quantiles against sorted lists, warm-up, stage sums, shares of the tail.
#include "endpoints/delivery_log.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernel/rng.h"

namespace heddle {
namespace {

std::uint64_t nearest_rank(const std::vector<std::uint64_t>& sorted, double share) {
  const double rank = std::ceil(share * static_cast<double>(sorted.size()));
  return sorted[static_cast<std::size_t>(std::max(rank, 1.0)) - 1];
}

TEST(Histogram, QuantilesOfSmallValuesAreExact) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Rng rng(seed, "delivery_log_test", "small");
    Histogram histogram;
    std::vector<std::uint64_t> values(1 + rng.below(2000));
    for (std::uint64_t& value : values) histogram.add(value = rng.below(256));
    std::sort(values.begin(), values.end());
    for (const double share : {0.0, 0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999, 1.0}) {
      EXPECT_EQ(histogram.quantile(share), nearest_rank(values, share))
          << "seed " << seed << ", share " << share;
    }
    EXPECT_EQ(histogram.maximum(), values.back());
    EXPECT_EQ(histogram.count(), values.size());
  }
}

TEST(Histogram, QuantilesOfLargeValuesAreWithin4PerMille) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Rng rng(seed, "delivery_log_test", "large");
    Histogram histogram;
    std::vector<std::uint64_t> values(1 + rng.below(2000));
    double sum = 0;
    for (std::uint64_t& value : values) {
      value = static_cast<std::uint64_t>(std::exp(rng.uniform() * 25));
      histogram.add(value);
      sum += static_cast<double>(value);
    }
    std::sort(values.begin(), values.end());
    EXPECT_DOUBLE_EQ(histogram.mean(), sum / static_cast<double>(values.size()));
    EXPECT_EQ(histogram.quantile(1), values.back()) << "never above the maximum";
    for (const double share : {0.1, 0.5, 0.9, 0.99, 0.999}) {
      const auto exact = static_cast<double>(nearest_rank(values, share));
      const auto shown = static_cast<double>(histogram.quantile(share));
      EXPECT_GE(shown, exact) << "seed " << seed;
      EXPECT_LE(shown, exact * 1.004) << "seed " << seed;
    }
  }
}

TEST(Histogram, EmptyOnesAnswerZero) {
  const Histogram histogram;
  EXPECT_EQ(histogram.count(), 0U);
  EXPECT_EQ(histogram.mean(), 0);
  EXPECT_EQ(histogram.quantile(0.99), 0U);
  EXPECT_EQ(histogram.maximum(), 0U);
}

Cycle ideal(HostId source, HostId destination, std::uint64_t bytes) {
  return source + destination + bytes;
}

PacketRecord packet(Cycle message_due, std::uint64_t message_bytes) {
  PacketRecord record;
  record.message_due = message_due;
  record.message_bytes = message_bytes;
  return record;
}

TEST(DeliveryLog, StagesMustAddUpToTheLatency) {
  DeliveryLog log(0, ideal);
  PacketRecord record = packet(0, 1);
  record.spend(Stage::propagation, 10);
  EXPECT_THROW(log.delivered(record, 1, 11), CheckFailure);
  EXPECT_THROW(log.delivered(record, 1, 9), CheckFailure);
  EXPECT_NO_THROW(log.delivered(record, 1, 10));
}

TEST(DeliveryLog, CountsPacketsAndTheirStages) {
  DeliveryLog log(0, ideal);
  for (std::uint64_t n = 1; n <= 100; ++n) {
    log.injected();
    PacketRecord record = packet(0, 1);
    record.spend(Stage::propagation, 30);
    record.spend(Stage::egress_queue, 30 + n);
    log.delivered(record, static_cast<std::uint16_t>(n), 30 + n);
  }
  log.injected();
  log.discarded();
  EXPECT_EQ(log.injected_packets(), 101U);
  EXPECT_EQ(log.delivered_packets(), 100U);
  EXPECT_EQ(log.discarded_packets(), 1U);
  EXPECT_EQ(log.delivered_bytes(), 5050U);
  EXPECT_EQ(log.last_delivery(), 130U);
  EXPECT_EQ(log.latency().maximum(), 130U);
  EXPECT_EQ(log.latency().quantile(0.5), 80U);
  EXPECT_EQ(log.stage(Stage::egress_queue).quantile(0.5), 50U);
  EXPECT_EQ(log.stage(Stage::propagation).quantile(0.5), 30U);
  EXPECT_EQ(log.stage(Stage::hbm).maximum(), 0U);
  EXPECT_EQ(log.stage(Stage::hbm).count(), 100U) << "a stage that took nothing counts as zero";
}

TEST(DeliveryLog, NamesTheSlowestPacketWhateverTheOrderOfDelivery) {
  const auto slow = [](Cycle due, std::uint32_t message, std::uint32_t order, Cycle took) {
    PacketRecord record;
    record.due = due;
    record.message = message;
    record.order = order;
    record.spend(Stage::propagation, due + took);
    return record;
  };
  std::vector<PacketRecord> packets{slow(5, 1, 9, 70),  slow(40, 0, 0, 80), slow(30, 2, 4, 80),
                                    slow(30, 2, 3, 80), slow(30, 3, 1, 80), slow(1, 1, 1, 79)};
  for (std::size_t i = 0; i < packets.size(); ++i) {
    DeliveryLog log(0, ideal);
    EXPECT_EQ(log.slowest().latency, 0U);
    for (const PacketRecord& packet : packets) log.delivered(packet, 1, packet.mark());
    EXPECT_EQ(log.slowest().latency, 80U);
    EXPECT_EQ(log.slowest().record.message, 2U);
    EXPECT_EQ(log.slowest().record.order, 3U);
    EXPECT_EQ(log.slowest().delivered(), 110U);
    std::rotate(packets.begin(), packets.begin() + 1, packets.end());
  }
  DeliveryLog log(31, ideal);
  for (const PacketRecord& packet : packets) log.delivered(packet, 1, packet.mark());
  EXPECT_EQ(log.slowest().record.due, 40U) << "the others were due before the warm-up";
}

TEST(DeliveryLog, CountsMessages) {
  DeliveryLog log(0, ideal);
  log.message_started(0, 0);
  log.message_started(0, 0);
  log.message_completed(packet(100, 50), 2, 8, 220);  // took 120, ideally 60
  EXPECT_EQ(log.messages_started(), 2U);
  EXPECT_EQ(log.messages_completed(), 1U);
  EXPECT_EQ(log.completion().maximum(), 120U);
  EXPECT_EQ(log.slowdown_permille().maximum(), 2000U);
}

PacketRecord due_at(Cycle due, Cycle now) {
  PacketRecord record;
  record.due = due;
  record.message_due = due;
  record.message_bytes = 1;
  record.spend(Stage::propagation, now);
  return record;
}

TEST(DeliveryLog, WhatIsDueBeforeTheWarmUpLeavesOnlyCounts) {
  DeliveryLog log(1000, ideal);
  EXPECT_EQ(log.warmup(), 1000U);
  PacketRecord early;
  early.message_due = 999;
  early.message_bytes = 1;
  early.spend(Stage::propagation, 2000);
  log.delivered(early, 7, 2000);
  log.message_completed(early, 0, 0, 2000);
  EXPECT_EQ(log.delivered_packets(), 1U);
  EXPECT_EQ(log.delivered_bytes(), 7U);
  EXPECT_EQ(log.messages_completed(), 1U);
  EXPECT_EQ(log.latency().count(), 0U);
  EXPECT_EQ(log.completion().count(), 0U);
  EXPECT_EQ(log.slowdown_permille().count(), 0U);
  for (unsigned s = 0; s < stage_count; ++s) {
    EXPECT_EQ(log.stage(static_cast<Stage>(s)).count(), 0U);
  }
  log.message_completed(packet(1000, 1), 0, 0, 2000);
  EXPECT_EQ(log.completion().count(), 1U) << "due at the end of the warm-up counts";
  EXPECT_EQ(log.completion().maximum(), 1000U);
}

TEST(DeliveryLog, TheWarmUpEndsAtItsCycle) {
  for (const Cycle due : {998U, 999U, 1000U, 1001U}) {
    DeliveryLog log(1000, ideal);
    log.delivered(due_at(due, 2000), 7, 2000);
    EXPECT_EQ(log.latency().count(), due >= 1000 ? 1U : 0U) << "due at " << due;
  }
}

TEST(DeliveryLog, TailSharesAreOfThePacketsFromP999On) {
  DeliveryLog log(0, ideal);
  for (int n = 0; n < 9990; ++n) {
    PacketRecord record = packet(0, 1);
    record.spend(Stage::serialization, 100);
    log.delivered(record, 1, 100);
  }
  for (int n = 0; n < 20; ++n) {  // 0.2 %: from p99.9 on only these
    PacketRecord record = packet(0, 1);
    record.spend(Stage::serialization, 100);
    record.spend(Stage::paused, 400);
    log.delivered(record, 1, 400);
  }
  EXPECT_DOUBLE_EQ(log.tail_share(Stage::serialization), 0.25);
  EXPECT_DOUBLE_EQ(log.tail_share(Stage::paused), 0.75);
  EXPECT_DOUBLE_EQ(log.tail_share(Stage::hbm), 0);
}

TEST(DeliveryLog, TailSharesAddUpToOne) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    Rng rng(seed, "delivery_log_test", "tail");
    DeliveryLog log(0, ideal);
    EXPECT_EQ(log.tail_share(Stage::paused), 0);
    for (int n = 0; n < 3000; ++n) {
      PacketRecord record = packet(0, 1);
      Cycle now = 0;
      for (unsigned s = 0; s < stage_count; ++s) {
        now += rng.below(100);
        record.spend(static_cast<Stage>(s), now);
      }
      log.delivered(record, 1, now);
    }
    double sum = 0;
    for (unsigned s = 0; s < stage_count; ++s) sum += log.tail_share(static_cast<Stage>(s));
    EXPECT_NEAR(sum, 1, 1e-9) << "seed " << seed;
  }
}

}  // namespace
}  // namespace heddle
