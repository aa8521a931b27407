#include "accelerator/torus_config.h"

namespace heddle {

void TorusConfig::describe(Fields& fields) {
  const std::string undisclosed = "a choice: NeuronLink's is not published";
  fields.add("flit", flit, 1, 4096,
             "Unit of buffers and credits; a packet takes a whole number of flits.", undisclosed);
  fields.add("header", header, 0, 256,
             "Bytes of each packet beside its payload: address, length, kind, CRC.", undisclosed);
  fields.add("payload", payload, 1, 65'000,
             "Largest payload of a packet; longer messages take several.",
             "a choice: 512 B, from which a DMA descriptor moves data at full rate");
  fields.add("lanes", lanes, 1, 8,
             "Virtual channels of each link for each of the four purposes: requests and responses, "
             "before and after the dateline. A packet keeps its lane on its whole way, and packets "
             "of one lane, one source and one destination stay in order.",
             "Dally, IEEE Trans. Parallel and Distributed Systems 3(2), 1992: virtual channel flow "
             "control");
  fields.add("buffer", buffer, 1, 64 << 20,
             "Room of each virtual channel at the input of a router. `auto`: what it takes to keep "
             "the link busy with one virtual channel: its rate times the way of a packet and of "
             "its credit, and three packets.",
             "round-trip rule: Dally and Towles 2004, 13.3");
  fields.add("read_speedup", read_speedup, 1, 8,
             "Rate at which an input's buffers are read, as a multiple of the router's fastest "
             "link.");
  fields.add("router_latency", router_latency, 0, 1e9,
             "From a packet's first byte at a router until it may go on.", undisclosed);
  fields.flag(
      "dateline", dateline,
      "Packets that cross the end of a ring go on in virtual channels of their own. Without "
      "it rings can deadlock: for the study of that.",
      "Dally and Seitz, IEEE Trans. Computers C-36(5), 1987");
  fields.add("detection_delay", detection_delay, 0, 1e12,
             "From the failure of a link until all routers of its ring know and send the other way "
             "round.",
             "a choice: the order of a link's retraining");
}

}  // namespace heddle
