// Puts the cells of each source back in the order in which they were cut.
#pragma once

#include <cstdint>
#include <vector>

#include "kernel/error.h"
#include "kernel/frame.h"
#include "kernel/units.h"

namespace heddle {

class Reassembler {
 public:
  /// `window_cells`: how far a cell may be ahead of the next expected one of its source.
  Reassembler(unsigned sources, std::uint32_t window_cells)
      : sources_(sources), window_cells_(window_cells) {}

  /// A cell has come in cycle `now`. Calls in_order(cell) for each cell that is now next in order.
  template <class InOrder>
  void arrive(unsigned source, const Frame& cell, InOrder&& in_order, Cycle now = 0) {
    Source& s = sources_[source];
    const std::uint32_t ahead = cell.sequence - s.expected;
    if (ahead >= window_cells_) throw CheckFailure("a cell outside the reassembly window");
    if (ahead == 0) {
      ++s.expected;
      in_order(cell);
      return release(s, in_order);
    }
    if (ahead >= s.slots.size()) s.grow(ahead);
    if (s.at(cell.sequence).kind == FrameKind::cell) throw CheckFailure("a cell came twice");
    s.at(cell.sequence) = cell;
    s.since[cell.sequence & (s.slots.size() - 1)] = static_cast<std::uint32_t>(now);
    ++s.waiting;
    ++held_;
  }

  /// A cell that was given up has come after all.
  bool is_late(unsigned source, const Frame& cell) const {
    return static_cast<std::int32_t>(cell.sequence - sources_[source].expected) < 0;
  }

  /// Gives up the missing cells of `source` before its next one that has waited since `before` or
  /// longer: calls lost() and goes on behind them, until none has. Returns since when the next cell
  /// of the source waits; `never` when none does.
  template <class Lost, class InOrder>
  Cycle expire(unsigned source, Cycle before, Lost&& lost, InOrder&& in_order) {
    Source& s = sources_[source];
    while (s.waiting != 0) {
      std::uint32_t next = s.expected;
      while (s.at(next).kind != FrameKind::cell) ++next;
      const Cycle since = s.since[next & (s.slots.size() - 1)];
      if (since > before) return since;
      s.expected = next;
      lost();
      release(s, in_order);
    }
    return never;
  }

  /// Cells that wait for an earlier one, over all sources.
  std::uint64_t held() const { return held_; }
  std::uint64_t held_bytes() const {
    std::uint64_t bytes = 0;
    for (const Source& source : sources_) {
      for (const Frame& slot : source.slots) {
        if (slot.kind == FrameKind::cell) bytes += slot.payload_bytes;
      }
    }
    return bytes;
  }
  std::uint32_t held(unsigned source) const { return sources_[source].waiting; }
  std::uint32_t expected(unsigned source) const { return sources_[source].expected; }
  unsigned sources() const { return static_cast<unsigned>(sources_.size()); }

 private:
  static constexpr FrameKind empty_slot = FrameKind::packet;

  struct Source {
    std::vector<Frame> slots;          // by sequence modulo the size, a power of two
    std::vector<std::uint32_t> since;  // in the same order: cycle of arrival
    std::uint32_t expected = 0;
    std::uint32_t waiting = 0;

    Frame& at(std::uint32_t sequence) { return slots[sequence & (slots.size() - 1)]; }

    void grow(std::uint32_t ahead) {
      std::size_t size = slots.empty() ? 32 : slots.size() * 2;
      while (size <= ahead) size *= 2;
      std::vector<Frame> larger(size);
      std::vector<std::uint32_t> later(size);
      for (std::size_t i = 0; i < slots.size(); ++i) {
        if (slots[i].kind != FrameKind::cell) continue;
        larger[slots[i].sequence & (size - 1)] = slots[i];
        later[slots[i].sequence & (size - 1)] = since[i];
      }
      slots.swap(larger);
      since.swap(later);
    }
  };

  /// What waits for nothing any more.
  template <class InOrder>
  void release(Source& s, InOrder&& in_order) {
    while (s.waiting != 0 && s.at(s.expected).kind == FrameKind::cell) {
      const Frame next = s.at(s.expected);
      s.at(s.expected).kind = empty_slot;
      --s.waiting;
      --held_;
      ++s.expected;
      in_order(next);
    }
  }

  std::vector<Source> sources_;
  std::uint32_t window_cells_;
  std::uint64_t held_ = 0;
};

}  // namespace heddle
