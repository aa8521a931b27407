// The queues at the inputs of a crossbar, and who asks for which output because of them: one FIFO
// per input, of which only the first cell can ask, or a virtual output queue per input and output.
#pragma once

#include <algorithm>
#include <cstdint>

#include "parts/matching.h"
#include "parts/queue_bank.h"

namespace heddle {

/// A fixed-size unit on its way through a crossbar.
struct SwitchCell {
  std::uint32_t arrived = 0;  ///< slot
  std::uint32_t crossed = 0;  ///< slot in which it has come to its output's queue
  std::uint8_t input = 0;
  std::uint8_t output = 0;
};

class InputQueues {
 public:
  /// `capacity`: cells of each queue.
  InputQueues(unsigned ports, bool per_output, std::uint32_t capacity)
      : stride_(per_output ? ports : 0),
        capacity_(capacity),
        queues_(per_output ? ports * ports : ports, ~std::uint32_t{0}) {}

  /// False, and nothing changes, when the cell's queue is full.
  bool push(const SwitchCell& cell) {
    const unsigned queue = queue_of(cell.input, cell.output);
    const std::uint32_t length = queues_.length(queue);
    if (length == capacity_) return false;
    if (length == 0) requests_.inputs_for[cell.output] |= port_bit(cell.input);
    queues_.push(queue, cell);
    return true;
  }

  /// The pair must have a request.
  SwitchCell pop(unsigned input, unsigned output) {
    const unsigned queue = queue_of(input, output);
    const SwitchCell cell = queues_.pop(queue);
    const bool empty = queues_.empty(queue);
    if (stride_ != 0 && !empty) return cell;
    requests_.inputs_for[output] &= ~port_bit(input);
    if (!empty) requests_.inputs_for[queues_.front(queue).output] |= port_bit(input);
    return cell;
  }

  const MatchRequests& requests() const { return requests_; }
  /// Of the queue that a cell of this pair joins.
  std::uint32_t length(unsigned input, unsigned output) const {
    return queues_.length(queue_of(input, output));
  }
  std::uint32_t held() const { return queues_.used(); }

 private:
  unsigned queue_of(unsigned input, unsigned output) const {
    return stride_ == 0 ? input : input * stride_ + output;
  }

  unsigned stride_;  // queues per input; 0: one FIFO
  std::uint32_t capacity_;
  QueueBank<SwitchCell> queues_;
  MatchRequests requests_;
};

}  // namespace heddle
