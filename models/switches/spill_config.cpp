#include "switches/spill_config.h"

namespace heddle {

void SpillConfig::describe(Fields& fields) {
  const std::string sdk = "OpenBCM SDK 6.5.27";
  fields.add("dram_bound", dram_bound, 0, 1e12,
             "Bytes in a VOQ beyond which its arriving packets go to the memory; auto is by port "
             "rate: up to 50 Gbps 120 KiB, to 100 Gbps 400, below 400 Gbps 500, else 600.",
             sdk);
  fields.add("recovery", recovery, 0, 1e12,
             "Bytes in a VOQ at which its arriving packets stay in SRAM again; auto is a share of "
             "dram_bound by port rate: up to 50 Gbps 13/45, to 200 Gbps 13/25 * 10/35, else 13/40.",
             sdk);
  fields.add("rate", rate, 1e8, 1e15,
             "What the leaf asks of the memory at most, reads and writes together; auto is 30 % of "
             "its host ports' rate.",
             "expected DRAM rate of Jericho2C+, 2.15 of 7.2 Tbps: " + sdk);
  fields.add("read_buffer", read_buffer, 64, 1e9,
             "SRAM, of the leaf's buffer, kept for packets that are being read back and not yet "
             "sent.");
  memory.describe(fields);
}

Bytes dram_bound_threshold(Rate port) {
  if (!(50_Gbps < port)) return 120_KiB;
  if (!(100_Gbps < port)) return 400_KiB;
  return port < 400_Gbps ? 500_KiB : 600_KiB;
}

Bytes recovery_threshold(Rate port, Bytes dram_bound) {
  if (!(50_Gbps < port)) return {dram_bound.value * 13 / 45};
  if (!(200_Gbps < port)) return {dram_bound.value * 13 * 10 / 25 / 35};
  return {dram_bound.value * 13 / 40};
}

void SpillConfig::set_auto(Rate port, Rate all_ports) {
  if (!dram_bound) dram_bound = dram_bound_threshold(port);
  if (!recovery) recovery = recovery_threshold(port, *dram_bound);
  if (!rate) rate = Rate{all_ports.bits_per_second * 3 / 10};
}

}  // namespace heddle
