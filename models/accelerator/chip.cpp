#include "accelerator/chip.h"

#include <fmt/format.h>

#include <algorithm>

namespace heddle {

Chip::Chip(const std::string& name, Clock& clock, const AcceleratorConfig& config,
           const std::vector<SemaphoreInfo>& semaphores, KernelSource& program,
           Collective collective)
    : barrier_cycles_(std::max<Cycle>(1, clock.cycles(config.barrier))),
      collective_(std::move(collective)) {
  for (std::uint64_t stack = 0; stack < config.memory.stacks; ++stack) {
    memories_.push_back(std::make_unique<Hbm>(fmt::format("{}_hbm{}", name, stack).c_str(), clock,
                                              config.memory.stack));
  }
  for (unsigned number = 0; number < config.cores; ++number) {
    cores_.push_back(
        std::make_unique<AcceleratorCore>(fmt::format("{}_core{}", name, number).c_str(), clock,
                                          config, number, semaphores, program));
    AcceleratorCore& core = *cores_.back();
    core.connect(*this);
    for (unsigned stack = 0; stack < memories_.size(); ++stack) {
      core.memory_socket(stack).bind(memories_[stack]->socket);
    }
  }
}

void Chip::arrive(unsigned, std::uint64_t bytes, Cycle now) {
  if (arrived_++ == 0) bytes_ = bytes;
  if (bytes != bytes_) throw CheckFailure("the cores of a chip are at different barriers");
  if (arrived_ < cores_.size()) return;
  arrived_ = 0;
  if (bytes == 0 || !collective_) return release(now + barrier_cycles_, never);
  collective_(bytes, now, [this, now](Cycle at) { release(at + barrier_cycles_, now); });
}

void Chip::release(Cycle at, Cycle collective_from) {
  for (const auto& core : cores_) core->release_barrier(at, collective_from);
}

bool Chip::done() const {
  return std::all_of(cores_.begin(), cores_.end(), [](const auto& core) { return core->done(); });
}

Cycle Chip::last_progress() const {
  Cycle last = 0;
  for (const auto& core : cores_) last = std::max(last, core->last_progress());
  return last;
}

Cycle Chip::finished_at() const {
  Cycle last = 0;
  for (const auto& core : cores_) last = std::max(last, core->finished_at());
  return last;
}

}  // namespace heddle
