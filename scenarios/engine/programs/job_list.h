// What a chip is to compute, job by job, and the kernels that its cores get for it.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "engine/programs/core_program.h"

namespace heddle {

using Job = std::variant<GemmJob, AttentionJob, ElementwiseJob>;

const std::string& name_of(const Job& job);

/// What a job is by arithmetic alone: work, and the bytes that its division into tiles moves.
struct JobArithmetic {
  std::uint64_t flops = 0;  ///< of the tensor engines
  std::uint64_t bytes = 0;
};
JobArithmetic arithmetic(const AcceleratorConfig& config, const Job& job);

/// The jobs of one chip, for its cores: one kernel per job and core.
class ChipProgram : public KernelSource {
 public:
  ChipProgram(const AcceleratorConfig& config, DataType type, std::vector<Job> jobs);

  bool next(unsigned core, Kernel& kernel) override;
  const std::vector<Job>& jobs() const { return jobs_; }

 private:
  std::vector<Job> jobs_;
  std::vector<CoreProgram> cores_;
  std::vector<std::size_t> position_;  ///< by core
};

}  // namespace heddle
