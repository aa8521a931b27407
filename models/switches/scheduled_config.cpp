#include "switches/scheduled_config.h"

namespace heddle {

void ScheduledConfig::describe(Fields& fields) {
  fields.choice("preset", preset, {"none", "jericho2c_plus", "jericho3_ai"},
                "Real devices whose values are the defaults of this section: `heddle explain "
                "jericho2c_plus`.");
  fields.add("buffer", buffer, 64e3, 1e12, "On-chip SRAM of a leaf, shared by all its VOQs.",
             "OpenBCM SDK 6.5.27: Jericho2C+ 64 MB");
  fields.add("buffer_cell", buffer_cell, 64, 65536,
             "SRAM is handed out in buffers of this size; a packet takes whole ones.",
             "OpenBCM SDK 6.5.27: 256 B");
  fields.add("headroom", headroom, 0, 1e12,
             "SRAM kept per host port and lossless class for what arrives after a pause; auto "
             "computes it from rate and cable.",
             "fitted to SONiC's SN4700 pg_profile_lookup.ini");
  fields.choice("spill", spill, {"none", "hbm"},
                "Where arriving packets of a long VOQ go: all stay in SRAM, or to the leaf's HBM.");
  fields.add("credit", credit, 64, 65535, "Bytes that one credit allows a VOQ to send.",
             "OpenBCM SDK 6.5.27: credit worth 4096 B");
  fields.add("credit_speedup", credit_speedup, 0.1, 4,
             "Rate at which a port grants credits, relative to its own rate.",
             "OpenBCM SDK 6.5.27: credit scheduler +5 %");
  fields.add("credits_outstanding", credits_outstanding, 1, 1'000'000,
             "Credits that one VOQ may have requested and not yet received; auto covers the "
             "round trip at port rate with the SDK's one-way rule, twice.",
             "OpenBCM SDK 6.5.27: max(2, ceil(rate * delay / (8 * credit))) one way");
  fields.add("credit_slices", credit_slices, 1, 16,
             "A port grants in turn to this many groups of leaves (leaf i is in group i mod "
             "credit_slices) and within a group in turn to its VOQs. 1 is fair; with more, a VOQ "
             "alone in its group gets as much as a whole other group: of three senders 25, 25 and "
             "50 %.");
  fields.add("credit_watchdog", credit_watchdog, 1e6, 1e12,
             "A backlogged VOQ that receives no credit for this long states its request again.",
             "OpenBCM SDK 6.5.27: 500 us");
  fields.add("reachability_period", reachability_period, 1e6, 1e12,
             "How often each end of a fabric link says that it is alive and, an element, which "
             "leaves it reaches; only in scenarios with events.",
             "OpenBCM SDK 6.5.27: 44.8 us");
  fields.add("reachability_watchdog", reachability_watchdog, 1e6, 1e12,
             "A fabric link that is silent for this long is not used until it is heard again; only "
             "in scenarios with events.",
             "OpenBCM SDK 6.5.27: 100 us");
  fields.add("reassembly_timeout", reassembly_timeout, 1e6, 1e12,
             "A cell that is missing while a later one has waited for this long is given up; only "
             "in scenarios with events. A choice: many times what links differ by.");
  fields.add("egress_threshold", egress_threshold, 1024, 1e9,
             "An egress port that holds this much grants no credits.");
  fields.add("egress_buffer", egress_buffer, 4096, 1e12,
             "Egress memory of a leaf; that it never overflows is checked. auto is the SDK's, or "
             "what credits can bring at most if that is more.",
             "OpenBCM SDK 6.5.27: Jericho2C+ 32,000 buffers of 256 B per core");
  fields.choice("segmentation", segmentation, {"packed", "unpacked"},
                "Packed cells carry the end of one packet and the start of the next of its VOQ.",
                "OpenBCM SDK 6.5.27: variable cells, packed");
  fields.add("cell_payload", cell_payload, 64, 4096, "Packet bytes that one cell carries at most.",
             "OpenBCM SDK 6.5.27: 256 B");
  fields.add("cell_header", cell_header, 4, 64,
             "Bytes of header per cell; also the size of a status, credit or flow control frame.",
             "OpenBCM SDK 6.5.27: about 16 B");
  fields.choice("spray", spray, {"round_robin", "random"},
                "How cells choose among the links that reach their leaf: in a reshuffled order, or "
                "independently at random.");
  fields.add("cells_per_cycle", cells_per_cycle, 1, 64,
             "Cells that a leaf's segmenter cuts in one cycle at most.");
  fields.add("staging_cells", staging_cells, 2, 4096,
             "Cells that wait per fabric link, on average, before the segmenter stops: data stays "
             "in VOQs, where it can still be scheduled.");
  fields.add("receive_pool_cells", receive_pool_cells, 4, 1e6,
             "Cells that a fabric element can hold per incoming link.",
             "OpenBCM SDK 6.5.27: Ramon 768 words (one cell each here)");
  fields.add("xoff_cells", xoff_cells, 1, 1e6,
             "Held cells at which the element stops the link's sender; it never drops. auto is the "
             "SDK's, or lower where the cable holds more than the rest of the pool.",
             "OpenBCM SDK 6.5.27: Ramon link-level flow control at 384");
  fields.add("xon_cells", xon_cells, 0, 1e6,
             "Held cells at which the element lets the sender go on; auto is 5/6 of xoff_cells.");
  fields.add("ingress_latency", ingress_latency, 1e3, 1e8,
             "From the last byte of a packet on the host link to its VOQ.");
  fields.add("egress_latency", egress_latency, 1e3, 1e8,
             "From a cell's last byte on the fabric link to reassembly.");
  fields.add("element_latency", element_latency, 1e3, 1e8,
             "From a cell's last byte at an element to its output queue.");
  fields.add("loopback_latency", loopback_latency, 1e3, 1e8,
             "Latency of the path inside a leaf for traffic between its own hosts.");
  fields.section("hbm", hbm, "External memory of each leaf.").when("spill", {"hbm"});
  fields.section("chassis", chassis, "The box form.").when("/fabric.topology", {"single"});
}

}  // namespace heddle
