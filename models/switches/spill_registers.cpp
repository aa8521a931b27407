// The registers of a leaf's way to its external memory; docs/models/scheduled_leaf.md lists them.
#include "switches/spill_memory.h"

namespace heddle {

namespace {

constexpr std::uint64_t most_bytes = 1'000'000'000'000;  // as scheduled.hbm.dram_bound

}  // namespace

void SpillMemory::describe(RegisterMap& map, std::uint64_t base) {
  RegisterBlock& block =
      map.block("spill", base, "The way to external memory. Only if `scheduled.spill` is hbm.");
  block
      .add("dram_bound_bytes", 0x00, 8,
           "A VOQ that an arriving packet makes longer than this sends what arrives to the memory.",
           [this] { return dram_bound_bytes_; })
      .resets_to("`scheduled.hbm.dram_bound`")
      .from("OpenBCM SDK 6.5.27")
      .writable(0, most_bytes, [this](std::uint64_t bytes) { dram_bound_bytes_ = bytes; });
  block
      .add("recovery_bytes", 0x08, 8,
           "A VOQ that a departing packet makes as short as this keeps what arrives in SRAM again.",
           [this] { return recovery_bytes_; })
      .resets_to("`scheduled.hbm.recovery`")
      .from("OpenBCM SDK 6.5.27")
      .writable(0, most_bytes, [this](std::uint64_t bytes) { recovery_bytes_ = bytes; });
  block
      .add("read_buffer_bytes", 0x10, 8, "SRAM kept for packets that are read back.",
           [this] { return read_buffer_limit_; })
      .resets_to("`scheduled.hbm.read_buffer`");
  block.add("read_buffer_used_bytes", 0x18, 8, "Held there, or on their way there.",
            [this] { return read_buffer_bytes_; });
  block.add("held_bytes", 0x20, 8, "Bytes that are in the memory only.",
            [this] { return held_.level(); });
  block.add("bytes_written", 0x28, 8, "Bytes that have left SRAM for the memory.",
            [this] { return bytes_written_; });
  block.add("bytes_read", 0x30, 8, "Bytes that have come back.", [this] { return bytes_read_; });
}

}  // namespace heddle
