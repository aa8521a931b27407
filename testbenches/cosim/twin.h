// Lockstep of a C++ part or device and its Verilated twin: the same stimulus, every output compared
// in every cycle. The first difference ends the run with seed, cycle, signal and both values, and
// the same seed runs again with waves of the cycles around it.
//
// A twin test is a class:
//
//   class CounterTwin {
//    public:
//     static constexpr const char* name = "counter";
//     explicit CounterTwin(std::uint64_t seed);  // draws configuration and habits of the stimulus
//     void cycle(Lockstep& lockstep);            // one cycle of both; lockstep.equal(...)
//     RtlTop<Vcounter> rtl;
//   };
//   HEDDLE_TWIN_TESTS(CounterTwin, 20, 5000, 2000)
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "cosim/rtl_top.h"
#include "kernel/rng.h"
#include "long_tests.h"

namespace heddle {

/// Model and RTL differ.
class TwinDifference : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class Lockstep {
 public:
  explicit Lockstep(std::uint64_t seed) : random(seed, "twin", "stimulus") {}

  /// Of the run, from 0.
  std::uint64_t cycle() const { return cycle_; }
  void next_cycle() { ++cycle_; }

  /// One output of both in this cycle. `index` names one of many: a port, a queue.
  void equal(const char* signal, std::uint64_t model, std::uint64_t rtl, int index = -1) const {
    if (model == rtl) return;
    throw TwinDifference(fmt::format("{}{}: model {:#x}, RTL {:#x}", signal,
                                     index < 0 ? "" : fmt::format("[{}]", index), model, rtl));
  }

  Rng random;  ///< of the stimulus

 private:
  std::uint64_t cycle_ = 0;
};

/// How often something happens in a stimulus: never, seldom, often, mostly, always.
inline double draw_share(Rng& random) {
  constexpr double shares[] = {0, 0.02, 0.3, 0.9, 1};
  return shares[random.below(5)];
}

/// Number of the cycle in which they differ, with the sentence about it; none when they do not.
struct TwinResult {
  std::uint64_t cycles = 0;
  std::string difference;
};

template <class Twin>
TwinResult run_twin(std::uint64_t seed, std::uint64_t cycles, const std::string& waves = "",
                    std::uint64_t waves_from = 0) {
  Twin twin(seed);
  Lockstep lockstep(seed);
  try {
    while (lockstep.cycle() < cycles) {
      if (!waves.empty() && lockstep.cycle() == waves_from) twin.rtl.trace(waves);
      twin.cycle(lockstep);
      lockstep.next_cycle();
    }
  } catch (const std::runtime_error& error) {  // an assertion of the RTL, too
    return {lockstep.cycle(), error.what()};
  }
  return {cycles, ""};
}

inline std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

/// Says how many cycles were compared, and how fast (scripts/bench lockstep).
inline void report_speed(const char* name, std::uint64_t cycles,
                         std::chrono::steady_clock::duration took) {
  const double seconds = std::chrono::duration<double>(took).count();
  fmt::print("[ LOCKSTEP ] {}: {} cycles, {:.3f} M/s\n", name, cycles,
             static_cast<double>(cycles) * 1e-6 / seconds);
}

/// Fails the test at the first difference of any of `seeds` runs. HEDDLE_TWIN_SEED=N: that seed
/// alone; HEDDLE_TWIN_SEEDS=N: so many. `run` is called as run_twin is.
template <class Run>
void expect_no_difference(const char* name, std::uint64_t seeds, std::uint64_t cycles, Run&& run) {
  const std::uint64_t only = from_environment("HEDDLE_TWIN_SEED", 0);
  const std::uint64_t first = only != 0 ? only : 1;
  seeds = only != 0 ? 1 : from_environment("HEDDLE_TWIN_SEEDS", seeds);
  const auto begin = std::chrono::steady_clock::now();
  for (std::uint64_t seed = first; seed < first + seeds; ++seed) {
    const TwinResult result = run(seed, cycles, "", 0);
    if (result.difference.empty()) continue;
    const std::string waves = fmt::format("{}_seed{}.fst", name, seed);
    const std::uint64_t from = result.cycles < 200 ? 0 : result.cycles - 200;
    run(seed, result.cycles + 1, waves, from);
    ADD_FAILURE() << fmt::format(
        "twin {}, seed {}, cycle {}: {}\nwaves: {}\nrepeat: HEDDLE_TWIN_SEED={} cosim_tests "
        "--gtest_filter={}.*",
        name, seed, result.cycles, result.difference, waves, seed,
        testing::UnitTest::GetInstance()->current_test_info()->test_suite_name());
    return;
  }
  report_speed(name, seeds * cycles, std::chrono::steady_clock::now() - begin);
}

template <class Twin>
void expect_lockstep(std::uint64_t seeds, std::uint64_t cycles) {
  expect_no_difference(Twin::name, seeds, cycles, run_twin<Twin>);
}

}  // namespace heddle

/// The quick cut, and the long run: at least 10 million cycles of a part, 1 million of a device.
#define HEDDLE_TWIN_TESTS(Twin, seeds, cycles, long_seeds)             \
  TEST(Twin, EqualsTheModel) { expect_lockstep<Twin>(seeds, cycles); } \
  TEST(Twin, LongEqualsTheModel) {                                     \
    HEDDLE_NEED_LONG();                                                \
    expect_lockstep<Twin>(long_seeds, cycles);                         \
  }
