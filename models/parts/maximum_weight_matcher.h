// The matching of greatest total weight: with queue lengths as weights it carries every admissible
// load (McKeown, Mekkittikul, Anantharam, Walrand, IEEE Trans. Commun. 47(8), 1999). No hardware
// does this in a slot; it is the bound that the others are measured against.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "parts/matching.h"

namespace heddle {

class MaximumWeightMatcher {
 public:
  explicit MaximumWeightMatcher(unsigned ports);

  /// Among `free`; weight(input, output), below 2^31, is asked for each pair that has a request.
  /// Of several such matchings the choice follows from the weights and the ports' numbers.
  template <class Weight>
  Matching match(const MatchRequests& requests, FreePorts free, Weight&& weight) {
    std::fill(weights_.begin(), weights_.end(), 0);
    for_each_port(free.outputs, [&](unsigned output) {
      for_each_port(requests.inputs_for[output] & free.inputs, [&](unsigned input) {
        weights_[std::size_t{input} * ports_ + output] =
            static_cast<std::int64_t>(weight(input, output));
      });
    });
    return solve(free);
  }

 private:
  Matching solve(FreePorts free);
  void add_row(unsigned input);

  // The assignment problem by shortest augmenting paths (Kuhn 1955, Munkres 1957; in this form
  // Jonker and Volgenant, Computing 38, 1987): rows are inputs, costs negative weights, and an
  // input without a request has weight 0 everywhere. Column `ports_` is where a path begins.
  unsigned ports_;
  std::vector<std::int64_t> weights_;  // by input and output
  std::vector<std::int64_t> input_potential_;
  std::vector<std::int64_t> output_potential_;
  std::vector<std::int64_t> slack_;     // by output: to reach it from the path so far
  std::vector<unsigned> reached_from_;  // by output
  std::vector<unsigned> input_of_;      // by output
  std::vector<char> on_path_;           // by output
};

}  // namespace heddle
