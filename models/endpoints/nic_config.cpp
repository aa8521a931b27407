#include "endpoints/nic_config.h"

namespace heddle {

void NicConfig::describe(Fields& fields) {
  fields.add("mtu", mtu, 64, 9000, "Payload bytes of a full packet.",
             "InfiniBand Architecture Specification 1.4, 9.5: path MTU up to 4096 B");
  fields.choice(
      "receive", receive,
      {"go_back_n", "selective_repeat", "out_of_order_placement", "unreliable_datagram"},
      "What the receiver does with a packet that is not the next one: discard it and ask to go "
      "back, keep it and ask for the missing, place it at its own address, or (no acknowledgement "
      "at all) just count it.",
      "InfiniBand Architecture Specification 1.4, 9.7; Mittal et al., SIGCOMM 2018 (IRN)");
  fields
      .add("window", window, 64, 1e12,
           "Payload bytes that a queue pair may have sent and not yet acknowledged.")
      .when("receive", {"go_back_n", "selective_repeat", "out_of_order_placement"});
  fields
      .add("ack_interval", ack_interval, 1, 65536,
           "The receiver acknowledges every this many packets, and the last of a message.")
      .when("receive", {"go_back_n", "selective_repeat", "out_of_order_placement"});
  fields
      .add("retransmission_timeout", retransmission_timeout, 1e6, 1e13,
           "A queue pair with packets outstanding and no news for this long sends them again. In a "
           "lossless fabric it must outlast the deepest queue.",
           "InfiniBand Architecture Specification 1.4, 9.7.6.1.3: 4.096 us * 2^n; n = 12")
      .when("receive", {"go_back_n", "selective_repeat", "out_of_order_placement"});
  fields
      .choice("congestion_control", congestion_control, {"none", "dcqcn"},
              "Who sets the rate of a queue pair: nobody, or DCQCN.", "Zhu et al., SIGCOMM 2015")
      .when("receive", {"go_back_n", "selective_repeat", "out_of_order_placement"});
  fields.section("dcqcn", dcqcn, "Reaction and notification point of DCQCN.")
      .when("congestion_control", {"dcqcn"});
  fields.add("transmit_latency", transmit_latency, 1e3, 1e9,
             "From the posting of a message to its first byte on an idle link.");
  fields.add("receive_latency", receive_latency, 1e3, 1e9,
             "From a packet's last byte on the link to its delivery.");
}

}  // namespace heddle
