#include "engine/statistics.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

#include "engine/conditions.h"
#include "kernel/error.h"

namespace heddle {
namespace {

using Statistics = std::vector<Statistic>;

void add_distribution(Statistics& all, const std::string& path, const std::string& unit,
                      const std::string& of, const std::vector<std::string>& figures) {
  static const std::vector<std::pair<std::string, std::string>> sentences{
      {"mean", "Mean"},
      {"p50", "Median"},
      {"p90", "90th percentile"},
      {"p99", "99th percentile"},
      {"p999", "99.9th percentile"},
      {"p9999", "99.99th percentile"},
      {"max", "Largest value"}};
  for (const auto& [figure, sentence] : sentences) {
    for (const std::string& wanted : figures) {
      if (figure == wanted) {
        all.push_back(
            {fmt::format("{}.{}", path, figure), unit, fmt::format("{} of {}.", sentence, of)});
      }
    }
  }
}

void add_packets(Statistics& all) {
  all.insert(
      all.end(),
      {{"packets.injected", "packets",
        "Data packets that the hosts started to send, retransmissions included."},
       {"packets.delivered", "packets", "Data packets that a receiver accepted."},
       {"packets.discarded", "packets",
        "Packets that arrived but were thrown away by the receiving NIC: trimmed, out of order "
        "under go_back_n, or duplicates."},
       {"packets.dropped", "packets", "Packets that a device of the fabric threw away."},
       {"packets.dropped_by_reason.*", "packets", "Dropped packets by reason."},
       {"packets.in_flight", "packets", "Packets still under way when the run ended."},
       {"packets.retransmitted", "packets", "Data packets that were sent again."},
       {"packets.trimmed", "packets", "Data packets that a switch cut to their header."},
       {"packets.marked", "packets", "Data packets that a switch marked: congestion experienced."},
       {"packets.answers", "packets", "Acknowledgements, NAKs and CNPs that the hosts sent."},
       {"packets.notifications", "packets", "Congestion notifications (CNP) that senders obeyed."},
       {"packets.time_outs", "time-outs", "Times that a queue pair heard nothing for too long."},
       {"credits.granted", "credits", "Credits that egress ports of the scheduled fabric gave."},
       {"throughput.gbps", "Gbps",
        "Payload delivered per second, over all hosts, from the first message to the end."}});
}

void add_latency(Statistics& all) {
  all.push_back({"latency_ns.count", "packets", "Packets in the latency figures."});
  add_distribution(all, "latency_ns", "ns",
                   "the time from when a packet was due until its last byte was delivered",
                   {"mean", "p50", "p90", "p99", "p999", "p9999", "max"});
  for (const StageText& stage : stage_texts()) {
    const std::string path = "latency_stage_ns." + stage.name;
    add_distribution(all, path, "ns", fmt::format("the time a packet spent {}", stage.what),
                     {"mean", "p99"});
    all.push_back({path + ".tail_share", "ratio",
                   fmt::format("Share of the latency of the slowest packets (p99.9 and above) "
                               "spent {}.",
                               stage.what)});
  }
}

void add_cells(Statistics& all) {
  all.insert(
      all.end(),
      {{"cells.load", "cells", "Cells that came to an input of the crossbar per slot."},
       {"cells.throughput.mean", "cells", "Cells that left by an output per slot."},
       {"cells.throughput.half_width", "cells",
        "Half of the 95 % confidence interval of the throughput (batch means)."},
       {"cells.wait_slots.count", "cells",
        "Cells in the wait figures: arrived after the warm-up, left before the end of arrivals."},
       {"cells.wait_slots.half_width", "slots",
        "Half of the 95 % confidence interval of the mean wait (batch means)."}});
  add_distribution(all, "cells.wait_slots", "slots",
                   "a cell's wait: slot of departure less slot of arrival",
                   {"mean", "p50", "p90", "p99", "p999", "p9999", "max"});
  all.insert(all.end(),
             {{"theory.throughput.mean", "cells", "What `cells.throughput.mean` should be."},
              {"theory.throughput.half_width", "cells",
               "Half of its confidence interval; absent where it is exact."},
              {"theory.wait_slots.mean", "slots", "What `cells.wait_slots.mean` should be."},
              {"theory.wait_slots.half_width", "slots",
               "Half of its confidence interval; absent where it is exact."},
              {"theory.source", "word", "Who says so."}});
}

void add_torus(Statistics& all) {
  all.insert(
      all.end(),
      {{"torus.offered_load", "ratio",
        "What the nodes of a torus had to send after the warm-up, as a share of their local links' "
        "rate."},
       {"torus.accepted_load", "ratio",
        "What they were given in that time: less than `offered_load` when the torus is saturated."},
       {"torus.hops", "links", "Mean number of links between routers on a packet's way."},
       {"torus.packet_hops", "packets", "Packets on links between routers, counted once per link."},
       {"torus.flit_hops", "flits", "Their flits."}});
}

void add_computing(Statistics& all) {
  all.insert(
      all.end(),
      {{"compute.chips", "chips", "Chips that computed."},
       {"compute.flops", "operations",
        "Multiplications and additions of the tensor engines of all chips."},
       {"compute.bytes", "bytes", "Read from and written to the memories of all chips by DMA."},
       {"compute.remote_bytes", "bytes", "Read from and written to the memories of other chips."},
       {"compute.tflops_per_chip", "TFLOP/s", "Rate of a chip over the whole run, mean."},
       {"compute.peak_tflops_per_chip", "TFLOP/s",
        "What its arrays could do with operands of this type."},
       {"compute.memory_gbps_per_chip", "Gbps", "Carried by a chip's memory, mean."},
       {"compute.peak_memory_gbps_per_chip", "Gbps", "Rate of its data buses."},
       {"compute.ridge", "operations per byte",
        "Intensity from which on the arrays are the limit, not the memory."},
       {"compute.intensity", "operations per byte", "Measured: `flops` by `bytes`."},
       {"compute.planned_intensity", "operations per byte",
        "The same from the shapes of the jobs and their tiles alone."},
       {"compute.bound", "word", "`compute` or `memory`: which roof is lower at this intensity."},
       {"compute.roofline_ns", "ns",
        "Least time for this work under the roofs of the chip: no run is faster."},
       {"compute.time_ns", "ns", "What it took."},
       {"compute.throttle_engagements", "times",
        "How often the droop throttles of all cores were engaged."},
       {"engines.*.*", "ratio",
        "Share of an engine's cycles by cause (docs/models/accelerator_core.md), mean over all "
        "cores; `dma`: over their DMA engines. The causes add up to 1."},
       {"engines.*.waits_for.*", "ratio",
        "Share of an engine's cycles in which it waited for a semaphore."},
       {"array.*", "ratio",
        "What the systolic arrays did: loading only, filling, busy, padding of short passes, "
        "draining, idle."},
       {"layers", "list",
        "Of an array alone: `name`, `m`, `k`, `n`, `cycles`, `folds`, `utilisation` (products by "
        "what all PEs could have multiplied), `mapping_efficiency` (PEs that hold a part)."},
       {"kernels", "list",
        "Kernels of the first chip in their order: `name`, `flops`, `bytes`, `end_ns`, `time_ns` "
        "since the end of the one before, `roofline_ns`, `intensity`, `bound`."}});
}

void add_collective(Statistics& all) {
  all.insert(
      all.end(),
      {{"collective.ranks", "ranks", "Chips that took part in the collective."},
       {"collective.steps", "steps", "Steps of each lane of its schedule."},
       {"collective.completed", "collectives", "Those whose result every rank had and checked."},
       {"collective.time_ns", "ns",
        "From the begin at all ranks to the last rank's result, the mean of repetitions."},
       {"collective.bound_ns", "ns",
        "What an idle torus allows: L + m / B for each step, L the latency of a step, m the bytes "
        "on its busiest link, B that link's rate. Cycles that a full link loses between packets "
        "are not in it."},
       {"collective.bound_share", "ratio", "The bound as a share of the time."},
       {"collective.algbw_gbps", "Gbps", "Bytes of a rank's buffer per time."},
       {"collective.busbw_gbps", "Gbps",
        "The same times 2 (n - 1) / n for all_reduce, 1 for broadcast, (n - 1) / n for the others: "
        "what each rank sent (nccl-tests)."},
       {"collective.pieces", "packets", "Packets with data that came, each counted once."},
       {"collective.repeated", "packets", "Packets sent again because somebody missed them."},
       {"collective.early", "packets", "Packets that came before their collective had begun."}});
}

void add_remote(Statistics& all) {
  const std::vector<std::string> figures{"mean", "p50", "p90", "p99", "p999", "max"};
  const std::string of = "the time from when an endpoint took an access until it answered it";
  all.push_back({"remote.latency_ns.count", "accesses", "Accesses in the latency figures."});
  add_distribution(all, "remote.latency_ns", "ns", of, figures);
  all.push_back({"remote.by_hops.*.count", "accesses", "Accesses over so many links."});
  add_distribution(all, "remote.by_hops.*", "ns", of + ", over so many links", figures);
  all.insert(all.end(),
             {{"remote.gbps_per_chip", "Gbps",
               "Bytes read or written per time, mean over the chips that access."},
              {"remote.repeated", "packets", "Requests that had no answer for too long."},
              {"remote.errors", "accesses", "Accesses answered with an error."}});
}

void add_slowest_packet(Statistics& all) {
  all.insert(
      all.end(),
      {{"slowest_packet.message", "number",
        "Message of the packet that took longest; of several such packets the one due first. Its "
        "story: heddle wave worst."},
       {"slowest_packet.order", "number",
        "Packets that the message's queue pair had sent before it, repeated ones included."},
       {"slowest_packet.due_ns", "ns", "When the slowest packet was due."},
       {"slowest_packet.latency_ns", "ns", "From when it was due until it was delivered."},
       {"slowest_packet.stage_ns.*", "ns", "What of this it spent in each stage."}});
}

void add_messages(Statistics& all) {
  all.push_back({"messages.count", "messages", "Messages that were completely delivered."});
  add_distribution(all, "messages.completion_ns", "ns",
                   "the time from a message's intended start until its last byte was delivered",
                   {"mean", "p50", "p99", "max"});
  add_distribution(all, "messages.slowdown", "ratio",
                   "a message's completion time relative to its ideal: its bytes at the rate of "
                   "the host link, the time of flight and the latency of both NICs, with switches "
                   "that take no time",
                   {"mean", "p50", "p99", "max"});
}

void add_reordering(Statistics& all) {
  all.insert(all.end(),
             {{"reordering.ratio", "ratio",
               "Share of packets that arrived after a later one of their flow, before any repair "
               "(RFC 4737, 3.4)."},
              {"reordering.extent_max", "packets",
               "Largest number of packets that arrived between a reordered packet and the first "
               "that overtook it (RFC 4737, 4.2)."},
              {"reordering.n_reordering_max", "packets",
               "Largest n for which a packet was n-reordered: what a receiver that tolerates n "
               "duplicate acknowledgements would have taken for a loss (RFC 4737, 5.3)."},
              {"reordering.density", "ratio",
               "Share of packets that arrived early or late, by whatever displacement (RFC 5236, "
               "reorder density)."},
              {"reordering.buffer_density", "packets",
               "Mean over arrivals of the packets held by a buffer that restores order (RFC 5236, "
               "reorder buffer-occupancy density)."},
              {"reordering.packets_by.n_reordering.*", "packets",
               "Reordered packets by the largest n for which they were n-reordered; 64 and above "
               "together (RFC 4737, 5)."},
              {"reordering.packets_by.displacement.*", "packets",
               "Packets by displacement, early ones negative, up to the threshold of 8: divided by "
               "their sum, reorder density (RFC 5236, 3)."},
              {"reordering.packets_by.buffered.*", "packets",
               "Arrivals by the packets that a buffer restoring order then held: divided by their "
               "sum, reorder buffer-occupancy density (RFC 5236, 3.8)."}});
}

void add_buffers_and_links(Statistics& all) {
  const std::vector<std::pair<std::string, std::string>> places{
      {"ingress", "the ingress memory of a leaf, or a leaf switch for its uplinks"},
      {"fabric", "a fabric element, spine switch or torus router"},
      {"egress", "the egress memory of a leaf, or a switch for its hosts"},
      {"hbm", "the external memory of a leaf"},
      {"nic", "a host's NIC"}};
  for (const auto& [place, of] : places) {
    all.push_back({fmt::format("buffers.total.{}.peak_bytes", place), "bytes",
                   fmt::format("Most bytes held at once by {}: the sum of these peaks over all "
                               "devices, whenever each was.",
                               of)});
  }
  all.insert(
      all.end(),
      {{"buffers.*.*.peak_bytes", "bytes", "Most bytes that a queue of a device held."},
       {"buffers.*.*.mean_bytes", "bytes", "Mean over time of what the queue held."},
       {"buffers.*.*.p99_bytes", "bytes", "What the queue did not exceed during 99 % of the time."},
       {"links.*.utilization", "ratio", "Share of the run in which the link carried bytes."},
       {"links.*.paused_ns", "ns", "Time during which flow control stopped a class of the link."}});
}

void add_memories(Statistics& all) {
  all.insert(
      all.end(),
      {{"hbm.*.reads", "requests", "Packets that a leaf asked its external memory for."},
       {"hbm.*.writes", "requests", "Packets that a leaf asked its external memory to keep."},
       {"hbm.*.bytes_read", "bytes", "Bytes of the reads."},
       {"hbm.*.bytes_written", "bytes", "Bytes of the writes."},
       {"hbm.*.row_hits", "accesses", "Column accesses that found their row open."},
       {"hbm.*.row_misses", "accesses", "Column accesses for which a row was opened."},
       {"hbm.*.turns", "changes", "Changes of a channel between reads and writes."},
       {"hbm.*.refreshes", "refreshes", "Refreshes of all channels."},
       {"hbm.*.utilization", "ratio", "Share of the run in which the data buses carried data."}});
}

void add_run(Statistics& all) {
  all.insert(
      all.end(),
      {{"run.status", "word", "How the run ended: done, no_progress or deadline."},
       {"run.seed", "number", "Seed of every random stream of the run."},
       {"run.cycles", "cycles", "Simulated clock cycles."},
       {"run.time_ns", "ns", "Simulated time."},
       {"run.frame_hops", "frames",
        "Frames carried, counted once per link; a crossbar's cells once; of a torus packets only, "
        "no credits."},
       {"run.wall_s", "s", "Elapsed real time; differs from run to run."},
       {"run.ns_per_frame_hop", "ns",
        "Real time per frame and link, the simulator's speed; differs from run to run."},
       {"run.result_hash", "word",
        "Hash over every frame on every link and its cycle, or every cell through a "
        "crossbar and its "
        "slots: equal for equal behaviour."}});
}

void add_events(Statistics& all) {
  all.insert(
      all.end(),
      {{"events.*.at_ns", "ns", "When the event took effect."},
       {"events.*.links", "links", "How many links it acted on, each direction counted."},
       {"events.*.noticed_after_ns", "ns",
        "From the event until the last sender on these links knew of it."},
       {"events.*.recovered_after_ns", "ns",
        "From the event until the last packet that had to be repeated was delivered, before the "
        "next event."},
       {"events.*.frames_lost", "frames", "Frames lost on links until the next event."},
       {"events.*.packets_lost", "packets",
        "Data packets whose last byte was lost on links until the next event."},
       {"events.*.bytes_resent", "bytes", "Payload that hosts repeated until the next event."},
       {"events.*.gbps.before", "Gbps", "Payload rate from the event before, or the begin."},
       {"events.*.gbps.during", "Gbps", "Payload rate from the event until it was noticed."},
       {"events.*.gbps.after", "Gbps",
        "Payload rate from then until the next event, or the end."}});
}

Statistics declare() {
  Statistics all;
  add_packets(all);
  add_latency(all);
  add_cells(all);
  add_torus(all);
  add_computing(all);
  add_collective(all);
  add_remote(all);
  add_slowest_packet(all);
  add_messages(all);
  add_reordering(all);
  add_buffers_and_links(all);
  add_memories(all);
  add_events(all);
  add_run(all);
  return all;
}

bool covers(const std::vector<std::string>& pattern, const std::vector<std::string>& keys) {
  if (pattern.size() != keys.size()) return false;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (pattern[i] != "*" && pattern[i] != keys[i]) return false;
  }
  return true;
}

void collect_undeclared(const nlohmann::ordered_json& value, std::vector<std::string>& keys,
                        std::vector<std::string>& undeclared) {
  if (!keys.empty() && find_statistic(keys) != nullptr) return;
  if (!value.is_object()) {
    undeclared.push_back(fmt::format("{}", fmt::join(keys, ".")));
    return;
  }
  for (const auto& [key, inner] : value.items()) {
    keys.push_back(key);
    collect_undeclared(inner, keys, undeclared);
    keys.pop_back();
  }
}

}  // namespace

const std::vector<StageText>& stage_texts() {
  static const std::vector<StageText> stages{
      {"source_queue", "due, but not yet started by its host"},
      {"serialization", "following its first byte onto links"},
      {"propagation", "in flight on links"},
      {"pipeline", "in fixed processing inside devices"},
      {"credit_wait", "first of its VOQ, which had no credit"},
      {"voq_queue", "behind other packets of its VOQ, or in the queue of a crossbar's input"},
      {"hbm", "in the external memory of a leaf"},
      {"fabric_queue", "waiting for a link inside the fabric"},
      {"reassembly", "complete but for cells still missing"},
      {"egress_queue", "waiting for the link to its host, or in the queue of a crossbar's output"},
      {"paused", "waiting for a link that flow control had stopped"},
      {"retransmission", "from its first to its last transmission by the host"}};
  return stages;
}

const std::vector<Statistic>& statistics() {
  static const Statistics all = declare();
  return all;
}

const Statistic* find_statistic(const std::vector<std::string>& keys) {
  static const std::vector<std::vector<std::string>> patterns = [] {
    std::vector<std::vector<std::string>> all;
    for (const Statistic& statistic : statistics()) all.push_back(split_path(statistic.path));
    return all;
  }();
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    if (covers(patterns[i], keys)) return &statistics()[i];
  }
  return nullptr;
}

void check_declared(const nlohmann::ordered_json& results) {
  std::vector<std::string> keys;
  std::vector<std::string> undeclared;
  collect_undeclared(results, keys, undeclared);
  if (undeclared.empty()) return;
  throw CheckFailure(
      fmt::format("statistics without a declaration: {}", fmt::join(undeclared, ", ")));
}

}  // namespace heddle
