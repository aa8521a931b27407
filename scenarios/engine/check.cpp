#include "engine/check.h"

#include <fmt/format.h>

#include <filesystem>
#include <limits>

#include "engine/accelerator_work.h"
#include "engine/connection_matrix.h"
#include "engine/device_check.h"
#include "engine/events.h"
#include "engine/fabric.h"
#include "engine/fabric_limits.h"
#include "engine/quantity.h"
#include "engine/torus_collective.h"
#include "kernel/error.h"
#include "parts/port_mask.h"

namespace heddle {
namespace {

template <class... Values>
void require(bool holds, fmt::format_string<Values...> sentence, Values&&... values) {
  if (!holds) throw InputError(fmt::format(sentence, std::forward<Values>(values)...));
}

/// A file that cannot be read is found here, before anything runs.
void check_matrix(const WorkloadConfig& workload, const Scenario& scenario,
                  const std::string& path) {
  const auto file = std::filesystem::path(scenario.directory) / workload.file;
  try {
    const ConnectionMatrix matrix = read_connection_matrix(file.string());
    require(matrix.nodes <= scenario.fabric.host_count(),
            "{}:{}: the file has {} nodes, but the fabric has only {} hosts", file.string(),
            matrix.nodes_line, matrix.nodes, scenario.fabric.host_count());
  } catch (const InputError& error) {
    throw InputError(fmt::format("{}.file: {}", path, error.what()));
  }
}

/// `path` leads to the group: there may be several.
void check_workload(const WorkloadConfig& workload, const Scenario& scenario,
                    const std::string& path) {
  const std::uint64_t hosts = scenario.fabric.host_count();
  const std::uint64_t needed = workload.receivers * (workload.senders + 1);
  require(workload.pattern != Pattern::diagonal && workload.pattern != Pattern::log_diagonal,
          "{}.pattern: only 'switch: crossbar' has 'diagonal' and 'log_diagonal'", path);
  require(workload.pattern < Pattern::collective,
          "{}.pattern: only the chips of 'switch: torus' compute or share memory", path);
  switch (workload.pattern) {
    case Pattern::incast:
      require(needed <= hosts,
              "{}.senders: incast of {} senders to each of {} receivers needs {} hosts, but the "
              "fabric has {}",
              path, workload.senders, workload.receivers, needed, hosts);
      break;
    case Pattern::permutation:
      require(workload.permutation != PermutationKind::shift || workload.shift < hosts,
              "{}.shift: {} is not below the number of hosts, {}", path, workload.shift, hosts);
      break;
    case Pattern::file:
      require(!workload.file.empty(), "{}: pattern 'file' needs the key 'file'", path);
      check_matrix(workload, scenario, path);
      break;
    default:
      break;
  }
  constexpr std::uint64_t most_packets = (1ULL << 31) - 1;
  require(workload.message.value / scenario.nic.mtu.value < most_packets,
          "{}.message: {} is more than 2^31 packets of {} (nic.mtu)", path,
          print_quantity(workload.message), print_quantity(scenario.nic.mtu));
  require(workload.start < scenario.measure.deadline,
          "{}.start: {} is not before the deadline of the run, {}", path,
          print_quantity(workload.start), print_quantity(scenario.measure.deadline));
  require(workload.traffic_class < scenario.classes.size(),
          "{}.traffic_class: there is no class {}; 'classes' has {}, counted from 0", path,
          workload.traffic_class, scenario.classes.size());
}

void check_scheduled(const Scenario& scenario) {
  const ScheduledConfig& scheduled = scenario.scheduled;
  require(scheduled.buffer_cell < scheduled.buffer,
          "scheduled.buffer_cell: {} is not below buffer, {}",
          print_quantity(scheduled.buffer_cell), print_quantity(scheduled.buffer));
  require(
      scenario.events.empty() || scheduled.reachability_period < scheduled.reachability_watchdog,
      "scheduled.reachability_watchdog: {} is not above reachability_period, {}: links would be "
      "given up between two frames",
      print_quantity(scheduled.reachability_watchdog),
      print_quantity(scheduled.reachability_period));
  const std::uint64_t cards = scheduled.chassis.line_cards;
  require(scenario.fabric.topology != Topology::single || scenario.fabric.hosts % cards == 0,
          "scheduled.chassis.line_cards: {} line cards do not divide {} hosts evenly", cards,
          scenario.fabric.hosts);
  without_auto(scenario);  // throws where buffers are too small for the cables
}

void check_adaptive(const Scenario& scenario) {
  const AdaptiveConfig& adaptive = scenario.adaptive;
  require(!(adaptive.ecn.kmax < adaptive.ecn.kmin), "adaptive.ecn: kmin, {}, is above kmax, {}",
          print_quantity(adaptive.ecn.kmin), print_quantity(adaptive.ecn.kmax));
  require(adaptive.memory.cell < adaptive.memory.buffer,
          "adaptive.memory.cell: {} is not below buffer, {}", print_quantity(adaptive.memory.cell),
          print_quantity(adaptive.memory.buffer));
  bool lossy = false;
  for (const TrafficClassConfig& traffic_class : scenario.classes) lossy |= !traffic_class.lossless;
  require(!adaptive.trimming || lossy,
          "adaptive.trimming: only packets of lossy classes are trimmed, and no class has "
          "'lossless: false'");
}

bool has_cells(Pattern pattern) {
  return pattern == Pattern::uniform || pattern == Pattern::bursty ||
         pattern == Pattern::diagonal || pattern == Pattern::log_diagonal;
}

void check_crossbar(const Scenario& scenario) {
  require(scenario.fabric.topology == Topology::single,
          "fabric.topology: a crossbar is one box alone; it needs 'single'");
  require(scenario.fabric.hosts <= port_mask_bits, "fabric.hosts: a crossbar has up to {} ports",
          port_mask_bits);
  require(scenario.workload.size() == 1, "workload: a crossbar's inputs have one stream each");
  const WorkloadConfig& workload = scenario.workload.front();
  require(has_cells(workload.pattern),
          "workload.pattern: a crossbar has 'uniform', 'bursty', 'diagonal' and 'log_diagonal'");
  require(workload.start < scenario.measure.deadline,
          "workload.start: {} is not before the deadline of the run, {}",
          print_quantity(workload.start), print_quantity(scenario.measure.deadline));
  check_devices(scenario);
}

void check_array(const Scenario& scenario) {
  if (scenario.accelerator.model != AcceleratorModel::array) return;
  const WorkloadConfig& workload = scenario.workload.front();
  require(workload.pattern == Pattern::gemm || workload.pattern == Pattern::layers,
          "workload.pattern: an array alone (accelerator.model) has 'gemm' and 'layers'");
  require(scenario.fabric.host_count() == 1,
          "fabric: an array alone (accelerator.model) has one node, not {}",
          scenario.fabric.host_count());
  const DataType type = workload.type;
  require(scenario.accelerator.array.mode == ArrayMode::fast || type == DataType::int8 ||
              type == DataType::bf16,
          "workload.type: the PEs of accelerator.array.mode 'pe_grid' compute int8 and bf16");
}

/// Programs are built here once, so that what does not fit is known before a run.
void check_programs(const Scenario& scenario) {
  const WorkloadConfig& workload = scenario.workload.front();
  const bool from_file = workload.pattern == Pattern::layers || workload.pattern == Pattern::kernel;
  require(!from_file || !workload.file.empty(), "workload: this pattern needs the key 'file'");
  try {
    scenario.accelerator.check();
  } catch (const InputError& error) {
    throw InputError(fmt::format("accelerator.{}", error.what()));
  }
  check_array(scenario);
  chip_work(scenario);
}

/// The room that packets leave is told on the other direction's wire, and links between chips
/// repeat what arrives damaged.
void check_torus_events(const Scenario& scenario) {
  for (std::size_t i = 0; i < scenario.events.size(); ++i) {
    const EventConfig& event = scenario.events[i];
    const bool degrades = event.action == EventAction::degrade;
    require(event.action != EventAction::corrupt,
            "events.{}.action: links of a torus are not corrupted; they 'fail', 'flap', 'restore' "
            "and 'degrade'",
            i);
    require(degrades || !event.one_way,
            "events.{}.one_way: a torus link fails in both directions: each carries the credits of "
            "the other",
            i);
  }
  check_events(scenario, draw(scenario));
}

void check_collective(const Scenario& scenario) {
  const WorkloadConfig& workload = scenario.workload.front();
  constexpr std::uint64_t most_ranks = 1024;
  const std::uint64_t ranks = workload.ranks.value_or(scenario.fabric.host_count());
  require(ranks <= most_ranks, "workload.ranks: {} ranks; valid is 2 to {}", ranks, most_ranks);
  require(scenario.torus.payload.value >= collective_word_bytes,
          "torus.payload: a packet of {} B does not hold the {} B that a collective moves at least",
          scenario.torus.payload.value, collective_word_bytes);
  try {
    const CollectiveSchedule schedule = collective_of(scenario);
    const std::uint64_t least =
        std::uint64_t{schedule.ranks()} * schedule.lanes * collective_word_bytes;
    require(workload.message.value >= least,
            "message: {} B are less than {} B for each of {} ranks and {} rings",
            workload.message.value, collective_word_bytes, schedule.ranks(), schedule.lanes);
    constexpr std::uint64_t most_bytes = std::uint64_t{1} << 39;  // 64 GiB of words
    require(workload.message.value <= most_bytes / ranks,
            "message: {} B of each of {} ranks; valid is up to {} B together",
            workload.message.value, ranks, most_bytes);
  } catch (const InputError& error) {
    throw InputError(fmt::format("workload: {}", error.what()));
  }
}

void check_remote(const Scenario& scenario) {
  const WorkloadConfig& workload = scenario.workload.front();
  const std::uint64_t nodes = scenario.fabric.host_count();
  require(nodes > 1 || workload.distance == RemoteDistance::own,
          "workload.distance: a torus of one node has 'own' memory only");
  require(workload.initiators.value_or(1) <= nodes,
          "workload.initiators: {} chips of a torus of {} nodes", workload.initiators.value_or(1),
          nodes);
  const ChipMemoryConfig& memory = scenario.accelerator.memory;
  require(workload.message.value <= scenario.accelerator.memory_bytes(),
          "workload.message: {} B do not fit a memory of {} B", workload.message.value,
          scenario.accelerator.memory_bytes());
  require(memory.interleave.value % scenario.torus.payload.value == 0,
          "torus.payload: blocks of accelerator.memory.interleave, {} B, are no multiple of {} B",
          memory.interleave.value, scenario.torus.payload.value);
  constexpr std::uint64_t most_bytes = std::uint64_t{1} << 31;
  require(workload.message.value <= most_bytes,
          "workload.message: an access of {} B; valid is up to "
          "{}",
          workload.message.value, most_bytes);
  try {
    memory.stack.check();
  } catch (const InputError& error) {
    throw InputError(fmt::format("accelerator.memory.stack.{}", error.what()));
  }
}

/// What the nodes do.
void check_torus_work(const Scenario& scenario) {
  switch (scenario.workload.front().pattern) {
    case Pattern::uniform:
      return;
    case Pattern::collective:
      return check_collective(scenario);
    case Pattern::remote_read:
    case Pattern::remote_write:
      return check_remote(scenario);
    default:
      require(is_program(scenario.workload.front().pattern),
              "workload.pattern: a torus has 'uniform', 'collective', 'remote_read', "
              "'remote_write', 'gemm', 'layers', 'transformer' and 'kernel'");
      check_programs(scenario);
  }
}

void check_torus(const Scenario& scenario) {
  const FabricConfig& fabric = scenario.fabric;
  require(fabric.topology == Topology::torus, "fabric.topology: 'switch: torus' needs 'torus'");
  constexpr std::uint64_t most_nodes = 4096;
  require(fabric.host_count() <= most_nodes,
          "fabric: a torus of {} x {} x {} has {} nodes; valid "
          "is up to {}",
          fabric.x, fabric.y, fabric.z, fabric.host_count(), most_nodes);
  require(scenario.workload.size() == 1, "workload: the nodes of a torus do one thing");
  const WorkloadConfig& workload = scenario.workload.front();
  check_torus_work(scenario);
  require(workload.start < scenario.measure.deadline,
          "workload.start: {} is not before the deadline of the run, {}",
          print_quantity(workload.start), print_quantity(scenario.measure.deadline));
  check_devices(scenario);
  check_torus_events(scenario);
  if (!scenario.rtl.empty()) rtl_names(scenario, draw(scenario));  // throws for an unknown name
}

}  // namespace

void check(const Scenario& scenario) {
  const std::uint64_t hosts = scenario.fabric.host_count();
  // A host's number has 16 bits.
  constexpr std::uint64_t max_hosts = std::numeric_limits<std::uint16_t>::max();
  const bool crossbar = scenario.switch_kind == SwitchKind::crossbar;
  const bool torus = scenario.switch_kind == SwitchKind::torus;
  const std::uint64_t least_hosts = crossbar || torus ? 1 : 2;
  require(hosts >= least_hosts && hosts <= max_hosts, "fabric: {} hosts; valid is {} to {}", hosts,
          least_hosts, max_hosts);
  require(scenario.classes.size() <= max_traffic_classes, "classes: {} classes; valid is 1 to {}",
          scenario.classes.size(), max_traffic_classes);
  require(scenario.measure.warmup < scenario.measure.deadline,
          "measure.warmup: {} is not before the deadline, {}",
          print_quantity(scenario.measure.warmup), print_quantity(scenario.measure.deadline));
  if (crossbar) return check_crossbar(scenario);
  if (torus) return check_torus(scenario);
  require(scenario.fabric.topology != Topology::torus,
          "fabric.topology: 'torus' needs 'switch: torus'");
  const bool windowed = scenario.nic.receive != ReceiveMode::unreliable_datagram;
  require(!windowed || !(scenario.nic.window < scenario.nic.mtu),
          "nic.window: {} does not hold one packet of {} (nic.mtu)",
          print_quantity(scenario.nic.window), print_quantity(scenario.nic.mtu));
  require(!windowed || scenario.nic.retransmission_timeout < scenario.measure.watchdog,
          "measure.watchdog: {} is not above nic.retransmission_timeout, {}: the run would be "
          "given up before a lost packet is repeated",
          print_quantity(scenario.measure.watchdog),
          print_quantity(scenario.nic.retransmission_timeout));
  const std::size_t groups = scenario.workload.size();
  for (std::size_t i = 0; i < groups; ++i) {
    check_workload(scenario.workload[i], scenario,
                   groups == 1 ? "workload" : fmt::format("workload.{}", i));
  }
  if (scenario.switch_kind == SwitchKind::scheduled) check_scheduled(scenario);
  if (scenario.switch_kind == SwitchKind::adaptive) check_adaptive(scenario);
  check_devices(scenario);
  const Blueprint blueprint = draw(scenario);
  check_events(scenario, blueprint);
  rtl_names(scenario, blueprint);  // throws for a name that no switch has
}

}  // namespace heddle
