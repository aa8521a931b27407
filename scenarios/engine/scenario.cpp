#include "engine/scenario.h"

#include <fmt/format.h>

#include <tuple>
#include <utility>

#include "parts/torus_route.h"

namespace heddle {

namespace {

/// The choices of `switch` with hosts, links and packets; a crossbar has ports and cells only.
std::vector<std::string> fabrics_of_hosts() { return {"scheduled", "adaptive"}; }
/// Those that have links.
std::vector<std::string> networks() { return {"scheduled", "adaptive", "torus"}; }

}  // namespace

void WorkloadConfig::describe(Fields& fields) {
  const std::vector<std::string> closed{"incast", "permutation", "all_to_all"};
  const std::vector<std::string> open{"uniform", "bursty", "flows", "diagonal", "log_diagonal"};
  fields.choice("pattern", pattern,
                {"incast", "permutation", "all_to_all", "uniform", "bursty", "flows", "file",
                 "diagonal", "log_diagonal", "collective", "remote_read", "remote_write", "gemm",
                 "layers", "transformer", "kernel"},
                "Who sends to whom; `file` is implied by the key `file`. A crossbar has `uniform`, "
                "`bursty` (on-off), `diagonal` (2/3 to the output of the same number, 1/3 to the "
                "next) and `log_diagonal` (half as many to each further output), and only it has "
                "those of diagonals. The chips of a torus have `uniform`, `collective` (all "
                "together), `remote_read` and `remote_write` (each by itself), and programs.");
  fields
      .text("file", file,
            "Connection matrix (.cm), layers (SCALE-Sim's .csv) or kernel (.yaml), relative to the "
            "scenario's folder.",
            "formats of UEC htsim and SCALE-Sim; docs/kernels.md")
      .when("pattern", {"file", "layers", "kernel"});
  fields
      .add("message", message, 1, 1e12,
           "Payload bytes of each message; of a collective, of each rank's buffer; of a "
           "remote access, of each.")
      .when("pattern", {"incast", "permutation", "all_to_all", "uniform", "bursty", "collective",
                        "remote_read", "remote_write"})
      .when("/switch", networks());
  fields.add("senders", senders, 1, 65535, "Hosts that send to each receiver.")
      .when("pattern", {"incast"});
  fields.add("receivers", receivers, 1, 65535, "Hosts that receive, each from its own senders.")
      .when("pattern", {"incast"});
  fields
      .choice("permutation", permutation, {"random", "shift"},
              "A random permutation without fixed points, or host i to host i + shift.")
      .when("pattern", {"permutation"});
  fields.add("shift", shift, 1, 65535, "Distance from a host to its receiver.")
      .when("permutation", {"shift"})
      .when("pattern", {"permutation"});
  fields
      .add("load", load, 0.0001, 1,
           "Offered load of each host: share of its link rate, headers and framing included; of "
           "a torus node, of its local link; of a crossbar's input, cells per slot.")
      .when("pattern", open);
  fields
      .choice("arrivals", arrivals, {"bernoulli", "poisson"},
              "A message starts in each message time with probability `load`, or after an "
              "exponential gap.")
      .when("pattern", {"uniform"})
      .when("/switch", fabrics_of_hosts());
  fields
      .flag("to_itself", to_itself,
            "A node is one of its own destinations, as theory has it: mean hops of k / 4 for each "
            "dimension of even size k.")
      .when("pattern", {"uniform"})
      .when("/switch", {"torus"});
  fields
      .add("burst", burst, 1, 1e6,
           "Mean messages per burst, back to back to one receiver; the silence between bursts is "
           "exponential, with the mean that gives the load. In a crossbar messages are cells, and "
           "bursts and silences geometric.")
      .when("pattern", {"bursty"});
  fields
      .choice("sizes", sizes, {"web_search", "hadoop"}, "Distribution of message sizes.",
              "WebSearch: Alizadeh et al., SIGCOMM 2010; Hadoop: Roy et al., SIGCOMM 2015")
      .when("pattern", {"flows"});
  fields.add("duration", duration, 1e3, 1e13, "How long messages keep arriving.")
      .when("pattern", open);
  fields.add("start", start, 0, 1e13, "When the first message may start.");
  fields
      .add("traffic_class", traffic_class, 0, max_traffic_classes - 1, "Class of the data packets.")
      .when("/switch", fabrics_of_hosts());
  describe_torus(fields);
  describe_programs(fields);
}

void WorkloadConfig::describe_programs(Fields& fields) {
  for (auto [key, size, what] : {std::tuple{"m", &m, "Rows of the product."},
                                 {"k", &k, "Elements that each of its sums adds up."},
                                 {"n", &n, "Columns of the product."}}) {
    fields.add(key, *size, 1, 1 << 24, what).when("pattern", {"gemm"});
  }
  fields.add("repeat", repeat, 1, 100'000, "How often, one after the other.")
      .when("pattern", {"gemm"});
  fields
      .choice("type", type, {"bf16", "fp32", "fp8", "int8"},
              "Of all operands and results; sums are fp32, of int8 int32.")
      .when("pattern", {"gemm", "layers", "transformer"});
  fields
      .choice("model", model, {"llama3_8b", "llama3_70b"}, "Sizes of the layers.",
              "Grattafiori et al., arXiv 2407.21783, table 3")
      .when("pattern", {"transformer"});
  fields
      .choice("phase", phase, {"prefill", "decode"},
              "All tokens of the prompts at once, or the next one of each sequence.")
      .when("pattern", {"transformer"});
  fields.add("batch", batch, 1, 65536, "Sequences.").when("pattern", {"transformer"});
  fields
      .add("tokens", tokens, 1, 1 << 20,
           "Prefill: of each prompt. Decode: that the next one looks back at.")
      .when("pattern", {"transformer"});
  fields
      .add("layers", layers, 1, 1000,
           "Of the model, from the first; its output matrix follows them.")
      .when("pattern", {"transformer"});
}

void WorkloadConfig::describe_torus(Fields& fields) {
  const std::vector<std::string> remote{"remote_read", "remote_write"};
  fields
      .choice("operation", operation,
              {"all_reduce", "reduce_scatter", "all_gather", "all_to_all", "broadcast"},
              "What the chips do together.")
      .when("pattern", {"collective"});
  fields
      .choice("algorithm", algorithm,
              {"ring", "bidirectional_ring", "hamiltonian_rings", "hierarchical"},
              "A ring through all chips, one way or both ways; two rings that share no cable, both "
              "ways; or rings along x, then y, then z, and back.",
              "AWS Neuron documentation: bidirectional Hamiltonian rings for large messages")
      .when("pattern", {"collective"});
  fields
      .add("ranks", ranks, 2, 1024,
           "The first so many chips in the order of the ring take part; auto is all.")
      .when("pattern", {"collective"});
  fields.add("repetitions", repetitions, 1, 1e6, "Collectives, one after the other at each chip.")
      .when("pattern", {"collective"});
  fields
      .choice(
          "distance", distance, {"own", "one_hop", "farthest", "random"},
          "Whose memory is accessed: the own one, a neighbour's, that of the node half way round "
          "in every dimension, or any other one's.")
      .when("pattern", remote);
  fields
      .add("initiators", initiators, 1, 65535,
           "Chips that access, at equal distances; auto is all.")
      .when("pattern", remote);
  fields.add("accesses", accesses, 1, 1e9, "Of each of them.").when("pattern", remote);
  fields.add("outstanding", outstanding, 1, 1e6, "Accesses of a chip that are under way at a time.")
      .when("pattern", remote);
  fields
      .add("mix", mix, 0, 1,
           "Share of accesses of the other kind, writes among reads or reads among writes; the "
           "latency figures leave them out.")
      .when("pattern", remote);
}

void LinkConfig::describe(Fields& fields) {
  fields.add("rate", rate, 1e8, 1e13, "Rate in each direction.");
  fields.add("latency", latency, 1, 1e9,
             "Time of flight; rounded up to whole cycles, at least one.",
             "about 5 ns per metre of fibre");
}

void TorusLinkConfig::describe(Fields& fields) {
  fields.add("rate", rate, 1e8, 1e14, "As `fabric.link_rates` says: in each direction, or both.");
  fields.add("latency", latency, 1, 1e9,
             "Time of flight; rounded up to whole cycles, at least one.",
             "a choice: NeuronLink's is not published");
}

void FabricConfig::describe(Fields& fields) {
  fields
      .choice("preset", preset, {"none", "trainium2_server", "trainium2_ultraserver"},
              "A real torus: its published values become the defaults of this section; `heddle "
              "explain trainium2_server` lists them with their sources.")
      .when("topology", {"torus"});
  fields.choice("topology", topology, {"single", "leaf_spine", "torus"},
                "One switch (or one chassis), leaves joined by spines, or a torus of routers.");
  fields.add("hosts", hosts, 1, 65535, "Hosts on the switch, or ports of the crossbar.")
      .when("topology", {"single"});
  fields.add("leaves", leaves, 1, 4096, "Leaf switches.").when("topology", {"leaf_spine"});
  fields.add("spines", spines, 1, 4096, "Spine switches or fabric elements.")
      .when("topology", {"leaf_spine"});
  fields.add("hosts_per_leaf", hosts_per_leaf, 1, 1024, "Hosts below each leaf.")
      .when("topology", {"leaf_spine"});
  fields
      .add("links_per_spine", links_per_spine, 1, 64,
           "Parallel links between each leaf and each spine.")
      .when("topology", {"leaf_spine"});
  fields.section("host_link", host_link, "Between a host and its switch.")
      .when("/switch", fabrics_of_hosts());
  fields.section("fabric_link", fabric_link, "Between a leaf and a spine.")
      .when("topology", {"leaf_spine"});
  describe_torus(fields);
  fields.add("clock", clock, 1e8, 1e10, "Clock of every device.");
}

void FabricConfig::describe_torus(Fields& fields) {
  const std::vector<std::string> here{"torus"};
  std::vector<std::string> rings;  // sizes that have links
  for (unsigned size = 2; size <= torus_largest_ring; ++size) {
    rings.push_back(std::to_string(size));
  }
  for (auto [key, size] : {std::pair{"x", &x}, {"y", &y}, {"z", &z}}) {
    fields
        .add(key, *size, 1, torus_largest_ring,
             fmt::format("Nodes in each ring of dimension {}; 1: there is none.", key))
        .when("topology", here);
  }
  for (auto [key, link] : {std::pair{"x", &x_link}, {"y", &y_link}, {"z", &z_link}}) {
    fields
        .section(fmt::format("{}_link", key), *link,
                 fmt::format("Between routers, in dimension {}.", key))
        .when("topology", here)
        .when(key, rings);
  }
  fields.section("local_link", local_link, "Between a router and its node.").when("topology", here);
  fields
      .choice("link_rates", link_rates, {"one_way", "both_ways"},
              "Whether the rates of the torus links are those of each direction, or of both "
              "together: vendors state either.")
      .when("topology", here);
}

void EventConfig::describe(Fields& fields) {
  fields.add("at", at, 0, 4e12, "From when on; the cycle in which that lies is the first.");
  fields.choice("action", action, {"fail", "restore", "degrade", "corrupt", "flap"},
                "A failed link loses what is on it and what is sent until it is restored; a "
                "degraded one has a lower rate; a corrupted one flips bits, and frames are dropped "
                "by their CRC; a flapping one fails again and again.");
  fields.text("link", link,
              "Cables by the name of either of their links in the results; `*`, `?` and `[...]` "
              "stand for more than one.");
  fields.flag("one_way", one_way, "Only the direction that is named, not the whole cable.");
  fields.add("rate", rate, 1e8, 1e13, "From now on; that of the cable ends a degradation.")
      .when("action", {"degrade"});
  fields
      .add("bit_error_ratio", bit_error_ratio, 0, 0.01,
           "Probability of each bit to be flipped; 0 ends it.")
      .when("action", {"corrupt"});
  fields.add("down", down, 1e3, 4e12, "How long each failure lasts.").when("action", {"flap"});
  fields.add("period", period, 1e3, 4e12, "From one failure to the next.").when("action", {"flap"});
  fields.add("times", times, 1, 10'000, "Failures.").when("action", {"flap"});
}

void MeasureConfig::describe(Fields& fields) {
  fields.add("warmup", warmup, 0, 1e13,
             "Packets due earlier are carried and counted, but not in latency, reordering or "
             "message figures.");
  fields.add("deadline", deadline, 1e3, 4e12,
             "The run ends here whatever is still in flight (exit code 5).");
  fields.add("watchdog", watchdog, 1e6, 4e12,
             "Without a delivery for this long while something is in flight, the run ends and "
             "lists who waits for whom (exit code 4).");
}

void Scenario::describe(Fields& fields) {
  fields.text("name", name, "Title of the tables and name of the results folder.");
  fields.add("seed", seed, 0, 9007199254740991.0, "Of every random stream of the run.");
  fields.choice("switch", switch_kind, {"scheduled", "adaptive", "crossbar", "torus"},
                "Which fabric the leaves are; one input-queued crossbar, alone; or routers of a "
                "torus.");
  fields
      .choice("routing", routing, {"ecmp", "flowlet", "adaptive", "spray"},
              "How a packet chooses among equal-cost ports.")
      .when("switch", {"adaptive"})
      .when("fabric.topology", {"leaf_spine"});
  fields.list("workload", workload, "What the hosts send; a list runs side by side.");
  fields.section("fabric", fabric, "Devices and cables.");
  fields
      .list("classes", classes,
            "Traffic classes from 0; the last carries acknowledgements and CNPs.")
      .when("switch", fabrics_of_hosts());
  fields.section("scheduled", scheduled, "The scheduled fabric.").when("switch", {"scheduled"});
  fields.section("adaptive", adaptive, "The shallow-buffer switch.").when("switch", {"adaptive"});
  fields.section("crossbar", crossbar, "The input-queued crossbar.").when("switch", {"crossbar"});
  fields.section("torus", torus, "The routers of a torus, and its packets.")
      .when("switch", {"torus"});
  fields
      .section("endpoint", endpoint,
               "What stands between a chip and its router: remote memory and collectives.")
      .when("switch", {"torus"});
  fields.section("accelerator", accelerator, "The chips at the nodes of a torus.")
      .when("switch", {"torus"});
  fields.section("nic", nic, "The hosts' network interfaces.").when("switch", fabrics_of_hosts());
  fields.list("events", events, "What happens to links during the run.")
      .when("switch", networks())
      .may_be_empty = true;
  fields
      .names(
          "rtl", rtl,
          "Switches, or routers of a torus, that run as Verilated SystemVerilog, by name (leaf0, "
          "router5) or pattern (spine*); the result is the same.")
      .when("switch", networks());
  fields.section("measure", measure, "What is counted, and when the run ends.");
}

}  // namespace heddle
