#include "engine/run_loop.h"

#include <fmt/format.h>

#include <algorithm>
#include <systemc>

#include "engine/loader.h"

namespace heddle {

namespace {

constexpr Cycle slice_cycles = 1000;  // between two looks at the run from outside

}  // namespace

void RunLoop::run_until(Cycle cycle) {
  const Clock& clock = environment_.clock;
  sc_core::sc_start(clock.time_of(cycle) - clock.time_of(elapsed_));
  elapsed_ = cycle;
  if (clock.failure()) std::rethrow_exception(clock.failure());
}

RunStatus RunLoop::advance() {
  const Clock& clock = environment_.clock;
  const Cycle deadline = clock.cycles(scenario_.measure.deadline);
  const Cycle watchdog = clock.cycles(scenario_.measure.watchdog);
  while (elapsed_ < deadline) {
    const bool outside = outside_busy();
    if (std::min(clock.next_cycle(), next_event()) == never && !outside) break;
    if (next_event() == elapsed_) act();
    if (waves_ != nullptr && !waves_->begun() && elapsed_ == waves_->begin_cycle()) waves_->begin();
    run_until(next_stop(deadline, outside));
    if (drained_from_outside()) break;
    if (waiting() && elapsed_ >= last_progress() + watchdog) return RunStatus::no_progress;
    if (ask_user()) break;  // the caller knows, and drops the outcome
  }
  if (drained()) return RunStatus::done;
  return elapsed_ < deadline ? RunStatus::no_progress : RunStatus::deadline;
}

/// Where the run is looked at next.
Cycle RunLoop::next_stop(Cycle deadline, bool outside) const {
  const Clock& clock = environment_.clock;
  const Cycle next = outside ? 0 : std::min(clock.next_cycle(), next_event());
  Cycle until = std::min(deadline, std::max(next, elapsed_) + slice_cycles);
  // Frames that say who is alive never end, so a run with events ends where it is looked at: that
  // must not depend on who has slept.
  if (next_event() != never) until = std::min(deadline, next_event());
  if (waiting()) {
    until = std::min(until, last_progress() + clock.cycles(scenario_.measure.watchdog));
  }
  if (waves_ != nullptr && !waves_->begun()) until = std::min(until, waves_->begin_cycle());
  return std::max(until, elapsed_ + 1);
}

RunStatus RunLoop::advance(const Devices& devices, const Links& links) {
  begin_ = std::chrono::steady_clock::now();
  if (!options_.trace) return advance();
  WaveTrace waves(
      *options_.trace,
      fmt::format("{}, {}, seed {}", scenario_.name, label_of(scenario_), scenario_.seed), devices,
      links, environment_.clock, environment_.packets);
  waves_ = &waves;
  try {
    const RunStatus status = advance();
    if (!interrupted_) waves.keep(drained() ? quiet_from() : elapsed_);
    return status;
  } catch (const CheckFailure&) {
    try {
      if (waves.begun()) waves.keep(environment_.clock.now());
    } catch (const InputError&) {
      // The failed check is what matters.
    }
    throw;
  }
}

bool RunLoop::ask_user() {
  if (!options_.progress) return false;
  const auto now = std::chrono::steady_clock::now();
  if (now - reported_ < std::chrono::milliseconds(200)) return false;
  reported_ = now;
  const double elapsed_ns = environment_.clock.time_of(elapsed_).to_seconds() * 1e9;
  interrupted_ = !options_.progress({elapsed_ns, frame_hops(), wall_s()});
  return interrupted_;
}

double RunLoop::wall_s() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
}

void RunLoop::fail_at_the_end(const CheckFailure& failure) const {
  throw CheckFailure(
      fmt::format("check failed: {}\n  at the end, cycle {}, seed {}\n  reproduce: {}",
                  failure.what(), elapsed_, scenario_.seed, options_.reproduce));
}

std::string RunLoop::no_progress_text(const std::vector<std::string>& waits) const {
  constexpr std::size_t shown = 40;
  std::string text =
      fmt::format("no progress since cycle {}; who waits for whom:", last_progress());
  for (std::size_t i = 0; i < std::min(shown, waits.size()); ++i) text += "\n  " + waits[i];
  if (waits.size() > shown) text += fmt::format("\n  and {} more", waits.size() - shown);
  return text;
}

std::string status_text(RunStatus status) {
  return status == RunStatus::done          ? "done"
         : status == RunStatus::no_progress ? "no_progress"
                                            : "deadline";
}

}  // namespace heddle
