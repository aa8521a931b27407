// voq_bank: model and RTL in lockstep. The stimulus keeps the contract that the RTL asserts.
#include "parts/voq_bank.h"

#include <Vvoq_bank.h>
#include <Vvoq_bank_3.h>

#include "cosim/pins.h"
#include "cosim/twin.h"

namespace heddle {
namespace {

struct VoqBankSize {
  unsigned destinations;
  unsigned classes;
  unsigned capacity;
};

/// What one drawn stimulus is like.
struct VoqBankHabits {
  explicit VoqBankHabits(Rng random)
      : credit_bytes(draw_credit(random)),
        outstanding_limit(random.below(2) != 0 ? 1 + random.below(4) : 1 + random.below(1'000'000)),
        largest_packet(random.below(3) != 0 ? 1 + random.below(5000) : 65515),
        few_voqs(random.below(3) == 0),
        enqueueing(draw_share(random)),
        crediting(draw_share(random)),
        stale(draw_share(random)),
        holding(draw_share(random)),
        popping(draw_share(random)),
        asking(draw_share(random)) {}

  static std::uint32_t draw_credit(Rng& random) {
    constexpr std::uint32_t sizes[] = {64, 256, 4096, 65535};
    return random.below(5) == 0 ? 64 + random.below(65472) : sizes[random.below(4)];
  }

  std::uint32_t credit_bytes;
  std::uint32_t outstanding_limit;
  std::uint32_t largest_packet;  ///< stored bytes
  bool few_voqs;                 ///< calls meet in two of them
  double enqueueing;
  double crediting;
  double stale;  ///< of the credits: repeated or overtaken
  double holding;
  double popping;
  double asking;
};

template <class Top, const VoqBankSize& size>
class Twin {
 public:
  static constexpr const char* name = "voq_bank";

  explicit Twin(std::uint64_t seed)
      : rtl(seed),
        habits_(Rng(seed, name, "habits")),
        model_(size.destinations, size.classes, habits_.credit_bytes, habits_.outstanding_limit,
               size.capacity) {
    pins::set(rtl->cfg_credit_bytes_i, habits_.credit_bytes);
    pins::set(rtl->cfg_outstanding_limit_i, habits_.outstanding_limit);
    pins::set(rtl->credit_i, 0);
    pins::set(rtl->enqueue_i, 0);
    pins::set(rtl->hold_i, 0);
    pins::set(rtl->pop_i, 0);
    pins::set(rtl->request_i, 0);
    rtl.reset();
  }

  void cycle(Lockstep& lockstep) {
    Rng& random = lockstep.random;
    now_ += random.below(16) == 0 ? random.bits() >> 40 : 1;
    pins::set(rtl->now_i, now_);
    credit(random);
    enqueue(random);
    hold(random);
    const std::optional<Frame> popped = pop(random);
    const std::optional<std::uint32_t> requested = request(random);
    const unsigned voq = draw_voq(random);
    pins::set(rtl->account_voq_i, voq);

    rtl.edge();
    lockstep.equal("request_o", requested ? 1 : 0, rtl->request_o);
    if (requested) lockstep.equal("request_credits_o", *requested, rtl->request_credits_o);
    if (popped) compare(lockstep, "pop_packet_o", *popped, rtl->pop_packet_o);
    compare_all(lockstep);
    compare_account(lockstep, voq);
  }

  RtlTop<Top> rtl;

 private:
  unsigned draw_voq(Rng& random) const {
    return random.below(habits_.few_voqs ? 2 : model_.size());
  }

  /// One call of the model, seldom or often, and the same at the pins.
  template <class Enable, class Number>
  std::optional<unsigned> call(Rng& random, double share, Enable& enable, Number& voq_pin) {
    const bool called = random.uniform() < share;
    const unsigned voq = draw_voq(random);
    pins::set(enable, called ? 1 : 0);
    pins::set(voq_pin, voq);
    return called ? std::optional(voq) : std::nullopt;
  }

  void credit(Rng& random) {
    const auto voq = call(random, habits_.crediting, rtl->credit_i, rtl->credit_voq_i);
    if (!voq) return;
    const VoqBank::Account& account = model_.account(*voq);
    std::uint32_t credits = account.granted;
    if (random.uniform() < habits_.stale) {
      credits -= random.below(credits + 1);
    } else {
      credits += random.below(account.requested - account.granted + 1);
    }
    pins::set(rtl->credit_credits_i, credits);
    model_.credit(*voq, credits, now_);
  }

  void enqueue(Rng& random) {
    const bool full = model_.packets() == size.capacity;
    const auto voq =
        call(random, full ? 0 : habits_.enqueueing, rtl->enqueue_i, rtl->enqueue_voq_i);
    Frame packet;
    packet.flow = static_cast<std::uint32_t>(random.bits());
    packet.packet = static_cast<std::uint32_t>(now_);
    packet.wire_bytes = static_cast<std::uint16_t>(ethernet_framing_bytes +
                                                   random.below(habits_.largest_packet) + 1);
    pins::set_frame(rtl->enqueue_packet_i, 0, packet);
    if (voq) model_.enqueue(*voq, packet, now_);
  }

  void hold(Rng& random) {
    const auto voq = call(random, habits_.holding, rtl->hold_i, rtl->hold_voq_i);
    const bool held = random.below(3) == 0;
    pins::set(rtl->hold_held_i, held ? 1 : 0);
    if (voq) model_.hold(*voq, held);
  }

  std::optional<Frame> pop(Rng& random) {
    const auto voq = call(random, habits_.popping, rtl->pop_i, rtl->pop_voq_i);
    if (!voq) return std::nullopt;
    if (!model_.may_send(*voq)) {
      pins::set(rtl->pop_i, 0);
      return std::nullopt;
    }
    return model_.pop(*voq, now_);
  }

  std::optional<std::uint32_t> request(Rng& random) {
    const auto voq = call(random, habits_.asking, rtl->request_i, rtl->request_voq_i);
    return voq ? model_.request(*voq) : std::nullopt;
  }

  template <class Pin>
  void compare(Lockstep& lockstep, const char* signal, const Frame& model, const Pin& pin) const {
    const Frame frame = pins::get_frame(pin, 0);
    lockstep.equal(signal, model.wire_bytes, frame.wire_bytes);
    lockstep.equal(signal, model.flow, frame.flow);
    lockstep.equal(signal, model.packet, frame.packet);
  }

  void compare_all(Lockstep& lockstep) {
    std::uint64_t sendable = 0;
    for (unsigned voq = 0; voq < model_.size(); ++voq) {
      sendable |= std::uint64_t{model_.may_send(voq)} << voq;
    }
    lockstep.equal("sendable_o", sendable, rtl->sendable_o);
    lockstep.equal("packets_o", model_.packets(), rtl->packets_o);
    lockstep.equal("full_o", model_.packets() == size.capacity, rtl->full_o);
  }

  void compare_account(Lockstep& lockstep, unsigned voq) {
    const VoqBank::Account& account = model_.account(voq);
    const int index = static_cast<int>(voq);
    const std::uint64_t credit_bytes = habits_.credit_bytes;
    const auto balance_credits = static_cast<std::int32_t>(rtl->balance_credits_o);
    lockstep.equal("length_o", model_.length(voq), rtl->length_o, index);
    lockstep.equal("queued_bytes_o", account.queued_bytes, rtl->queued_bytes_o, index);
    lockstep.equal("enqueued_bytes", account.enqueued_bytes,
                   rtl->enqueued_credits_o * credit_bytes + rtl->enqueued_rest_o, index);
    lockstep.equal("balance_bytes", static_cast<std::uint64_t>(account.balance_bytes),
                   static_cast<std::uint64_t>(std::int64_t{balance_credits}) * credit_bytes +
                       rtl->balance_rest_o,
                   index);
    lockstep.equal("requested_o", account.requested, rtl->requested_o, index);
    lockstep.equal("granted_o", account.granted, rtl->granted_o, index);
    lockstep.equal("head_since_o", account.head_since, rtl->head_since_o, index);
    lockstep.equal("credited_since_o", account.credited_since, rtl->credited_since_o, index);
    lockstep.equal("last_news_o", account.last_news, rtl->last_news_o, index);
    lockstep.equal("held_o", account.held ? 1 : 0, rtl->held_o, index);
    if (!model_.empty(voq)) compare(lockstep, "front_o", model_.front(voq), rtl->front_o);
  }

  VoqBankHabits habits_;
  VoqBank model_;
  Cycle now_ = 0;
};

constexpr VoqBankSize voq_bank_size{4, 2, 64};
constexpr VoqBankSize voq_bank_size_3{3, 1, 5};
using VoqBankTwin = Twin<Vvoq_bank, voq_bank_size>;
using VoqBankOf3Twin = Twin<Vvoq_bank_3, voq_bank_size_3>;
HEDDLE_TWIN_TESTS(VoqBankTwin, 60, 5000, 1000)
HEDDLE_TWIN_TESTS(VoqBankOf3Twin, 60, 5000, 1000)

}  // namespace
}  // namespace heddle
