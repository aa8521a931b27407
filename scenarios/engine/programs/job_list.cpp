#include "engine/programs/job_list.h"

#include <utility>

namespace heddle {

const std::string& name_of(const Job& job) {
  return std::visit([](const auto& any) -> const std::string& { return any.name; }, job);
}

namespace {

JobArithmetic of(const AcceleratorConfig& config, const GemmJob& job) {
  return {2 * job.shape.m * job.shape.k * job.shape.n, CoreProgram::gemm_bytes(config, job)};
}

JobArithmetic of(const AcceleratorConfig& config, const AttentionJob& job) {
  JobArithmetic sum;
  const std::uint64_t bytes = bytes_of(job.type);
  CoreProgram::for_each_block(config, job,
                              [&](std::uint64_t, std::uint64_t columns, std::uint64_t keys) {
                                sum.flops += 4 * job.head * keys * columns;
                                sum.bytes += 2 * job.head * (keys + columns) * bytes;
                              });
  return sum;
}

JobArithmetic of(const AcceleratorConfig&, const ElementwiseJob& job) {
  return {0, (job.inputs + 1) * job.elements * bytes_of(job.type)};
}

}  // namespace

JobArithmetic arithmetic(const AcceleratorConfig& config, const Job& job) {
  return std::visit([&](const auto& any) { return of(config, any); }, job);
}

ChipProgram::ChipProgram(const AcceleratorConfig& config, DataType type, std::vector<Job> jobs)
    : jobs_(std::move(jobs)), position_(config.cores, 0) {
  for (unsigned core = 0; core < config.cores; ++core) cores_.emplace_back(config, core, type);
}

bool ChipProgram::next(unsigned core, Kernel& kernel) {
  if (position_[core] == jobs_.size()) return false;
  const Job& job = jobs_[position_[core]++];
  CoreProgram& program = cores_[core];
  if (const auto* gemm = std::get_if<GemmJob>(&job)) kernel = program.gemm(*gemm);
  if (const auto* attention = std::get_if<AttentionJob>(&job)) {
    kernel = program.attention(*attention);
  }
  if (const auto* vectors = std::get_if<ElementwiseJob>(&job)) {
    kernel = program.elementwise(*vectors);
  }
  return true;
}

}  // namespace heddle
