#include "switches/adaptive_config.h"

namespace heddle {

void AdaptiveConfig::describe(Fields& fields) {
  fields.choice("preset", preset, {"none", "sn4700", "sn5600"},
                "Real switch whose values are the defaults of this section: `heddle explain "
                "sn4700`.");
  fields.section("memory", memory, "The shared packet buffer and its thresholds.");
  fields.section("ecn", ecn, "Congestion marking by depth of the egress queue.");
  fields.choice("forwarding", forwarding, {"cut_through", "store_and_forward"},
                "Whether a packet may leave while its tail still arrives.");
  fields.add("pipeline_latency", pipeline_latency, 1e3, 1e8,
             "From a packet's first byte (cut through) or last byte (store and forward) to its "
             "egress queue.");
  fields
      .choice("spray", spray, {"round_robin", "random"},
              "How packets choose among equal-cost ports.")
      .when("/routing", {"spray"})
      .when("/fabric.topology", {"leaf_spine"});
  fields
      .add("flowlet_gap", flowlet_gap, 1e3, 1e10,
           "A flow that was silent for this long may change its path.",
           "Vanini et al., NSDI 2017 (LetFlow)")
      .when("/routing", {"flowlet"})
      .when("/fabric.topology", {"leaf_spine"});
  fields
      .add("grade", grade, 64, 1e9, "Egress queue bytes that make one grade of load.",
           "quantised grades: NVIDIA adaptive routing documentation; the quantum is a choice")
      .when("/routing", {"adaptive"})
      .when("/fabric.topology", {"leaf_spine"});
  fields
      .add("grades", grades, 2, 64,
           "Number of grades; the last one means everything from there up.")
      .when("/routing", {"adaptive"})
      .when("/fabric.topology", {"leaf_spine"});
  fields.flag("trimming", trimming,
              "A packet of a lossy class that finds no room is cut to its header and forwarded in "
              "the highest class instead of dropped.",
              "Handley et al., SIGCOMM 2017 (NDP)");
  fields.add("detection_delay", detection_delay, 0, 1e13,
             "From the failure or return of a link until the switch that sends on it knows.");
  fields
      .add("withdrawal_delay", withdrawal_delay, 0, 1e13,
           "From then until the leaves know that a spine does not, or does again, reach a leaf.")
      .when("/fabric.topology", {"leaf_spine"});
}

}  // namespace heddle
