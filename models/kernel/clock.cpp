#include "kernel/clock.h"

#include <fmt/format.h>

#include <utility>

#include "kernel/device.h"
#include "kernel/prefetch.h"

namespace heddle {

namespace {

constexpr std::size_t crowd = 24;  // devices; fewer find most of what they need in the cache

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
      ticker_(std::make_unique<Ticker>("ticker", tick_event_, [this] { tick(); })) {}

Clock::~Clock() = default;

std::uint32_t Clock::enroll(Device& device) {
  devices_.push_back({&device, 2});  // `due_` and what stands beside it
  collected_.push_back(never);
  return static_cast<std::uint32_t>(devices_.size() - 1);
}

void Clock::add_block(Slot& slot, Cycle at) {
  std::uint32_t number = free_block_;
  if (number == no_block) {
    number = static_cast<std::uint32_t>(blocks_.size());
    blocks_.emplace_back();
  } else {
    free_block_ = blocks_[number].next;
  }
  blocks_[number].next = slot.block;
  slot = {number, 0};
  const auto cycle = static_cast<std::uint32_t>(at % wheel_cycles);
  occupied_[cycle / 64] |= std::uint64_t{1} << (cycle % 64);
  occupied_words_ |= std::uint64_t{1} << (cycle / 64);
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
  const sc_core::sc_time at = time_of(next);
  if (at < sc_core::sc_time_stamp()) throw CheckFailure("a wake-up for a time that is over");
  tick_event_.notify(at - sc_core::sc_time_stamp());
}

void Clock::tick() {
  now_ = armed_;
  ticking_ = true;
  if (!changes_.empty()) apply_changes();
  due_.clear();
  if (options_.wake_every_cycle) collect_all();
  collect();
  if (options_.shuffle_devices) shuffle_due();
  run();
  if (observer_ != nullptr) show();
  ticking_ = false;
  request_update();
}

void Clock::show() {
  if (failure_) return;
  try {
    observer_->cycle_ended(now_, due_);
  } catch (...) {
    fail(std::current_exception());
  }
}

void Clock::apply_changes() {
  while (!changes_.empty() && changes_.begin()->first <= now_) {
    changes_.begin()->second();
    changes_.erase(changes_.begin());
  }
}

Cycle Clock::first_cycle_after(const sc_core::sc_time& time) const {
  const auto picoseconds = static_cast<std::uint64_t>(time / sc_core::sc_time(1, sc_core::SC_PS));
  return picoseconds / options_.period_ps + 1;
}

void Clock::shuffle_due() {
  for (std::size_t i = due_.size(); i > 1; --i) {
    std::swap(due_[i - 1], due_[shuffle_.below(static_cast<std::uint32_t>(i))]);
  }
}

void Clock::run() {
  if (crowded_) {
    for (unsigned round = 0; round < Device::fetch_rounds; ++round) {
      for (const Device* device : due_) device->fetch(round);
    }
  }
  if (failure_) return;
  auto device = due_.begin();
  try {
    for (; device != due_.end(); ++device) (*device)->cycle();
  } catch (const CheckFailure& failure) {
    fail(std::make_exception_ptr(CheckFailure(
        fmt::format("check failed: {}\n  cycle {}, device {}, seed {}\n  reproduce: {}",
                    failure.what(), now_, (*device)->path(), options_.seed, options_.reproduce))));
  } catch (...) {
    fail(std::current_exception());
  }
}

void Clock::fetch(const Enrolled& enrolled) const {
  const char* line = reinterpret_cast<const char*>(&enrolled.device->due_);
  for (std::ptrdiff_t i = 0; i < enrolled.hot_lines; ++i) prefetch(line + 64 * i);
}

/// A large fabric does not fit the cache, and most of a cycle would be waiting for memory, one line
/// after the other. So what all devices will look at is requested before the first one looks.
void Clock::collect() {
  while (!far_.empty() && far_.top().at < now_ + wheel_cycles) {
    insert(far_.top().wake, far_.top().at);
    far_.pop();
  }
  const auto cycle = static_cast<std::uint32_t>(now_ % wheel_cycles);
  Slot slot = std::exchange(wheel_[cycle], Slot{});
  if ((occupied_[cycle / 64] &= ~(std::uint64_t{1} << (cycle % 64))) == 0) {
    occupied_words_ &= ~(std::uint64_t{1} << (cycle / 64));
  }
  while (slot.block != no_block) {
    Block& block = blocks_[slot.block];
    if (crowded_ && block.next != no_block) prefetch_all(blocks_[block.next]);
    for (std::uint32_t i = 0; i < slot.count; ++i) collect(block.wakes[i]);
    for (std::uint32_t i = 0; i < slot.count; ++i) {
      const Wake& wake = block.wakes[i];
      devices_[wake.device].device->due_.set(wake.reason);
    }
    const std::uint32_t next = std::exchange(block.next, free_block_);
    free_block_ = slot.block;
    slot = {next, static_cast<std::uint32_t>(block.wakes.size())};
  }
  crowded_ = due_.size() >= crowd;
}

/// All but the reason, which is in memory that is being asked for.
void Clock::collect(const Wake& wake) {
  if (std::exchange(collected_[wake.device], now_) != now_) {
    const Enrolled& enrolled = devices_[wake.device];
    due_.push_back(enrolled.device);
    if (crowded_) fetch(enrolled);
  }
  if (!crowded_) return;
  for (const void* memory : wake.outlook) {
    if (memory == nullptr) return;
    prefetch(memory);
  }
}

void Clock::collect_all() {
  for (std::uint32_t i = 0; i < devices_.size(); ++i) {
    collected_[i] = now_;
    devices_[i].device->due_.set_all();
    due_.push_back(devices_[i].device);
  }
}

void Clock::fail(std::exception_ptr failure) {
  if (!failure_) failure_ = std::move(failure);
}

}  // namespace heddle
