// Both ends of a queue pair, by hand and against each other through a channel that loses and
// reorders as an enumeration tells it to.
#include "endpoints/transport.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "kernel/rng.h"

namespace heddle {
namespace {

constexpr std::uint64_t mtu = 1000;
constexpr std::uint32_t wide = 1U << 20;  // a window that never closes

Message message_of(std::uint32_t packets, Cycle due = 0) {
  Message message;
  message.bytes = packets * mtu;
  message.due = due;
  return message;
}

SendFlow opened(std::uint32_t packets) {
  SendFlow flow;
  flow.open(message_of(packets), 1, mtu);
  return flow;
}

Frame data(std::uint32_t sequence, std::uint32_t packets) {
  Frame frame;
  frame.sequence = sequence;
  frame.flags = sequence + 1 == packets ? frame_flag::last : std::uint8_t{0};
  frame.packet = sequence;
  return frame;
}

std::string name_of(ReceiveMode mode) {
  return mode == ReceiveMode::go_back_n          ? "go_back_n"
         : mode == ReceiveMode::selective_repeat ? "selective_repeat"
                                                 : "out_of_order_placement";
}

constexpr ReceiveMode reliable_modes[] = {ReceiveMode::go_back_n, ReceiveMode::selective_repeat,
                                          ReceiveMode::out_of_order_placement};

// --- header sizes
// ---------------------------------------------------------------------------------

// Ethernet 14, IPv4 20, UDP 8, BTH 12, ICRC 4, FCS 4; DETH 8; RETH 16; AETH 4; CNP 16.
TEST(Transport, HeaderBytes) {
  EXPECT_EQ(data_header_bytes(ReceiveMode::go_back_n), 62);
  EXPECT_EQ(data_header_bytes(ReceiveMode::selective_repeat), 62);
  EXPECT_EQ(data_header_bytes(ReceiveMode::unreliable_datagram), 62 + 8);
  EXPECT_EQ(data_header_bytes(ReceiveMode::out_of_order_placement), 62 + 16);
  EXPECT_EQ(ack_wire_bytes, 62 + 4 + 8 + 12);
  EXPECT_EQ(cnp_wire_bytes, 62 + 16 + 8 + 12);
}

// --- the sending end
// ------------------------------------------------------------------------------

TEST(SendFlow, CountsPackets) {
  for (const auto& [bytes, packets] :
       {std::pair<std::uint64_t, std::uint32_t>{1, 1}, {1000, 1}, {1001, 2}, {5000, 5}}) {
    SendFlow flow;
    Message message;
    message.bytes = bytes;
    flow.open(message, 3, mtu);
    EXPECT_EQ(flow.packets(), packets);
    EXPECT_EQ(flow.generation(), 3);
    EXPECT_TRUE(flow.is_open());
    flow.close();
    EXPECT_FALSE(flow.is_open());
  }
}

TEST(SendFlow, SendsEachPacketOnceInOrder) {
  SendFlow flow = opened(5);
  EXPECT_FALSE(flow.outstanding());
  for (std::uint32_t n = 0; n < 5; ++n) {
    EXPECT_FALSE(flow.all_sent());
    ASSERT_TRUE(flow.can_send(wide));
    const SendFlow::Transmission transmission = flow.take(10 + n);
    EXPECT_EQ(transmission.sequence, n);
    EXPECT_EQ(transmission.order, n);
    EXPECT_EQ(transmission.first_start, 10U + n);
    EXPECT_FALSE(transmission.repeated);
    EXPECT_TRUE(flow.outstanding());
  }
  EXPECT_TRUE(flow.all_sent());
  EXPECT_FALSE(flow.can_send(wide));
  EXPECT_FALSE(flow.complete());
  EXPECT_TRUE(flow.acknowledge(5, 99));
  EXPECT_TRUE(flow.complete());
  EXPECT_FALSE(flow.outstanding());
  EXPECT_EQ(flow.repeated_packets(), 0U);
  EXPECT_EQ(flow.last_news(), 99U);
}

TEST(SendFlow, TheWindowIsExact) {
  for (std::uint32_t window = 1; window <= 6; ++window) {
    SendFlow flow = opened(20);
    for (std::uint32_t sent = 0; sent < window; ++sent) {
      ASSERT_TRUE(flow.can_send(window));
      flow.take(sent);
    }
    for (std::uint32_t acknowledged = 1; acknowledged + window <= 20; ++acknowledged) {
      ASSERT_FALSE(flow.can_send(window)) << window << " packets are unacknowledged";
      EXPECT_TRUE(flow.acknowledge(acknowledged, 50));
      ASSERT_TRUE(flow.can_send(window));
      EXPECT_EQ(flow.take(50).sequence, acknowledged + window - 1);
    }
  }
}

TEST(SendFlow, AnOldAcknowledgementIsNoNews) {
  SendFlow flow = opened(5);
  for (int n = 0; n < 4; ++n) flow.take(1);
  EXPECT_TRUE(flow.acknowledge(3, 10));
  EXPECT_FALSE(flow.acknowledge(3, 20));
  EXPECT_FALSE(flow.acknowledge(1, 20));
  EXPECT_EQ(flow.acknowledged(), 3U);
  EXPECT_EQ(flow.last_news(), 10U);
}

TEST(SendFlow, GoingBackSendsEverythingFromThereAgain) {
  SendFlow flow = opened(6);
  for (Cycle n = 0; n < 5; ++n) flow.take(n);
  flow.go_back(2, 20);
  EXPECT_EQ(flow.acknowledged(), 2U) << "a NAK for 2 says that 0 and 1 have come";
  for (std::uint32_t n = 2; n < 6; ++n) {
    ASSERT_TRUE(flow.can_send(wide));
    const SendFlow::Transmission transmission = flow.take(30 + n);
    EXPECT_EQ(transmission.sequence, n);
    EXPECT_EQ(transmission.repeated, n < 5);
    EXPECT_EQ(transmission.first_start, n < 5 ? n : 30 + n) << "of the first transmission";
    EXPECT_EQ(transmission.order, 3 + n);
  }
  EXPECT_FALSE(flow.can_send(wide));
  EXPECT_EQ(flow.repeated_packets(), 3U);
}

TEST(SendFlow, RepeatSendsOnlyWhatIsMissingAndFirst) {
  SendFlow flow = opened(6);
  for (Cycle n = 0; n < 4; ++n) flow.take(n);
  flow.repeat(1, 10);
  const SendFlow::Transmission again = flow.take(11);
  EXPECT_EQ(again.sequence, 1U);
  EXPECT_TRUE(again.repeated);
  EXPECT_EQ(again.first_start, 1U);
  EXPECT_EQ(flow.take(12).sequence, 4U) << "then on with new ones";
  EXPECT_EQ(flow.repeated_packets(), 1U);
}

TEST(SendFlow, RepeatsEvenThoughTheWindowIsClosed) {
  SendFlow flow = opened(6);
  flow.take(0);
  flow.take(0);
  EXPECT_FALSE(flow.can_send(2));
  flow.repeat(0, 5);
  EXPECT_TRUE(flow.can_send(2));
  EXPECT_EQ(flow.take(6).sequence, 0U);
  EXPECT_FALSE(flow.can_send(2));
}

TEST(SendFlow, WhatWasReceivedOrNeverSentIsNotRepeated) {
  SendFlow flow = opened(6);
  for (int n = 0; n < 3; ++n) flow.take(0);
  flow.acknowledge(2, 1);
  flow.repeat(1, 2);
  flow.repeat(3, 2);
  EXPECT_EQ(flow.take(3).sequence, 3U);
  EXPECT_EQ(flow.repeated_packets(), 0U);
}

TEST(SendFlow, ATimeOutGoesBack) {
  SendFlow flow = opened(4);
  for (int n = 0; n < 4; ++n) flow.take(0);
  flow.acknowledge(1, 1);
  flow.time_out(false, 100);
  EXPECT_EQ(flow.last_news(), 100U);
  for (std::uint32_t n = 1; n < 4; ++n) {
    const SendFlow::Transmission transmission = flow.take(100);
    EXPECT_EQ(transmission.sequence, n);
    EXPECT_FALSE(transmission.report);
  }
  EXPECT_FALSE(flow.can_send(wide));
}

std::vector<std::uint32_t> taken(SendFlow& flow, Cycle now) {
  std::vector<std::uint32_t> sequences;
  while (flow.can_send(0)) sequences.push_back(flow.take(now).sequence);
  return sequences;
}

using Sequences = std::vector<std::uint32_t>;

TEST(SendFlow, ASelectiveTimeOutAsksAndThenRepeatsWhatTheReportNames) {
  SendFlow flow = opened(9);
  for (Cycle n = 0; n < 8; ++n) flow.take(n);
  flow.acknowledge(1, 1);
  flow.time_out(true, 100);
  const SendFlow::Transmission question = flow.take(101);
  EXPECT_EQ(question.sequence, 1U);
  EXPECT_TRUE(question.repeated);
  EXPECT_TRUE(question.report);
  EXPECT_FALSE(flow.can_send(0)) << "only the first missing one, before the answer";
  flow.report_missing(3, 120);
  flow.report_missing(5, 120);
  flow.report_missing_from(6, 120);
  flow.acknowledge(3, 120);
  EXPECT_FALSE(flow.take(121).report) << "asked once";
  EXPECT_EQ(taken(flow, 121), (Sequences{5, 6, 7})) << "8 has never been sent";
  EXPECT_EQ(flow.take(122).sequence, 8U);
  EXPECT_EQ(flow.last_news(), 121U) << "the time-out counts from the last repeated packet";
  EXPECT_EQ(flow.repeated_packets(), 5U);
}

// Asked in cycle 200, answered in cycle 230: what was sent after cycle 170 may just be late.
TEST(SendFlow, AReportOfAPacketSentARoundTripBeforeTheQuestionIsHeeded) {
  for (const bool to_the_end : {false, true}) {
    SendFlow flow = opened(9);
    for (const Cycle at : {0U, 169U, 170U, 171U, 199U}) flow.take(at);
    flow.time_out(true, 199);
    EXPECT_EQ(flow.take(200).sequence, 0U);
    if (to_the_end) {
      flow.report_missing_from(1, 230);
    } else {
      for (std::uint32_t n = 1; n < 5; ++n) flow.report_missing(n, 230);
    }
    EXPECT_EQ(taken(flow, 231), (Sequences{1, 2}));
  }
}

TEST(SendFlow, WhatHasBeenAnsweredIsNotAsked) {
  SendFlow flow = opened(5);
  for (Cycle n = 0; n < 4; ++n) flow.take(n);
  flow.time_out(true, 100);
  flow.acknowledge(2, 101);
  EXPECT_FALSE(flow.can_send(0));
  EXPECT_FALSE(flow.take(102).report);
  EXPECT_EQ(flow.repeated_packets(), 0U);
}

TEST(SendFlow, ATimeOutWhileRepeatsCannotBeSentAsksNothing) {
  SendFlow flow = opened(5);
  for (Cycle n = 0; n < 4; ++n) flow.take(n);
  flow.repeat(2, 10);
  flow.time_out(true, 100);
  EXPECT_EQ(flow.last_news(), 100U);
  EXPECT_EQ(taken(flow, 101), Sequences{2});
}

TEST(SendFlow, TheTimeOutCountsFromTheFirstPacketInFlight) {
  SendFlow flow = opened(4);
  flow.take(70);
  EXPECT_EQ(flow.last_news(), 70U);
  flow.take(80);
  EXPECT_EQ(flow.last_news(), 70U);
  flow.acknowledge(2, 90);
  flow.take(200);
  EXPECT_EQ(flow.last_news(), 200U) << "nothing was in flight since 90";
}

TEST(SendFlow, CanBeUsedAgain) {
  SendFlow flow = opened(3);
  for (int n = 0; n < 3; ++n) flow.take(0);
  flow.repeat(1, 1);
  flow.close();
  flow.open(message_of(2, 50), 2, mtu);
  EXPECT_EQ(flow.take(51).sequence, 0U);
  const SendFlow::Transmission second = flow.take(60);
  EXPECT_EQ(second.sequence, 1U);
  EXPECT_EQ(second.order, 1U);
  EXPECT_FALSE(second.repeated);
  EXPECT_EQ(second.first_start, 60U);
  EXPECT_FALSE(flow.can_send(wide));
  EXPECT_EQ(flow.repeated_packets(), 0U);
}

// --- the receiving end
// ----------------------------------------------------------------------------

using Fate = Reception::Fate;

TEST(ReceiveFlow, GoBackNTakesOnlyTheNextAndAsksOncePerGap) {
  ReceiveFlow flow;
  flow.open();
  const ReceiveMode mode = ReceiveMode::go_back_n;
  EXPECT_EQ(flow.receive(data(0, 9), mode, 16).fate, Fate::deliver);
  Reception gap = flow.receive(data(2, 9), mode, 16);
  EXPECT_EQ(gap.fate, Fate::discard);
  EXPECT_TRUE(gap.go_back);
  EXPECT_FALSE(gap.acknowledge);
  EXPECT_EQ(flow.expected(), 1U);
  gap = flow.receive(data(3, 9), mode, 16);
  EXPECT_EQ(gap.fate, Fate::discard);
  EXPECT_FALSE(gap.go_back) << "asked already";
  const Reception duplicate = flow.receive(data(0, 9), mode, 16);
  EXPECT_EQ(duplicate.fate, Fate::discard);
  EXPECT_TRUE(duplicate.acknowledge) << "the acknowledgement may be lost";
  EXPECT_EQ(flow.receive(data(1, 9), mode, 16).fate, Fate::deliver);
  EXPECT_TRUE(flow.receive(data(3, 9), mode, 16).go_back) << "a new gap";
}

TEST(ReceiveFlow, ATrimmedPacketIsMissing) {
  for (const ReceiveMode mode : reliable_modes) {
    SCOPED_TRACE(name_of(mode));
    ReceiveFlow flow;
    flow.open();
    flow.receive(data(0, 4), mode, 16);
    Frame trimmed = data(1, 4);
    trimmed.flags |= frame_flag::trimmed;
    const Reception reception = flow.receive(trimmed, mode, 16);
    EXPECT_EQ(reception.fate, Fate::discard);
    EXPECT_EQ(flow.expected(), 1U);
    if (mode == ReceiveMode::go_back_n) {
      EXPECT_TRUE(reception.go_back);
    } else {
      EXPECT_EQ(reception.missing_begin, 1U);
      EXPECT_EQ(reception.missing_end, 2U);
    }
    EXPECT_EQ(flow.receive(data(1, 4), mode, 16).fate, Fate::deliver);
    const Reception late = flow.receive(trimmed, mode, 16);
    EXPECT_EQ(late.missing_end, late.missing_begin) << "it has come since";
    EXPECT_FALSE(late.go_back && flow.expected() != 2);
  }
}

TEST(ReceiveFlow, SelectiveRepeatHoldsAndAsksForEachMissingOnce) {
  ReceiveFlow flow;
  flow.open();
  const ReceiveMode mode = ReceiveMode::selective_repeat;
  const Reception ahead = flow.receive(data(3, 6), mode, 16);
  EXPECT_EQ(ahead.fate, Fate::hold);
  EXPECT_EQ(ahead.missing_begin, 0U);
  EXPECT_EQ(ahead.missing_end, 3U);
  flow.keep(3, 103);
  EXPECT_EQ(flow.held(), 1U);
  EXPECT_EQ(flow.take_held(), no_packet) << "0 to 2 are missing";
  const Reception further = flow.receive(data(5, 6), mode, 16);
  EXPECT_EQ(further.fate, Fate::hold);
  EXPECT_EQ(further.missing_begin, 4U) << "only the newly missing";
  EXPECT_EQ(further.missing_end, 5U);
  flow.keep(5, 105);
  EXPECT_EQ(flow.receive(data(0, 6), mode, 16).fate, Fate::deliver);
  EXPECT_EQ(flow.take_held(), no_packet);
  EXPECT_EQ(flow.receive(data(2, 6), mode, 16).fate, Fate::hold);
  flow.keep(2, 102);
  const Reception closes = flow.receive(data(1, 6), mode, 16);
  EXPECT_EQ(closes.fate, Fate::deliver);
  EXPECT_TRUE(closes.acknowledge) << "the hole has closed";
  EXPECT_EQ(flow.take_held(), 102U);
  EXPECT_EQ(flow.take_held(), 103U);
  EXPECT_EQ(flow.take_held(), no_packet);
  EXPECT_EQ(flow.expected(), 4U);
  EXPECT_EQ(flow.held(), 1U);
  EXPECT_FALSE(flow.complete());
  EXPECT_EQ(flow.receive(data(4, 6), mode, 16).fate, Fate::deliver);
  EXPECT_EQ(flow.take_held(), 105U);
  EXPECT_TRUE(flow.complete());
  EXPECT_EQ(flow.held(), 0U);
}

TEST(ReceiveFlow, PlacementDeliversAtOnceAndAsksForNothing) {
  ReceiveFlow flow;
  flow.open();
  const ReceiveMode mode = ReceiveMode::out_of_order_placement;
  for (const std::uint32_t sequence : {3U, 0U, 4U, 2U}) {
    const Reception reception = flow.receive(data(sequence, 5), mode, 16);
    EXPECT_EQ(reception.fate, Fate::deliver);
    EXPECT_EQ(reception.missing_begin, reception.missing_end);
  }
  EXPECT_EQ(flow.expected(), 1U);
  EXPECT_FALSE(flow.complete());
  const Reception again = flow.receive(data(3, 5), mode, 16);
  EXPECT_EQ(again.fate, Fate::discard);
  EXPECT_TRUE(again.acknowledge);
  const Reception last = flow.receive(data(1, 5), mode, 16);
  EXPECT_EQ(last.fate, Fate::deliver);
  EXPECT_TRUE(last.acknowledge);
  EXPECT_TRUE(flow.complete());
  EXPECT_EQ(flow.expected(), 5U);
}

TEST(ReceiveFlow, APacketThatAsksIsAnsweredWithWhatIsMissing) {
  for (const ReceiveMode mode :
       {ReceiveMode::selective_repeat, ReceiveMode::out_of_order_placement}) {
    ReceiveFlow flow;
    flow.open();
    for (const std::uint32_t n : {0U, 3U, 5U, 70U}) flow.receive(data(n, 99), mode, 16);
    Frame question = data(1, 99);
    question.flags |= frame_flag::report;
    for (const bool duplicate : {false, true}) {
      const Reception reception = flow.receive(question, mode, 16);
      EXPECT_TRUE(reception.report);
      EXPECT_EQ(reception.fate, duplicate ? Fate::discard : Fate::deliver);
      EXPECT_EQ(reception.missing_begin, reception.missing_end);
    }
    Sequences expected{2, 4};
    for (std::uint32_t n = 6; n < 70; ++n) expected.push_back(n);
    Sequences missing;
    flow.for_each_missing([&](std::uint32_t n) { missing.push_back(n); });
    EXPECT_EQ(missing, expected);
    EXPECT_EQ(flow.beyond(), 71U);
    question.sequence = 2;
    question.flags |= frame_flag::trimmed;
    const Reception trimmed = flow.receive(question, mode, 16);
    EXPECT_TRUE(trimmed.report);
    EXPECT_EQ(trimmed.missing_begin, trimmed.missing_end) << "the report names it";
  }
}

TEST(ReceiveFlow, AcknowledgesEveryFewPacketsAndTheLast) {
  for (const ReceiveMode mode : reliable_modes) {
    for (std::uint64_t interval = 1; interval <= 5; ++interval) {
      ReceiveFlow flow;
      flow.open();
      for (std::uint32_t n = 0; n < 13; ++n) {
        const Reception reception = flow.receive(data(n, 13), mode, interval);
        EXPECT_EQ(reception.fate, Fate::deliver);
        EXPECT_EQ(reception.acknowledge, (n + 1) % interval == 0 || n == 12)
            << name_of(mode) << ", packet " << n << ", interval " << interval;
      }
      EXPECT_TRUE(flow.complete());
    }
  }
}

TEST(ReceiveFlow, CanBeUsedAgain) {
  for (const ReceiveMode mode : reliable_modes) {
    ReceiveFlow flow;
    flow.open();
    for (const std::uint32_t n : {0U, 2U, 70U, 130U}) {
      if (flow.receive(data(n, 200), mode, 16).fate == Fate::hold) flow.keep(n, n);
    }
    flow.open();
    EXPECT_EQ(flow.expected(), 0U);
    EXPECT_EQ(flow.held(), 0U);
    for (std::uint32_t n = 0; n < 150; ++n) {
      ASSERT_EQ(flow.receive(data(n, 150), mode, 16).fate, Fate::deliver) << n;
      ASSERT_EQ(flow.take_held(), no_packet);
    }
    EXPECT_TRUE(flow.complete());
  }
}

// --- both ends against each other
// -----------------------------------------------------------------

enum class Accident : std::uint8_t { none, lost, trimmed, duplicated };

/// What happens to the n-th frame of a direction: an accident, and how many places it is late.
struct Fortune {
  Accident accident = Accident::none;
  unsigned delay = 0;
};

/// Frames under way: each leaves `delay` steps after the others of its time.
class Channel {
 public:
  using Luck = std::function<Fortune(std::size_t frame)>;
  explicit Channel(Luck luck) : luck_(std::move(luck)) {}

  void send(Frame frame) {
    const Fortune fortune = luck_(sent_++);
    if (fortune.accident == Accident::lost) return;
    if (fortune.accident == Accident::trimmed) frame.flags |= frame_flag::trimmed;
    under_way_.push_back({now_ + 1 + fortune.delay, frame});
    if (fortune.accident == Accident::duplicated) {
      under_way_.push_back({now_ + 2 + fortune.delay, frame});
    }
  }

  template <class Take>
  void step(Take&& take) {
    ++now_;
    std::vector<Frame> arriving;
    for (const Travelling& t : under_way_) {
      if (t.at == now_) arriving.push_back(t.frame);
    }
    under_way_.erase(std::remove_if(under_way_.begin(), under_way_.end(),
                                    [&](const Travelling& t) { return t.at == now_; }),
                     under_way_.end());
    for (const Frame& frame : arriving) take(frame);
  }

 private:
  struct Travelling {
    std::uint64_t at;
    Frame frame;
  };
  Luck luck_;
  std::size_t sent_ = 0;
  std::uint64_t now_ = 0;
  std::vector<Travelling> under_way_;
};

struct Setting {
  ReceiveMode mode;
  std::uint32_t packets;
  std::uint32_t window;
  std::uint64_t ack_interval;
};

/// One message from a SendFlow to a ReceiveFlow, as a NIC would carry it: one frame per step and
/// direction, a time-out when nothing was heard.
class Conversation {
 public:
  Conversation(const Setting& setting, Channel::Luck forth, Channel::Luck back)
      : setting_(setting), forth_(std::move(forth)), back_(std::move(back)) {
    sender_.open(message_of(setting.packets), 1, mtu);
    receiver_.open();
  }

  /// Steps until the sender knows that all is there; false when that takes too long.
  bool run() {
    for (; !sender_.complete(); ++now_) {
      if (now_ > Cycle{160} * (setting_.packets + time_out)) return false;
      if (sender_.outstanding() && now_ >= sender_.last_news() + time_out) {
        sender_.time_out(setting_.mode != ReceiveMode::go_back_n, now_);
      }
      if (sender_.can_send(setting_.window)) send();
      forth_.step([this](const Frame& frame) { arrive(frame); });
      back_.step([this](const Frame& frame) { answer(frame); });
    }
    return true;
  }

  const std::vector<std::uint32_t>& delivered() const { return delivered_; }
  const SendFlow& sender() const { return sender_; }
  const std::vector<SendFlow::Transmission>& transmissions() const { return transmissions_; }
  const ReceiveFlow& receiver() const { return receiver_; }

 private:
  static constexpr std::uint32_t time_out = 30;  // longer than any round trip of these channels

  void send() {
    const SendFlow::Transmission transmission = sender_.take(now_);
    transmissions_.push_back(transmission);
    EXPECT_LT(transmission.sequence, setting_.packets);
    EXPECT_LT(transmission.sequence, sender_.acknowledged() + setting_.window);
    EXPECT_EQ(transmission.order, order_++);
    Frame packet = data(transmission.sequence, setting_.packets);
    if (transmission.repeated) packet.flags |= frame_flag::again;
    if (transmission.report) packet.flags |= frame_flag::report;
    forth_.send(packet);
  }

  void arrive(const Frame& packet) {
    const Reception reception = receiver_.receive(packet, setting_.mode, setting_.ack_interval);
    if (reception.fate == Fate::hold) receiver_.keep(packet.sequence, packet.sequence);
    if (reception.fate == Fate::deliver) {
      delivered_.push_back(packet.sequence);
      for (std::uint32_t held = receiver_.take_held(); held != no_packet;
           held = receiver_.take_held()) {
        delivered_.push_back(held);
      }
    }
    Frame frame;
    frame.kind = FrameKind::nak;
    frame.flags = frame_flag::selective;
    for (std::uint32_t m = reception.missing_begin; m < reception.missing_end; ++m) {
      frame.sequence = m;
      back_.send(frame);
    }
    if (reception.report) report(frame);
    frame.flags = 0;
    frame.sequence = receiver_.expected();
    if (reception.go_back) back_.send(frame);
    frame.kind = FrameKind::ack;
    if (reception.acknowledge) back_.send(frame);
  }

  void report(Frame nak) {
    nak.flags |= frame_flag::report;
    receiver_.for_each_missing([&](std::uint32_t missing) {
      nak.sequence = missing;
      back_.send(nak);
    });
    nak.flags |= frame_flag::last;
    nak.sequence = receiver_.beyond();
    back_.send(nak);
  }

  void answer(const Frame& frame) {
    if (frame.kind == FrameKind::ack) {
      sender_.acknowledge(frame.sequence, now_);
    } else if (!frame.has(frame_flag::selective)) {
      sender_.go_back(frame.sequence, now_);
    } else if (!frame.has(frame_flag::report)) {
      sender_.repeat(frame.sequence, now_);
    } else if (frame.has(frame_flag::last)) {
      sender_.report_missing_from(frame.sequence, now_);
    } else {
      sender_.report_missing(frame.sequence, now_);
    }
  }

  Setting setting_;
  Channel forth_;
  Channel back_;
  SendFlow sender_;
  ReceiveFlow receiver_;
  std::vector<std::uint32_t> delivered_;
  std::vector<SendFlow::Transmission> transmissions_;
  std::uint32_t order_ = 0;
  Cycle now_ = 0;
};

/// Runs the conversation and demands: each packet delivered once, in order unless packets are
/// placed, the receiver complete and empty.
void expect_delivery(const Setting& setting, const Channel::Luck& forth,
                     const Channel::Luck& back) {
  Conversation conversation(setting, forth, back);
  ASSERT_TRUE(conversation.run()) << "still waiting; acknowledged "
                                  << conversation.sender().acknowledged();
  std::vector<std::uint32_t> expected(setting.packets);
  std::iota(expected.begin(), expected.end(), 0U);
  std::vector<std::uint32_t> delivered = conversation.delivered();
  if (setting.mode == ReceiveMode::out_of_order_placement) {
    std::sort(delivered.begin(), delivered.end());
  }
  ASSERT_EQ(delivered, expected);
  ASSERT_TRUE(conversation.receiver().complete());
  ASSERT_EQ(conversation.receiver().held(), 0U);
}

Fortune calm(std::size_t /*frame*/) { return {}; }

/// The digits of `number` in base 4 are the accidents of the first frames.
Channel::Luck accidents(std::uint64_t number, unsigned frames) {
  return [=](std::size_t frame) -> Fortune {
    if (frame >= frames) return {};
    return {static_cast<Accident>(number >> (2 * frame) & 3), 0};
  };
}

class TransportModes : public testing::TestWithParam<ReceiveMode> {};

TEST_P(TransportModes, ACalmNetworkRepeatsNothing) {
  for (std::uint32_t packets = 1; packets <= 40; ++packets) {
    for (const std::uint32_t window : {4U, 7U, wide}) {
      const Setting setting{GetParam(), packets, window, 4};
      Conversation conversation(setting, calm, calm);
      ASSERT_TRUE(conversation.run()) << packets << " packets, window " << window;
      EXPECT_EQ(conversation.sender().repeated_packets(), 0U);
      EXPECT_TRUE(std::is_sorted(conversation.delivered().begin(), conversation.delivered().end()));
      EXPECT_EQ(conversation.delivered().size(), packets);
    }
  }
}

TEST_P(TransportModes, EveryPatternOfAccidentsToSixTransmissions) {
  for (std::uint32_t packets = 1; packets <= 6; ++packets) {
    for (std::uint64_t pattern = 0; pattern < 1U << 12; ++pattern) {
      const Setting setting{GetParam(), packets, pattern % 2 == 0 ? wide : 3, 1 + pattern % 3};
      expect_delivery(setting, accidents(pattern, 6), calm);
      if (HasFatalFailure()) {
        FAIL() << packets << " packets, accidents (base 4, first lowest) " << pattern;
      }
    }
  }
}

TEST_P(TransportModes, EveryLossOfAnswersAndData) {
  constexpr unsigned frames = 5;
  for (std::uint32_t packets : {1U, 3U, 5U}) {
    for (unsigned forth = 0; forth < 1U << frames; ++forth) {
      for (unsigned back = 0; back < 1U << frames; ++back) {
        const auto lose = [](unsigned pattern) {
          return [=](std::size_t frame) -> Fortune {
            return {frame < frames && (pattern >> frame & 1) != 0 ? Accident::lost : Accident::none,
                    0};
          };
        };
        expect_delivery({GetParam(), packets, 4, 2}, lose(forth), lose(back));
        if (HasFatalFailure()) {
          FAIL() << packets << " packets, lost data " << forth << ", lost answers " << back;
        }
      }
    }
  }
}

// Of the first ten transmissions any may be lost, and the others come in some
// order. One time-out finds all that is missing, and a packet is repeated as often as it was lost;
// the one that asks perhaps once more, since it may have come without having been acknowledged.
void expect_exact_repeats(ReceiveMode mode, unsigned lost, unsigned late) {
  constexpr unsigned frames = 10;
  const auto is_lost = [&](std::size_t frame) {
    return frame < frames && (lost >> frame & 1) != 0;
  };
  const auto luck = [&](std::size_t frame) -> Fortune {
    return {is_lost(frame) ? Accident::lost : Accident::none,
            static_cast<unsigned>(frame) * late % 3};
  };
  Conversation conversation({mode, frames, wide, 4}, luck, calm);
  ASSERT_TRUE(conversation.run());
  std::vector<int> surplus(frames, -1);  // by packet: how often it came, beyond once
  int questions = 0;
  for (const SendFlow::Transmission& transmission : conversation.transmissions()) {
    int& of_packet = surplus[transmission.sequence];
    if (!is_lost(transmission.order)) ++of_packet;
    if (!transmission.report) continue;
    ++questions;
    of_packet = std::min(of_packet, 0);
  }
  ASSERT_LE(questions, 1);
  ASSERT_EQ(surplus, std::vector<int>(frames));
}

TEST(SelectiveModes, RepeatExactlyWhatWasLost) {
  for (unsigned lost = 0; lost < 1U << 10; ++lost) {
    expect_exact_repeats(ReceiveMode::selective_repeat, lost, 0);  // order makes it ask at once
    for (const unsigned late : {0U, 1U, 2U}) {
      expect_exact_repeats(ReceiveMode::out_of_order_placement, lost, late);
    }
    if (HasFatalFailure()) FAIL() << "lost transmissions (bits, first lowest) " << lost;
  }
}

// Every permutation of six packets on the way, with none or any one of them lost.
TEST_P(TransportModes, EveryReorderingOfSixPackets) {
  constexpr unsigned frames = 6;
  std::vector<unsigned> place(frames);
  std::iota(place.begin(), place.end(), 0U);
  do {
    for (unsigned lost = 0; lost <= frames; ++lost) {
      // Frame n leaves in step n; place[n] is where it arrives among the six.
      const auto reorder = [&](std::size_t frame) -> Fortune {
        if (frame >= frames) return {};
        const auto delay = static_cast<unsigned>(frames + place[frame] - frame);
        return {frame == lost ? Accident::lost : Accident::none, delay};
      };
      expect_delivery({GetParam(), frames, wide, 4}, reorder, calm);
      if (HasFatalFailure()) {
        FAIL() << "order " << testing::PrintToString(place) << ", lost " << lost;
      }
    }
  } while (std::next_permutation(place.begin(), place.end()));
}

TEST_P(TransportModes, SwarmOfBadNetworks) {
  for (std::uint64_t seed = 1; seed <= 800; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Rng rng(seed, "transport_test", "swarm");
    const unsigned badness = rng.below(30);
    const unsigned lateness = 1 + rng.below(8);
    const auto luck = [&](std::size_t /*frame*/) -> Fortune {
      const bool bad = rng.below(100) < badness;
      return {bad ? static_cast<Accident>(1 + rng.below(3)) : Accident::none, rng.below(lateness)};
    };
    const auto only_lost = [&](std::size_t frame) -> Fortune {
      Fortune fortune = luck(frame);
      if (fortune.accident == Accident::trimmed) fortune.accident = Accident::lost;
      return fortune;
    };
    const std::uint32_t window = 1 + rng.below(20);
    expect_delivery({GetParam(), 1 + rng.below(200), window, 1 + rng.below(window)}, luck,
                    only_lost);
    if (HasFatalFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Each, TransportModes, testing::ValuesIn(reliable_modes),
                         [](const auto& tested) { return name_of(tested.param); });

}  // namespace
}  // namespace heddle
