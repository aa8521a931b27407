// What happens in which cycle: a wheel of lists for the cycles near, a heap for those far. A list's
// memory is used again at once, and the entries of a cycle lie side by side.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "kernel/prefetch.h"
#include "kernel/units.h"

namespace heddle {

template <class Entry>
class Calendar {
  static constexpr std::uint32_t wheel_cycles = 4096;  // covers cables and frames; timers go far
  static constexpr std::uint32_t no_block = ~std::uint32_t{0};
  static constexpr std::uint32_t block_entries = 15;
  struct Block {
    std::uint32_t next;
    std::uint32_t unused;
    std::array<Entry, block_entries> entries;
  };
  /// A list of blocks; all but the first are full.
  struct Slot {
    std::uint32_t block = no_block;  ///< the first of the list
    std::uint32_t count = 0;         ///< entries in that block
  };
  struct Far {
    Cycle at;
    Entry entry;
    bool operator>(const Far& other) const { return at > other.at; }
  };

 public:
  /// Goes over the entries of a cycle, in no particular order. More may be added meanwhile.
  class Reader {
   public:
    Reader() = default;
    Reader(const Calendar& calendar, Cycle cycle) : slot_(calendar.wheel_[cycle % wheel_cycles]) {}

    /// Where the next entry stands; `none` after the last.
    std::uint32_t next(const Calendar& calendar) {
      if (slot_.block == no_block) return none;
      if (slot_.count == 0) {
        slot_ = {calendar.blocks_[slot_.block].next, block_entries};
        if (slot_.block == no_block) return none;
        const std::uint32_t after = calendar.blocks_[slot_.block].next;
        if (after != no_block) prefetch_all(calendar.blocks_[after]);
      }
      return slot_.block << place_bits | --slot_.count;
    }

   private:
    Slot slot_;
  };

  static constexpr std::uint32_t none = ~std::uint32_t{0};

  /// `at` is later than `now`.
  void insert(const Entry& entry, Cycle at, Cycle now) {
    if (at - now >= wheel_cycles) {
      far_.push_back({at, entry});
      std::push_heap(far_.begin(), far_.end(), std::greater<>());
      return;
    }
    Slot& slot = wheel_[at % wheel_cycles];
    if (slot.block == no_block || slot.count == block_entries) add_block(slot, at);
    blocks_[slot.block].entries[slot.count++] = entry;
  }

  /// The entry at a place that a Reader has given: until `clear` of its cycle.
  Entry& operator[](std::uint32_t place) {
    return blocks_[place >> place_bits].entries[place & ((1U << place_bits) - 1)];
  }
  const Entry& operator[](std::uint32_t place) const {
    return blocks_[place >> place_bits].entries[place & ((1U << place_bits) - 1)];
  }

  /// The next cycle after `now` that has entries; `never` when there is none.
  Cycle next(Cycle now) const {
    const Cycle near = next_in_wheel(now);
    return far_.empty() ? near : std::min(near, far_.front().at);
  }

  /// Brings near what has been far; before cycle `now` is read.
  void advance(Cycle now) {
    while (!far_.empty() && far_.front().at < now + wheel_cycles) {
      std::pop_heap(far_.begin(), far_.end(), std::greater<>());
      const Far nearest = far_.back();
      far_.pop_back();
      insert(nearest.entry, nearest.at, now);
    }
  }

  /// Forgets cycle `now`, which has been read.
  void clear(Cycle now) {
    const auto cycle = static_cast<std::uint32_t>(now % wheel_cycles);
    Slot& slot = wheel_[cycle];
    while (slot.block != no_block) {
      const std::uint32_t next = std::exchange(blocks_[slot.block].next, free_block_);
      free_block_ = std::exchange(slot.block, next);
    }
    slot.count = 0;
    if ((occupied_[cycle / 64] &= ~(std::uint64_t{1} << (cycle % 64))) == 0) {
      occupied_words_ &= ~(std::uint64_t{1} << (cycle / 64));
    }
  }

  /// Calls f(at, entry) for every entry from cycle `now` on, cycle by cycle for those near. Looks
  /// at the whole wheel: for what happens seldom.
  template <class F>
  void for_each(Cycle now, F&& f) {
    for (Cycle at = now; at < now + wheel_cycles; ++at) {
      Reader reader(*this, at);
      for (auto place = reader.next(*this); place != none; place = reader.next(*this)) {
        f(at, (*this)[place]);
      }
    }
    for (Far& far : far_) f(far.at, far.entry);
  }

 private:
  static constexpr unsigned place_bits = 4;
  static_assert(block_entries < 1U << place_bits);

  void add_block(Slot& slot, Cycle at) {
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

  Cycle next_in_wheel(Cycle now) const {
    static_assert(wheel_cycles == 64 * 64, "one summary word must cover the wheel");
    if (occupied_words_ == 0) return never;
    const auto start = static_cast<std::uint32_t>((now + 1) % wheel_cycles);
    const std::uint32_t word = start / 64;
    std::uint32_t slot;
    if (const std::uint64_t here = occupied_[word] & (~std::uint64_t{0} << (start % 64));
        here != 0) {
      slot = word * 64 + static_cast<std::uint32_t>(__builtin_ctzll(here));
    } else {
      const std::uint64_t above = word == 63 ? 0 : ~std::uint64_t{0} << (word + 1);
      const std::uint64_t later = occupied_words_ & above;
      const auto found =
          static_cast<std::uint32_t>(__builtin_ctzll(later != 0 ? later : occupied_words_));
      slot = found * 64 + static_cast<std::uint32_t>(__builtin_ctzll(occupied_[found]));
    }
    return now + 1 + (slot + wheel_cycles - start) % wheel_cycles;
  }

  std::array<Slot, wheel_cycles> wheel_;
  std::array<std::uint64_t, wheel_cycles / 64> occupied_{};
  std::uint64_t occupied_words_ = 0;
  std::vector<Block> blocks_;
  std::uint32_t free_block_ = no_block;
  std::vector<Far> far_;  // a heap, the nearest in front
};

}  // namespace heddle
