#include "engine/accelerator_work.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "engine/accelerator_measurement.h"
#include "engine/layer_table.h"

namespace heddle {

namespace {

/// The one entry of the workload of a torus.
const WorkloadConfig& config_of(const Scenario& scenario) { return scenario.workload.front(); }

std::string file_of(const Scenario& scenario) {
  return (std::filesystem::path(scenario.directory) / config_of(scenario).file).string();
}

std::vector<Job> gemm_jobs(const WorkloadConfig& config) {
  std::vector<Job> jobs;
  for (std::uint64_t n = 0; n < config.repeat; ++n) {
    jobs.emplace_back(GemmJob{
        fmt::format("gemm{}", n), {config.m, config.k, config.n}, config.type, Epilogue::store, 0});
  }
  return jobs;
}

std::vector<Job> layer_jobs(const Scenario& scenario) {
  std::vector<Job> jobs;
  for (const GemmLayer& layer : read_layer_table(file_of(scenario)).layers) {
    jobs.emplace_back(
        GemmJob{layer.name, layer.shape, config_of(scenario).type, Epilogue::store, 0});
  }
  return jobs;
}

std::vector<Job> transformer_jobs(const Scenario& scenario) {
  const WorkloadConfig& config = config_of(scenario);
  TransformerWork work;
  work.model = config.model;
  work.phase = config.phase;
  work.batch = config.batch;
  work.tokens = config.tokens;
  work.layers = config.layers.value_or(shape_of(config.model).layers);
  work.chips = scenario.fabric.host_count();
  work.type = config.type;
  try {
    return transformer_jobs(scenario.accelerator, work);
  } catch (const InputError& error) {
    throw InputError(fmt::format("workload: {}", error.what()));
  }
}

std::shared_ptr<const CollectiveSchedule> all_reduce_of(const Scenario& scenario) {
  if (scenario.fabric.host_count() == 1) return nullptr;
  const FabricConfig& fabric = scenario.fabric;
  const TorusSize size{{static_cast<unsigned>(fabric.x), static_cast<unsigned>(fabric.y),
                        static_cast<unsigned>(fabric.z)}};
  try {
    return std::make_shared<CollectiveSchedule>(collective_schedule(
        CollectiveOperation::all_reduce, scenario.accelerator.all_reduce, size));
  } catch (const InputError& error) {
    throw InputError(fmt::format("accelerator.all_reduce: {}", error.what()));
  }
}

}  // namespace

ChipWork chip_work(const Scenario& scenario) {
  const WorkloadConfig& config = config_of(scenario);
  ChipWork work;
  work.type = config.type;
  switch (config.pattern) {
    case Pattern::layers:
      work.jobs = layer_jobs(scenario);
      break;
    case Pattern::transformer:
      work.jobs = transformer_jobs(scenario);
      break;
    case Pattern::kernel:
      work.kernel =
          read_kernel(file_of(scenario), scenario.accelerator, scenario.fabric.host_count());
      work.semaphores = work.kernel.semaphores;
      return work;
    default:
      work.jobs = gemm_jobs(config);
      break;
  }
  work.semaphores = CoreProgram::semaphores(scenario.accelerator, work.type);
  return work;
}

AcceleratorWork::AcceleratorWork(const Scenario& scenario, const Clock& clock,
                                 const RunOptions& options)
    : scenario_(scenario),
      clock_(clock),
      work_(chip_work(scenario)),
      messages_(scenario.torus.payload.value),
      log_(clock.cycles(scenario.measure.warmup), never),
      memory_log_(clock.cycles(scenario.measure.warmup)),
      all_reduce_(all_reduce_of(scenario)),
      collectives_(scenario.fabric.host_count(), 0) {
  if (options.timeline) {
    timeline_ = std::make_unique<Timeline>(*options.timeline, scenario.accelerator, clock);
  }
}

std::unique_ptr<KernelSource> AcceleratorWork::program() const {
  if (config_of(scenario_).pattern == Pattern::kernel) {
    return std::make_unique<HandProgram>(work_.kernel.kernel, scenario_.accelerator.cores);
  }
  return std::make_unique<ChipProgram>(scenario_.accelerator, work_.type, work_.jobs);
}

std::unique_ptr<TorusNode> AcceleratorWork::make_node(const TorusNodePlace& place) {
  Clock& clock = place.environment.clock;
  const unsigned node = place.node;
  const std::string name = fmt::format("chip{}", node);
  programs_.push_back(program());
  Chip::Collective collective;
  if (all_reduce_) {
    collective = [this, node](std::uint64_t bytes, Cycle, std::function<void(Cycle)> done) {
      reduce(node, bytes, std::move(done));
    };
  }
  chips_.push_back(std::make_unique<Chip>(name, clock, scenario_.accelerator, work_.semaphores,
                                          *programs_.back(), std::move(collective)));
  if (timeline_ && node == 0) {
    for (const auto& core : chips_.back()->cores()) core->observe(timeline_.get());
  }
  const TorusEndpointPlace at{node,
                              place.shape,
                              scenario_.accelerator.memory_bytes(),
                              place.buffer_flits,
                              messages_,
                              log_,
                              memory_log_,
                              endpoints_};
  auto endpoint = std::make_unique<TorusEndpoint>(place.name.c_str(), place.environment, at,
                                                  place.config, scenario_.endpoint);
  connect(*chips_.back(), *endpoint, name);
  endpoints_.push_back(endpoint.get());
  return endpoint;
}

/// Cores reach other chips through the endpoint, and those reach this chip's memory through it.
void AcceleratorWork::connect(Chip& chip, TorusEndpoint& endpoint, const std::string& name) {
  const auto stacks = static_cast<unsigned>(chip.memories().size());
  interleaves_.push_back(
      std::make_unique<Interleave>(fmt::format("{}_interleave", name).c_str(), stacks,
                                   scenario_.accelerator.memory.interleave.value));
  Interleave& interleave = *interleaves_.back();
  for (unsigned stack = 0; stack < stacks; ++stack) {
    interleave.stack(stack).bind(chip.memories()[stack]->socket);
  }
  endpoint.memory.bind(interleave.socket);
  for (const auto& core : chip.cores()) core->remote_socket().bind(endpoint.memory_map);
}

/// All chips come to their barriers in the same order, so the number of one names the collective.
void AcceleratorWork::reduce(unsigned node, std::uint64_t bytes, std::function<void(Cycle)> done) {
  const auto& nodes = all_reduce_->nodes;
  CollectiveJob job;
  job.schedule = all_reduce_;
  job.rank = static_cast<unsigned>(std::find(nodes.begin(), nodes.end(), node) - nodes.begin());
  job.tag = collectives_[node]++;
  job.bytes = bytes;
  endpoints_[node]->begin_collective(
      job, [this, done = std::move(done)](Cycle) { done(clock_.now() + 1); });
}

std::vector<const Device*> AcceleratorWork::devices() const {
  std::vector<const Device*> all;
  for (const auto& chip : chips_) {
    for (const auto& memory : chip->memories()) all.push_back(memory.get());
    for (const auto& core : chip->cores()) all.push_back(core.get());
  }
  return all;
}

bool AcceleratorWork::done() const {
  return std::all_of(chips_.begin(), chips_.end(), [](const auto& chip) { return chip->done(); });
}

Cycle AcceleratorWork::last_progress() const {
  Cycle last = 0;
  for (const auto& chip : chips_) last = std::max(last, chip->last_progress());
  return last;
}

/// What has begun may end later than the run.
Cycle AcceleratorWork::end(Cycle elapsed) const {
  Cycle last = done() ? 0 : elapsed;
  for (const auto& chip : chips_) last = std::max(last, chip->finished_at());
  return last;
}

std::uint64_t AcceleratorWork::hash() const {
  std::uint64_t hash = 0;
  for (const auto& chip : chips_) {
    for (const auto& core : chip->cores()) hash = hash * 31 + core->hash();
  }
  return hash;
}

void AcceleratorWork::close() {
  if (timeline_) timeline_->close();
}

/// A drained chip has done all the work of its jobs, and moved what their tiles need.
void AcceleratorWork::check_laws(const TorusFacts& facts) const {
  if (!facts.drained || work_.jobs.empty()) return;
  JobArithmetic expected;
  for (const Job& job : work_.jobs) {
    const JobArithmetic one = arithmetic(scenario_.accelerator, job);
    expected.flops += one.flops;
    expected.bytes += one.bytes;
  }
  for (const auto& chip : chips_) {
    const ChipTotals done = totals(*chip);
    if (done.flops == expected.flops && done.bytes == expected.bytes) continue;
    throw CheckFailure(
        fmt::format("a chip has done {} operations and moved {} bytes; its jobs are {} and {}",
                    done.flops, done.bytes, expected.flops, expected.bytes));
  }
}

void AcceleratorWork::add_results(nlohmann::ordered_json& results, const TorusFacts& facts) const {
  results.update(measure_chips(scenario_, work_, chips_, facts.end, facts.cycle_ns));
}

std::string AcceleratorWork::unfinished() const {
  const auto busy =
      std::count_if(chips_.begin(), chips_.end(), [](const auto& chip) { return !chip->done(); });
  return fmt::format("{} of {} chips not done", busy, chips_.size());
}

}  // namespace heddle
