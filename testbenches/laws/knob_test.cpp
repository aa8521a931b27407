// No dead knob: every key of a scenario changes what a run gives, or is rejected where it has no
// meaning. The keys come from the declarations, so a new one fails here until it has a row.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "engine/conditions.h"
#include "engine/field_text.h"
#include "engine/loader.h"
#include "kernel/error.h"
#include "scenario_run.h"

namespace heddle::testing {
namespace {

// --- small scenarios in which knobs can turn -----------------------------------------------------

const std::string scheduled =
    "switch: scheduled\nfabric: {leaves: 2, spines: 2, hosts_per_leaf: 2}\n"
    "workload: {pattern: permutation, permutation: shift, shift: 2, message: 64 KiB}\n";
const std::string scheduled_incast =
    "switch: scheduled\nfabric: {leaves: 4, spines: 2, hosts_per_leaf: 2}\n"
    "workload: {pattern: incast, senders: 7, message: 200 KB}\n";
/// Uplinks carry a quarter of what the hosts may send.
const std::string scheduled_oversubscribed =
    "switch: scheduled\nfabric: {leaves: 3, spines: 1, hosts_per_leaf: 4}\n"
    "workload: {pattern: permutation, permutation: shift, shift: 4, message: 1 MB}\n";
/// Three leaves fill the element's link to the fourth.
const std::string scheduled_blocked_element =
    "switch: scheduled\n"
    "fabric: {leaves: 4, spines: 1, hosts_per_leaf: 2, fabric_link: {rate: 100 Gbps}}\n"
    "workload: {pattern: incast, senders: 7, message: 200 KB}\n";
const std::string scheduled_small_memory =
    "switch: scheduled\nfabric: {topology: single, hosts: 4}\nscheduled: {buffer: 1 MB}\n"
    "workload: {pattern: incast, senders: 3, message: 3 MB}\n";
/// Three leaves keep a small memory each busy with what waits for one port.
const std::string scheduled_spill =
    "switch: scheduled\nfabric: {leaves: 3, spines: 2, hosts_per_leaf: 4}\n"
    "workload: {pattern: incast, senders: 8, message: 300 KB}\nnic: {window: 1 MB}\n"
    "scheduled: {spill: hbm, hbm: {dram_bound: 20 KB, channels: 1, banks: 4, queue: 16}}\n";
const std::string chassis =
    "switch: scheduled\nfabric: {topology: single, hosts: 8}\n"
    "workload: {pattern: permutation, message: 64 KiB}\n";

const std::string adaptive =
    "switch: adaptive\nfabric: {leaves: 2, spines: 2, hosts_per_leaf: 2}\n"
    "workload: {pattern: permutation, permutation: shift, shift: 2, message: 64 KiB}\n";
const std::string adaptive_incast =
    "switch: adaptive\nfabric: {topology: single, hosts: 4}\n"
    "workload: {pattern: incast, senders: 3, message: 1 MB}\n";
const std::string adaptive_lossless = adaptive_incast + "adaptive: {memory: {buffer: 1 MB}}\n";
const std::string adaptive_fixed_xoff =
    adaptive_incast + "adaptive: {memory: {buffer: 1 MB, xoff: 100 KB}}\n";
const std::string adaptive_lossy =
    adaptive_incast +
    "adaptive: {memory: {buffer: 1 MB}}\nclasses: [{lossless: false}, {scheduling: strict}]\n"
    "nic: {receive: selective_repeat, retransmission_timeout: 100 us}\n";
const std::string adaptive_marking =
    adaptive_incast + "adaptive: {ecn: {kmin: 10 KB, kmax: 1 MB}}\n";
const std::string adaptive_many_paths =
    "switch: adaptive\nfabric: {leaves: 2, spines: 4, hosts_per_leaf: 4}\n"
    "workload: {pattern: uniform, message: 64 KiB, load: 0.9, duration: 20 us}\n"
    "nic: {receive: out_of_order_placement}\n";
const std::string adaptive_uneven =
    "switch: adaptive\nfabric: {leaves: 3, spines: 2, hosts_per_leaf: 4}\n"
    "workload: {pattern: permutation, permutation: shift, shift: 4, message: 64 KiB}\n"
    "nic: {receive: out_of_order_placement}\n";
const std::string failing = adaptive_many_paths +
                            "events: {at: 5 us, action: fail, link: leaf0.4-spine0.0}\n"
                            "measure: {deadline: 100 us}\n";
const std::string failing_scheduled =
    scheduled_oversubscribed +
    "events: {at: 20 us, action: fail, link: leaf0.4-spine0.0, one_way: true}\n"
    "measure: {deadline: 200 us}\n";
const std::string flapping = adaptive_many_paths +
                             "events: {at: 5 us, action: flap, link: leaf0.4-spine0.0, times: 2}\n"
                             "measure: {deadline: 100 us}\n";
const std::string stuck =
    adaptive_incast +
    "adaptive: {memory: {xoff: 0 B, headroom: 0 B}}\nnic: {retransmission_timeout: 1 ms}\n"
    "measure: {watchdog: 2 ms}\n";
const std::string two_equal_classes =
    "switch: adaptive\nfabric: {topology: single, hosts: 4}\n"
    "workload:\n"
    "  - {pattern: incast, senders: 3, message: 100 KB}\n"
    "  - {pattern: incast, senders: 3, message: 100 KB, traffic_class: 1}\n"
    "classes: [{}, {}, {scheduling: strict}]\n";
// 135 MB, of which one memory, or the two of two line cards, have to hold 126.
const std::string more_than_a_memory =
    "fabric: {topology: single, hosts: 16}\n"
    "workload: {pattern: incast, senders: 15, message: 9 MB}\n";
const std::string dcqcn =
    adaptive_incast +
    "adaptive: {ecn: {kmin: 10 KB, kmax: 100 KB}}\n"
    "nic:\n"
    "  congestion_control: dcqcn\n"
    "  dcqcn: {cnp_interval: 1 us, decrease_interval: 1 us, alpha_timer: 2 us,\n"
    "          increase_timer: 2 us, byte_counter: 50 KB, fast_recovery_rounds: 1,\n"
    "          additive_increase: 500 Mbps, hyper_increase: 1 Gbps}\n";

std::string arriving(const std::string& pattern) {
  return "fabric: {leaves: 2, spines: 2, hosts_per_leaf: 2}\n"
         "workload: {message: 4 KiB, duration: 10 us, pattern: " +
         pattern + "}\n";
}
const std::string flows =
    "fabric: {leaves: 2, spines: 2, hosts_per_leaf: 2}\n"
    "workload: {pattern: flows, duration: 20 us}\nmeasure: {deadline: 60 us}\n";
std::string matrix(const std::string& name) {
  return std::string(HEDDLE_SOURCE_DIR "/testbenches/fuzz/corpus/connection_matrix/") + name;
}

const std::string crossbar =
    "switch: crossbar\nfabric: {topology: single, hosts: 8}\n"
    "workload: {pattern: uniform, load: 0.95, duration: 2 us}\n";

const std::string torus =
    "switch: torus\nfabric: {topology: torus, x: 4, y: 4, z: 2}\n"
    "workload: {pattern: uniform, load: 0.3, message: 512 B, duration: 2 us}\n";
// All through one link, as much as it carries: what its buffers hold decides.
const std::string torus_loaded =
    "switch: torus\n"
    "fabric: {topology: torus, x: 8, y: 1, local_link: {rate: 1000 Gbps}}\n"
    "workload: {pattern: uniform, load: 0.9, message: 512 B, duration: 4 us}\n";
const std::string torus_failing =
    torus + "events: {at: 1 us, action: fail, link: router0.xp-router1.xm}\n";

/// Two products on a chip.
const std::string chip =
    "switch: torus\nfabric: {topology: torus, x: 1, y: 1, z: 1, clock: 2.4 GHz}\n";
const std::string chip_gemm =
    chip + "workload: {pattern: gemm, m: 640, k: 512, n: 1024, repeat: 2}\n";
const std::string chip_few_cores = chip_gemm + "accelerator: {cores: 2}\n";
/// Memory is what everybody waits for, and has few banks.
const std::string chip_memory =
    chip + "workload: {pattern: gemm, m: 64, k: 1024, n: 2048}\n" +
    "accelerator: {cores: 2, memory: {stacks: 1, stack: {channels: 2, banks: 4, queue: 16}}}\n";
const std::string chip_kernel = chip + "workload: {pattern: kernel, file: " + HEDDLE_SOURCE_DIR +
                                "/scenarios/kernels/knobs.kernel}\n";
const std::string chip_model =
    chip + "workload: {pattern: transformer, phase: decode, tokens: 64, layers: 1}\n";
const std::string chips_model =
    "switch: torus\nfabric: {topology: torus, x: 2, y: 2, z: 1, clock: 2.4 GHz}\n"
    "workload: {pattern: transformer, phase: decode, tokens: 64, layers: 1}\n";
const std::string array =
    chip + "workload: {pattern: gemm, m: 200, k: 200, n: 200}\naccelerator: {model: array}\n";
const std::string server = "switch: torus\nfabric: {topology: torus, x: 4, y: 4}\n";
const std::string collective =
    server + "workload: {pattern: collective, message: 64 KiB, algorithm: ring}\n";
/// Every chip keeps its neighbours' small memories busy.
const std::string remote =
    server +
    "workload: {pattern: remote_read, message: 2 KiB, accesses: 100, outstanding: 8}\n"
    "accelerator: {memory: {stacks: 1, stack: {channels: 1, banks: 4, queue: 16}}}\n"
    "measure: {deadline: 500 us}\n";
const std::string remote_write =
    server +
    "workload: {pattern: remote_write, message: 2 KiB, accesses: 100, outstanding: 8}\n"
    "accelerator: {memory: {stacks: 1, stack: {channels: 1, banks: 4, queue: 16}}}\n"
    "measure: {deadline: 500 us}\n";
const std::string remote_mix =
    server +
    "workload: {pattern: remote_read, message: 2 KiB, accesses: 100, outstanding: 16, mix: 0.5}\n"
    "accelerator: {memory: {stacks: 1, stack: {channels: 1, banks: 4, queue: 16}}}\n"
    "measure: {deadline: 500 us}\n";
/// No answer comes in time.
const std::string remote_repeats = server +
                                   "workload: {pattern: remote_read, accesses: 10}\n"
                                   "endpoint: {time_out: 1.1 us}\n";

/// What `--set` gives to turn a knob in a scenario.
struct Turn {
  std::string path;
  std::string value;
  std::string base;

  friend void PrintTo(const Turn& turn, std::ostream* out) {
    *out << turn.path << "=" << turn.value << " in\n" << turn.base;
  }
};

const std::vector<Turn> turns{
    {"seed", "2", chassis},
    {"switch", "adaptive", "fabric: {topology: single, hosts: 4}\nworkload: {message: 64 KiB}\n"},
    {"routing", "ecmp", adaptive_uneven},

    {"workload.pattern", "all_to_all", "fabric: {leaves: 2}\nworkload: {message: 4 KiB}\n"},
    {"workload.file", matrix("triggers"), "workload: {file: " + matrix("one") + "}\n"},
    {"workload.message", "63 KiB", scheduled},
    {"workload.senders", "2", adaptive_incast},
    {"workload.receivers", "2", "workload: {pattern: incast, message: 4 KiB}\n"},
    {"workload.permutation", "shift", "workload: {message: 4 KiB}\n"},
    {"workload.shift", "1", scheduled},
    {"workload.load", "0.6", arriving("uniform")},
    {"workload.arrivals", "poisson", arriving("uniform")},
    {"workload.burst", "4", arriving("bursty")},
    {"workload.sizes", "hadoop", flows},
    {"workload.duration", "20 us", arriving("uniform")},
    {"workload.start", "1 us", scheduled},
    {"workload.0.traffic_class", "1", two_equal_classes},

    {"fabric.topology", "single", "workload: {message: 4 KiB}\n"},
    {"fabric.hosts", "4", chassis},
    {"fabric.leaves", "3", scheduled},
    {"fabric.spines", "1", scheduled},
    {"fabric.hosts_per_leaf", "3", scheduled},
    {"fabric.links_per_spine", "2", scheduled},
    {"fabric.host_link.rate", "200 Gbps", scheduled},
    {"fabric.host_link.latency", "60 ns", scheduled},
    {"fabric.fabric_link.rate", "200 Gbps", scheduled},
    {"fabric.fabric_link.latency", "310 ns", scheduled},
    {"fabric.clock", "2 GHz", scheduled},

    {"classes.0.scheduling", "strict", two_equal_classes},
    {"classes.0.weight", "9", two_equal_classes},
    {"classes.0.lossless", "true", adaptive_lossy},

    {"scheduled.buffer", "2 MB", scheduled_small_memory},
    {"scheduled.buffer_cell", "1 KiB", scheduled_small_memory},
    {"scheduled.headroom", "100 KB", scheduled_small_memory},
    {"scheduled.spill", "hbm", scheduled_small_memory},
    {"scheduled.hbm.dram_bound", "30 KB", scheduled_spill},
    {"scheduled.hbm.recovery", "15 KB",
     "fabric: {leaves: 2, spines: 2, hosts_per_leaf: 2}\n"
     "workload: {pattern: bursty, message: 4 KiB, load: 0.9, duration: 100 us}\n"
     "scheduled: {spill: hbm, hbm: {dram_bound: 20 KB}}\n"},
    {"scheduled.hbm.rate", "100 Gbps", scheduled_spill},
    {"scheduled.hbm.read_buffer", "5 KB", scheduled_spill},
    {"scheduled.hbm.channels", "2", scheduled_spill},
    {"scheduled.hbm.banks", "2", scheduled_spill},
    {"scheduled.hbm.channel_rate", "200 Gbps", scheduled_spill},
    {"scheduled.hbm.capacity", "64 KiB", scheduled_spill},
    {"scheduled.hbm.row", "1 KiB", scheduled_spill},
    {"scheduled.hbm.stripe", "512 B", scheduled_spill},
    {"scheduled.hbm.burst", "128 B", scheduled_spill},
    {"scheduled.hbm.row_cycle", "90 ns", scheduled_spill},
    {"scheduled.hbm.activate_to_read", "20 ns", scheduled_spill},
    {"scheduled.hbm.activate_to_write", "20 ns", scheduled_spill},
    {"scheduled.hbm.precharge", "20 ns", scheduled_spill},
    {"scheduled.hbm.four_activates", "90 ns", scheduled_spill},
    {"scheduled.hbm.read_latency", "23 ns", scheduled_spill},
    {"scheduled.hbm.write_latency", "8 ns", scheduled_spill},
    {"scheduled.hbm.read_to_precharge", "9 ns", scheduled_spill},
    {"scheduled.hbm.write_recovery", "20 ns", scheduled_spill},
    {"scheduled.hbm.write_to_read", "12 ns", scheduled_spill},
    {"scheduled.hbm.read_to_write", "5 ns", scheduled_spill},
    {"scheduled.hbm.refresh", "300 ns", scheduled_spill},
    {"scheduled.hbm.refresh_interval", "2 us", scheduled_spill},
    {"scheduled.hbm.queue", "8", scheduled_spill},
    {"scheduled.hbm.window", "1", scheduled_spill},
    {"scheduled.hbm.batch", "2", scheduled_spill},
    {"scheduled.hbm.age_limit", "0", scheduled_spill},
    {"scheduled.credit", "1 KiB", scheduled},
    {"scheduled.credit_speedup", "0.5", scheduled},
    {"scheduled.credit_slices", "2",
     "fabric: {leaves: 4, hosts_per_leaf: 1, spines: 4}\n"
     "workload: {pattern: incast, senders: 3, message: 400 KB}\n"},
    {"scheduled.credits_outstanding", "2", scheduled},
    {"scheduled.credit_watchdog", "1 us", scheduled_incast},
    {"scheduled.egress_threshold", "4 KiB", scheduled_incast},
    {"scheduled.egress_buffer", "1130 KB", scheduled_oversubscribed},
    {"scheduled.segmentation", "unpacked", scheduled_incast + "nic: {mtu: 300 B}\n"},
    {"scheduled.cell_payload", "128 B", scheduled},
    {"scheduled.cell_header", "32 B", scheduled},
    {"scheduled.spray", "random", scheduled},
    {"scheduled.cells_per_cycle", "1", scheduled_oversubscribed},
    {"scheduled.staging_cells", "2", scheduled_oversubscribed},
    {"scheduled.receive_pool_cells", "300", scheduled_blocked_element},
    {"scheduled.xoff_cells", "100", scheduled_blocked_element},
    {"scheduled.xon_cells", "10", scheduled_blocked_element},
    {"scheduled.ingress_latency", "210 ns", scheduled},
    {"scheduled.egress_latency", "210 ns", scheduled},
    {"scheduled.element_latency", "160 ns", scheduled},
    {"scheduled.loopback_latency", "60 ns",
     "fabric: {leaves: 2}\nworkload: {permutation: shift, message: 4 KiB}\n"},
    {"scheduled.chassis.line_cards", "2", chassis},
    {"scheduled.chassis.fabric_elements", "2", chassis},
    {"scheduled.chassis.internal_rate", "200 Gbps", chassis},
    {"scheduled.chassis.internal_latency", "20 ns", chassis},

    {"scheduled.preset", "jericho3_ai",
     more_than_a_memory + "scheduled: {chassis: {line_cards: 2}}\n"},
    {"adaptive.preset", "sn5600", more_than_a_memory + "switch: adaptive\n"},
    {"adaptive.memory.buffer", "2 MB", adaptive_lossless},
    {"adaptive.memory.cell", "200 B",
     "switch: adaptive\nfabric: {topology: single, hosts: 4}\n"
     "workload: {pattern: incast, senders: 3, message: 3 MB}\n"
     "adaptive: {memory: {buffer: 2 MB}}\n"},
    {"adaptive.memory.alpha_lossless", "0.25", adaptive_lossless},
    {"adaptive.memory.alpha_lossy", "0.25", adaptive_lossy},
    {"adaptive.memory.xoff", "50 KB", adaptive_lossless},
    {"adaptive.memory.xon_offset", "10 KB", adaptive_fixed_xoff},
    {"adaptive.memory.headroom", "120 KB", adaptive_lossless},
    {"adaptive.ecn.kmin", "100 KB", adaptive_marking},
    {"adaptive.ecn.kmax", "100 KB", adaptive_marking},
    {"adaptive.ecn.pmax", "0.5", adaptive_marking},
    {"adaptive.forwarding", "store_and_forward", adaptive},
    {"adaptive.pipeline_latency", "460 ns", adaptive},
    {"adaptive.spray", "round_robin", adaptive_many_paths + "routing: spray\n"},
    {"adaptive.flowlet_gap", "10 ns", adaptive_many_paths + "routing: flowlet\n"},
    {"adaptive.grade", "64 B", adaptive_many_paths},
    {"adaptive.grades", "2", adaptive_uneven},
    {"adaptive.trimming", "true", adaptive_lossy},

    {"crossbar.queueing", "fifo", crossbar},
    {"crossbar.matching", "pim", crossbar},
    {"crossbar.iterations", "1", crossbar},
    {"crossbar.input_speedup", "2", crossbar + "crossbar: {output_speedup: 2}\n"},
    {"crossbar.output_speedup", "2", crossbar},
    {"crossbar.queue_cells", "1", crossbar},
    {"crossbar.cell", "128 B", crossbar},
    {"crossbar.port_rate", "200 Gbps", crossbar},

    {"workload.to_itself", "true", torus},
    {"fabric.x", "3", torus},
    {"fabric.y", "3", torus},
    {"fabric.z", "1", torus},
    {"fabric.x_link.rate", "500 Gbps", torus},
    {"fabric.x_link.latency", "60 ns", torus},
    {"fabric.y_link.rate", "500 Gbps", torus},
    {"fabric.y_link.latency", "60 ns", torus},
    {"fabric.z_link.rate", "500 Gbps", torus},
    {"fabric.z_link.latency", "60 ns", torus},
    {"fabric.local_link.rate", "500 Gbps", torus},
    {"fabric.local_link.latency", "6 ns", torus},
    {"fabric.link_rates", "both_ways", torus},
    {"fabric.preset", "trainium2_ultraserver", torus},
    {"torus.flit", "64 B", torus},
    {"torus.header", "64 B", torus},
    {"torus.payload", "1 KiB",
     "switch: torus\nfabric: {topology: torus}\n"
     "workload: {pattern: uniform, message: 2 KiB, duration: 2 us}\n"},
    {"torus.lanes", "1", torus_loaded},
    {"torus.buffer", "1 KiB", torus_loaded},
    {"torus.read_speedup", "2", torus_loaded},
    {"torus.router_latency", "21 ns", torus},
    {"torus.dateline", "false", torus_loaded},
    {"torus.detection_delay", "500 ns", torus_failing},

    {"workload.m", "600", chip_gemm},
    {"workload.k", "500", chip_gemm},
    {"workload.n", "1000", chip_gemm},
    {"workload.repeat", "3", chip_gemm},
    {"workload.type", "fp8", chip_gemm},
    {"workload.model", "llama3_70b", chips_model},
    {"workload.phase", "prefill", chip_model},
    {"workload.batch", "2", chip_model},
    {"workload.tokens", "1024", chip_model},
    {"workload.layers", "2", chip_model},
    {"accelerator.model", "array", chip_gemm},
    {"accelerator.cores", "4", chip_gemm},
    {"accelerator.vector_clock", "480 MHz", chip_gemm},
    {"accelerator.scalar_clock", "600 MHz", chip_gemm},
    {"accelerator.gpsimd_clock", "600 MHz", chip_kernel},
    {"accelerator.instruction_cycles", "32", chip_gemm},
    {"accelerator.semaphore_cycles", "5", chip_gemm},
    {"accelerator.barrier", "300 ns", chip_gemm},
    {"accelerator.sbuf", "48 KiB", chip_few_cores},
    {"accelerator.psum_banks", "2", chip_few_cores},
    {"accelerator.psum_bank", "1 KiB", chip_gemm},
    {"accelerator.all_reduce", "ring", chips_model},
    {"accelerator.array.rows", "64", chip_gemm},
    {"accelerator.array.columns", "64", chip_gemm},
    {"accelerator.array.dataflow", "output_stationary", array},
    {"accelerator.array.folds", "serial", array},
    {"accelerator.array.minimum_cycles", "128", chip_kernel},
    {"accelerator.array.load_rows", "1", chip_kernel},
    {"accelerator.array.moving_limit", "256", chip_gemm},
    {"accelerator.array.fp32_cycles", "2",
     chip + "workload: {pattern: gemm, m: 512, k: 512, n: 1024, type: fp32}\n"},
    {"accelerator.array.fp8_rows", "1",
     chip + "workload: {pattern: gemm, m: 512, k: 512, n: 1024, type: fp8}\n"},
    {"accelerator.dma.engines", "8", chip_few_cores},
    {"accelerator.dma.queues", "1", chip_few_cores},
    {"accelerator.dma.descriptor", "2 KiB", chip_few_cores},
    {"accelerator.dma.descriptor_time", "300 ns", chip_few_cores},
    {"accelerator.dma.rate", "92 Gbps", chip_few_cores},
    {"accelerator.dma.start", "900 ns", chip_few_cores},
    {"accelerator.dma.outstanding", "1", chip_memory},
    {"accelerator.throttle.enabled", "false", chip_gemm},
    {"accelerator.throttle.initial", "0.8", chip_gemm},
    {"accelerator.throttle.threshold", "0", chip_kernel},
    {"accelerator.throttle.ramp", "6 us", chip_kernel},
    {"accelerator.throttle.window", "10 us",
     chip_kernel + "accelerator: {throttle: {threshold: 0.1}}\n"},
    {"accelerator.memory.stacks", "2", chip_gemm},
    {"accelerator.memory.interleave", "16 KiB", chip_few_cores},
    {"accelerator.memory.stack.channels", "4", chip_memory},
    {"accelerator.memory.stack.banks", "2", chip_memory},
    {"accelerator.memory.stack.channel_rate", "200 Gbps", chip_memory},
    {"accelerator.memory.stack.capacity", "12 GiB", chip_memory},
    {"accelerator.memory.stack.row", "4 KiB", chip_memory},
    {"accelerator.memory.stack.stripe", "512 B", chip_memory},
    {"accelerator.memory.stack.burst", "1 KiB", chip_memory},
    {"accelerator.memory.stack.row_cycle", "190 ns", chip_memory},
    {"accelerator.memory.stack.activate_to_read", "60 ns", chip_memory},
    {"accelerator.memory.stack.activate_to_write", "60 ns", chip_memory},
    {"accelerator.memory.stack.precharge", "40 ns", chip_memory},
    {"accelerator.memory.stack.four_activates", "300 ns", chip_memory},
    {"accelerator.memory.stack.read_latency", "23 ns", chip_memory},
    {"accelerator.memory.stack.write_latency", "30 ns", chip_memory},
    {"accelerator.memory.stack.read_to_precharge", "60 ns", chip_memory},
    {"accelerator.memory.stack.write_recovery", "90 ns", chip_memory},
    {"accelerator.memory.stack.write_to_read", "60 ns", chip_memory},
    {"accelerator.memory.stack.read_to_write", "60 ns", chip_memory},
    {"accelerator.memory.stack.refresh", "300 ns", chip_memory},
    {"accelerator.memory.stack.refresh_interval", "2 us", chip_memory},
    {"accelerator.memory.stack.queue", "2", chip_memory},
    {"accelerator.memory.stack.window", "1", chip_memory},
    {"accelerator.memory.stack.batch", "1", chip_memory},
    {"accelerator.memory.stack.age_limit", "0", chip_memory},
    {"workload.operation", "all_gather", collective},
    {"workload.algorithm", "hierarchical", collective},
    {"workload.ranks", "8", collective},
    {"workload.repetitions", "2", collective},
    {"workload.distance", "farthest", remote},
    {"workload.initiators", "3", remote},
    {"workload.accesses", "50", remote},
    {"workload.outstanding", "4", remote},
    {"workload.mix", "0.2", remote},

    {"endpoint.latency", "260 ns", remote},
    {"endpoint.reduce_latency", "60 ns", collective},
    {"endpoint.forwarding", "packets", collective},
    {"endpoint.outstanding", "4", remote},
    {"endpoint.service", "2", remote},
    {"endpoint.time_out", "2 us", remote_repeats},
    {"endpoint.repeats", "0", remote_repeats},

    {"nic.mtu", "1 KiB", scheduled},
    {"nic.receive", "out_of_order_placement", adaptive_lossy},
    {"nic.window", "8 KiB", scheduled},
    {"nic.ack_interval", "1", scheduled},
    {"nic.retransmission_timeout", "50 us", adaptive_lossy},
    {"nic.congestion_control", "dcqcn", adaptive_marking},
    {"nic.dcqcn.alpha_timer", "1 us", dcqcn},
    {"nic.dcqcn.decrease_interval", "3 us", dcqcn},
    {"nic.dcqcn.increase_timer", "1 us", dcqcn},
    {"nic.dcqcn.cnp_interval", "3 us", dcqcn},
    {"nic.dcqcn.byte_counter", "10 KB", dcqcn},
    {"nic.dcqcn.gain", "0.5", dcqcn},
    {"nic.dcqcn.fast_recovery_rounds", "3", dcqcn},
    {"nic.dcqcn.additive_increase", "1 Gbps", dcqcn},
    {"nic.dcqcn.hyper_increase", "10 Gbps", dcqcn},
    {"nic.dcqcn.minimum_rate", "100 Gbps", dcqcn},
    {"nic.transmit_latency", "110 ns", scheduled},
    {"nic.receive_latency", "110 ns", scheduled},

    {"events.at", "6 us", failing},
    {"events.action", "flap", failing},
    {"events.link", "leaf0.5-spine1.0", failing},
    {"events.one_way", "true", failing},
    {"events.rate", "50 Gbps",
     "events: {at: 1 us, action: degrade, link: host0-leaf0}\n" + adaptive},
    {"events.bit_error_ratio", "0.0001",
     "events: {at: 1 us, action: corrupt, link: host0-leaf0}\n" + adaptive},
    {"events.down", "2 us", flapping},
    {"events.period", "5 us", flapping},
    {"events.times", "1", flapping},
    {"scheduled.reachability_period", "10 us", failing_scheduled},
    {"scheduled.reachability_watchdog", "50 us", failing_scheduled},
    {"scheduled.reassembly_timeout", "10 us",
     scheduled + "events: {at: 1 us, action: corrupt, link: '*', bit_error_ratio: 0.00001}\n"},
    {"adaptive.detection_delay", "1 us", failing},
    {"adaptive.withdrawal_delay", "1 us", failing},

    {"measure.warmup", "1 us", scheduled},
    {"measure.deadline", "2 us", scheduled},
    {"measure.watchdog", "3 ms", stuck},
};

// --- the declared keys ---------------------------------------------------------------------------

struct Key {
  std::string value;  ///< by default
  std::vector<Condition> conditions;
  std::vector<std::string> choices;
};

void collect(const Section& section, const std::string& path,
             const std::vector<Condition>& conditions, std::map<std::string, Key>& keys) {
  const auto with = [&](const std::vector<Condition>& own) {
    std::vector<Condition> all = conditions;
    for (Condition c : own) {
      c.key = c.key.front() == '/' ? c.key.substr(1) : join_path(path, c.key);
      all.push_back(c);
    }
    return all;
  };
  for (const Field& field : section.fields) {
    const auto* choice = std::get_if<ChoiceTarget>(&field.target);
    keys[join_path(path, field.key)] = {
        value_text(field), with(field.conditions),
        choice == nullptr ? std::vector<std::string>{} : choice->names};
  }
  for (const Section& inner : section.sections) {
    if (inner.members) inner.resize(1);
    collect(inner.members ? inner.members().front() : inner, join_path(path, inner.key),
            with(inner.conditions), keys);
  }
}

std::map<std::string, Key> declared_keys() {
  Scenario scenario;
  std::map<std::string, Key> keys;
  collect(describe(scenario), "", {}, keys);
  return keys;
}

/// "classes.0.weight" is the key "classes.weight".
std::string key_of(const std::string& path) {
  std::string key;
  for (const std::string& part : split_path(path)) {
    if (std::isdigit(static_cast<unsigned char>(part.front())) == 0) key = join_path(key, part);
  }
  return key;
}

// The name is that of tables and the results folder; the loader's tests read it back.
// Whether a device runs as RTL changes nothing (testbenches/cosim), nor whether PEs are stepped
// (testbenches/unit/pe_grid_test.cpp).
TEST(Knobs, EveryKeyHasATurn) {
  const std::map<std::string, Key> keys = declared_keys();
  std::set<std::string> turned;
  for (const Turn& turn : turns) turned.insert(key_of(turn.path));
  for (const auto& [key, declared] : keys) {
    EXPECT_TRUE(turned.count(key) > 0 || key == "name" || key == "rtl" ||
                key == "accelerator.array.mode")
        << "no test shows that " << key << " changes anything";
  }
  for (const Turn& turn : turns) EXPECT_EQ(keys.count(key_of(turn.path)), 1U) << turn.path;
}

// --- turning them --------------------------------------------------------------------------------

/// Everything that a run says but the speed of the machine.
std::string results_of(const Turn& turn, bool turned) {
  LoadOptions options;
  if (turned) options.sets = {turn.path + "=" + turn.value};
  const ScenarioRun run =
      run_scenario(load_text(turn.base, "scenario of this test", options).at(0));
  EXPECT_TRUE(run.exit_code == 0 || run.exit_code == 4 || run.exit_code == 5) << run.explanation;
  nlohmann::ordered_json results = run.results;
  for (const char* other : {"wall_s", "ns_per_frame_hop", "seed"}) results["run"].erase(other);
  return results.dump();
}

class Knob : public ::testing::TestWithParam<Turn> {};

TEST_P(Knob, ChangesTheResults) {
  EXPECT_NE(results_of(GetParam(), false), results_of(GetParam(), true));
}

std::string name_of(const ::testing::TestParamInfo<Turn>& info) {
  std::string name = key_of(info.param.path);
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Keys, Knob, ::testing::ValuesIn(turns), name_of);

/// `--set` options that make `key` mean something.
void add_needed(const std::map<std::string, Key>& keys, const std::string& key,
                std::vector<std::string>& sets) {
  for (const Condition& c : keys.at(key).conditions) {
    add_needed(keys, c.key, sets);
    sets.push_back(c.key + "=" + c.values.front());
  }
}

/// The value that the last of these `--set` options gives to `key`.
std::string last_value(const std::vector<std::string>& sets, const std::string& key) {
  std::string value;
  for (const std::string& set : sets) {
    if (set.rfind(key + "=", 0) == 0) value = set.substr(key.size() + 1);
  }
  return value;
}

/// `--set` options without which no scenario has a crossbar, or one of its patterns, or those of a
/// torus.
void add_crossbar(std::vector<std::string>& sets) {
  const std::string pattern = last_value(sets, "workload.pattern");
  if (pattern == "collective" || pattern == "remote_read" || pattern == "remote_write") {
    sets.push_back("switch=torus");
    sets.push_back("fabric.topology=torus");
    return;
  }
  const bool diagonal = pattern == "diagonal" || pattern == "log_diagonal";
  if (!diagonal && last_value(sets, "switch") != "crossbar") return;
  sets.push_back("fabric.topology=single");
  sets.push_back(diagonal ? "switch=crossbar" : "workload.pattern=uniform");
}

/// `--set` options without which no scenario has a torus, or one of its patterns.
bool add_torus(std::vector<std::string>& sets) {
  static const std::set<std::string> patterns{"collective", "remote_read", "remote_write", "gemm",
                                              "layers",     "transformer", "kernel"};
  const std::string pattern = last_value(sets, "workload.pattern");
  const bool alone = last_value(sets, "accelerator.model") == "array";
  if (patterns.count(pattern) == 0 && last_value(sets, "switch") != "torus" &&
      last_value(sets, "fabric.topology") != "torus" && !alone) {
    return false;
  }
  sets.push_back("switch=torus");
  sets.push_back("fabric.topology=torus");
  if (alone) {
    for (const char* size : {"x", "y", "z"}) sets.push_back(fmt::format("fabric.{}=1", size));
  }
  if (alone || pattern.empty()) sets.push_back("workload.pattern=gemm");
  const std::string folder = HEDDLE_SOURCE_DIR "/scenarios/";
  if (pattern == "kernel") sets.push_back("workload.file=" + folder + "kernels/knobs.kernel");
  if (pattern == "layers") {
    sets.push_back("workload.file=" + folder + "accelerator/small_network.csv");
  }
  return true;
}

TEST(Knobs, AKeyWithoutMeaningIsRejected) {
  const std::map<std::string, Key> keys = declared_keys();
  unsigned rejected = 0;
  for (const auto& [key, declared] : keys) {
    for (const Condition& condition : declared.conditions) {
      for (const std::string& choice : keys.at(condition.key).choices) {
        const auto& valid = condition.values;
        if (std::find(valid.begin(), valid.end(), choice) != valid.end()) continue;
        if (condition.key == "events.action" && choice == "restore") continue;  // needs a failure
        LoadOptions options;
        if (condition.key == "events.action") options.sets.push_back("events.link=host0-leaf0");
        add_needed(keys, condition.key, options.sets);
        options.sets.push_back(condition.key + "=" + choice);
        add_crossbar(options.sets);
        const bool of_torus = add_torus(options.sets);
        if (choice == "file") options.sets.push_back("workload.file=" + matrix("one"));
        options.sets.push_back(key + "=" + (declared.value.empty() ? "x" : declared.value));
        try {
          load_text(of_torus ? "seed: 1\n" : "workload: {message: 4 KiB}\n", "test", options);
          ADD_FAILURE() << key << " is accepted though " << condition.key << " is " << choice;
        } catch (const InputError& error) {
          EXPECT_NE(std::string(error.what()).find(key), std::string::npos) << error.what();
        }
        ++rejected;
      }
    }
  }
  EXPECT_GT(rejected, 50U);
}

}  // namespace
}  // namespace heddle::testing
