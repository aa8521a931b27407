#include "parts/dram_scheduler.h"

namespace heddle {

DramScheduler::DramScheduler(const DramTiming& timing, unsigned banks, Cycle first_refresh,
                             const Policy& policy)
    : policy_(policy), channel_(timing, banks, first_refresh) {
  for (Queue& queue : queues_) queue.reserve(policy.queue);
}

void DramScheduler::take_turns() {
  if (queues_[!write_turn_].empty()) return;
  if (!queues_[write_turn_].empty() && served_in_turn_ < policy_.batch) return;
  write_turn_ = !write_turn_;
  served_in_turn_ = 0;
  ++counts_.turns;
}

std::size_t DramScheduler::candidates(const Queue& queue) const {
  if (!queue.empty() && queue.front().overtaken >= policy_.age_limit) return 1;
  return std::min<std::size_t>(policy_.window, queue.size());
}

DramScheduler::Choice DramScheduler::choose_column(Cycle now) const {
  const Queue& queue = queues_[write_turn_];
  const std::size_t count = candidates(queue);
  Cycle next = never;
  for (std::size_t i = 0; i < count; ++i) {
    if (channel_.open_row(queue[i].bank) != queue[i].row) continue;
    const Cycle earliest = channel_.earliest_column(queue[i].bank, write_turn_);
    if (earliest <= now) return {true, i, now + 1};
    next = std::min(next, earliest);
  }
  return {false, 0, next};
}

DramAccess DramScheduler::take(std::size_t index) {
  Queue& queue = queues_[write_turn_];
  const DramAccess access = queue[index];
  for (std::size_t i = 0; i < index; ++i) ++queue[i].overtaken;
  queue.erase(queue.begin() + static_cast<std::ptrdiff_t>(index));
  ++served_in_turn_;
  ++(access.opened ? counts_.row_misses : counts_.row_hits);
  counts_.data_cycles += access.data_cycles;
  return access;
}

std::uint64_t DramScheduler::banks_hit(const Queue& queue) const {
  std::uint64_t banks = 0;
  const std::size_t count = candidates(queue);
  for (std::size_t i = 0; i < count; ++i) {
    if (channel_.open_row(queue[i].bank) == queue[i].row)
      banks |= std::uint64_t{1} << queue[i].bank;
  }
  return banks;
}

Cycle DramScheduler::issue_row_command(Cycle now) {
  Cycle next = never;
  std::uint64_t spoken_for = 0;  // banks in which an older access has been considered
  for (const bool write : {write_turn_, !write_turn_}) {
    Queue& queue = queues_[write];
    const std::uint64_t hit = banks_hit(queue);
    const std::size_t count = candidates(queue);
    for (std::size_t i = 0; i < count; ++i) {
      DramAccess& access = queue[i];
      const std::uint64_t bank = std::uint64_t{1} << access.bank;
      if (((spoken_for | hit) & bank) != 0) continue;
      spoken_for |= bank;
      const bool open = channel_.open_row(access.bank) != no_row;
      const Cycle earliest =
          open ? channel_.earliest_precharge(access.bank) : channel_.earliest_activate(access.bank);
      if (earliest > now) {
        next = std::min(next, earliest);
        continue;
      }
      if (open) {
        channel_.precharge(access.bank, now);
      } else {
        channel_.activate(access.bank, access.row, now);
        access.opened = true;
      }
      return now + 1;
    }
    spoken_for |= hit;
  }
  return next;
}

}  // namespace heddle
