#include "engine/device_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "engine/blueprint.h"
#include "engine/fabric.h"
#include "engine/fabric_limits.h"
#include "engine/quantity.h"
#include "engine/torus_fabric.h"
#include "kernel/error.h"
#include "kernel/link.h"
#include "switches/fabric_ports.h"

namespace heddle {
namespace {

/// A cycle's number must fit the 32 bits in which packets keep their times.
void check_deadline(const Scenario& scenario, std::uint64_t cycles) {
  const std::uint64_t hertz = scenario.fabric.clock.hertz;
  if (cycles > std::numeric_limits<std::uint32_t>::max()) {
    throw InputError(
        fmt::format("measure.deadline: {} cycles of {} Hz; valid is below 2^32", cycles, hertz));
  }
}

void check_clock(const Scenario& scenario) {
  const std::uint64_t hertz = scenario.fabric.clock.hertz;
  if (ps_per_second % hertz != 0) {
    throw InputError(fmt::format(
        "fabric.clock: the period of {} Hz is not a whole number of picoseconds", hertz));
  }
  check_deadline(scenario,
                 scenario.measure.deadline.picoseconds / period_ps(scenario.fabric.clock));
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

/// A link of a torus starts one packet per cycle at most, and its buffers must hold one.
void check_torus_link(const char* key, const LinkConfig& link, const Scenario& scenario) {
  const TorusConfig& torus = scenario.torus;
  const ClockOptions clock = torus_clock(scenario.fabric);
  const std::uint64_t packet = torus.largest_packet_bytes();
  try {
    const LinkRate rate = LinkRate::of(link.rate, clock.period_ps, clock.period_cycles);
    if (rate.bytes > packet * rate.cycles) {
      throw InputError(fmt::format(
          "a link starts one packet of {} B per cycle at most, {}; make torus.payload or "
          "fabric.clock larger",
          packet, print_quantity(packet * 8 * scenario.fabric.clock.hertz, rate_units())));
    }
  } catch (const InputError& error) {
    throw InputError(fmt::format("fabric.{}.rate: {}", key, error.what()));
  }
  const std::uint64_t room = torus_buffer_flits(torus, link, clock);
  if (room < torus.largest_packet_flits()) {
    throw InputError(fmt::format("torus.buffer: {} flits do not hold a packet of {} flits", room,
                                 torus.largest_packet_flits()));
  }
  constexpr std::uint64_t most_flits = 1U << 30;
  if (room > most_flits) {
    throw InputError(fmt::format("torus.buffer: {} flits for fabric.{}; valid is up to {}", room,
                                 key, most_flits));
  }
}

void check_torus_devices(const Scenario& scenario) {
  const ClockOptions clock = torus_clock(scenario.fabric);
  check_deadline(scenario,
                 scenario.measure.deadline.picoseconds * clock.period_cycles / clock.period_ps);
  constexpr std::uint64_t most_wire_bytes = std::numeric_limits<std::uint16_t>::max();
  if (scenario.torus.largest_packet_bytes() > most_wire_bytes) {
    throw InputError(
        fmt::format("torus.payload: a packet takes {} B on the wire; valid is up to {}",
                    scenario.torus.largest_packet_bytes(), most_wire_bytes));
  }
  const TorusShape shape = torus_shape(scenario.fabric);
  for (unsigned d = 0; d < torus_dimensions; ++d) {
    const char* const keys[] = {"x_link", "y_link", "z_link"};
    if (shape.size(d) > 1) check_torus_link(keys[d], scenario.fabric.ring_link(d), scenario);
  }
  check_torus_link("local_link", scenario.fabric.one_way(scenario.fabric.local_link), scenario);
}

}  // namespace

void check_devices(const Scenario& scenario) {
  if (scenario.switch_kind == SwitchKind::torus) return check_torus_devices(scenario);
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
