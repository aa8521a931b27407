#include "kernel/clock.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "kernel/device.h"
#include "kernel/input.h"
#include "kernel/prefetch.h"

namespace heddle {

namespace {

constexpr std::size_t crowd = 24;   // devices; fewer find most of what they need in the cache
constexpr std::size_t large = 256;  // devices; fewer find everything in the cache
constexpr unsigned ahead = 2;       // entries of each calendar, while one device runs

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
  devices_.push_back({&device, 0});
  collected_.push_back(never);
  return static_cast<std::uint32_t>(devices_.size() - 1);
}

Cycle Clock::next_cycle() const {
  if (options_.wake_every_cycle) return now_ + 1;
  return std::min(wakes_.next(now_), arrivals_.next(now_));
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
  wakes_.clear(now_);
  arrivals_.clear(now_);
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
  return ((picoseconds + 1) * options_.period_cycles + options_.period_ps - 1) / options_.period_ps;
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
    for (; device != due_.end(); ++device) {
      if (is_large()) look_ahead();
      (*device)->cycle();
    }
  } catch (const CheckFailure& failure) {
    fail(std::make_exception_ptr(CheckFailure(
        fmt::format("check failed: {}\n  cycle {}, device {}, seed {}\n  reproduce: {}",
                    failure.what(), now_, (*device)->path(), options_.seed, options_.reproduce))));
  } catch (...) {
    fail(std::current_exception());
  }
}

void Clock::collect() {
  wakes_.advance(now_);
  arrivals_.advance(now_);
  Calendar<Arrival>::Reader arrivals(arrivals_, now_);
  for (auto i = arrivals.next(arrivals_); i != arrivals_.none; i = arrivals.next(arrivals_)) {
    const Arrival& arrival = arrivals_[i];
    if (arrival.device == nobody) continue;
    collect(arrival.device).put_arrival(arrival.reason, i);
    --frames_under_way_;
  }
  Calendar<Wake>::Reader wakes(wakes_, now_);
  for (auto i = wakes.next(wakes_); i != wakes_.none; i = wakes.next(wakes_)) {
    collect(wakes_[i].device).due_.set(wakes_[i].reason);
  }
  crowded_ = due_.size() >= crowd;
  if (!is_large()) return;
  const Cycle next = next_cycle();
  wakes_ahead_ = {wakes_, next};
  arrivals_ahead_ = {arrivals_, next};
}

Device& Clock::collect(std::uint32_t device) {
  Device& found = *devices_[device].device;
  if (std::exchange(collected_[device], now_) != now_) due_.push_back(&found);
  return found;
}

bool Clock::is_large() const { return devices_.size() >= large; }

/// A large fabric does not fit the cache, and most of a cycle would be waiting for memory, one line
/// after the other. So while the devices of a cycle run, what those of the next one will look at is
/// on its way.
void Clock::look_ahead() {
  for (unsigned n = 0; n < ahead; ++n) {
    if (const auto place = arrivals_ahead_.next(arrivals_); place != arrivals_.none) {
      const Arrival& arrival = arrivals_[place];
      if (arrival.device == nobody) continue;
      fetch(arrival.device);
      if (packets_ != nullptr) prefetch(packets_->address(arrival.frame.packet));
    }
    if (const auto place = wakes_ahead_.next(wakes_); place != wakes_.none) {
      const Wake& wake = wakes_[place];
      fetch(wake.device);
      for (const void* memory : wake.outlook) prefetch(memory);
    }
  }
}

void Clock::fetch(std::uint32_t device) const {
  const Enrolled& enrolled = devices_[device];
  const char* line = reinterpret_cast<const char*>(&enrolled.device->due_);
  for (std::ptrdiff_t i = 0; i < enrolled.hot_lines; ++i) prefetch(line + 64 * i);
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

void Clock::bind_input(std::uint32_t device, std::uint32_t reason, const Input& input) {
  devices_.at(device).device->bind_input(reason, input);
}

void Clock::under_way(std::uint32_t device, std::uint32_t reason,
                      const std::function<void(Cycle, const Frame&)>& f) {
  std::vector<std::pair<Cycle, Frame>> found;
  arrivals_.for_each(now_, [&](Cycle at, const Arrival& arrival) {
    if (arrival.device == device && arrival.reason == reason) found.push_back({at, arrival.frame});
  });
  std::stable_sort(found.begin(), found.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  for (const auto& [at, frame] : found) f(at, frame);
}

void Clock::lose(std::uint32_t device, std::uint32_t reason,
                 const std::function<void(const Frame&)>& f) {
  arrivals_.for_each(now_, [&](Cycle, Arrival& arrival) {
    if (arrival.device != device || arrival.reason != reason) return;
    arrival.device = nobody;
    --frames_under_way_;
    f(arrival.frame);
  });
}

}  // namespace heddle
