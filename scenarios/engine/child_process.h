// One simulation in a process of its own, and what it says to its parent.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "engine/simulation.h"

namespace heddle {

using Simulate = std::function<RunOutcome(const Scenario&, const RunOptions&)>;

/// A variant that runs. Messages are lines of JSON through a pipe: any number
/// of progress reports, then one outcome.
class ChildProcess {
 public:
  /// How the child ended. `outcome` is absent when it was interrupted or failed.
  struct End {
    std::optional<RunOutcome> outcome;
    int exit_code = 0;
    std::string explanation;
  };

  /// Forks. The child never returns from here; it closes `siblings`, so that each pipe has one
  /// reader and a child whose parent is gone is ended by its next report. Throws InputError when
  /// the system allows no more processes.
  ChildProcess(const Scenario& scenario, const RunOptions& options, const Simulate& simulate,
               const std::vector<ChildProcess>& siblings);
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  /// Kills a child that still runs.
  ~ChildProcess();

  int descriptor() const { return descriptor_; }

  /// Reads what has arrived. False once the child has closed its end.
  bool receive(const std::function<void(const Progress&)>& on_progress);

  /// Waits for the end of the process; call once `receive` has returned false.
  End end();

  void stop(int signal) const;

 private:
  void take_line(const std::string& line, const std::function<void(const Progress&)>& on_progress);

  pid_t pid_ = -1;
  int descriptor_ = -1;
  std::string buffer_;
  std::string final_line_;
};

/// While one exists, SIGINT and SIGTERM set a flag instead of ending the process; children forked
/// meanwhile inherit that.
class InterruptGuard {
 public:
  InterruptGuard();
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

  /// How many such signals have come.
  static int interrupts();

 private:
  void (*previous_int_)(int);
  void (*previous_term_)(int);
};

}  // namespace heddle
