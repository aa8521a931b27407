// What a slotted switch does to its cells, measured from one slot to another.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "kernel/histogram.h"
#include "parts/batch_means.h"

namespace heddle {

/// Slots [first, end).
struct SlotWindow {
  std::uint32_t first = 0;
  std::uint32_t end = 0;

  bool contains(std::uint32_t slot) const { return first <= slot && slot < end; }
  std::uint32_t length() const { return end - std::min(first, end); }
};

/// Where cells of a switch can wait at all.
enum class WaitPlaces : std::uint8_t { inputs, outputs, both };

class CellMeter {
 public:
  explicit CellMeter(SlotWindow window, WaitPlaces places = WaitPlaces::inputs);

  /// A cell that has crossed to its output in `crossed` leaves in `slot`. Its wait counts when it
  /// arrived and left within the window.
  void departed(std::uint32_t arrived, std::uint32_t crossed, std::uint32_t slot) {
    ++departed_;
    if (arrived < window_.first || slot >= window_.end) return;
    waits_.add(slot - arrived);
    ++slot_waits_;
    slot_wait_sum_ += slot - arrived;
    if (places_ != WaitPlaces::both) return;
    at_inputs_.add(crossed - arrived);
    at_outputs_.add(slot - crossed);
    PlaceWaits& alike = alike_[Histogram::Scale::bucket(slot - arrived)];
    alike.inputs += crossed - arrived;
    alike.outputs += slot - crossed;
  }

  /// `slot` is over: `arrived` cells came in it, for which there was room or not. Slots that are
  /// left out had none and let none depart.
  void end_slot(std::uint32_t slot, std::uint32_t arrived) {
    if (window_.contains(slot)) {
      const unsigned batch =
          std::min((slot - window_.first) / batch_slots_, BatchMeans::batches - 1);
      wait_.add(batch, slot_wait_sum_, slot_waits_);
      carried_.add(batch, departed_, 0);
      arrived_ += arrived;
    }
    departed_ = slot_waits_ = 0;
    slot_wait_sum_ = 0;
  }

  const SlotWindow& window() const { return window_; }
  /// In slots.
  const Histogram& waits() const { return waits_; }
  /// A place's part of the waits, in slots.
  const Histogram& waits_at_inputs() const;
  const Histogram& waits_at_outputs() const;
  /// Share of the inputs in the waits of the cells from the p99.9 bucket on.
  double tail_share_of_inputs() const;
  /// In slots, of a cell.
  Estimate mean_wait() const { return wait_.estimate(); }
  /// Cells that leave in a slot, when the slots before `end` are over.
  Estimate carried(std::uint32_t end) const;
  /// Cells that came in a slot, likewise.
  double offered(std::uint32_t end) const;

 private:
  struct PlaceWaits {
    std::uint64_t inputs = 0;
    std::uint64_t outputs = 0;
  };

  SlotWindow window_;
  WaitPlaces places_;
  std::uint32_t batch_slots_;
  std::uint32_t departed_ = 0;    // in the present slot
  std::uint32_t slot_waits_ = 0;  // of them, those that count
  std::uint64_t slot_wait_sum_ = 0;
  std::uint64_t arrived_ = 0;
  Histogram waits_;
  // Where cells wait at both places:
  Histogram at_inputs_;
  Histogram at_outputs_;
  std::vector<PlaceWaits> alike_;  // sums, by bucket of the whole wait
  BatchMeans wait_;
  BatchMeans carried_;  // without the slots, which are known
};

}  // namespace heddle
