// The registers of a crossbar; docs/registers.md lists them.
#include "switches/crossbar_switch.h"

namespace heddle {

void CrossbarSwitch::describe(RegisterMap& map) {
  RegisterBlock& config = map.block("config", config_registers, "What the scenario says.");
  config
      .add("queueing", 0x00, 4, "0 a FIFO per input, 1 virtual output queues, 2 output queues.",
           [this] { return config_.queueing; })
      .resets_to("`crossbar.queueing`");
  config
      .add("matching", 0x04, 4, "0 iSLIP, 1 PIM, 2 maximum weight.",
           [this] { return config_.matching; })
      .resets_to("`crossbar.matching`");
  config
      .add("iterations", 0x08, 4, "Rounds of each matching.", [this] { return config_.iterations; })
      .resets_to("`crossbar.iterations`");
  config
      .add("input_speedup", 0x0c, 4, "Cells that an input may send in a slot.",
           [this] { return config_.input_speedup; })
      .resets_to("`crossbar.input_speedup`");
  config
      .add("output_speedup", 0x10, 4, "Cells that an output may take in a slot.",
           [this] { return config_.output_speedup; })
      .resets_to("`crossbar.output_speedup`");
  config.add("cell_bytes", 0x14, 4, "Size of a cell.", [this] { return config_.cell.value; })
      .resets_to("`crossbar.cell`");
  config.add("queue_cells", 0x18, 4, "Room of each queue.", [this] { return config_.queue_cells; })
      .resets_to("`crossbar.queue_cells`");

  RegisterBlock& counters = map.block("counters", counter_registers, "Since the start of the run.");
  counters.add("slot", 0x00, 4, "The latest slot in which there was work.",
               [this] { return slot_; });
  counters.add("cells_arrived", 0x08, 8, "Those that found no room included.",
               [this] { return arrived_; });
  counters.add("cells_departed", 0x10, 8, "Cells that have left by an output.",
               [this] { return departed_; });
  counters.add("cells_dropped", 0x18, 8, "Cells that found their queue full.",
               [this] { return dropped_; });
}

}  // namespace heddle
