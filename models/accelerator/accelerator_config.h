// Parameters of an accelerator chip: cores with their engines, memories and DMA engines, and the
// stacks of memory that they share. Defaults are Trainium2's.
#pragma once

#include "kernel/fields.h"
#include "parts/collective_schedule.h"
#include "parts/dram_config.h"
#include "parts/droop_throttle.h"
#include "parts/systolic_config.h"

namespace heddle {

struct DmaConfig {
  std::uint64_t engines = 16;
  std::uint64_t queues = 16;
  Bytes descriptor = 4_KiB;
  Duration descriptor_time = 107_ns;
  Rate rate{184'000'000'000};
  Duration start = 1300_ns;
  std::uint64_t outstanding = 8;

  void describe(Fields& fields);
};

/// Of a chip's memory; the rules of each stack are those of DramConfig.
struct ChipMemoryConfig {
  std::uint64_t stacks = 4;
  Bytes interleave = 4_KiB;
  DramConfig stack;

  ChipMemoryConfig();
  void describe(Fields& fields);
};

/// Whole chips, or one systolic array alone that is never kept waiting: what SCALE-Sim models.
enum class AcceleratorModel : std::uint8_t { chip, array };

struct AcceleratorConfig {
  AcceleratorModel model = AcceleratorModel::chip;
  std::uint64_t cores = 8;
  SystolicConfig array;
  Frequency vector_clock{960'000'000};
  Frequency scalar_clock{1'200'000'000};
  Frequency gpsimd_clock{1'200'000'000};
  std::uint64_t instruction_cycles = 64;
  std::uint64_t semaphore_cycles = 1;
  Duration barrier = 100_ns;
  Bytes sbuf = Bytes{224 << 10};
  std::uint64_t psum_banks = 8;
  Bytes psum_bank = 2_KiB;
  DmaConfig dma;
  ThrottleConfig throttle;
  ChipMemoryConfig memory;
  CollectiveAlgorithm all_reduce = CollectiveAlgorithm::hierarchical;

  /// Bytes of a chip's memory.
  std::uint64_t memory_bytes() const { return memory.stacks * memory.stack.capacity.value; }

  void describe(Fields& fields);
  /// Throws InputError, its text beginning with a key of this section.
  void check() const;
};

}  // namespace heddle
