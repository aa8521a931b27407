// Many FIFO queues over one memory of slots: linked lists with a free list, as switch hardware
// keeps them. An empty queue costs three words.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "kernel/error.h"

namespace heddle {

template <class Entry>
class QueueBank {
 public:
  /// `capacity`: slots shared by all queues. Memory for them is taken as they are first used.
  QueueBank(unsigned queues, std::uint32_t capacity) : queues_(queues), capacity_(capacity) {}

  bool empty(unsigned queue) const { return queues_[queue].length == 0; }
  std::uint32_t length(unsigned queue) const { return queues_[queue].length; }
  std::uint32_t used() const { return used_; }

  void push(unsigned queue, const Entry& entry) {
    const std::uint32_t slot = take_slot();
    slots_[slot].entry = entry;
    Queue& q = queues_[queue];
    (q.length++ == 0 ? q.head : slots_[q.tail].next) = slot;
    q.tail = slot;
  }

  /// The queue must not be empty.
  Entry& front(unsigned queue) { return slots_[queues_[queue].head].entry; }
  const Entry& front(unsigned queue) const { return slots_[queues_[queue].head].entry; }

  /// Where that is, for kernel/prefetch.h.
  const void* address(unsigned queue) const { return &slots_[queues_[queue].head]; }

  Entry pop(unsigned queue) {
    Queue& q = queues_[queue];
    const std::uint32_t slot = q.head;
    q.head = slots_[slot].next;
    --q.length;
    slots_[slot].next = free_;
    free_ = slot;
    --used_;
    return slots_[slot].entry;
  }

 private:
  static constexpr std::uint32_t no_slot = ~std::uint32_t{0};
  struct Queue {
    std::uint32_t head = no_slot;
    std::uint32_t tail = no_slot;
    std::uint32_t length = 0;
  };
  struct Slot {
    Entry entry;
    std::uint32_t next;
  };

  std::uint32_t take_slot() {
    if (used_ == capacity_) throw CheckFailure("a queue memory is full");
    ++used_;
    if (free_ == no_slot) {
      slots_.push_back({Entry{}, no_slot});
      return static_cast<std::uint32_t>(slots_.size() - 1);
    }
    return std::exchange(free_, slots_[free_].next);
  }

  std::vector<Queue> queues_;
  std::vector<Slot> slots_;
  std::uint32_t capacity_;
  std::uint32_t free_ = no_slot;
  std::uint32_t used_ = 0;
};

}  // namespace heddle
