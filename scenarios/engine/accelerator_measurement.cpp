#include "engine/accelerator_measurement.h"

#include <algorithm>
#include <array>
#include <map>

#include "engine/accelerator_work.h"

namespace heddle {

namespace {

using Json = nlohmann::ordered_json;
using Chips = std::vector<std::unique_ptr<Chip>>;

/// Cycles by cause, of several engines.
using Causes = std::array<double, cycle_cause_count>;

void add(Causes& to, const CycleAccount& account, Cycle end) {
  account.verify(end);
  for (unsigned cause = 0; cause < cycle_cause_count; ++cause) {
    to[cause] += static_cast<double>(account.cycles(static_cast<CycleCause>(cause)));
  }
}

/// Shares of the cycles, those that are not zero.
Json shares(const Causes& causes) {
  double all = 0;
  for (const double cycles : causes) all += cycles;
  Json json = Json::object();
  for (unsigned cause = 0; cause < cycle_cause_count && all > 0; ++cause) {
    if (causes[cause] != 0) json[cycle_cause_names[cause]] = causes[cause] / all;
  }
  return json;
}

/// Of one engine in all cores.
Json engine_json(const Chips& chips, Engine engine, Cycle end) {
  Causes causes{};
  std::map<std::string, double> waits;  // by semaphore
  double cores = 0;
  for (const auto& chip : chips) {
    for (const auto& core : chip->cores()) {
      add(causes, core->account(engine, end), end);
      ++cores;
      for (unsigned s = 0; s < core->semaphores().size(); ++s) {
        const Cycle waited = core->waited_for(engine, s);
        if (waited != 0) waits[core->semaphores()[s].name] += static_cast<double>(waited);
      }
    }
  }
  Json json = shares(causes);
  for (const auto& [name, cycles] : waits) {
    json["waits_for"][name] = cycles / (cores * static_cast<double>(std::max<Cycle>(end, 1)));
  }
  return json;
}

Json engines(const Chips& chips, Cycle end) {
  Json json;
  for (unsigned e = 0; e < engine_count; ++e) {
    json[engine_names[e]] = engine_json(chips, static_cast<Engine>(e), end);
  }
  Causes dma{};
  for (const auto& chip : chips) {
    for (const auto& core : chip->cores()) {
      for (unsigned mover = 0; mover < core->dma().engines(); ++mover) {
        add(dma, core->dma().account(mover, end), end);
      }
    }
  }
  json["dma"] = shares(dma);
  return json;
}

/// The array's own account: of what it did while it was not waiting.
Json array(const Chips& chips, Cycle end) {
  ArrayCycles sum;
  for (const auto& chip : chips) {
    for (const auto& core : chip->cores()) {
      const ArrayCycles of = core->array_cycles(end);
      sum.load += of.load;
      sum.fill += of.fill;
      sum.busy += of.busy;
      sum.padding += of.padding;
      sum.drain += of.drain;
      sum.idle += of.idle;
    }
  }
  const auto all = static_cast<double>(std::max<Cycle>(sum.total(), 1));
  const auto share = [all](Cycle cycles) { return static_cast<double>(cycles) / all; };
  return {{"load", share(sum.load)},       {"fill", share(sum.fill)},   {"busy", share(sum.busy)},
          {"padding", share(sum.padding)}, {"drain", share(sum.drain)}, {"idle", share(sum.idle)}};
}

/// One kernel of all cores of a chip.
struct ChipKernel {
  std::string name;
  std::uint64_t flops = 0;
  std::uint64_t bytes = 0;
  Cycle begin = never;
  Cycle end = 0;
};

std::vector<ChipKernel> kernels_of(const Chip& chip) {
  std::vector<ChipKernel> all;
  for (const auto& core : chip.cores()) {
    const auto& records = core->kernels();
    if (all.size() < records.size()) all.resize(records.size());
    for (std::size_t k = 0; k < records.size(); ++k) {
      ChipKernel& kernel = all[k];
      kernel.name = records[k].name;
      kernel.flops += records[k].flops;
      kernel.bytes += records[k].bytes_read + records[k].bytes_written;
      kernel.begin = std::min(kernel.begin, records[k].begin);
      kernel.end = std::max(kernel.end, records[k].end);
    }
  }
  return all;
}

const char* bound(const Roofs& roofs, double flops, double bytes) {
  return flops / roofs.flops_per_s >= bytes / roofs.bytes_per_s ? "compute" : "memory";
}

/// Of the first chip. Kernels overlap, as weights are fetched ahead, so a kernel's time is from the
/// end of the one before it.
Json kernels(const Chip& chip, const Roofs& roofs, double cycle_ns) {
  Json list = Json::array();
  Cycle before = 0;
  for (const ChipKernel& kernel : kernels_of(chip)) {
    const auto flops = static_cast<double>(kernel.flops);
    const auto bytes = static_cast<double>(kernel.bytes);
    const Cycle end = std::max(kernel.end, before);
    Json json{{"name", kernel.name},
              {"flops", kernel.flops},
              {"bytes", kernel.bytes},
              {"end_ns", static_cast<double>(end) * cycle_ns},
              {"time_ns", static_cast<double>(end - before) * cycle_ns},
              {"roofline_ns", roofs.seconds(flops, bytes) * 1e9}};
    if (bytes > 0) json["intensity"] = flops / bytes;
    if (flops + bytes > 0) json["bound"] = bound(roofs, flops, bytes);
    list.push_back(std::move(json));
    before = end;
  }
  return list;
}

Json compute(const Scenario& scenario, const ChipWork& work, const Chips& chips, Cycle end,
             double cycle_ns) {
  const Roofs roof = roofs(scenario.accelerator, work.type);
  ChipTotals sum;
  std::uint64_t engagements = 0;
  for (const auto& chip : chips) {
    const ChipTotals one = totals(*chip);
    sum.flops += one.flops;
    sum.bytes += one.bytes;
    sum.remote_bytes += one.remote_bytes;
    for (const auto& core : chip->cores()) engagements += core->throttle().engagements();
  }
  const auto number = static_cast<double>(chips.size());
  const double flops = static_cast<double>(sum.flops) / number;
  const double bytes = static_cast<double>(sum.bytes) / number;
  const double seconds = static_cast<double>(end) * cycle_ns * 1e-9;
  JobArithmetic planned;
  for (const Job& job : work.jobs) {
    const JobArithmetic one = arithmetic(scenario.accelerator, job);
    planned.flops += one.flops;
    planned.bytes += one.bytes;
  }
  Json json{{"chips", chips.size()},
            {"flops", sum.flops},
            {"bytes", sum.bytes},
            {"remote_bytes", sum.remote_bytes},
            {"tflops_per_chip", seconds > 0 ? flops / seconds * 1e-12 : 0},
            {"peak_tflops_per_chip", roof.flops_per_s * 1e-12},
            {"memory_gbps_per_chip", seconds > 0 ? bytes * 8 / seconds * 1e-9 : 0},
            {"peak_memory_gbps_per_chip", roof.bytes_per_s * 8e-9},
            {"ridge", roof.ridge()},
            {"roofline_ns", roof.seconds(flops, bytes) * 1e9},
            {"time_ns", seconds * 1e9},
            {"throttle_engagements", engagements}};
  if (bytes > 0) json["intensity"] = flops / bytes;
  if (planned.bytes > 0) {
    json["planned_intensity"] =
        static_cast<double>(planned.flops) / static_cast<double>(planned.bytes);
  }
  if (flops + bytes > 0) json["bound"] = bound(roof, flops, bytes);
  return json;
}

}  // namespace

ChipTotals totals(const Chip& chip) {
  ChipTotals sum;
  for (const auto& core : chip.cores()) {
    const DmaCounts& dma = core->dma().counts();
    sum.flops += core->flops();
    sum.bytes += dma.bytes_read + dma.bytes_written;
    sum.remote_bytes += dma.bytes_remote;
  }
  return sum;
}

double Roofs::seconds(double flops, double bytes) const {
  return std::max(flops / flops_per_s, bytes / bytes_per_s);
}

Roofs roofs(const AcceleratorConfig& config, DataType type) {
  const SystolicConfig& array = config.array;
  const auto cells = static_cast<double>(config.cores * array.rows * array.columns);
  const double products = cells * static_cast<double>(array.operands_per_row(type)) /
                          static_cast<double>(array.cycles_per_operand(type));
  const DramConfig& stack = config.memory.stack;
  return {2 * products * static_cast<double>(array.clock.hertz),
          static_cast<double>(config.memory.stacks * stack.channels *
                              stack.channel_rate.bits_per_second) /
              8};
}

Json measure_chips(const Scenario& scenario, const ChipWork& work, const Chips& chips, Cycle end,
                   double cycle_ns) {
  Json json;
  json["compute"] = compute(scenario, work, chips, end, cycle_ns);
  json["engines"] = engines(chips, end);
  json["array"] = array(chips, end);
  const Roofs roof = roofs(scenario.accelerator, work.type);
  json["kernels"] = kernels(*chips.front(), roof, cycle_ns);
  return json;
}

}  // namespace heddle
