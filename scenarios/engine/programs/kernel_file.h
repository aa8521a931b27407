// A kernel written by hand: instruction streams of the engines of a core, in YAML.
//
//   semaphores: {tile_free: 2, tile_ready: 0, sums: 0}     # with what they begin
//   streams:
//     sync:
//       - repeat: 8
//         body:
//           - read: {bytes: 32 KiB, queue: 0, wait: {tile_free: 1}, signal: {tile_ready: 1}}
//     tensor:
//       - repeat: 8
//         body:
//           - load_stationary:
//               {rows: 128, columns: 128, wait: {tile_ready: 1}, signal: {tile_free: 1}}
//           - multiply_moving: {columns: 512, bank: 0}
//
// Instructions and what they say; sizes have no default:
//   load_stationary   rows, columns, type (bf16, fp32, fp8, int8)               tensor
//   multiply_moving   columns, bank, type                                       tensor
//   elementwise       elements of each partition, bank if it reads sums         vector, scalar,
//                                                                               gpsimd
//   read, write       bytes, address, queue, node                               any
//   barrier           reduce                                                    any
//   wait                                                                        any
// `wait` and `signal` of each name up to three semaphores. `repeat` and `body` make a loop. Every
// core of a chip executes the kernel.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "accelerator/accelerator_config.h"
#include "parts/instruction.h"

namespace heddle {

struct HandKernel {
  std::vector<SemaphoreInfo> semaphores;
  Kernel kernel;
};

/// The same kernel for each core, once.
class HandProgram : public KernelSource {
 public:
  /// `kernel` must outlive the program.
  HandProgram(const Kernel& kernel, std::uint64_t cores) : kernel_(kernel), given_(cores, false) {}

  bool next(unsigned core, Kernel& kernel) override {
    if (given_[core]) return false;
    given_[core] = true;
    kernel = kernel_;
    return true;
  }

 private:
  const Kernel& kernel_;
  std::vector<bool> given_;  // by core
};

/// Throws InputError, with place and key, for what is no kernel, for an unknown semaphore, and for
/// what a core cannot do: sums that overflow a bank of PSUM or a bank that there is not, tiles
/// larger than the array, operands of another type than their tile, addresses beyond the memory,
/// more than 4 M instructions in all streams together, loops written out.
HandKernel read_kernel(const std::filesystem::path& file, const AcceleratorConfig& config,
                       std::uint64_t chips);

/// The same for text; `name` stands for the file in messages.
HandKernel parse_kernel(const std::string& text, const std::string& name,
                        const AcceleratorConfig& config, std::uint64_t chips);

}  // namespace heddle
