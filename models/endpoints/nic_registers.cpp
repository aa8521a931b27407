// The registers of a NIC; docs/models/nic.md lists them.
#include <limits>

#include "endpoints/nic.h"

namespace heddle {

namespace {

constexpr std::uint64_t doorbell_registers = 0x300;
constexpr std::uint64_t longest_cycles = std::numeric_limits<std::uint32_t>::max();
constexpr std::uint64_t most_bytes = 1'000'000'000'000;  // as workload.message

}  // namespace

void Nic::describe(RegisterMap& map) {
  describe_configuration(map);

  RegisterBlock& counters = map.block("counters", counter_registers, "Since the start of the run.");
  counters.add("packets_sent", 0x00, 8, "Data packets started, repeated ones included.",
               [this] { return created_ - control_packets_; });
  counters.add("packets_repeated", 0x08, 8, "Data packets started again.",
               [this] { return repeated_packets(); });
  counters.add("answers_sent", 0x10, 8, "ACK, NAK and CNP frames started.",
               [this] { return control_packets_; });
  counters.add("answers_received", 0x18, 8, "ACK, NAK and CNP frames taken in.",
               [this] { return control_received_; });
  counters.add("notifications", 0x20, 8, "CNP frames that a queue pair has obeyed.",
               [this] { return notifications_; });
  counters.add("time_outs", 0x28, 8, "Times that a queue pair heard nothing for too long.",
               [this] { return time_outs_; });
  counters.add("messages_open", 0x30, 8, "Messages that the NIC is sending now.",
               [this] { return open_flows_; });

  describe_doorbell(map);

  RegisterBlock& port = map.block("port", port_registers, "Its link to the network.");
  port.add_link_counters(
      0x00, [this](unsigned) -> const Link& { return *in_; },
      [this](unsigned) -> const Link& { return *out_; }, [this] { return present(); });
  port.add("paused_classes", 0x20, 4, "A bit for each class that the network has stopped.",
           [this] { return pause_.mask(); });
  port.add_link_faults(link_faults, [this](unsigned) -> const Link& { return *in_; });
}

void Nic::describe_configuration(RegisterMap& map) {
  RegisterBlock& config = map.block("config", config_registers,
                                    "What the scenario says, and what of it may be changed.");
  config.add("host", 0x00, 4, "Number of the host.", [this] { return host_; }).resets_to("");
  config
      .add("mtu_bytes", 0x04, 4, "Payload of a full packet.", [this] { return config_.mtu.value; })
      .resets_to("`nic.mtu`");
  config
      .add("receive", 0x08, 4, "Receive mode, counted from 0 in the order of the key's words.",
           [this] { return config_.receive; })
      .resets_to("`nic.receive`");
  config
      .add("congestion_control", 0x0c, 4, "0 none, 1 DCQCN.",
           [this] { return config_.congestion_control; })
      .resets_to("`nic.congestion_control`");
  Register& window =
      config
          .add("window_packets", 0x10, 4,
               "Packets that a queue pair may have sent and not acknowledged. Made smaller than "
               "`ack_interval` while more are out, it may cost a time-out. Read only where "
               "datagrams are unreliable: they have no window.",
               [this] { return window_packets_; })
          .resets_to("`nic.window` / `nic.mtu`");
  if (reliable()) {
    window.writable(1, 1U << 31, [this](std::uint64_t packets) {
      set_window(static_cast<std::uint32_t>(packets));
    });
  }
  config
      .add("ack_interval", 0x14, 4, "Packets per acknowledgement.",
           [this] { return config_.ack_interval; })
      .resets_to("`nic.ack_interval`");
  config
      .add("retransmission_timeout_cycles", 0x18, 8,
           "Silence after which a queue pair repeats; timers that run keep their end.",
           [this] { return time_out_cycles_; })
      .resets_to("`nic.retransmission_timeout`")
      .writable(1, longest_cycles, [this](std::uint64_t cycles) { time_out_cycles_ = cycles; });
  config
      .add("dcqcn_cnp_interval_cycles", 0x20, 8,
           "Least distance of two CNPs of a queue pair; it counts from the next CNP.",
           [this] { return dcqcn_rules_.cnp_cycles; })
      .resets_to("`nic.dcqcn.cnp_interval`")
      .from("Zhu et al., SIGCOMM 2015, section 3")
      .writable(1, longest_cycles,
                [this](std::uint64_t cycles) { dcqcn_rules_.cnp_cycles = cycles; });
  config
      .add("transmit_latency_cycles", 0x28, 4, "From a message's due cycle to its first byte.",
           [this] { return transmit_latency_; })
      .resets_to("`nic.transmit_latency`");
  config
      .add("receive_latency_cycles", 0x2c, 4, "From a packet's last byte to its delivery.",
           [this] { return receive_latency_; })
      .resets_to("`nic.receive_latency`");
}

void Nic::set_window(std::uint32_t packets) {
  window_packets_ = packets;
  for (std::uint32_t slot = 0; slot < senders_.size(); ++slot) {
    if (senders_[slot].flow.is_open()) update(slot);
  }
}

void Nic::describe_doorbell(RegisterMap& map) {
  doorbell_ = std::make_unique<Doorbell>();
  Doorbell& bell = *doorbell_;
  RegisterBlock& block = map.block(
      "doorbell", doorbell_registers,
      "Sends a message: write destination, class and bytes, then ring. One cycle after the ring, "
      "`answer` and `message` tell what became of it.");
  block
      .add("destination", 0x00, 4, "Host that the next message is for.",
           [&bell] { return bell.destination; })
      .writable(0, 65535, [&bell](std::uint64_t host) {
        bell.destination = static_cast<std::uint32_t>(host);
      });
  block.add("traffic_class", 0x04, 4, "Its traffic class.", [&bell] { return bell.traffic_class; })
      .writable(0, max_traffic_classes - 1,
                [&bell](std::uint64_t c) { bell.traffic_class = static_cast<std::uint32_t>(c); });
  block.add("bytes", 0x08, 8, "Its payload.", [&bell] { return bell.bytes; })
      .writable(0, most_bytes, [&bell](std::uint64_t bytes) { bell.bytes = bytes; });
  block
      .command("ring", 0x10,
               "Writing 1 posts the message: it is due in the cycle in which the write "
               "takes effect.")
      .writable(1, 1, [this](std::uint64_t) { post(); });
  block.add("rings", 0x14, 4, "Rings that have been answered.", [&bell] { return bell.rings; });
  block.add(
      "answer", 0x18, 4,
      "To the last ring: 1 posted, 2 no such host or this one, 3 no such class, 4 no bytes, 5 "
      "as many as 64 messages open or not taken, 6 no message ids left.",
      [&bell] { return bell.answer; });
  block.add("message", 0x1c, 4, "Id of the message posted last.", [&bell] { return bell.message; });
  block.add("open", 0x20, 4, "Messages posted and not complete.", [&bell] { return bell.open(); });
  block.add("completions", 0x24, 4, "Complete messages not yet taken.",
            [&bell] { return bell.completed(); });
  block
      .add("new_completions", 0x28, 4, "Messages completed since this was last read.",
           [&bell] { return bell.new_completions; })
      .cleared([&bell] { bell.new_completions = 0; });
  block.add("completion_status", 0x2c, 4,
            "Of the first complete message: 0 there is none, 1 acknowledged, 2 sent (unreliable "
            "datagrams).",
            [&bell] { return bell.first().status; });
  block.add("completion_message", 0x30, 4, "Its id.", [&bell] { return bell.first().message; });
  block.command("completion_take", 0x34, "Writing 1 makes place for the next complete message.")
      .writable(1, 1, [&bell](std::uint64_t) { bell.take_first(); });
  block.add("completion_cycle", 0x38, 8, "Cycle in which it was complete at its sender.",
            [&bell] { return bell.first().at; });
}

/// The doorbell has been rung: its message becomes one of the host's.
void Nic::post() {
  Doorbell& bell = *doorbell_;
  ++bell.rings;
  const auto judged = [&] {
    if (bell.destination >= first_receiver_.size() || bell.destination == host_) {
      return Doorbell::Answer::bad_host;
    }
    if (bell.traffic_class >= ready_.size()) return Doorbell::Answer::bad_class;
    if (bell.bytes == 0) return Doorbell::Answer::bad_size;
    return bell.full() ? Doorbell::Answer::full : Doorbell::Answer::posted;
  };
  bell.answer = judged();
  if (bell.answer != Doorbell::Answer::posted) return;
  const auto id = source_.take_id();
  if (!id) {
    bell.answer = Doorbell::Answer::out_of_numbers;
    return;
  }
  source_.release({*id, host_, static_cast<HostId>(bell.destination),
                   static_cast<std::uint8_t>(bell.traffic_class), bell.bytes, now()});
  bell.posted(*id);
  expect_message(now());
}

}  // namespace heddle
