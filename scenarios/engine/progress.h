// What people see while variants run.
#pragma once

#include <chrono>
#include <map>
#include <string>

#include "engine/simulation.h"

namespace heddle {

/// Writes to standard error: on a terminal one line per running variant, rewritten in place;
/// elsewhere a line per variant every ten seconds at most; nothing at all when quiet.
class ProgressDisplay {
 public:
  explicit ProgressDisplay(bool quiet);
  ~ProgressDisplay() { erase(); }
  ProgressDisplay(const ProgressDisplay&) = delete;
  ProgressDisplay& operator=(const ProgressDisplay&) = delete;

  /// `deadline_ns` is the simulated time at which the variant ends at the latest.
  void update(const std::string& variant, const Progress& progress, double deadline_ns);

  /// The variant runs no longer; `sentence` says how it went.
  void finish(const std::string& variant, const std::string& sentence);

 private:
  using Clock = std::chrono::steady_clock;

  void erase();
  void draw();

  bool quiet_;
  bool terminal_;
  std::map<std::string, std::string> lines_;  ///< of running variants
  std::size_t drawn_ = 0;                     ///< lines now on the terminal
  std::map<std::string, Clock::time_point> printed_;
  Clock::time_point start_ = Clock::now();
};

/// Columns of the terminal behind a file descriptor; 100 when it is none.
unsigned terminal_width(int descriptor);

}  // namespace heddle
