// reassembler: model and RTL in lockstep. A call of the model is as many cycles of the RTL as it
// needs to hand over its cells. The stimulus keeps the contract that the RTL asserts.
#include "parts/reassembler.h"

#include <Vreassembler.h>
#include <Vreassembler_3.h>

#include "cosim/pins.h"
#include "cosim/twin.h"

namespace heddle {
namespace {

struct ReassemblerSize {
  unsigned sources;
  unsigned window;
};

/// What one drawn stimulus is like.
struct ReassemblerHabits {
  ReassemblerHabits(Rng random, const ReassemblerSize& size)
      : spread(1 + random.below(random.below(2) != 0 ? size.window : 4)),
        patience(random.below(200)),
        one_source(random.below(3) == 0),
        arriving(draw_share(random)),
        in_order(draw_share(random)),
        expiring(draw_share(random)) {}

  unsigned spread;  ///< how far ahead cells come
  Cycle patience;
  bool one_source;
  double arriving;
  double in_order;  ///< of the cells: the very next one
  double expiring;  ///< in cycles in which no cell comes
};

template <class Top, const ReassemblerSize& size>
class Twin {
 public:
  static constexpr const char* name = "reassembler";

  explicit Twin(std::uint64_t seed)
      : rtl(seed),
        habits_(Rng(seed, name, "habits"), size),
        model_(size.sources, size.window),
        waits_(size.sources * size.window) {
    pins::set(rtl->arrive_i, 0);
    pins::set(rtl->expire_i, 0);
    rtl.reset();
  }

  void cycle(Lockstep& lockstep) {
    Rng& random = lockstep.random;
    now_ += random.below(16) == 0 ? random.below(100) : 1;
    const unsigned source = habits_.one_source ? 0 : random.below(size.sources);
    events_.clear();
    if (random.uniform() < habits_.arriving) {
      arrive(random, lockstep, source);
    } else if (random.uniform() < habits_.expiring) {
      expire(lockstep, source);
    } else {
      rtl.edge();
      lockstep.equal("in_order_o", 0, rtl->in_order_o);
      lockstep.equal("lost_o", 0, rtl->lost_o);
    }
    compare_state(random, lockstep);
  }

  RtlTop<Top> rtl;

 private:
  /// What a call of the model does, one after the other: a cell in order, or a loss.
  struct Event {
    bool lost;
    Frame cell;
  };

  char& waits(unsigned source, std::uint32_t sequence) {
    return waits_[source * size.window + sequence % size.window];
  }

  void arrive(Rng& random, Lockstep& lockstep, unsigned source) {
    Frame cell;
    cell.kind = FrameKind::cell;
    cell.flow = static_cast<std::uint32_t>(random.bits());
    cell.payload_bytes = static_cast<std::uint16_t>(1 + random.below(4096));
    cell.sequence = model_.expected(source);
    if (random.uniform() >= habits_.in_order) cell.sequence += random.below(habits_.spread);
    if (waits(source, cell.sequence) != 0) cell.sequence = model_.expected(source);
    waits(source, cell.sequence) = 1;
    pins::set(rtl->arrive_source_i, source);
    pins::set_frame(rtl->arrive_cell_i, 0, cell);
    pins::set(rtl->now_i, now_);
    model_.arrive(source, cell, handed_over(source), now_);
    pins::set(rtl->arrive_i, 1);
    run(lockstep, std::max<std::size_t>(1, events_.size()));
  }

  void expire(Lockstep& lockstep, unsigned source) {
    const Cycle before = now_ < habits_.patience ? 0 : now_ - habits_.patience;
    pins::set(rtl->expire_source_i, source);
    pins::set(rtl->expire_before_i, before);
    const Cycle since = model_.expire(
        source, before,
        [&] {
          events_.push_back({true, {}});
        },
        handed_over(source));
    pins::set(rtl->expire_i, 1);
    run(lockstep, events_.size() + 2);
    lockstep.equal("expire_waits_o", since != never ? 1 : 0, rtl->expire_waits_o);
    if (since != never) lockstep.equal("expire_since_o", since, rtl->expire_since_o);
  }

  auto handed_over(unsigned source) {
    return [this, source](const Frame& cell) {
      waits(source, cell.sequence) = 0;
      events_.push_back({false, cell});
    };
  }

  /// The call at the pins, `length` cycles long, against what the model did.
  void run(Lockstep& lockstep, std::size_t length) {
    std::size_t seen = 0;
    std::size_t cycles = 0;
    do {
      rtl.edge();
      ++cycles;
      pins::set(rtl->arrive_i, 0);
      pins::set(rtl->expire_i, 0);
      if (rtl->in_order_o == 0 && rtl->lost_o == 0) continue;
      lockstep.equal("events", 1, seen < events_.size() ? 1 : 0);
      compare(lockstep, events_[seen++]);
    } while (rtl->busy_o != 0 && cycles < length);
    lockstep.equal("busy_o", 0, rtl->busy_o);
    lockstep.equal("events", events_.size(), seen);
    lockstep.equal("cycles", length, cycles);
  }

  void compare(Lockstep& lockstep, const Event& event) {
    lockstep.equal("lost_o", event.lost ? 1 : 0, rtl->lost_o);
    lockstep.equal("in_order_o", event.lost ? 0 : 1, rtl->in_order_o);
    if (event.lost) return;
    const Frame cell = pins::get_frame(rtl->in_order_cell_o, 0);
    lockstep.equal("in_order_cell_o.sequence", event.cell.sequence, cell.sequence);
    lockstep.equal("in_order_cell_o.flow", event.cell.flow, cell.flow);
    lockstep.equal("in_order_cell_o.payload_bytes", event.cell.payload_bytes, cell.payload_bytes);
  }

  void compare_state(Rng& random, Lockstep& lockstep) {
    const unsigned source = random.below(size.sources);
    Frame cell;
    cell.sequence = model_.expected(source) + random.below(2 * size.window) - size.window;
    pins::set(rtl->source_i, source);
    pins::set(rtl->sequence_i, cell.sequence);
    rtl.settle();
    const int index = static_cast<int>(source);
    lockstep.equal("is_late_o", model_.is_late(source, cell) ? 1 : 0, rtl->is_late_o, index);
    lockstep.equal("expected_o", model_.expected(source), rtl->expected_o, index);
    lockstep.equal("held_source_o", model_.held(source), rtl->held_source_o, index);
    lockstep.equal("held_o", model_.held(), rtl->held_o);
    lockstep.equal("held_bytes_o", model_.held_bytes(), rtl->held_bytes_o);
  }

  ReassemblerHabits habits_;
  Reassembler model_;
  std::vector<char> waits_;  ///< by source and sequence modulo the window
  std::vector<Event> events_;
  Cycle now_ = 0;
};

constexpr ReassemblerSize reassembler_size{4, 16};
constexpr ReassemblerSize reassembler_size_3{3, 4};
using ReassemblerTwin = Twin<Vreassembler, reassembler_size>;
using ReassemblerOf3Twin = Twin<Vreassembler_3, reassembler_size_3>;
HEDDLE_TWIN_TESTS(ReassemblerTwin, 40, 5000, 1000)
HEDDLE_TWIN_TESTS(ReassemblerOf3Twin, 40, 5000, 1000)

}  // namespace
}  // namespace heddle
