#include "engine/crossbar_theory.h"

#include <array>
#include <cmath>

namespace heddle {

namespace {

/// Throughput of saturated FIFO input queues under uniform traffic, by ports from 1 on: the
/// stationary distribution of the cells at the heads, exact; 1 to 8 as in table I of Karol,
/// Hluchyj, Morgan, IEEE Trans. Commun. 35(12), 1987.
constexpr std::array fifo_saturation{1.000000, 0.750000, 0.682540, 0.655242, 0.639917, 0.630150,
                                     0.623371, 0.618390, 0.614575, 0.611560, 0.609117, 0.607097,
                                     0.605399, 0.603952, 0.602703, 0.601616};

/// Mean waits of 16 virtual-output-queued ports under uniform Bernoulli traffic, with the
/// half-width of their confidence interval: an independent simulation of 0.4 to 3 million slots.
struct SimulatedWait {
  MatchingKind matching;
  std::uint64_t iterations;
  double load;
  double mean_slots;
  double half_width_slots;
};
constexpr unsigned simulated_ports = 16;
constexpr std::array simulated_waits{
    SimulatedWait{MatchingKind::islip, 1, 0.1, 0.0579, 0.0005},
    SimulatedWait{MatchingKind::islip, 1, 0.2, 0.1486, 0.0005},
    SimulatedWait{MatchingKind::islip, 1, 0.3, 0.3030, 0.0014},
    SimulatedWait{MatchingKind::islip, 1, 0.4, 0.5960, 0.0024},
    SimulatedWait{MatchingKind::islip, 1, 0.5, 1.3021, 0.0053},
    SimulatedWait{MatchingKind::islip, 1, 0.6, 4.4846, 0.0294},
    SimulatedWait{MatchingKind::islip, 1, 0.7, 21.1177, 0.0744},
    SimulatedWait{MatchingKind::islip, 1, 0.8, 44.4552, 0.1311},
    SimulatedWait{MatchingKind::islip, 1, 0.9, 113.6992, 0.6047},
    SimulatedWait{MatchingKind::islip, 1, 0.95, 265.9040, 3.3904},
    SimulatedWait{MatchingKind::islip, 1, 0.98, 736.2741, 11.6876},
    SimulatedWait{MatchingKind::islip, 1, 0.99, 1509.8761, 19.2541},
    SimulatedWait{MatchingKind::islip, 2, 0.1, 0.0569, 0.0005},
    SimulatedWait{MatchingKind::islip, 2, 0.2, 0.1408, 0.0009},
    SimulatedWait{MatchingKind::islip, 2, 0.3, 0.2615, 0.0009},
    SimulatedWait{MatchingKind::islip, 2, 0.4, 0.4403, 0.0013},
    SimulatedWait{MatchingKind::islip, 2, 0.5, 0.7181, 0.0017},
    SimulatedWait{MatchingKind::islip, 2, 0.6, 1.1752, 0.0023},
    SimulatedWait{MatchingKind::islip, 2, 0.7, 2.0715, 0.0059},
    SimulatedWait{MatchingKind::islip, 2, 0.8, 4.5729, 0.0194},
    SimulatedWait{MatchingKind::islip, 2, 0.9, 24.2646, 0.0836},
    SimulatedWait{MatchingKind::islip, 2, 0.95, 54.4333, 0.2262},
    SimulatedWait{MatchingKind::islip, 2, 0.98, 235.1941, 2.3969},
    SimulatedWait{MatchingKind::islip, 2, 0.99, 657.3841, 7.1789},
    SimulatedWait{MatchingKind::islip, 4, 0.1, 0.0569, 0.0005},
    SimulatedWait{MatchingKind::islip, 4, 0.2, 0.1395, 0.0005},
    SimulatedWait{MatchingKind::islip, 4, 0.3, 0.2608, 0.0009},
    SimulatedWait{MatchingKind::islip, 4, 0.4, 0.4412, 0.0014},
    SimulatedWait{MatchingKind::islip, 4, 0.5, 0.7172, 0.0019},
    SimulatedWait{MatchingKind::islip, 4, 0.6, 1.1672, 0.0023},
    SimulatedWait{MatchingKind::islip, 4, 0.7, 1.9828, 0.0049},
    SimulatedWait{MatchingKind::islip, 4, 0.8, 3.7566, 0.0082},
    SimulatedWait{MatchingKind::islip, 4, 0.9, 9.7353, 0.0257},
    SimulatedWait{MatchingKind::islip, 4, 0.95, 24.5320, 0.0903},
    SimulatedWait{MatchingKind::islip, 4, 0.98, 168.0297, 1.7541},
    SimulatedWait{MatchingKind::islip, 4, 0.99, 614.9774, 6.0899},
    SimulatedWait{MatchingKind::maximum_weight, 0, 0.3, 0.2458, 0.0012},
    SimulatedWait{MatchingKind::maximum_weight, 0, 0.5, 0.6063, 0.0025},
    SimulatedWait{MatchingKind::maximum_weight, 0, 0.7, 1.3908, 0.0040},
    SimulatedWait{MatchingKind::maximum_weight, 0, 0.8, 2.2993, 0.0102},
    SimulatedWait{MatchingKind::maximum_weight, 0, 0.9, 4.8833, 0.0239},
    SimulatedWait{MatchingKind::maximum_weight, 0, 0.95, 9.5716, 0.0873},
    SimulatedWait{MatchingKind::maximum_weight, 0, 0.99, 46.2658, 1.8620},
    SimulatedWait{MatchingKind::pim, 1, 0.3, 0.3008, 0.0013},
    SimulatedWait{MatchingKind::pim, 1, 0.5, 1.3480, 0.0067},
    SimulatedWait{MatchingKind::pim, 4, 0.3, 0.2597, 0.0010},
    SimulatedWait{MatchingKind::pim, 4, 0.5, 0.7074, 0.0016},
    SimulatedWait{MatchingKind::pim, 4, 0.7, 1.9602, 0.0037},
    SimulatedWait{MatchingKind::pim, 4, 0.8, 3.7179, 0.0109},
    SimulatedWait{MatchingKind::pim, 4, 0.9, 9.6574, 0.0259},
    SimulatedWait{MatchingKind::pim, 4, 0.95, 23.5338, 0.0861},
    SimulatedWait{MatchingKind::pim, 4, 0.99, 159.0604, 2.3784}};

/// Throughput of 16 such ports when the diagonal pattern saturates them, likewise.
struct SimulatedThroughput {
  MatchingKind matching;
  std::uint64_t iterations;
  double cells_per_slot;
};
constexpr std::array diagonal_saturation{SimulatedThroughput{MatchingKind::islip, 1, 0.812},
                                         SimulatedThroughput{MatchingKind::islip, 4, 0.830}};
constexpr double diagonal_half_width = 0.005;

constexpr const char* karol = "Karol, Hluchyj, Morgan 1987";
constexpr const char* simulated = "independent simulation, 95 % confidence";

/// Sum of the squares of the shares that the inputs have in the load of an output.
double sum_of_squares(Pattern pattern, double ports) {
  if (ports == 1) return 1;
  if (pattern == Pattern::diagonal) return 5.0 / 9;
  if (pattern != Pattern::log_diagonal) return 1 / ports;
  const double all = std::exp2(ports) - 1;
  return (std::exp2(2 * ports) - 1) / 3 / (all * all);
}

/// However many cells come for an output, it takes them in their slot.
bool queues_at_outputs(const Scenario& scenario) {
  return scenario.crossbar.queueing == Queueing::output ||
         scenario.crossbar.output_speedup >= scenario.fabric.hosts;
}

CrossbarTheory of_output_queues(const Scenario& scenario, const WorkloadConfig& workload) {
  const double load = workload.load;
  CrossbarTheory theory{Estimate{load, 0}, std::nullopt, karol};
  if (load == 1) return theory;
  const double spread =
      1 - sum_of_squares(workload.pattern, static_cast<double>(scenario.fabric.hosts));
  theory.mean_wait_slots = Estimate{spread * load / (2 * (1 - load)), 0};
  theory.source = std::string(karol) + ": wait (1 - sum p^2) r / (2 (1 - r))";
  return theory;
}

std::optional<CrossbarTheory> of_saturation(const Scenario& scenario, Pattern pattern) {
  const CrossbarConfig& config = scenario.crossbar;
  const std::uint64_t ports = scenario.fabric.hosts;
  if (pattern == Pattern::uniform && config.queueing == Queueing::fifo) {
    if (ports > fifo_saturation.size()) return std::nullopt;
    return CrossbarTheory{Estimate{fifo_saturation[ports - 1], 0}, std::nullopt,
                          std::string(karol) + ": saturated input queues"};
  }
  if (config.queueing == Queueing::fifo) return std::nullopt;
  if (pattern == Pattern::uniform && config.matching == MatchingKind::pim &&
      config.iterations == 1) {
    const double n = static_cast<double>(ports);
    return CrossbarTheory{Estimate{1 - std::pow((n - 1) / n, n), 0}, std::nullopt,
                          "Anderson et al. 1993: 1 - ((N - 1) / N)^N"};
  }
  if (pattern != Pattern::diagonal || ports != simulated_ports) return std::nullopt;
  for (const SimulatedThroughput& row : diagonal_saturation) {
    if (row.matching != config.matching || row.iterations != config.iterations) continue;
    return CrossbarTheory{Estimate{row.cells_per_slot, diagonal_half_width}, std::nullopt,
                          simulated};
  }
  return std::nullopt;
}

std::optional<CrossbarTheory> of_matching(const Scenario& scenario,
                                          const WorkloadConfig& workload) {
  const CrossbarConfig& config = scenario.crossbar;
  if (config.queueing != Queueing::voq || scenario.fabric.hosts != simulated_ports ||
      workload.pattern != Pattern::uniform) {
    return std::nullopt;
  }
  for (const SimulatedWait& row : simulated_waits) {
    const bool same_rounds =
        config.matching == MatchingKind::maximum_weight || row.iterations == config.iterations;
    if (row.matching != config.matching || !same_rounds || row.load != workload.load) continue;
    return CrossbarTheory{Estimate{row.load, 0}, Estimate{row.mean_slots, row.half_width_slots},
                          simulated};
  }
  return std::nullopt;
}

}  // namespace

std::optional<CrossbarTheory> crossbar_theory(const Scenario& scenario) {
  if (scenario.switch_kind != SwitchKind::crossbar) return std::nullopt;
  const WorkloadConfig& workload = scenario.workload.front();
  const bool independent = workload.pattern != Pattern::bursty || workload.burst == 1;
  if (!independent) return std::nullopt;
  if (queues_at_outputs(scenario)) return of_output_queues(scenario, workload);
  if (scenario.crossbar.input_speedup > 1 || scenario.crossbar.output_speedup > 1) {
    return std::nullopt;
  }
  return workload.load == 1 ? of_saturation(scenario, workload.pattern)
                            : of_matching(scenario, workload);
}

}  // namespace heddle
