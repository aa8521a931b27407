// The workload patterns `gemm`, `layers`, `transformer` and `kernel`: what the chips at the nodes
// of a torus compute.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "accelerator/chip.h"
#include "accelerator/interleave.h"
#include "accelerator/torus_endpoint.h"
#include "engine/programs/job_list.h"
#include "engine/programs/kernel_file.h"
#include "engine/timeline.h"
#include "engine/torus_simulation.h"

namespace heddle {

/// What each chip is to do.
struct ChipWork {
  std::vector<Job> jobs;
  DataType type = DataType::bf16;
  HandKernel kernel;  ///< of the pattern `kernel`, in place of jobs
  std::vector<SemaphoreInfo> semaphores;
};
/// Throws InputError for what does not fit, and for files that cannot be read.
ChipWork chip_work(const Scenario& scenario);

class AcceleratorWork : public TorusWork {
 public:
  AcceleratorWork(const Scenario& scenario, const Clock& clock, const RunOptions& options);

  std::unique_ptr<TorusNode> make_node(const TorusNodePlace& place) override;
  std::vector<const Device*> devices() const override;
  bool done() const override;
  bool waiting() const override { return !done(); }
  Cycle last_progress() const override;
  Cycle end(Cycle elapsed) const override;
  std::uint64_t hash() const override;
  void close() override;
  void check_laws(const TorusFacts& facts) const override;
  void add_results(nlohmann::ordered_json& results, const TorusFacts& facts) const override;
  std::string unfinished() const override;

 private:
  std::unique_ptr<KernelSource> program() const;
  void connect(Chip& chip, TorusEndpoint& endpoint, const std::string& name);
  void reduce(unsigned node, std::uint64_t bytes, std::function<void(Cycle)> done);

  const Scenario& scenario_;
  const Clock& clock_;
  ChipWork work_;
  std::vector<std::unique_ptr<KernelSource>> programs_;   // by node
  std::vector<std::unique_ptr<Chip>> chips_;              // by node
  std::vector<std::unique_ptr<Interleave>> interleaves_;  // by node
  std::vector<TorusEndpoint*> endpoints_;                 // by node
  TorusMessages messages_;
  TorusLog log_;
  TorusMemoryLog memory_log_;
  std::shared_ptr<const CollectiveSchedule> all_reduce_;  // null for a single chip
  std::vector<std::uint32_t> collectives_;                // by node: begun so far
  std::unique_ptr<Timeline> timeline_;                    // of the first chip
};

}  // namespace heddle
