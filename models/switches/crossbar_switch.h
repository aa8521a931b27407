// The input-queued crossbar that half a century of switch theory is about: fixed-size cells, time
// in slots, and a matching of inputs to outputs in each slot.
//
// Cycle behaviour: slot k begins in the first cycle at or after k * cell / port_rate, from k = 1
// on. In that cycle the slot's cells arrive, the matching is made with them, and each output sends
// a cell: wait = slot of departure - slot of arrival, so that 0 is possible. Its ports have no
// links: the cells come from a source inside (docs/architecture.md).
#pragma once

#include <variant>
#include <vector>

#include "kernel/device.h"
#include "kernel/environment.h"
#include "kernel/link.h"
#include "kernel/pacer.h"
#include "parts/cell_meter.h"
#include "parts/cell_source.h"
#include "parts/input_queues.h"
#include "parts/islip_matcher.h"
#include "parts/maximum_weight_matcher.h"
#include "parts/pim_matcher.h"
#include "switches/crossbar_config.h"

namespace heddle {

/// A slot in cycles, exactly.
struct SlotTime {
  std::uint64_t cycles = 1;  ///< for so many slots
  std::uint64_t slots = 1;

  /// Of a cell at a rate.
  static SlotTime of(Bytes cell, const LinkRate& rate) {
    return {cell.value * rate.cycles, rate.bytes};
  }
  double cycles_per_slot() const {
    return static_cast<double>(cycles) / static_cast<double>(slots);
  }
  /// The first slot, from 1 on, that begins in `cycle` or later.
  std::uint32_t slot_from(Cycle cycle) const {
    const Cycle slot = (cycle * slots + cycles - 1) / cycles;
    return static_cast<std::uint32_t>(slot == 0 ? 1 : slot);
  }
};

/// What a crossbar is told of the run.
struct CrossbarPlace {
  unsigned ports;  ///< up to 64
  SlotTime slot;
  CellTraffic traffic;
  SlotWindow arrivals;  ///< from slot 1 on
  SlotWindow measured;
};

class CrossbarSwitch : public Device {
 public:
  CrossbarSwitch(const sc_core::sc_module_name& module_name, const Environment& environment,
                 const CrossbarPlace& place, const CrossbarConfig& config);

  void waits(std::vector<std::string>& lines) const override;
  std::vector<BufferView> buffers() const override;
  std::vector<StateView> state() const override;
  FrameBalance balance() const override;
  void verify(bool drained) const override;

  const CrossbarPlace& place() const { return place_; }
  const CellMeter& meter() const { return meter_; }
  /// Neither a cell inside nor one to come.
  bool idle() const { return held() == 0 && next_arrival_ == no_slot; }
  std::uint64_t held() const { return inputs_.held() + outputs_.used(); }
  std::uint64_t arrived() const { return arrived_; }  ///< with those dropped
  std::uint64_t departed() const { return departed_; }
  std::uint64_t dropped() const { return dropped_; }
  /// The first slot that may not be over.
  std::uint32_t slots_over() const { return place_.slot.slot_from(present() + 1); }
  Cycle last_departure() const { return last_departure_; }
  /// The last departure, or the arrival of a cell when there was none inside.
  Cycle last_progress() const { return last_progress_; }
  /// Over every cell, its ports and its slots.
  std::uint64_t hash() const { return hash_; }

 private:
  static constexpr std::uint32_t no_slot = ~std::uint32_t{0};
  using Matcher = std::variant<IslipMatcher, PimMatcher, MaximumWeightMatcher>;

  void cycle() override;
  void describe(RegisterMap& map) override;
  DeviceKind device_kind() const override { return DeviceKind::crossbar_switch; }
  unsigned port_count() const override { return place_.ports; }

  void arrive();
  bool store(const SwitchCell& cell);
  void queue_at_output(SwitchCell cell);
  void transfer();
  Matching match(FreePorts free);
  void cross(unsigned input, unsigned output);
  void depart();
  void leave(const SwitchCell& cell, std::uint32_t crossed);
  void look_ahead();
  void arm();
  static Matcher make_matcher(const CrossbarPlace& place, const CrossbarConfig& config,
                              const Rng& rng);

  CrossbarPlace place_;
  const CrossbarConfig& config_;
  CellSource source_;
  InputQueues inputs_;
  Matcher matcher_;
  QueueBank<SwitchCell> outputs_;
  bool queued_outputs_;          // else a cell leaves as it crosses
  PortMask sending_ = 0;         // outputs with a cell
  PortMask full_ = 0;            // outputs without room
  Pacer pacer_;                  // due in the first cycle of the next slot with work
  std::uint32_t slot_ = 0;       // the latest that was begun
  std::uint32_t next_slot_ = 0;  // the next with work
  std::uint32_t next_arrival_;   // the next in which cells arrive
  PortMask next_arrivals_ = 0;   // at these inputs
  std::uint32_t slot_arrivals_ = 0;

  CellMeter meter_;
  std::uint64_t arrived_ = 0;
  std::uint64_t departed_ = 0;
  std::uint64_t dropped_ = 0;
  Cycle last_departure_ = 0;
  Cycle last_progress_ = 0;
  std::uint64_t hash_ = 0;
  std::vector<Occupancy> input_bytes_;   // by input
  std::vector<Occupancy> output_bytes_;  // by output
  Occupancy all_inputs_;
  Occupancy all_outputs_;
};

}  // namespace heddle
