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
#include <queue>
#include <string>
#include <systemc>
#include <utility>
#include <vector>

#include "kernel/error.h"
#include "kernel/flight_pool.h"
#include "kernel/rng.h"
#include "kernel/units.h"

namespace heddle {

class Device;

/// Memory that will be needed; nullptr after the last. It need not exist any more.
using Outlook = std::array<const void*, 3>;

struct ClockOptions {
  std::uint64_t period_ps = 1000;
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
    return (duration.picoseconds + options_.period_ps - 1) / options_.period_ps;
  }

  /// Wakes `device` in cycle `at` (later than now) and tells it `reason`. A second call for the
  /// same device, reason and cycle changes nothing. May be called by devices in their cycle, before
  /// the run, and by other SystemC processes, for a time that is still to come.
  void wake(std::uint32_t device, std::uint32_t reason, Cycle at) {
    schedule({device, reason, {}}, at);
  }
  /// The same, and says what the device will look at then. That only makes it faster.
  void wake(std::uint32_t device, std::uint32_t reason, Cycle at, const Outlook& outlook) {
    schedule({device, reason, outlook}, at);
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
  sc_core::sc_time time_of(Cycle cycles) const {
    return {static_cast<double>(cycles * options_.period_ps), sc_core::SC_PS};
  }

  /// Next cycle with work; `never` when the calendar is empty.
  Cycle next_cycle() const;

  /// Called once per device, before the run; returns its number.
  std::uint32_t enroll(Device& device);
  /// How many cache lines of the device, beginning at its `due_`, each of its cycles uses.
  void set_hot_lines(std::uint32_t device, std::ptrdiff_t lines) {
    devices_[device].hot_lines = lines;
  }

  /// Of all links whose receivers this clock wakes.
  FlightPool& flights() { return flights_; }

  /// From the next cycle on; null for nobody.
  void observe(CycleObserver* observer) { observer_ = observer; }

  /// First exception thrown in a device's cycle. The run stops there.
  std::exception_ptr failure() const { return failure_; }
  void fail(std::exception_ptr failure);

  /// Opens the calendar: called once, after elaboration and before the first sc_start.
  void start();

 private:
  static constexpr std::uint32_t wheel_cycles = 4096;  // covers cables and frames; timers go far
  static constexpr std::uint32_t no_block = ~std::uint32_t{0};

  struct Wake {
    std::uint32_t device;
    std::uint32_t reason;
    Outlook outlook;
  };

  struct Enrolled {
    Device* device;
    std::ptrdiff_t hot_lines;
  };
  struct FarWake {
    Cycle at;
    Wake wake;
    bool operator>(const FarWake& other) const { return at > other.at; }
  };
  /// Wakes of one cycle: a list of blocks that are used again. All but the first block are full.
  struct Block {
    std::uint32_t next;
    std::uint32_t unused;
    std::array<Wake, 15> wakes;
  };
  struct Slot {
    std::uint32_t block = no_block;  ///< the first of the list
    std::uint32_t count = 0;         ///< wakes in that block
  };

  void schedule(const Wake& wake, Cycle at) {
    if (started_ && at <= now_) throw CheckFailure("a wake-up for a cycle that is over");
    if (started_ && !ticking_) request_update();  // from outside: the next tick may come earlier
    if (at - now_ < wheel_cycles) {
      insert(wake, at);
    } else {
      far_.push({at, wake});
    }
  }
  void insert(const Wake& wake, Cycle at) {
    Slot& slot = wheel_[at % wheel_cycles];
    if (slot.block == no_block || slot.count == Block{}.wakes.size()) add_block(slot, at);
    blocks_[slot.block].wakes[slot.count++] = wake;
  }
  void add_block(Slot& slot, Cycle at);
  Cycle next_in_wheel() const;
  void update() override;
  void tick();
  void apply_changes();
  void fetch(const Enrolled& enrolled) const;
  void run();
  void show();
  void shuffle_due();
  void collect();
  void collect(const Wake& wake);
  void collect_all();

  ClockOptions options_;
  Rng shuffle_;
  sc_core::sc_event tick_event_;
  std::vector<Enrolled> devices_;
  std::vector<Cycle> collected_;  // by device: the cycle in which it was collected last
  FlightPool flights_;
  std::vector<Device*> due_;
  Cycle now_ = 0;
  Cycle armed_ = 0;
  bool started_ = false;
  bool ticking_ = false;
  bool crowded_ = false;  // the latest cycle had so many devices that fetching pays
  std::array<Slot, wheel_cycles> wheel_;
  std::array<std::uint64_t, wheel_cycles / 64> occupied_{};
  std::uint64_t occupied_words_ = 0;
  std::vector<Block> blocks_;
  std::uint32_t free_block_ = no_block;
  std::priority_queue<FarWake, std::vector<FarWake>, std::greater<>> far_;
  std::multimap<Cycle, std::function<void()>> changes_;
  std::exception_ptr failure_;
  CycleObserver* observer_ = nullptr;
  std::unique_ptr<sc_core::sc_module> ticker_;
};

}  // namespace heddle
