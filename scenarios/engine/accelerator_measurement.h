// The results of chips that compute: where the cycles of their engines went, what memory carried,
// and how far that is from the roofs of the machine.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "accelerator/chip.h"
#include "engine/scenario.h"

namespace heddle {

struct ChipWork;

/// Of all cores of a chip.
struct ChipTotals {
  std::uint64_t flops = 0;
  std::uint64_t bytes = 0;  ///< from and to its own memory
  std::uint64_t remote_bytes = 0;
};
ChipTotals totals(const Chip& chip);

/// What a chip could do at most: the roofs of its roofline (Williams et al., CACM 52(4), 2009).
struct Roofs {
  double flops_per_s = 0;
  double bytes_per_s = 0;

  /// Operations per byte from which on the tensor engines are the limit.
  double ridge() const { return flops_per_s / bytes_per_s; }
  /// Least time for this work.
  double seconds(double flops, double bytes) const;
};
Roofs roofs(const AcceleratorConfig& config, DataType type);

/// Keys below `variants.<name>`: compute, engines, dma, kernels. Throws CheckFailure unless the
/// causes of each engine's cycles add up to all cycles.
nlohmann::ordered_json measure_chips(const Scenario& scenario, const ChipWork& work,
                                     const std::vector<std::unique_ptr<Chip>>& chips, Cycle end,
                                     double cycle_ns);

}  // namespace heddle
