// A host's network interface: turns messages into packets, paces and repeats them, takes packets in
// and acknowledges them, and measures what the network did to them.
//
// Cycle behaviour: a message's first packet may start `transmit_latency` after the message is due;
// a packet is delivered, and its acknowledgement may start, `receive_latency` after its last byte;
// a pause takes effect in the cycle in which the pause frame's last byte arrives.
#pragma once

#include <functional>
#include <memory>
#include <queue>
#include <string>
#include <vector>

#include "endpoints/delivery_log.h"
#include "endpoints/doorbell.h"
#include "endpoints/nic_config.h"
#include "endpoints/traffic_source.h"
#include "endpoints/transport.h"
#include "kernel/device.h"
#include "kernel/environment.h"
#include "parts/class_scheduler.h"
#include "parts/pause_state.h"
#include "parts/reorder_meter.h"

namespace heddle {

/// Who is told when a message has gone out or has come in: the workload's triggers.
struct MessageEvents {
  std::function<void(const Message&, Cycle)> acknowledged;  ///< at the sender: all of it
  std::function<void(const Message&, Cycle)> received;      ///< at the receiver: all of it
};

/// A host has more messages open than the numbers of its flows can tell apart, 65,536.
class TooManyMessages : public InputError {
 public:
  TooManyMessages(const std::string& host, MessageId opened)
      : InputError(host + " has over 65,536 messages open"), message(opened) {}

  MessageId message;  ///< the one too many
};

class Nic : public Device {
 public:
  Nic(const sc_core::sc_module_name& module_name, const Environment& environment, HostId host,
      unsigned hosts, const NicConfig& config, const std::vector<TrafficClassConfig>& classes,
      Rate rate, TrafficSource& source, DeliveryLog& log, const MessageEvents& events);

  void attach(Link& from_network, Link& to_network);

  /// A message of the source is due in cycle `due`, earlier than the source said before.
  void expect_message(Cycle due) { wake(message_reason, due + transmit_latency_); }

  /// Nothing to send, nothing unacknowledged, nothing to come.
  bool idle() const;

  /// Ends the measurement of reordering for every flow.
  void finish();

  void input_failed(unsigned port, Cycle at) override;
  void waits(std::vector<std::string>& lines) const override;
  std::vector<BufferView> buffers() const override;
  std::vector<StateView> state() const override;
  FrameBalance balance() const override;
  void verify(bool drained) const override;

  std::uint64_t repeated_packets() const;
  /// ACK, NAK and CNP frames sent and taken in.
  std::uint64_t control_packets() const { return control_packets_; }
  std::uint64_t control_received() const { return control_received_; }
  std::uint64_t time_outs() const { return time_outs_; }
  std::uint64_t notifications() const { return notifications_; }

 private:
  enum Reason : unsigned { arrival_reason, link_reason, message_reason, timer_reason, reasons };

  static constexpr std::uint32_t no_receiver = ~std::uint32_t{0};

  struct Sender {
    SendFlow flow;
    Dcqcn rate;
    double allowed_at = 0;        ///< earliest start of the next packet, set by its rate
    Cycle paused_before = 0;      ///< pause clock of its class at its last start
    bool waits_for_rate = false;  ///< a timer will make it eligible again

    explicit Sender(const DcqcnRules& rules) : rate(rules) {}
  };
  struct Receiver {
    std::uint32_t key = 0;             ///< the message; of datagrams the class
    std::uint32_t next = no_receiver;  ///< of those that receive from the same host
    CnpLimiter notification;
    ReceiveFlow flow;
    ReorderMeter meter;

    explicit Receiver(ReorderTotals& totals) : meter(totals) {}
  };
  struct Timer {
    Cycle at;
    std::uint32_t slot;
    std::uint16_t generation;
    bool of_rate;  ///< else: retransmission

    bool operator>(const Timer& other) const {
      if (at != other.at) return at > other.at;
      return slot != other.slot ? slot > other.slot : of_rate > other.of_rate;
    }
  };

  void cycle() override;
  void describe(RegisterMap& map) override;
  DeviceKind device_kind() const override { return DeviceKind::nic; }
  unsigned port_count() const override { return 1; }
  void describe_configuration(RegisterMap& map);
  void describe_doorbell(RegisterMap& map);
  void set_window(std::uint32_t packets);
  void post();
  void fetch(unsigned round) const override;
  void receive();
  void start_messages();
  void run_timers();
  void send();

  void accept(const Frame& frame);
  void accept_packet(const Frame& packet);
  void dispose(const Frame& packet, Receiver& receiver, const Reception& reception);
  void deliver(const Frame& packet, std::uint32_t record, Receiver& receiver);
  void answer(const Frame& packet, Receiver& receiver, const Reception& reception);
  void report(const Frame& packet, const ReceiveFlow& flow);
  void accept_answer(const Frame& frame);
  void obey(const Frame& answer, SendFlow& flow);
  Receiver& receiver_of(const Frame& packet, std::uint32_t key);
  void close_receiver(const Frame& packet, std::uint32_t key);
  void answer_late_copy(const Frame& packet);
  bool completes_message(const Frame& packet, const Receiver& receiver) const;

  void open(const Message& message);
  void close(std::uint32_t slot);
  void set_timer(const Timer& timer);
  void retransmission_timer(const Timer& timer);
  void update(std::uint32_t slot);
  void send_packet(std::uint32_t slot);
  void set_ready(unsigned traffic_class, std::uint32_t slot, bool ready);
  unsigned waiting_classes() const;
  bool answers_next(unsigned traffic_class) const;
  std::uint64_t next_wire_bytes(unsigned traffic_class) const;
  std::uint64_t overhead_bytes() const;
  void arm_link();
  void pace(std::uint32_t slot, std::uint16_t wire_bytes);
  void send_control();
  void queue_control(FrameKind kind, const Frame& about, std::uint32_t sequence,
                     std::uint8_t flags);

  unsigned control_class() const { return static_cast<unsigned>(ready_.size() - 1); }
  bool reliable() const { return config_.receive != ReceiveMode::unreliable_datagram; }

  // What most cycles use comes first: uses_up_to(control_next_).
  PacketPool& packets_;
  DeliveryLog& log_;
  const NicConfig& config_;
  TrafficSource& source_;
  Link* in_ = nullptr;
  Link* out_ = nullptr;
  HostId host_;
  LinkRate rate_;
  std::uint32_t window_packets_;
  unsigned ready_classes_ = 0;  // classes with queue pairs that may send now
  Cycle transmit_latency_;
  Cycle link_armed_for_ = 0;
  std::uint64_t created_ = 0;
  std::uint64_t consumed_ = 0;
  std::uint64_t control_packets_ = 0;
  std::uint64_t control_received_ = 0;
  std::vector<Sender> senders_;                // by slot
  std::vector<BitMask> ready_;                 // per class: slots that may send now
  std::vector<std::uint32_t> pointer_;         // per class: where the round goes on
  std::vector<std::uint32_t> first_receiver_;  // by source host
  std::vector<Receiver> receivers_;
  std::vector<Frame> control_;  // ACK, NAK and CNP frames, from control_next_ on
  std::size_t control_next_ = 0;

  PauseState pause_;
  ClassScheduler classes_;
  const MessageEvents& events_;
  DcqcnRules dcqcn_rules_;
  Cycle receive_latency_;
  Cycle time_out_cycles_;
  std::vector<std::uint32_t> free_slots_;
  std::vector<std::uint16_t> generations_;
  std::vector<std::uint32_t> free_receivers_;
  std::vector<std::uint32_t> datagrams_;  // by destination and class: how many were sent
  std::priority_queue<Timer, std::vector<Timer>, std::greater<>> timers_;
  Occupancy reorder_buffer_;
  std::uint64_t open_flows_ = 0;
  std::uint64_t repeated_packets_ = 0;  // of queue pairs that are closed
  std::uint64_t time_outs_ = 0;
  std::uint64_t notifications_ = 0;
  std::unique_ptr<Doorbell> doorbell_;  // with the registers
};

}  // namespace heddle
