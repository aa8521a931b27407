// The cycle calendar of one clock domain. It wakes, in each cycle, only the devices that asked for
// that cycle, and jumps over cycles in which nobody did. SystemC sees one timed event and one
// method activation per cycle with work; the devices of the cycle run inside it, one after the
// other. A SystemC process per device would do the same at half the speed (docs/performance.md).
#pragma once

#include <array>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <systemc>
#include <utility>
#include <vector>

#include "kernel/calendar.h"
#include "kernel/error.h"
#include "kernel/frame.h"
#include "kernel/packet.h"
#include "kernel/rng.h"
#include "kernel/units.h"

namespace heddle {

class Device;
struct Input;

/// A frame on its way to an input of a device.
struct Arrival {
  std::uint32_t device;
  std::uint16_t reason;         ///< what the device is woken for
  std::uint16_t serialization;  ///< cycles, see Input
  Frame frame;
};
static_assert(sizeof(Arrival) == 32);

/// Memory that will be needed; nullptr after the last. It need not exist any more.
using Outlook = std::array<const void*, 3>;

struct ClockOptions {
  std::uint64_t period_ps = 1000;   ///< of `period_cycles` cycles together
  std::uint64_t period_cycles = 1;  ///< 2.4 GHz: 1,250 ps for 3; SystemC sees whole picoseconds
  std::uint64_t seed = 1;
  bool shuffle_devices = false;   ///< random device order in every cycle
  bool wake_every_cycle = false;  ///< every device, every reason, every cycle
  std::string reproduce;          ///< command that repeats the run
};

/// Looks at the devices after each cycle: waves attach here.
class CycleObserver {
 public:
  virtual ~CycleObserver() = default;
  /// Cycle `now` is over, and `ran` are the devices that ran in it, in any order. May throw: the
  /// run stops there.
  virtual void cycle_ended(Cycle now, const std::vector<Device*>& ran) = 0;
};

class Clock : public sc_core::sc_prim_channel {
 public:
  Clock(const char* name, const ClockOptions& options);
  ~Clock() override;

  Cycle now() const { return now_; }
  const ClockOptions& options() const { return options_; }

  /// Whole cycles that cover `duration`.
  Cycle cycles(Duration duration) const {
    return (duration.picoseconds * options_.period_cycles + options_.period_ps - 1) /
           options_.period_ps;
  }

  /// Wakes `device` in cycle `at` (later than now) and tells it `reason`. A second call for the
  /// same device, reason and cycle changes nothing. May be called by devices in their cycle, before
  /// the run, and by other SystemC processes, for a time that is still to come. `outlook`: what the
  /// device will look at then; that only makes it faster.
  void wake(std::uint32_t device, std::uint32_t reason, Cycle at, const Outlook& outlook = {}) {
    expect(at);
    wakes_.insert({device, reason, outlook}, at, now_);
  }

  /// Wakes the device in cycle `at` and hands it the frame.
  void deliver(const Arrival& arrival, Cycle at) {
    expect(at);
    ++frames_under_way_;
    arrivals_.insert(arrival, at, now_);
  }

  /// Calls `change` at the beginning of cycle `at` (later than now), before any device runs;
  /// several in the order of their cycles, then of these calls. For what other SystemC processes
  /// want changed. It does not make `at` a cycle with work: without, the change comes with the next
  /// one.
  void before_cycle(Cycle at, std::function<void()> change) {
    changes_.emplace(at, std::move(change));
  }

  /// The first cycle that begins later than `time`.
  Cycle first_cycle_after(const sc_core::sc_time& time) const;
  /// When a cycle begins.
  sc_core::sc_time time_of(Cycle cycle) const {
    return {static_cast<double>(cycle * options_.period_ps / options_.period_cycles),
            sc_core::SC_PS};
  }

  /// Next cycle with work; `never` when the calendar is empty.
  Cycle next_cycle() const;

  /// Called once per device, before the run; returns its number.
  std::uint32_t enroll(Device& device);
  /// How many cache lines of the device, beginning at its `due_`, it wants to find in the cache.
  void set_hot_lines(std::uint32_t device, std::ptrdiff_t lines) {
    devices_[device].hot_lines = lines;
  }

  /// What the device is to know of the link that wakes it for `reason`; before the run.
  void bind_input(std::uint32_t device, std::uint32_t reason, const Input& input);
  /// A frame that arrives in this cycle, by what an Input says of it.
  const Arrival& arrival(std::uint32_t place) const { return arrivals_[place]; }

  /// Delivered for a cycle that is still to come.
  std::uint64_t frames_under_way() const { return frames_under_way_; }

  /// Between two cycles: calls f(at, frame) for what is to arrive at this input, in order of time.
  void under_way(std::uint32_t device, std::uint32_t reason,
                 const std::function<void(Cycle, const Frame&)>& f);
  /// Between two cycles: none of it will arrive; f(frame) says what it was.
  void lose(std::uint32_t device, std::uint32_t reason, const std::function<void(const Frame&)>& f);

  /// Whose records it should ask for when frames arrive.
  void fetch_records_of(const PacketPool& packets) { packets_ = &packets; }

  /// From the next cycle on; null for nobody.
  void observe(CycleObserver* observer) { observer_ = observer; }

  /// First exception thrown in a device's cycle. The run stops there.
  std::exception_ptr failure() const { return failure_; }
  void fail(std::exception_ptr failure);

  /// Opens the calendar: called once, after elaboration and before the first sc_start.
  void start();

 private:
  static constexpr std::uint32_t nobody = ~std::uint32_t{0};

  struct Wake {
    std::uint32_t device;
    std::uint32_t reason;
    Outlook outlook;
  };

  struct Enrolled {
    Device* device;
    std::ptrdiff_t hot_lines;
  };

  void expect(Cycle at) {
    if (started_ && at <= now_) throw CheckFailure("a wake-up for a cycle that is over");
    if (started_ && !ticking_) request_update();  // from outside: the next tick may come earlier
  }
  void update() override;
  void tick();
  void apply_changes();
  void run();
  void show();
  void shuffle_due();
  void collect();
  Device& collect(std::uint32_t device);
  void collect_all();
  bool is_large() const;
  void look_ahead();
  void fetch(std::uint32_t device) const;

  ClockOptions options_;
  Rng shuffle_;
  sc_core::sc_event tick_event_;
  std::vector<Enrolled> devices_;
  std::vector<Cycle> collected_;  // by device: the cycle in which it was collected last
  std::vector<Device*> due_;
  Cycle now_ = 0;
  Cycle armed_ = 0;
  bool started_ = false;
  bool ticking_ = false;
  bool crowded_ = false;  // the latest cycle had so many devices that fetching pays
  Calendar<Wake> wakes_;
  Calendar<Arrival> arrivals_;
  Calendar<Wake>::Reader wakes_ahead_;  // of the next cycle, what look_ahead() has not seen
  Calendar<Arrival>::Reader arrivals_ahead_;
  std::uint64_t frames_under_way_ = 0;
  const PacketPool* packets_ = nullptr;
  std::multimap<Cycle, std::function<void()>> changes_;
  std::exception_ptr failure_;
  CycleObserver* observer_ = nullptr;
  std::unique_ptr<sc_core::sc_module> ticker_;
};

}  // namespace heddle
