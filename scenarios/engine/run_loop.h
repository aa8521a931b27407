// What every simulation does around its calendar: runs it slice by slice until nothing is left to
// be done, nothing moves, or the time is over; reports progress, keeps waves, says who waits.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/measurement.h"
#include "engine/scenario.h"
#include "engine/simulation.h"
#include "engine/wave_trace.h"
#include "kernel/environment.h"

namespace heddle {

class RunLoop {
 public:
  /// What is passed must outlive the loop; clock and packets need not exist yet.
  RunLoop(const Scenario& scenario, const RunOptions& options, const Environment& environment)
      : scenario_(scenario), options_(options), environment_(environment) {}
  virtual ~RunLoop() = default;
  RunLoop(const RunLoop&) = delete;
  RunLoop& operator=(const RunLoop&) = delete;

 protected:
  /// Nothing is left to be done, and nothing is under way.
  virtual bool drained() const = 0;
  /// Something is under way, so that silence would mean that it is stuck.
  virtual bool waiting() const = 0;
  /// The last time that something arrived where it was to go.
  virtual Cycle last_progress() const = 0;
  virtual std::uint64_t frame_hops() const = 0;
  /// First cycle in which nothing moves any more.
  virtual Cycle quiet_from() const = 0;
  /// The scenario acts between two cycles: in which it does so next, or never; and how.
  virtual Cycle next_event() const { return never; }
  virtual void act() {}
  virtual void run_until(Cycle cycle);

  /// The whole run, with the waves that the options ask for. Those that led to a failed check are
  /// kept, an interrupted run's are not.
  RunStatus advance(const Devices& devices, const Links& links);

  /// What happens in this cycle is still to come.
  Cycle elapsed() const { return elapsed_; }
  bool drained_from_outside() const { return drained() && !outside_busy(); }
  double wall_s() const;

  /// A broken law, found at the end.
  [[noreturn]] void fail_at_the_end(const CheckFailure& failure) const;
  /// "no progress since cycle n; who waits for whom:" and the first of the lines.
  std::string no_progress_text(const std::vector<std::string>& waits) const;

  const Scenario& scenario_;
  const RunOptions& options_;

 private:
  RunStatus advance();
  Cycle next_stop(Cycle deadline, bool outside) const;
  bool ask_user();
  bool outside_busy() const { return options_.outside_busy && options_.outside_busy(); }

  Environment environment_;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point reported_ = begin_;
  Cycle elapsed_ = 0;
  WaveTrace* waves_ = nullptr;  // until the run is over
  bool interrupted_ = false;
};

/// As results.json spells it.
std::string status_text(RunStatus status);

}  // namespace heddle
