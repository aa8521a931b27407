#include "switches/crossbar_config.h"

namespace heddle {

void CrossbarConfig::describe(Fields& fields) {
  const std::vector<std::string> at_inputs{"fifo", "voq"};
  fields.choice("queueing", queueing, {"fifo", "voq", "output"},
                "Where cells wait: one FIFO per input, a virtual output queue per input and "
                "output, or at the outputs, which then take any number of cells in a slot.",
                "Karol, Hluchyj, Morgan, IEEE Trans. Commun. 35(12), 1987");
  fields
      .choice("matching", matching, {"islip", "pim", "maximum_weight"},
              "Which inputs send to which outputs. `maximum_weight` weighs by queue length.",
              "McKeown, IEEE/ACM Trans. Networking 7(2), 1999; Anderson et al., ACM TOCS 11(4), "
              "1993; McKeown et al., IEEE Trans. Commun. 47(8), 1999")
      .when("queueing", at_inputs);
  fields
      .add("iterations", iterations, 1, 64, "Rounds of request, grant and accept in each matching.",
           "about log2 of the ports suffice (McKeown 1999)")
      .when("queueing", {"voq"})
      .when("matching", {"islip", "pim"});
  fields
      .add("input_speedup", input_speedup, 1, 64, "Cells that an input may send in a slot.",
           "Chuang, Goel, McKeown, Prabhakar, IEEE JSAC 17(6), 1999: 2 suffice to emulate output "
           "queueing")
      .when("queueing", at_inputs);
  fields
      .add("output_speedup", output_speedup, 1, 64,
           "Cells that an output may take in a slot; it sends one, the others wait in its queue.")
      .when("queueing", at_inputs);
  fields.add("queue_cells", queue_cells, 1, 1e9,
             "Room of each queue; a cell that finds its queue full is dropped, and an output whose "
             "queue is full takes none from the inputs.");
  fields.add("cell", cell, 1, 65535, "Size of a cell.");
  fields.add("port_rate", port_rate, 1e8, 1e13,
             "Of each input and output: a slot is the time that a cell takes at it.");
}

}  // namespace heddle
