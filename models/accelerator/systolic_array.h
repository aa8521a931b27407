// A systolic array alone: GEMMs, one after the other, each fold by fold. What feeds it and what
// takes its results is never late, as in SCALE-Sim without bandwidth limits; the memories, queues
// and semaphores of a core are around the tensor engine, which has the same pipeline inside
// (parts/systolic_timing.h).
//
// Cycle behaviour. A layer that is asked for in cycle t, or whose predecessor gives its last result
// in cycle t - 1, has its cycle 0 in t, and lasts as long as GemmSchedule says. Layers do not
// overlap: the next one needs the results of this one. In mode `fast` the device runs in the cycles
// in which a pass starts or a layer ends; in mode `pe_grid` in every cycle of a layer, with real
// operands, and the device checks that every result is right and leaves in the cycle of the fast
// mode.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "kernel/device.h"
#include "kernel/rng.h"
#include "parts/gemm_schedule.h"
#include "parts/grid_gemm.h"
#include "parts/systolic_config.h"

namespace heddle {

/// What an array did for a layer.
struct LayerReport {
  std::string name;
  GemmShape shape;
  Cycle begin = 0;
  Cycle end = 0;  ///< the cycle after its last result
  std::uint64_t folds = 0;
  std::uint64_t passes = 0;
  ArrayCycles cycles;
  double utilisation = 0;         ///< products by what all PEs could have multiplied
  double mapping_efficiency = 0;  ///< PEs that hold a part of the GEMM, mean over the folds

  Cycle duration() const { return end - begin; }
};

/// Products that an array can add per cycle.
double peak_products(const SystolicConfig& config, DataType type);

class SystolicArray : public Device {
 public:
  /// `seed`: of the operands in mode pe_grid, which needs int8 or bf16, else InputError.
  SystolicArray(const sc_core::sc_module_name& module_name, Clock& clock,
                const SystolicConfig& config, DataType type, std::uint64_t seed);

  /// Runs these after what has been asked for before, not before cycle `begin`, which is later than
  /// now. Throws InputError, naming the layer, for shapes that an array cannot run.
  void run_layers(std::vector<GemmLayer> layers, Cycle begin);

  /// Of the layers that are done, in their order.
  const std::vector<LayerReport>& reports() const { return reports_; }
  /// Layers that are not done.
  std::size_t waiting() const { return layers_.size(); }
  /// The cycle after the last result so far.
  Cycle finished() const { return finished_; }

  /// What the array did in all cycles before `end`, which is now or the next cycle; they add up to
  /// `end`.
  ArrayCycles cycles(Cycle end) const;
  std::uint64_t passes() const { return passes_; }
  std::uint64_t products() const { return products_; }  ///< of layers that are done
  /// Over the times of all passes: the same in both modes.
  std::uint64_t hash() const { return hash_; }

  void waits(std::vector<std::string>& lines) const override;
  std::vector<BufferView> buffers() const override { return {}; }
  std::vector<StateView> state() const override;
  FrameBalance balance() const override { return {}; }
  void verify(bool drained) const override;

 private:
  using Grid = std::variant<std::monostate, GridGemm<Int8Operands>, GridGemm<Bf16Operands>>;

  struct Asked {
    GemmLayer layer;
    Cycle not_before;
  };
  /// A layer in the array. The schedule's cycles count from `begin`.
  struct Running {
    Running(const SystolicConfig& config, const GemmShape& shape, DataType type, Cycle from)
        : begin(from),
          schedule(config, shape, type),
          activity(config.rows + config.columns - 2),
          next(schedule.next()) {}

    Cycle begin;
    GemmSchedule schedule;
    ArrayActivity activity;   ///< without the pass `next`
    FoldPass next;            ///< the one that has not started,
    bool passes_left = true;  ///< if there is one
    std::uint64_t passes = 0;
    Grid grid;

    Cycle end() const { return begin + schedule.cycles(); }  ///< when no pass is left
  };

  void cycle() override;
  void describe(RegisterMap& map) override;
  void describe_configuration(RegisterMap& map);
  void describe_program(RegisterMap& map);
  DeviceKind device_kind() const override { return DeviceKind::systolic_array; }

  void end_layer();
  void begin_layer();
  void start_passes();
  void step_grid();
  void arm();

  void ask(std::vector<GemmLayer> layers, Cycle not_before);
  void ask_by_registers();
  void check_layer(const GemmLayer& layer) const;
  void make_grid(const GemmShape& shape);
  void check_grid(const ArrayCycles& cycles) const;
  void report(const GemmLayer& layer, const ArrayCycles& cycles);
  ArrayCycles layer_cycles(Cycle end) const;
  void mix(std::uint64_t value);

  SystolicConfig config_;
  DataType type_;
  Rng operands_;
  std::deque<Asked> layers_;  ///< the first may be running
  std::optional<Running> running_;
  Cycle finished_ = 0;
  ArrayCycles done_;  ///< of layers that are done
  std::vector<LayerReport> reports_;
  std::uint64_t passes_ = 0;
  std::uint64_t products_ = 0;
  std::uint64_t hash_ = 0;
  GemmShape by_registers_;
  std::uint64_t refused_ = 0;  ///< of those
};

}  // namespace heddle
