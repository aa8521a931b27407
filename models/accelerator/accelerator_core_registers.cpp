// The registers of an accelerator core; docs/models/accelerator_core.md lists them.
#include <fmt/format.h>

#include "accelerator/accelerator_core.h"

namespace heddle {

void AcceleratorCore::describe(RegisterMap& map) {
  RegisterBlock& config = map.block("config", config_registers, "What the scenario says.");
  config
      .add("array_rows", 0x00, 4, "Rows of the systolic array.",
           [this] { return config_.array.rows; })
      .resets_to("`accelerator.array.rows`");
  config
      .add("array_columns", 0x04, 4, "Columns of the systolic array.",
           [this] { return config_.array.columns; })
      .resets_to("`accelerator.array.columns`");
  config.add("psum_banks", 0x08, 4, "Banks for sums.", [this] { return config_.psum_banks; })
      .resets_to("`accelerator.psum_banks`");
  config.add("dma_engines", 0x0c, 4, "DMA engines.", [this] { return config_.dma.engines; })
      .resets_to("`accelerator.dma.engines`");
  config
      .add("semaphores", 0x10, 4, "Semaphores of the program.",
           [this] { return semaphores_.size(); })
      .resets_to("their number");

  RegisterBlock& counters = map.block("counters", counter_registers, "Since the start of the run.");
  counters.add("flops", 0x00, 8, "Multiplications and additions that the array has begun.",
               [this] { return flops_; });
  counters.add("transfers", 0x08, 8, "Transfers posted.",
               [this] { return dma_.counts().transfers; });
  counters.add("descriptors", 0x10, 8, "Their descriptors.",
               [this] { return dma_.counts().descriptors; });
  counters.add("bytes_read", 0x18, 8, "Bytes asked from the chip's memory.",
               [this] { return dma_.counts().bytes_read; });
  counters.add("bytes_written", 0x20, 8, "Bytes sent to the chip's memory.",
               [this] { return dma_.counts().bytes_written; });
  counters.add("bytes_remote", 0x28, 8, "Bytes from and to the memory of other chips.",
               [this] { return dma_.counts().bytes_remote; });
  counters.add("throttle_engagements", 0x30, 8, "Times that the droop throttle was engaged.",
               [this] { return throttle_.engagements(); });
  counters.add("transfers_open", 0x38, 4, "Transfers that are not done.",
               [this] { return dma_.open(); });

  // Addresses of ports: the engines stand where other devices have theirs.
  RegisterBlock& engine =
      map.block("engine", port_registers, "An engine: tensor, vector, scalar, gpsimd, sync.",
                engine_count, port_stride);
  engine.add("instructions", 0x00, 8, "Instructions started.",
             [this](unsigned e) { return states_[e].executed; });
  engine.add("kernel", 0x08, 4, "Number of the kernel that it is in, from 0.",
             [this](unsigned e) { return states_[e].kernel; });
  engine.add("position", 0x0c, 4, "Of its next instruction there.",
             [this](unsigned e) { return states_[e].position; });
  engine.add("over", 0x10, 4, "1 when its stream is over.",
             [this](unsigned e) { return states_[e].over; });
  engine
      .add("cycles", 0x40, 8,
           "Cycles that have begun, by cause: j as under \"Where the cycles went\".",
           [this](unsigned e, unsigned cause) {
             return account(static_cast<Engine>(e), present() + 1)
                 .cycles(static_cast<CycleCause>(cause));
           })
      .array(cycle_cause_count, 8);

  RegisterBlock& semaphore = map.block("semaphore", voq_registers, "A semaphore.",
                                       static_cast<unsigned>(semaphores_.size()), 8);
  semaphore
      .add("count", 0x00, 4, "What it has.", [this](unsigned s) { return semaphores_[s].count; })
      .resets_to("what it begins with");
}

}  // namespace heddle
