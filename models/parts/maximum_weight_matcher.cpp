#include "parts/maximum_weight_matcher.h"

#include <algorithm>
#include <limits>

namespace heddle {

namespace {
constexpr unsigned nobody = ~0U;
}

MaximumWeightMatcher::MaximumWeightMatcher(unsigned ports)
    : ports_(ports),
      weights_(std::size_t{ports} * ports),
      input_potential_(ports),
      output_potential_(ports + 1),
      slack_(ports + 1),
      reached_from_(ports + 1),
      input_of_(ports + 1),
      on_path_(ports + 1) {}

Matching MaximumWeightMatcher::solve(FreePorts free) {
  std::fill(input_potential_.begin(), input_potential_.end(), 0);
  std::fill(output_potential_.begin(), output_potential_.end(), 0);
  std::fill(input_of_.begin(), input_of_.end(), nobody);
  for_each_port(free.inputs, [&](unsigned input) { add_row(input); });
  Matching matching;
  for (unsigned output = 0; output < ports_; ++output) {
    const unsigned input = input_of_[output];
    if (input == nobody || weights_[std::size_t{input} * ports_ + output] == 0) continue;
    matching.outputs |= port_bit(output);
    matching.input[output] = static_cast<std::uint8_t>(input);
  }
  return matching;
}

/// Gives `input` an output, and those who give way another one, along the cheapest path.
void MaximumWeightMatcher::add_row(unsigned input) {
  constexpr std::int64_t unreached = std::numeric_limits<std::int64_t>::max();
  std::fill(slack_.begin(), slack_.end(), unreached);
  std::fill(on_path_.begin(), on_path_.end(), 0);
  input_of_[ports_] = input;
  unsigned last = ports_;
  while (input_of_[last] != nobody) {
    on_path_[last] = 1;
    const unsigned row = input_of_[last];
    std::int64_t least = unreached;
    unsigned next = ports_;
    for (unsigned output = 0; output < ports_; ++output) {
      if (on_path_[output] != 0) continue;
      const std::int64_t cost = -weights_[std::size_t{row} * ports_ + output] -
                                input_potential_[row] - output_potential_[output];
      if (cost < slack_[output]) {
        slack_[output] = cost;
        reached_from_[output] = last;
      }
      if (slack_[output] < least) {
        least = slack_[output];
        next = output;
      }
    }
    for (unsigned output = 0; output <= ports_; ++output) {
      if (on_path_[output] != 0) {
        input_potential_[input_of_[output]] += least;
        output_potential_[output] -= least;
      } else if (output < ports_) {
        slack_[output] -= least;
      }
    }
    last = next;
  }
  for (; last != ports_; last = reached_from_[last])
    input_of_[last] = input_of_[reached_from_[last]];
}

}  // namespace heddle
