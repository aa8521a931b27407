#include "kernel/clock.h"

#include <fmt/format.h>

#include <utility>

#include "kernel/device.h"
#include "kernel/error.h"
#include "kernel/link.h"

namespace heddle {

namespace {

/// SystemC starts with this process; a primitive channel cannot have one.
class Ticker : public sc_core::sc_module {
 public:
  SC_HAS_PROCESS(Ticker);
  Ticker(const sc_core::sc_module_name& module_name, const sc_core::sc_event& event,
         std::function<void()> tick)
      : sc_core::sc_module(module_name), tick_(std::move(tick)) {
    SC_METHOD(run);
    sensitive << event;
    dont_initialize();
  }

 private:
  void run() { tick_(); }
  std::function<void()> tick_;
};

}  // namespace

Clock::Clock(const char* name, const ClockOptions& options)
    : sc_core::sc_prim_channel(name),
      options_(options),
      shuffle_(options.seed, name, "device order"),
      ticker_(std::make_unique<Ticker>("ticker", tick_event_, [this] { tick(); })) {
  wheel_.fill(no_block);
}

Clock::~Clock() = default;

std::uint32_t Clock::enroll(Device& device) {
  devices_.push_back(&device);
  return static_cast<std::uint32_t>(devices_.size() - 1);
}

void Clock::wake(std::uint32_t device, std::uint32_t reason, Cycle at, const void* touches) {
  schedule({device, reason, reinterpret_cast<std::uintptr_t>(touches)}, at);
}

void Clock::wake(std::uint32_t device, std::uint32_t reason, Cycle at, const Link& link) {
  schedule({device, reason, reinterpret_cast<std::uintptr_t>(&link) | 1}, at);
}

void Clock::schedule(const Wake& wake, Cycle at) {
  if (started_ && at <= now_) throw CheckFailure("a wake-up for a cycle that is over");
  if (started_ && !ticking_) request_update();  // from outside: the next tick may come earlier
  if (at - now_ < wheel_cycles) {
    insert(wake, at);
  } else {
    far_.push({at, wake});
  }
}

void Clock::insert(const Wake& wake, Cycle at) {
  const auto slot = static_cast<std::uint32_t>(at % wheel_cycles);
  std::uint32_t& head = wheel_[slot];
  if (head == no_block) {
    head = new_block(no_block);
    occupied_[slot / 64] |= std::uint64_t{1} << (slot % 64);
    occupied_words_ |= std::uint64_t{1} << (slot / 64);
  } else if (blocks_[head].count == blocks_[head].wakes.size()) {
    head = new_block(head);
  }
  Block& block = blocks_[head];
  block.wakes[block.count++] = wake;
}

std::uint32_t Clock::new_block(std::uint32_t next) {
  std::uint32_t number = free_block_;
  if (number == no_block) {
    number = static_cast<std::uint32_t>(blocks_.size());
    blocks_.emplace_back();
  } else {
    free_block_ = blocks_[number].next;
  }
  blocks_[number].next = next;
  blocks_[number].count = 0;
  return number;
}

Cycle Clock::next_in_wheel() const {
  static_assert(wheel_cycles == 64 * 64, "one summary word must cover the wheel");
  if (occupied_words_ == 0) return never;
  const auto start = static_cast<std::uint32_t>((now_ + 1) % wheel_cycles);
  const std::uint32_t word = start / 64;
  std::uint32_t slot;
  if (const std::uint64_t here = occupied_[word] & (~std::uint64_t{0} << (start % 64)); here != 0) {
    slot = word * 64 + static_cast<std::uint32_t>(__builtin_ctzll(here));
  } else {
    const std::uint64_t above = word == 63 ? 0 : ~std::uint64_t{0} << (word + 1);
    const std::uint64_t later = occupied_words_ & above;
    const auto found =
        static_cast<std::uint32_t>(__builtin_ctzll(later != 0 ? later : occupied_words_));
    slot = found * 64 + static_cast<std::uint32_t>(__builtin_ctzll(occupied_[found]));
  }
  return now_ + 1 + (slot + wheel_cycles - start) % wheel_cycles;
}

Cycle Clock::next_cycle() const {
  if (options_.wake_every_cycle) return now_ + 1;
  const Cycle near = next_in_wheel();
  return far_.empty() ? near : std::min(near, far_.top().at);
}

void Clock::start() {
  started_ = true;
  request_update();
}

void Clock::update() {
  const Cycle next = next_cycle();
  if (next == never || failure_) return;
  armed_ = next;
  const sc_core::sc_time at(static_cast<double>(next * options_.period_ps), sc_core::SC_PS);
  if (at < sc_core::sc_time_stamp()) throw CheckFailure("a wake-up for a time that is over");
  tick_event_.notify(at - sc_core::sc_time_stamp());
}

void Clock::tick() {
  now_ = armed_;
  ticking_ = true;
  due_.clear();
  if (options_.wake_every_cycle) collect_all();
  collect();
  if (options_.shuffle_devices) shuffle_due();
  for (Device* device : due_) device->run();
  ticking_ = false;
  request_update();
}

void Clock::shuffle_due() {
  for (std::size_t i = due_.size(); i > 1; --i) {
    std::swap(due_[i - 1], due_[shuffle_.below(static_cast<std::uint32_t>(i))]);
  }
}

/// A large fabric does not fit the cache, and most of a cycle would be waiting for memory, one line
/// after the other. What the cycle's devices look at first is requested here for all of them
/// at once, in three rounds: each round's addresses come from what the round before has brought.
void Clock::fetch(std::uint32_t first) const {
  const auto for_each_wake = [&](auto&& f) {
    for (std::uint32_t block = first; block != no_block; block = blocks_[block].next) {
      for (std::uint32_t i = 0; i < blocks_[block].count; ++i) f(blocks_[block].wakes[i]);
    }
  };
  const auto for_each_link = [&](auto&& f) {
    for_each_wake([&](const Wake& wake) {
      if ((wake.touches & 1) != 0) f(*reinterpret_cast<const Link*>(wake.touches - 1));
    });
  };
  for_each_wake([&](const Wake& wake) {
    __builtin_prefetch(&devices_[wake.device]->due_);
    if ((wake.touches & 1) != 0) {
      reinterpret_cast<const Link*>(wake.touches - 1)->fetch();
    } else if (wake.touches != 0) {
      __builtin_prefetch(reinterpret_cast<const void*>(wake.touches));
    }
  });
  for_each_link([](const Link& link) { link.fetch_frame(); });
  for_each_link([](const Link& link) { link.fetch_record(); });
}

void Clock::collect() {
  while (!far_.empty() && far_.top().at < now_ + wheel_cycles) {
    insert(far_.top().wake, far_.top().at);
    far_.pop();
  }
  const auto slot = static_cast<std::uint32_t>(now_ % wheel_cycles);
  std::uint32_t number = std::exchange(wheel_[slot], no_block);
  fetch(number);
  if ((occupied_[slot / 64] &= ~(std::uint64_t{1} << (slot % 64))) == 0) {
    occupied_words_ &= ~(std::uint64_t{1} << (slot / 64));
  }
  while (number != no_block) {
    Block& block = blocks_[number];
    for (std::uint32_t i = 0; i < block.count; ++i) {
      Device& device = *devices_[block.wakes[i].device];
      device.due_.set(block.wakes[i].reason);
      if (device.collected_ != now_) {
        device.collected_ = now_;
        device.fetch();
        due_.push_back(&device);
      }
    }
    const std::uint32_t next = block.next;
    block.next = free_block_;
    free_block_ = number;
    number = next;
  }
}

void Clock::collect_all() {
  for (Device* device : devices_) {
    device->collected_ = now_;
    device->due_.set_all();
    due_.push_back(device);
  }
}

void Clock::fail(std::exception_ptr failure) {
  if (!failure_) failure_ = std::move(failure);
}

void Device::run() {
  if (clock_.failure()) return;
  try {
    cycle();
  } catch (const CheckFailure& failure) {
    clock_.fail(std::make_exception_ptr(CheckFailure(fmt::format(
        "check failed: {}\n  cycle {}, device {}, seed {}\n  reproduce: {}", failure.what(), now(),
        path(), clock_.options().seed, clock_.options().reproduce))));
  } catch (...) {
    clock_.fail(std::current_exception());
  }
}

}  // namespace heddle
