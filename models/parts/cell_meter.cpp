#include "parts/cell_meter.h"

namespace heddle {

CellMeter::CellMeter(SlotWindow window, WaitPlaces places)
    : window_(window),
      places_(places),
      batch_slots_(std::max(1U, window.length() / BatchMeans::batches)),
      alike_(Histogram::Scale::buckets(40)) {}

const Histogram& CellMeter::waits_at_inputs() const {
  return places_ == WaitPlaces::inputs ? waits_ : at_inputs_;
}

const Histogram& CellMeter::waits_at_outputs() const {
  return places_ == WaitPlaces::outputs ? waits_ : at_outputs_;
}

double CellMeter::tail_share_of_inputs() const {
  if (places_ != WaitPlaces::both) {
    return places_ == WaitPlaces::inputs && waits_.maximum() > 0 ? 1 : 0;
  }
  PlaceWaits tail;
  for (unsigned bucket = waits_.quantile_bucket(0.999); bucket < alike_.size(); ++bucket) {
    tail.inputs += alike_[bucket].inputs;
    tail.outputs += alike_[bucket].outputs;
  }
  const std::uint64_t both = tail.inputs + tail.outputs;
  return both == 0 ? 0 : static_cast<double>(tail.inputs) / static_cast<double>(both);
}

double CellMeter::offered(std::uint32_t end) const {
  const std::uint32_t slots = SlotWindow{window_.first, std::min(end, window_.end)}.length();
  return slots == 0 ? 0 : static_cast<double>(arrived_) / slots;
}

/// The last batch is the one that takes what the division has left over.
Estimate CellMeter::carried(std::uint32_t end) const {
  BatchMeans rates = carried_;
  const std::uint32_t slots = SlotWindow{window_.first, std::min(end, window_.end)}.length();
  for (unsigned batch = 0; batch < BatchMeans::batches; ++batch) {
    const std::uint32_t begin = batch * batch_slots_;
    if (begin >= slots) break;
    const bool last = batch + 1 == BatchMeans::batches;
    rates.add(batch, 0, (last ? slots : std::min(slots, begin + batch_slots_)) - begin);
  }
  return rates.estimate();
}

}  // namespace heddle
