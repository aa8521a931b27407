#include "accelerator/torus_endpoint_config.h"

namespace heddle {

void TorusEndpointConfig::describe(Fields& fields) {
  fields.add(
      "latency", latency, 0, 1e9,
      "Fixed time in an endpoint, each time that something passes it: a request on its way "
      "out, a request on its way in, and the same for the answer.",
      "a choice: with it a read one hop away takes 1.3 us, inside the 1-2 us per ring hop of "
      "the AWS Neuron documentation");
  fields.add("reduce_latency", reduce_latency, 0, 1e9,
             "From the arrival of a collective's data until they are added or stored, and may go "
             "on.",
             "a choice");
  fields.choice(
      "forwarding", forwarding, {"whole_steps", "packets"},
      "When the data that a collective's step has received go on: when the step is whole, "
      "or packet by packet.",
      "whole_steps: the closed form, L + m/B per step");
  fields.add("outstanding", outstanding, 1, 4096,
             "Packets that an endpoint has asked other nodes for, reads and writes, and that are "
             "not answered.",
             "a choice: 16 DMA queues with four descriptors each");
  fields.add("service", service, 1, 4096,
             "Requests of other nodes that an endpoint has taken and not answered; further ones "
             "wait in its buffers, and then in the torus.",
             "a choice");
  fields.add("time_out", time_out, 1e6, 1e12,
             "A request without an answer for so long is repeated, and a collective's step without "
             "one is asked after.",
             "a choice: longer than any wait that was seen without a failure");
  fields.add("repeats", repeats, 0, 1000, "So often; then the request is answered with an error.",
             "a choice");
}

}  // namespace heddle
