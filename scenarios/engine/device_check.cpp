#include "engine/device_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "engine/blueprint.h"
#include "engine/fabric.h"
#include "engine/fabric_limits.h"
#include "engine/quantity.h"
#include "kernel/error.h"
#include "kernel/link.h"
#include "switches/fabric_ports.h"

namespace heddle {
namespace {

/// A cycle's number must fit the 32 bits in which packets keep their times.
void check_clock(const Scenario& scenario) {
  const std::uint64_t hertz = scenario.fabric.clock.hertz;
  if (ps_per_second % hertz != 0) {
    throw InputError(fmt::format(
        "fabric.clock: the period of {} Hz is not a whole number of picoseconds", hertz));
  }
  const std::uint64_t cycles =
      scenario.measure.deadline.picoseconds / period_ps(scenario.fabric.clock);
  if (cycles > std::numeric_limits<std::uint32_t>::max()) {
    throw InputError(
        fmt::format("measure.deadline: {} cycles of {} Hz; valid is below 2^32", cycles, hertz));
  }
}

void check_rate(const char* key, Rate rate, const Scenario& scenario) {
  try {
    LinkRate::of(rate, period_ps(scenario.fabric.clock));
  } catch (const InputError& error) {
    throw InputError(fmt::format("{}: {}", key, error.what()));
  }
}

/// A link starts one frame per cycle at most.
void check_cell_rate(const char* key, const Scenario& scenario) {
  const LinkRate rate = LinkRate::of(fabric_link(scenario).rate, period_ps(scenario.fabric.clock));
  const std::uint64_t cell = largest_cell_bytes(scenario.scheduled);
  if (rate.bytes <= cell * rate.cycles) return;
  throw InputError(
      fmt::format("{}: a link starts one cell of {} B per cycle at most, {}; make "
                  "scheduled.cell_payload or fabric.clock larger",
                  key, cell, print_quantity(cell * 8 * scenario.fabric.clock.hertz, rate_units())));
}

void check_hbm(const Scenario& scenario) {
  const DramConfig& memory = scenario.scheduled.hbm.memory;
  check_rate("scheduled.hbm.channel_rate", memory.channel_rate, scenario);
  try {
    memory.check();
  } catch (const InputError& error) {
    throw InputError(fmt::format("scheduled.hbm.{}", error.what()));
  }
}

/// The smallest of the leaves' or switches' memories must hold a packet beside its headroom.
template <class MakeMemory>
void check_memory(const char* key, const Scenario& scenario, MakeMemory&& make) {
  try {
    const SharedBuffer memory = make();
    const std::uint32_t packet = largest_packet_bytes(scenario.nic) - ethernet_framing_bytes;
    if (memory.cells_of(packet) <= memory.shared_cells()) return;
    throw InputError(fmt::format("headroom leaves {} cells to share, too few for a packet of {} B",
                                 memory.shared_cells(), packet));
  } catch (const InputError& error) {
    throw InputError(fmt::format("{}: {}", key, error.what()));
  }
}

/// The crossbar does at most one slot in a cycle.
void check_slot(const Scenario& scenario) {
  const CrossbarConfig& crossbar = scenario.crossbar;
  check_rate("crossbar.port_rate", crossbar.port_rate, scenario);
  const LinkRate rate = LinkRate::of(crossbar.port_rate, period_ps(scenario.fabric.clock));
  if (SlotTime::of(crossbar.cell, rate).cycles_per_slot() >= 1) return;
  throw InputError(fmt::format(
      "crossbar.cell: {} takes less than a cycle at {}; make it, or fabric.clock, larger",
      print_quantity(crossbar.cell), print_quantity(crossbar.port_rate)));
}

void check_memories(const Scenario& scenario, const Blueprint& blueprint) {
  if (scenario.switch_kind == SwitchKind::scheduled) {
    const ScheduledConfig config = without_auto(scenario);
    return check_memory("scheduled.buffer", scenario, [&] {
      return leaf_memory(leaf_place(scenario, config, blueprint, 0), config, scenario.classes);
    });
  }
  // Boxes of one tier are alike.
  for (const Blueprint::Box& box : blueprint.boxes) {
    check_memory("adaptive.memory.buffer", scenario, [&] {
      return switch_memory(switch_ports(box), scenario.adaptive, scenario.classes);
    });
  }
}

}  // namespace

void check_devices(const Scenario& scenario) {
  check_clock(scenario);
  if (scenario.switch_kind == SwitchKind::crossbar) return check_slot(scenario);
  check_rate("fabric.host_link.rate", scenario.fabric.host_link.rate, scenario);
  const bool single = scenario.fabric.topology == Topology::single;
  const bool scheduled = scenario.switch_kind == SwitchKind::scheduled;
  if (!single || scheduled) {
    const char* key = single ? "scheduled.chassis.internal_rate" : "fabric.fabric_link.rate";
    check_rate(key, fabric_link(scenario).rate, scenario);
    if (scheduled) check_cell_rate(key, scenario);
    if (scheduled && scenario.scheduled.spill == Spill::hbm) check_hbm(scenario);
  }
  const Blueprint blueprint = draw(scenario, Extent::one_of_each_tier);
  for (const Blueprint::Box& box : blueprint.boxes) {
    constexpr std::size_t most = std::numeric_limits<std::uint16_t>::max();
    if (box.ports.size() > most) {
      throw InputError(fmt::format("fabric: {} has {} ports; valid is up to {}", box.name,
                                   box.ports.size(), most));
    }
  }
  check_memories(scenario, blueprint);
}

}  // namespace heddle
