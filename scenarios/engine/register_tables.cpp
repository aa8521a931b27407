#include "engine/register_tables.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <initializer_list>
#include <utility>

#include "accelerator/accelerator_core.h"
#include "accelerator/systolic_array.h"
#include "accelerator/torus_endpoint.h"
#include "accelerator/torus_router.h"
#include "engine/fabric.h"
#include "engine/fabric_limits.h"
#include "engine/name_selection.h"
#include "engine/programs/kernel_file.h"
#include "kernel/csr.h"

namespace heddle {

namespace {

std::string offset_text(const Register& declared) {
  const std::string offset = fmt::format("0x{:02x}", declared.offset);
  return declared.stride == 0 ? offset : fmt::format("{} + j * {}", offset, declared.stride);
}

std::string block_table(const RegisterBlock& block) {
  const std::string place =
      block.stride == 0
          ? fmt::format("`{}`, from 0x{:x}", block.name, block.base)
          : fmt::format("`{}[i]`, from 0x{:x} + i * 0x{:x}", block.name, block.base, block.stride);
  std::string text = fmt::format(
      "{}. {}\n\n| offset | register | bits | access | reset | meaning | source |\n"
      "|---|---|---|---|---|---|---|\n",
      place, block.what);
  for (const Register& declared : block.registers) {
    text +=
        fmt::format("| {} | `{}{}` | {} | {} | {} | {} | {} |\n", offset_text(declared),
                    declared.name, declared.stride == 0 ? "" : "[j]", 8 * declared.bytes,
                    access_text(declared.access), declared.reset, declared.what, declared.source);
  }
  return text + "\n";
}

/// What all devices have in common is told once.
std::string device_table(const std::string& kind, Device& device) {
  std::string text = fmt::format("### {}\n\n", kind);
  for (const RegisterBlock& block : device.csr().map().blocks()) {
    if (block.name != "device" && block.name != "buffer") text += block_table(block);
  }
  text.pop_back();
  return text;
}

std::string common_table(Device& device) {
  const auto& blocks = device.csr().map().blocks();
  std::string text =
      "### Every device\n\n" + block_table(blocks.front()) + block_table(blocks.back());
  text.pop_back();
  return text;
}

}  // namespace

std::string explain_registers(const std::vector<std::string>& names) {
  Scenario scenario;
  scenario.scheduled.spill = Spill::hbm;
  const Blueprint blueprint = draw(scenario);
  const Blueprint::Box& box = blueprint.boxes.front();
  const ScheduledConfig scheduled = without_auto(scenario);

  Clock clock("clock", {});
  PacketPool packets;
  const Environment environment{clock, packets};
  TrafficSource source;
  DeliveryLog log(0, {});
  const MessageEvents events;
  Nic nic("nic", environment, 0, blueprint.hosts, scenario.nic, scenario.classes,
          scenario.fabric.host_link.rate, source, log, events);
  ScheduledLeaf leaf("scheduled_leaf", environment, leaf_place(scenario, scheduled, blueprint, 0),
                     scheduled, scenario.classes);
  FabricElement element("fabric_element", environment, blueprint.leaves, 1, scheduled);
  AdaptiveSwitch adaptive("adaptive_switch", environment, switch_ports(box),
                          {box.group_of_host, box.ports_of_group}, scenario.adaptive,
                          scenario.routing, scenario.classes, largest_packet_bytes(scenario.nic));
  CrossbarSwitch crossbar("crossbar_switch", environment, crossbar_place(scenario),
                          scenario.crossbar);
  Hbm hbm("hbm", clock, scheduled.hbm.memory);
  const Kernel nothing;
  HandProgram program(nothing, 1);
  AcceleratorCore core("accelerator_core", clock, scenario.accelerator, 0, {{"a", 0}}, program);
  const TorusShape shape({4, 4, 4});
  TorusRouter router("torus_router", environment, shape, 0, scenario.torus);
  SystolicArray array("systolic_array", clock, {}, DataType::bf16, scenario.seed);
  TorusMessages messages(scenario.torus.payload.value);
  TorusLog torus_log(0, never);
  TorusMemoryLog memory_log;
  const std::vector<TorusEndpoint*> no_peers;
  TorusEndpoint endpoint(
      "torus_endpoint", environment,
      {0, shape, scenario.accelerator.memory_bytes(), 0, messages, torus_log, memory_log, no_peers},
      scenario.torus, scenario.endpoint);

  NameSelection wanted(names);
  std::vector<std::string> tables;
  if (wanted.has("device")) tables.push_back(common_table(nic));
  for (Device* device : std::initializer_list<Device*>{&nic, &leaf, &element, &adaptive, &crossbar,
                                                       &hbm, &core, &array, &endpoint, &router}) {
    if (wanted.has(device->path())) tables.push_back(device_table(device->path(), *device));
  }
  wanted.check();
  return fmt::format("{}", fmt::join(tables, "\n"));
}

}  // namespace heddle
