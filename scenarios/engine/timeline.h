// What the engines of a chip do, as a trace that opens in Perfetto and chrome://tracing: a process
// per core, a row per engine (loads of the array apart) and per DMA queue, arrows for what an
// instruction has waited for, and counters for PSUM, memory rate and throttle: where they change,
// and once more at the end.
//
// Such files count microseconds and keep whole nanoseconds, so one cycle is written as 1 ns; the
// clock stands in the file's `otherData` and in the names of the processes.
#pragma once

#include <array>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <queue>
#include <string>
#include <utility>
#include <vector>

#include "accelerator/accelerator_core.h"

namespace heddle {

struct TimelineOptions {
  std::filesystem::path file;
  Duration begin{0};
  Duration end{~std::uint64_t{0}};  ///< what goes on between them is shown
};

/// Of one chip.
class Timeline : public CoreObserver {
 public:
  /// Throws InputError when the file cannot be written. The file is complete after close().
  Timeline(const TimelineOptions& options, const AcceleratorConfig& config, const Clock& clock);
  ~Timeline() override;

  void instruction(const CoreSpan& span) override;
  void waited(unsigned core, Engine engine, CycleCause cause, const std::string& semaphore,
              Cycle begin, Cycle end) override;
  void transfer(unsigned core, const FinishedTransfer& transfer) override;
  void dependency(const CoreDependency& dependency) override;
  void throttle(unsigned core, Cycle at, double limit) override;

  /// Writes what is left and puts the file in its place. Throws InputError when it cannot.
  void close();

 private:
  /// Rows of a core, in the order in which they are shown.
  enum Row : unsigned {
    tensor_multiply = 1,
    tensor_load,
    vector_row,
    scalar_row,
    gpsimd_row,
    sync_row,
    waits_row,  ///< and one per engine
    first_queue = 16
  };
  enum Counter : unsigned { psum_banks, memory_rate, throttle_limit, counters };
  /// What of a counter was written last.
  struct Counted {
    Cycle at = never;  ///< never: nothing
    double value = 0;
  };
  /// The cycle from which on so many banks more are in use.
  using BankChange = std::pair<Cycle, int>;
  struct CoreState {
    std::vector<bool> bank_filled;
    std::vector<Cycle> bank_free_at;  ///< its sums have been taken
    std::priority_queue<BankChange, std::vector<BankChange>, std::greater<>> changes;
    int banks_filled = 0;
    double limit = -1;
    std::vector<Cycle> queue_shown_until;
    std::array<Counted, counters> counted;
    Cycle latest = 0;  ///< that something of it is shown in
  };

  static unsigned row_of(Engine engine, Opcode opcode);
  bool shown(Cycle at) const { return at >= begin_ && at < end_; }
  bool shown(Cycle begin, Cycle end) const { return begin < end_ && end > begin_; }
  void name_rows(const AcceleratorConfig& config);
  void metadata(unsigned core, unsigned row, const char* what, const std::string& name);
  void slice(unsigned core, unsigned row, const std::string& name, Cycle begin, Cycle end,
             const std::string& arguments);
  void counter(Counter which, unsigned core, Cycle at, double value);
  void prolong_counters();
  void count_banks(const CoreSpan& span);
  void show_banks(unsigned core, Cycle until);
  void count_bytes(const FinishedTransfer& transfer);
  void write_rates();
  void write(const std::string& event);

  struct Closer {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::filesystem::path path_;
  std::filesystem::path unfinished_;
  std::unique_ptr<std::FILE, Closer> file_;
  Cycle begin_;
  Cycle end_;
  Cycle rate_window_;
  double bytes_per_cycle_to_gb_;
  bool first_ = true;
  bool failed_ = false;
  std::uint64_t arrows_ = 0;
  std::vector<CoreState> cores_;
  std::vector<std::uint64_t> bytes_;  // by window of time, of all cores
};

}  // namespace heddle
