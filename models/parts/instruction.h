// What the engines of an accelerator core execute: instructions with the semaphores that order
// them. An engine takes its own in order; nothing else orders two engines.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "parts/systolic_config.h"

namespace heddle {

enum class Engine : std::uint8_t { tensor, vector, scalar, gpsimd, sync };
inline constexpr unsigned engine_count = 5;
inline constexpr std::array<const char*, engine_count> engine_names{"tensor", "vector", "scalar",
                                                                    "gpsimd", "sync"};

enum class Opcode : std::uint8_t {
  load_stationary,  ///< tensor: `rows` x `columns` of the stationary operand into the array
  multiply_moving,  ///< tensor: `elements` columns of the moving operand, sums into a PSUM bank
  elementwise,      ///< vector, scalar, gpsimd: `elements` of each partition, one after the other
  transfer,         ///< any: `bytes` between SBUF and memory, by the descriptors of a DMA queue
  barrier,          ///< any: tells the chip that this core is there; signals when all of them are,
                    ///< and, with `bytes`, when the chips have reduced so many
  wait              ///< any: nothing but its semaphores
};
inline constexpr std::array<const char*, 6> opcode_names{
    "load_stationary", "multiply_moving", "elementwise", "transfer", "barrier", "wait"};

/// Waits until the semaphore has `count` and takes them, or adds them; count 0: nothing.
struct SemaphoreUse {
  std::uint16_t semaphore = 0;
  std::uint16_t count = 0;
};

inline constexpr std::uint8_t no_bank = 0xff;

struct Instruction {
  Opcode opcode = Opcode::wait;
  DataType type = DataType::bf16;
  std::uint8_t psum_bank = no_bank;  ///< written by multiply_moving, read by elementwise
  std::uint8_t queue = 0;            ///< transfer
  bool write = false;                ///< transfer: SBUF to memory
  bool remote = false;               ///< transfer: memory of another chip, by its global address
  std::uint16_t rows = 0;
  std::uint16_t columns = 0;
  std::uint32_t elements = 0;
  std::uint64_t bytes = 0;
  std::uint64_t address = 0;
  std::array<SemaphoreUse, 3> waits;    ///< before it starts, in this order
  std::array<SemaphoreUse, 3> signals;  ///< when it is done
};
static_assert(sizeof(Instruction) <= 64);

/// A piece of a program: one stream per engine, which may run ahead of each other.
struct Kernel {
  std::string name;
  std::array<std::vector<Instruction>, engine_count> streams;

  std::vector<Instruction>& stream(Engine engine) { return streams[static_cast<unsigned>(engine)]; }
};

/// Gives a core its program, piece by piece.
class KernelSource {
 public:
  virtual ~KernelSource() = default;
  /// The next piece for core `core`; false after the last.
  virtual bool next(unsigned core, Kernel& kernel) = 0;
};

/// The semaphores of a core, by number.
struct SemaphoreInfo {
  std::string name;
  std::uint32_t initial = 0;
};

}  // namespace heddle
