// A chip: cores, the stacks of memory that they share, and the barriers that join them.
//
// A barrier that the last core reaches in cycle t is over in t + barrier; one with bytes first has
// the chips reduce so many together (a collective), and is over that much later.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "accelerator/accelerator_core.h"
#include "accelerator/hbm.h"

namespace heddle {

class Chip : public ChipLink {
 public:
  /// Reduces `bytes` with the other chips from cycle `now` on. `done(at)` is called in a later
  /// cycle; the result may be used from cycle `at` on, later than that one.
  using Collective =
      std::function<void(std::uint64_t bytes, Cycle now, std::function<void(Cycle at)> done)>;

  /// The names of its devices begin with `name`. Without `collective` a barrier is one of this
  /// chip alone.
  Chip(const std::string& name, Clock& clock, const AcceleratorConfig& config,
       const std::vector<SemaphoreInfo>& semaphores, KernelSource& program, Collective collective);

  // The cores know where it is.
  Chip(const Chip&) = delete;
  Chip& operator=(const Chip&) = delete;

  void arrive(unsigned core, std::uint64_t bytes, Cycle now) override;

  const std::vector<std::unique_ptr<AcceleratorCore>>& cores() const { return cores_; }
  const std::vector<std::unique_ptr<Hbm>>& memories() const { return memories_; }

  bool done() const;
  Cycle last_progress() const;
  /// When the last instruction or transfer was done.
  Cycle finished_at() const;

 private:
  void release(Cycle at, Cycle collective_from);

  std::vector<std::unique_ptr<Hbm>> memories_;
  std::vector<std::unique_ptr<AcceleratorCore>> cores_;
  Cycle barrier_cycles_;
  Collective collective_;
  std::size_t arrived_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace heddle
