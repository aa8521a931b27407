// One direction between two devices: an exact rate, a latency of at least one cycle, nothing else.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "kernel/clock.h"
#include "kernel/error.h"
#include "kernel/frame.h"
#include "kernel/input.h"
#include "kernel/link_fault.h"
#include "kernel/packet.h"
#include "kernel/units.h"

namespace heddle {

/// Bytes per cycle as a reduced fraction.
struct LinkRate {
  std::uint32_t bytes = 1;
  std::uint32_t cycles = 1;

  /// At a clock of which `cycles` cycles take `period_ps`. Throws InputError when 32 bits do not
  /// hold the fraction.
  static LinkRate of(Rate rate, std::uint64_t period_ps, std::uint64_t cycles = 1);
  static LinkRate of(Rate rate, const Clock& clock) {
    return of(rate, clock.options().period_ps, clock.options().period_cycles);
  }

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
  /// head or tail, and the fixed processing it does before that. `reason` is below 65,536.
  void bind_receiver(std::uint32_t device, unsigned reason, Delivery delivery, Cycle pipeline);
  /// What the time is called that packets wait for this link; before the run.
  void set_waiting(Stage waiting);
  Stage waiting() const { return waiting_; }

  // --- sender ---------------------------------------------------------------------------------

  /// First cycle in which the next frame may start.
  Cycle ready_at() const { return ready_at_; }
  bool ready(Cycle now) const { return now >= ready_at_; }
  /// What is left to be sent at the beginning of cycle `now`, in 1 / rate().cycles bytes; less than
  /// 0 while the link idles.
  std::int64_t backlog(Cycle now) const {
    return static_cast<std::int64_t>(busy_until_ - now * rate_.bytes);
  }

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
    const Cycle ready_at = std::max(now + 1, (busy_until_ + rate_.bytes - 1) / rate_.bytes);
    ready_at_ = static_cast<std::uint32_t>(ready_at);
    ++frames_;
    bytes_ += frame.wire_bytes;
    hash_frame(frame, now);
    if (watched_ && is_lost(frame, now)) return;
    if (link_local(frame.kind)) {
      clock_.deliver({receiver_, reason_, 0, frame}, ready_at + latency_);
    } else if (delivery_ == Delivery::head) {
      clock_.deliver({receiver_, reason_, 0, frame}, now + latency_ + pipeline_);
    } else {
      clock_.deliver(
          {receiver_, reason_,
           tells_start() ? static_cast<std::uint16_t>(ready_at - now) : long_serialization, frame},
          ready_at + latency_ + pipeline_);
    }
  }

  /// Whether the receiver can tell from a frame's arrival when it has started. At two bytes per
  /// cycle the longest frame takes less than long_serialization.
  bool tells_start() const {
    return delivery_ == Delivery::head || rate_.bytes / 2 >= rate_.cycles;
  }

  // --- facts ----------------------------------------------------------------------------------

  const std::string& name() const { return name_; }
  std::uint32_t receiver() const { return receiver_; }  ///< the device
  const LinkRate& rate() const { return rate_; }
  Cycle latency() const { return latency_; }
  Cycle pipeline() const { return pipeline_; }
  std::uint64_t frames() const { return frames_; }
  std::uint64_t bytes() const { return bytes_; }
  /// What is on its way to the receiver, in order of time: f(cycle in which it arrives, frame).
  void under_way(const std::function<void(Cycle, const Frame&)>& f) const {
    clock_.under_way(receiver_, reason_, f);
  }
  std::uint64_t in_flight() const;
  std::uint64_t frames_taken() const { return frames_ - in_flight() - losses().frames; }
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
  void attach(LinkProbe* probe) { attached().probe = probe; }

  // --- faults, made between two cycles --------------------------------------------------------

  /// What starts from the next cycle on is lost, and so is what is in flight.
  void fail();
  void restore() { fault().set_down(false); }
  bool is_up() const { return !watched_ || !attached_->fault || !attached_->fault->down(); }
  void set_bit_error_ratio(double ratio) { fault().set_bit_error_ratio(ratio); }
  /// For frames that start from the next cycle on. Below the rate without events, the receiver acts
  /// on tails: what it cuts through to could not wait for the bytes that are missing.
  void set_rate(LinkRate rate);
  /// A fault or another rate has been made, so frames may have been lost or late.
  bool disturbed() const { return watched_ && attached_->disturbed; }
  LinkLosses losses() const { return watched_ ? attached_->losses : LinkLosses{}; }

 private:
  struct Attached {
    LinkProbe* probe = nullptr;
    std::optional<LinkFault> fault;
    LinkLosses losses;
    LinkRate nominal;           ///< the rate without events
    Delivery nominal_delivery;  ///< to the receiver, at that rate
    bool disturbed = false;
  };
  Attached& attached();
  LinkFault& fault();
  bool is_lost(const Frame& frame, Cycle now);
  void lose(const Frame& frame);
  void bind_input();

  /// Everything the twin of a device would have to get right: which frame started when.
  void hash_frame(const Frame& frame, Cycle now) {
    const std::uint64_t what = static_cast<std::uint64_t>(frame.kind) << 56 ^
                               static_cast<std::uint64_t>(frame.flags) << 48 ^
                               static_cast<std::uint64_t>(frame.wire_bytes) << 32 ^
                               static_cast<std::uint64_t>(frame.source) << 16 ^ frame.destination;
    hash_ = (hash_ ^ what ^ now << 20) * 0x9e3779b97f4a7c15;
    hash_ = (hash_ ^ hash_ >> 29 ^ frame.sequence) * 0xbf58476d1ce4e5b9;
  }

  // What sending touches: one cache line. Cycles of a run fit 32 bits
  // (scenarios/engine/device_check.h), and so do the frames that start in them.
  Clock& clock_;
  std::uint64_t busy_until_ = 0;  // in units of 1 / rate_.bytes cycles
  LinkRate rate_;
  std::uint64_t hash_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint32_t ready_at_ = 0;
  std::uint32_t frames_ = 0;
  std::uint32_t latency_;  // cycles
  std::uint32_t pipeline_ = 0;
  std::uint32_t receiver_ = 0;
  std::uint16_t reason_ = 0;
  Delivery delivery_ = Delivery::tail;
  bool watched_ = false;  // somebody looks, or something may be wrong: attached_ exists

  // The rest.
  std::unique_ptr<Attached> attached_;
  PacketPool& packets_;
  Stage waiting_ = Stage::fabric_queue;
  bool bound_ = false;
  bool paused_ = false;
  Cycle paused_since_ = 0;
  Cycle paused_cycles_ = 0;
  std::string name_;
};

}  // namespace heddle
