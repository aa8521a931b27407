// The sending side of a switch: for each port, queues by class, a scheduler between them, the pause
// state that the peer has set, and the link. Leaf, fabric element and adaptive switch all send
// through this.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "kernel/bit_mask.h"
#include "kernel/environment.h"
#include "kernel/occupancy.h"
#include "parts/class_scheduler.h"
#include "parts/pause_state.h"
#include "parts/queue_bank.h"

namespace heddle {

/// When a frame stops counting as held: as its first or after its last byte has left.
enum class Release : std::uint8_t { first_byte, last_byte };

class OutputPorts {
 public:
  struct Shape {
    unsigned ports;
    std::vector<TrafficClassConfig> classes;
    std::uint32_t quantum_bytes;     ///< at least the largest frame
    std::uint32_t capacity_frames;   ///< of all ports together
    Release release;
  };

  /// Wakes `device` for reasons first_reason + port when a port's link has become ready.
  OutputPorts(const Environment& environment, std::uint32_t device, unsigned first_reason,
              const Shape& shape)
      : clock_(environment.clock),
        packets_(environment.packets),
        device_(device),
        first_reason_(first_reason),
        classes_(static_cast<unsigned>(shape.classes.size())),
        release_(shape.release),
        ports_(shape.ports, Port(shape.classes, shape.quantum_bytes)),
        queues_(shape.ports * classes_, shape.capacity_frames),
        attention_(shape.ports) {}

  /// `waiting`: what the time that packets spend in this port's queues is called.
  void attach(unsigned port, Link& link, Stage waiting) {
    ports_[port].link = &link;
    ports_[port].waiting = waiting;
  }
  unsigned size() const { return static_cast<unsigned>(ports_.size()); }
  const Link& link(unsigned port) const { return *ports_[port].link; }

  /// Queues a frame that came in through `input`. `transmit` looks at the port in this cycle.
  void push(unsigned port, unsigned traffic_class, const Frame& frame, unsigned input, Cycle now) {
    Port& p = ports_[port];
    for_each_packet(packets_, frame, [&](PacketRecord& record) {
      record.paused_before = static_cast<std::uint32_t>(p.pause.total(traffic_class, now));
    });
    queues_.push(queue(port, traffic_class), {frame, static_cast<std::uint16_t>(input)});
    p.backlog = static_cast<std::uint8_t>(p.backlog | 1U << traffic_class);
    p.occupancy.add(frame.wire_bytes, now);
    attention_.set(port);
  }

  /// Queues a link-local frame: it goes before everything else.
  void push_link_local(unsigned port, const Frame& frame) {
    ports_[port].link_local.push_back(frame);
    attention_.set(port);
  }

  /// The peer of `port` stops or restarts a class.
  void pause(unsigned port, unsigned traffic_class, bool off, Cycle now) {
    Port& p = ports_[port];
    p.pause.set(traffic_class, off, now);
    p.link->note_pause(p.pause.mask() != 0, now);
    attention_.set(port);
  }

  /// The link of `port` may have become ready.
  void wake(unsigned port) { attention_.set(port); }

  /// Starts what can start in this cycle. Calls done(port, frame, input) for each frame that is no
  /// longer held.
  template <class Done>
  void transmit(Cycle now, Done&& done) {
    while (attention_.any()) {  // again when `done` made a frame for a port already served
      attention_.take(0, size(), [&](unsigned port) { serve(port, now, done); });
    }
  }

  std::uint64_t queued_bytes(unsigned port) const { return ports_[port].occupancy.level(); }
  std::uint32_t queued_frames(unsigned port, unsigned traffic_class) const {
    return queues_.length(queue(port, traffic_class));
  }
  const Occupancy& occupancy(unsigned port) const { return ports_[port].occupancy; }
  const PauseState& pause_state(unsigned port) const { return ports_[port].pause; }

  std::uint64_t frames_sent() const {
    std::uint64_t frames = 0;
    for (const Port& port : ports_) frames += port.link == nullptr ? 0 : port.link->frames();
    return frames;
  }

  /// Frames not yet started, link-local ones included.
  std::uint64_t held() const {
    std::uint64_t frames = queues_.used();
    for (const Port& port : ports_) frames += port.link_local.size();
    return frames;
  }

  /// Who waits for what on the links, one line per queue that is not empty.
  void waits(const std::string& path, std::vector<std::string>& lines) const;

 private:
  struct Queued {
    Frame frame;
    std::uint16_t input = 0;
  };
  struct Port {
    Port(const std::vector<TrafficClassConfig>& classes, std::uint32_t quantum_bytes)
        : scheduler(classes, quantum_bytes) {}

    Link* link = nullptr;
    Stage waiting = Stage::fabric_queue;
    std::uint8_t backlog = 0;  ///< classes with frames
    bool armed = false;        ///< a wake-up for the link is on its way
    bool leaving = false;      ///< `out` has bytes left to send
    Queued out;
    std::vector<Frame> link_local;  ///< at most one per class and direction of change
    PauseState pause;
    ClassScheduler scheduler;
    Occupancy occupancy;
  };

  unsigned queue(unsigned port, unsigned traffic_class) const {
    return port * classes_ + traffic_class;
  }

  void arm(unsigned port) {
    Port& p = ports_[port];
    if (p.armed) return;
    p.armed = true;
    clock_.wake(device_, first_reason_ + port, p.link->ready_at());
  }

  template <class Done>
  void serve(unsigned port, Cycle now, Done&& done) {
    Port& p = ports_[port];
    if (!p.link->ready(now)) return arm(port);
    p.armed = false;
    if (p.leaving) {
      p.leaving = false;
      let_go(port, p.out, now, done);
    }
    if (!p.link_local.empty()) {
      p.link->send(p.link_local.front(), now);
      p.link_local.erase(p.link_local.begin());
      return arm(port);
    }
    const auto eligible = static_cast<std::uint8_t>(p.backlog & ~p.pause.mask());
    if (eligible == 0) return;
    start(port, p, eligible, now);
    if (release_ == Release::first_byte) let_go(port, p.out, now, done);
    p.leaving = release_ == Release::last_byte;
    if (p.leaving || p.backlog != 0) arm(port);
  }

  void start(unsigned port, Port& p, std::uint8_t eligible, Cycle now) {
    const unsigned c = p.scheduler.pick(eligible, [&](unsigned of_class) {
      return std::int64_t{queues_.front(queue(port, of_class)).frame.wire_bytes};
    });
    const unsigned q = queue(port, c);
    p.out = queues_.pop(q);
    if (queues_.empty(q)) p.backlog = static_cast<std::uint8_t>(p.backlog & ~(1U << c));
    for_each_packet(packets_, p.out.frame, [&](PacketRecord& record) {
      const auto paused = static_cast<std::uint32_t>(p.pause.total(c, now)) - record.paused_before;
      record.spend(Stage::paused, record.mark + paused);
      record.spend(p.waiting, now);
    });
    p.link->send(p.out.frame, now);
  }

  template <class Done>
  void let_go(unsigned port, const Queued& queued, Cycle now, Done&& done) {
    ports_[port].occupancy.remove(queued.frame.wire_bytes, now);
    done(port, queued.frame, unsigned{queued.input});
  }

  Clock& clock_;
  PacketPool& packets_;
  std::uint32_t device_;
  unsigned first_reason_;
  unsigned classes_;
  Release release_;
  std::vector<Port> ports_;
  QueueBank<Queued> queues_;
  BitMask attention_;
};

}  // namespace heddle
