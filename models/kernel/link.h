// One direction between two devices: an exact rate, a latency of at least one cycle, nothing else.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "kernel/clock.h"
#include "kernel/error.h"
#include "kernel/frame.h"
#include "kernel/packet.h"
#include "kernel/units.h"

namespace heddle {

/// Bytes per cycle as a reduced fraction.
struct LinkRate {
  std::uint32_t bytes = 1;
  std::uint32_t cycles = 1;

  static LinkRate of(Rate rate, std::uint64_t period_ps);

  double bytes_per_cycle() const {
    return static_cast<double>(bytes) / static_cast<double>(cycles);
  }
  /// Whole cycles that `n` bytes take at least.
  Cycle cycles_for(std::uint64_t n) const { return (n * cycles + bytes - 1) / bytes; }
};

/// When the receiving device acts on a frame.
enum class Delivery : std::uint8_t { head, tail };

/// Sees every frame that starts on a link: waves and traces attach here.
class LinkProbe {
 public:
  virtual ~LinkProbe() = default;
  virtual void started(const Frame& frame, Cycle now) = 0;
};

class alignas(64) Link {
 public:
  Link(std::string name, Clock& clock, PacketPool& packets, LinkRate rate, Cycle latency);

  /// Says who receives: which device, for which reason it is woken, whether it acts on a frame's
  /// head or tail, and the fixed processing it does before that.
  void bind_receiver(std::uint32_t device, unsigned reason, Delivery delivery, Cycle pipeline);

  // --- sender ---------------------------------------------------------------------------------

  /// First cycle in which the next frame may start.
  Cycle ready_at() const { return ready_at_; }
  bool ready(Cycle now) const { return now >= ready_at_; }

  /// Starts `frame` in cycle `now`; the link must be ready. The frame occupies the link for its
  /// bytes at the exact rate, the fraction of a cycle carried to the next frame if that follows
  /// at once; at most one frame starts per cycle. Its head is visible at now + latency, its tail
  /// when the last byte has followed. Link-local frames skip the receiver's pipeline: the MAC
  /// itself acts on them.
  void send(const Frame& frame, Cycle now) {
    if (now < ready_at_) throw CheckFailure("a frame starts on a link that is busy");
    const std::uint64_t cycle_begins = now * rate_.bytes;
    const bool follows = busy_until_ + rate_.bytes > cycle_begins;  // ended within one cycle
    busy_until_ =
        (follows ? busy_until_ : cycle_begins) + std::uint64_t{frame.wire_bytes} * rate_.cycles;
    ready_at_ = std::max(now + 1, (busy_until_ + rate_.bytes - 1) / rate_.bytes);
    ++frames_;
    bytes_ += frame.wire_bytes;
    hash_frame(frame, now);
    if (probe_ != nullptr) probe_->started(frame, now);
    if (link_local(frame.kind)) {
      urgent_waits_ = true;
      deliver(urgent_, frame, ready_at_ + latency_);
    } else {
      deliver(ordinary_, frame,
              (delivery_ == Delivery::head ? now : ready_at_) + latency_ + pipeline_);
    }
  }

  // --- receiver -------------------------------------------------------------------------------

  /// The oldest frame that the receiver may act on in cycle `now`, link-local ones first; nullptr
  /// if there is none. Valid until `pop`.
  const Frame* front(Cycle now) const {
    if (urgent_waits_ && urgent_.visible(now)) return &urgent_.front().frame;
    if (ordinary_.visible(now)) return &ordinary_.front().frame;
    return nullptr;
  }
  void pop(Cycle now) {
    if (urgent_waits_ && urgent_.visible(now)) {
      urgent_.pop();
      urgent_waits_ = urgent_.size() != 0;
    } else {
      ordinary_.pop();
    }
  }

  // Ask for what an end of the link will look at; the receiver, in this order, for the link, its
  // oldest frame, the record of that.
  void fetch(LinkEnd end) const {
    if (end == LinkEnd::sender) prefetch(this);
    prefetch(&ordinary_);
  }
  void fetch_frame() const {
    if (ordinary_.size() != 0) prefetch(&ordinary_.front());
  }
  void fetch_record() const {
    if (ordinary_.size() == 0) return;
    packets_.fetch(ordinary_.front().frame.packet);
  }
  /// The sender: the place of the next frame.
  void fetch_place() const { ordinary_.fetch_back(); }

  // --- facts ----------------------------------------------------------------------------------

  const std::string& name() const { return name_; }
  const LinkRate& rate() const { return rate_; }
  Cycle latency() const { return latency_; }
  Cycle pipeline() const { return pipeline_; }
  Delivery delivery() const { return delivery_; }
  std::uint64_t frames() const { return frames_; }
  std::uint64_t bytes() const { return bytes_; }
  std::uint64_t in_flight() const { return urgent_.size() + ordinary_.size(); }
  std::uint64_t frames_taken() const { return frames_ - in_flight(); }
  std::uint64_t hash() const { return hash_; }
  double utilization(Cycle end) const;

  /// The sender notes when its peer stops or restarts any class of this link.
  void note_pause(bool any_class, Cycle now) {
    if (any_class == paused_) return;
    if (paused_) paused_cycles_ += now - paused_since_;
    paused_ = any_class;
    paused_since_ = now;
  }
  Cycle paused_cycles(Cycle end) const {
    return paused_cycles_ + (paused_ && end > paused_since_ ? end - paused_since_ : 0);
  }
  void attach(LinkProbe* probe) { probe_ = probe; }

 private:
  struct alignas(32) InFlight {  // never across two cache lines
    Frame frame;
    Cycle visible_at;
  };

  /// Frames under way, oldest first. Room doubles until it holds what rate times latency allows.
  class Flight {
   public:
    bool visible(Cycle now) const { return count_ != 0 && slots_[head_].visible_at <= now; }
    const InFlight& front() const { return slots_[head_]; }
    void pop() {
      head_ = (head_ + 1) & (room_ - 1);
      --count_;
    }
    void push(const Frame& frame, Cycle visible_at) {
      if (count_ == room_) grow();
      slots_[(head_ + count_++) & (room_ - 1)] = {frame, visible_at};
    }
    std::size_t size() const { return count_; }
    void fetch_back() const {
      if (room_ != 0) prefetch(&slots_[(head_ + count_) & (room_ - 1)]);
    }

   private:
    void grow();
    std::unique_ptr<InFlight[]> slots_;
    std::uint32_t room_ = 0;
    std::uint32_t head_ = 0;
    std::uint32_t count_ = 0;
  };

  void deliver(Flight& flight, const Frame& frame, Cycle visible_at) {
    flight.push(frame, visible_at);
    clock_.wake(receiver_, reason_, visible_at, *this, LinkEnd::receiver);
  }

  /// Everything the twin of a device would have to get right: which frame started when.
  void hash_frame(const Frame& frame, Cycle now) {
    const std::uint64_t what = static_cast<std::uint64_t>(frame.kind) << 56 ^
                               static_cast<std::uint64_t>(frame.flags) << 48 ^
                               static_cast<std::uint64_t>(frame.wire_bytes) << 32 ^
                               static_cast<std::uint64_t>(frame.source) << 16 ^ frame.destination;
    hash_ = (hash_ ^ what ^ now << 20) * 0x9e3779b97f4a7c15;
    hash_ = (hash_ ^ hash_ >> 29 ^ frame.sequence) * 0xbf58476d1ce4e5b9;
  }

  // The sender's cache line.
  Cycle ready_at_ = 0;
  std::uint64_t busy_until_ = 0;  // in units of 1 / rate_.bytes cycles
  LinkRate rate_;
  std::uint64_t hash_ = 0;
  std::uint64_t frames_ = 0;
  std::uint64_t bytes_ = 0;
  LinkProbe* probe_ = nullptr;
  Clock& clock_;

  // The line of both ends.
  Flight ordinary_;
  Cycle latency_;
  Cycle pipeline_ = 0;
  std::uint32_t receiver_ = 0;
  std::uint32_t reason_ = 0;
  PacketPool& packets_;
  Delivery delivery_ = Delivery::tail;
  bool urgent_waits_ = false;  // urgent_ is not empty

  Flight urgent_;
  bool paused_ = false;
  Cycle paused_since_ = 0;
  Cycle paused_cycles_ = 0;
  std::string name_;
};

}  // namespace heddle
