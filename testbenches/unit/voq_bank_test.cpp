// Virtual output queues and their credit accounts, against accounts kept beside them.
#include "parts/voq_bank.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <set>
#include <vector>

#include "kernel/rng.h"

namespace heddle {
namespace {

constexpr std::uint32_t credit = 4096;

Frame packet(std::uint32_t stored, std::uint32_t number = 0) {
  Frame frame;
  frame.wire_bytes = static_cast<std::uint16_t>(stored + ethernet_framing_bytes);
  frame.sequence = number;
  return frame;
}

TEST(VoqBank, NumbersVoqsByDestinationAndClass) {
  VoqBank bank(5, 3, credit, 10, 100);
  EXPECT_EQ(bank.size(), 15U);
  std::set<unsigned> numbers;
  for (unsigned c = 0; c < 3; ++c) {
    for (unsigned d = 0; d < 5; ++d) {
      const unsigned voq = bank.voq(d, c);
      ASSERT_LT(voq, bank.size());
      EXPECT_EQ(bank.destination_of(voq), d);
      EXPECT_EQ(bank.class_of(voq), c);
      numbers.insert(voq);
    }
  }
  EXPECT_EQ(numbers.size(), 15U);
}

TEST(VoqBank, AsksForEveryByteThatJoined) {
  VoqBank bank(1, 1, credit, 1000, 100);
  EXPECT_EQ(bank.request(0), std::nullopt) << "nothing to send";
  bank.enqueue(0, packet(1), 5);
  EXPECT_EQ(bank.request(0), 1U);
  EXPECT_EQ(bank.request(0), std::nullopt) << "asked already";
  bank.enqueue(0, packet(4095), 6);
  EXPECT_EQ(bank.request(0), std::nullopt) << "4,096 B are one credit";
  bank.enqueue(0, packet(1), 7);
  EXPECT_EQ(bank.request(0), 2U);
  bank.enqueue(0, packet(9000), 8);
  EXPECT_EQ(bank.request(0), 4U) << "13,097 B";
}

TEST(VoqBank, AsksForAtMostTheLimitAheadOfWhatItSpent) {
  VoqBank bank(1, 1, credit, 3, 100);
  for (int n = 0; n < 10; ++n) bank.enqueue(0, packet(4096), 0);
  EXPECT_EQ(bank.request(0), 3U);
  EXPECT_EQ(bank.request(0), std::nullopt);
  bank.credit(0, 1, 9);
  EXPECT_EQ(bank.request(0), std::nullopt) << "a credit that came and was not spent counts";
  bank.pop(0, 10);
  EXPECT_EQ(bank.request(0), 4U);
  bank.credit(0, 3, 11);
  bank.pop(0, 12);
  EXPECT_EQ(bank.request(0), 5U);
  bank.pop(0, 13);
  EXPECT_EQ(bank.request(0), 6U);
  bank.credit(0, 8, 14);
  for (Cycle now = 15; now < 20; ++now) bank.pop(0, now);
  EXPECT_EQ(bank.request(0), 10U) << "no more than the packets need";
  bank.credit(0, 10, 21);
  EXPECT_EQ(bank.request(0), std::nullopt);
}

TEST(VoqBank, SendsWhileTheBalanceIsPositiveAndOverdrawsByLessThanOnePacket) {
  VoqBank bank(2, 1, credit, 10, 100);
  for (std::uint32_t n = 0; n < 3; ++n) bank.enqueue(1, packet(4096, n), 0);
  EXPECT_FALSE(bank.may_send(1)) << "no credit yet";
  bank.credit(1, 1, 4);
  EXPECT_TRUE(bank.may_send(1));
  EXPECT_TRUE(bank.sendable(0).test(1));
  EXPECT_EQ(bank.pop(1, 4).sequence, 0U);
  EXPECT_EQ(bank.account(1).balance_bytes, 0);
  EXPECT_FALSE(bank.may_send(1)) << "a balance of zero is not positive";

  VoqBank odd(1, 1, credit, 10, 100);
  for (std::uint32_t n = 0; n < 3; ++n) odd.enqueue(0, packet(4095, n), 0);
  odd.credit(0, 1, 1);
  odd.pop(0, 1);
  EXPECT_EQ(odd.account(0).balance_bytes, 1);
  EXPECT_TRUE(odd.may_send(0)) << "one byte of credit allows a packet";
  odd.pop(0, 1);
  EXPECT_EQ(odd.account(0).balance_bytes, 1 - 4095);
  EXPECT_FALSE(odd.may_send(0));
  odd.credit(0, 2, 2);
  EXPECT_EQ(odd.account(0).balance_bytes, 2);
  EXPECT_TRUE(odd.may_send(0));
}

TEST(VoqBank, RepeatedAndOvertakenCreditsDoNoHarm) {
  VoqBank bank(1, 1, credit, 10, 100);
  bank.enqueue(0, packet(9000), 0);
  for (const std::uint32_t total : {2U, 1U, 2U, 0U}) bank.credit(0, total, 3);
  EXPECT_EQ(bank.account(0).granted, 2U);
  EXPECT_EQ(bank.account(0).balance_bytes, 2 * credit);
}

TEST(VoqBank, NotesWhenThingsChanged) {
  VoqBank bank(1, 1, credit, 10, 100);
  bank.enqueue(0, packet(4096), 10);
  EXPECT_EQ(bank.account(0).head_since, 10U);
  EXPECT_EQ(bank.account(0).last_news, 10U) << "the backlog begins";
  bank.enqueue(0, packet(4096), 12);
  EXPECT_EQ(bank.account(0).head_since, 10U) << "still the first packet";
  EXPECT_EQ(bank.account(0).last_news, 10U);
  bank.credit(0, 1, 20);
  EXPECT_EQ(bank.account(0).credited_since, 20U);
  EXPECT_EQ(bank.account(0).last_news, 20U);
  bank.credit(0, 2, 25);
  EXPECT_EQ(bank.account(0).credited_since, 20U) << "positive since then";
  EXPECT_EQ(bank.account(0).last_news, 25U);
  bank.pop(0, 30);
  EXPECT_EQ(bank.account(0).head_since, 30U) << "the second became the first";
}

/// One VOQ as the header describes it.
struct Reference {
  std::deque<Frame> packets;
  std::uint64_t joined = 0;
  std::uint64_t queued = 0;
  std::int64_t balance = 0;
  std::uint64_t requested = 0;
  std::uint64_t granted = 0;
};

void expect_account(const VoqBank& bank, unsigned voq, const Reference& reference) {
  ASSERT_EQ(bank.empty(voq), reference.packets.empty());
  ASSERT_EQ(bank.length(voq), reference.packets.size());
  ASSERT_EQ(bank.account(voq).enqueued_bytes, reference.joined);
  ASSERT_EQ(bank.account(voq).queued_bytes, reference.queued);
  ASSERT_EQ(bank.account(voq).balance_bytes, reference.balance);
  ASSERT_EQ(bank.account(voq).requested, reference.requested);
  ASSERT_EQ(bank.account(voq).granted, reference.granted);
  ASSERT_EQ(bank.may_send(voq), !reference.packets.empty() && reference.balance > 0);
  ASSERT_EQ(bank.sendable(bank.class_of(voq)).test(bank.destination_of(voq)), bank.may_send(voq));
  if (reference.packets.empty()) return;
  ASSERT_EQ(bank.front(voq).sequence, reference.packets.front().sequence);
}

TEST(VoqBank, SwarmKeepsItsAccounts) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Rng rng(seed, "voq_bank_test", "swarm");
    const unsigned destinations = 1 + rng.below(70);
    const unsigned classes = 1 + rng.below(3);
    const std::uint32_t limit = 1 + rng.below(12);
    const std::uint32_t credit_bytes = 64 + rng.below(5000);
    VoqBank bank(destinations, classes, credit_bytes, limit, 1U << 20);
    std::vector<Reference> references(bank.size());
    std::uint32_t number = 0;
    for (Cycle now = 1; now < 2000; ++now) {
      const unsigned voq = rng.below(bank.size());
      Reference& reference = references[voq];
      const std::uint32_t length = 64 + rng.below(9000);
      switch (rng.below(4)) {
        case 0:
          bank.enqueue(voq, packet(length, ++number), now);
          reference.packets.push_back(packet(length, number));
          reference.joined += length;
          reference.queued += length;
          break;
        case 1: {
          const std::uint64_t needed = (reference.joined + credit_bytes - 1) / credit_bytes;
          const auto unspent =
              static_cast<std::uint64_t>(std::max<std::int64_t>(reference.balance, 0)) /
              credit_bytes;
          const std::uint64_t target = std::min(needed, reference.granted - unspent + limit);
          const auto asked = bank.request(voq);
          ASSERT_EQ(asked.has_value(), target > reference.requested);
          if (!asked) break;
          ASSERT_EQ(*asked, target);
          reference.requested = target;
          break;
        }
        case 2: {  // what a scheduler may say: up to what was asked for, or something old
          const auto said = rng.below(static_cast<std::uint32_t>(reference.requested) + 1);
          bank.credit(voq, said, now);
          if (said <= reference.granted) break;
          reference.balance += static_cast<std::int64_t>(said - reference.granted) * credit_bytes;
          reference.granted = said;
          break;
        }
        default:
          if (!bank.may_send(voq)) break;
          ASSERT_EQ(bank.pop(voq, now).sequence, reference.packets.front().sequence);
          reference.queued -= stored_bytes(reference.packets.front());
          reference.balance -= stored_bytes(reference.packets.front());
          ASSERT_GT(reference.balance,
                    -static_cast<std::int64_t>(stored_bytes(reference.packets.front())))
              << "overdrawn by a packet";
          reference.packets.pop_front();
      }
      expect_account(bank, voq, reference);
    }
    std::uint32_t held = 0;
    for (const Reference& reference : references) {
      held += static_cast<std::uint32_t>(reference.packets.size());
    }
    EXPECT_EQ(bank.packets(), held);
  }
}

}  // namespace
}  // namespace heddle
