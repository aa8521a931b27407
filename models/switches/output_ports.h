// The sending side of a switch: for each port, queues by class, a scheduler between them, the pause
// state that the peer has set, and the link. Leaf, fabric element and adaptive switch all send
// through this.
#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "kernel/bit_mask.h"
#include "kernel/device.h"
#include "kernel/environment.h"
#include "kernel/occupancy.h"
#include "kernel/prefetch.h"
#include "parts/class_scheduler.h"
#include "parts/pause_state.h"
#include "parts/queue_bank.h"

namespace heddle {

/// When a frame stops counting as held: as its first or after its last byte has left.
enum class Release : std::uint8_t { first_byte, last_byte };

class OutputPorts {
 public:
  /// What the device needs to know of a frame that it no longer holds.
  struct Departure {
    std::uint16_t wire_bytes = 0;
    std::uint16_t input = 0;
    std::uint8_t traffic_class = 0;  ///< of the frame
    FrameKind kind = FrameKind::packet;
  };

  struct Shape {
    unsigned ports;
    std::vector<TrafficClassConfig> classes;
    std::uint32_t quantum_bytes;    ///< at least the largest frame
    std::uint32_t capacity_frames;  ///< of all ports together
    Release release;
  };

  /// `due`: what `device` is to look at in its cycle; port has the number first_reason + port
  /// there. The clock puts a port into it when its link has become ready, and so does whatever may
  /// let the port start something.
  OutputPorts(const Environment& environment, std::uint32_t device, BitMask& due,
              unsigned first_reason, const Shape& shape)
      : clock_(environment.clock),
        packets_(environment.packets),
        device_(device),
        due_(due),
        first_reason_(first_reason),
        classes_(static_cast<unsigned>(shape.classes.size())),
        strict_(strict_classes(shape.classes)),
        release_(shape.release),
        links_(shape.ports),
        queued_bytes_(shape.ports),
        ports_(shape.ports),
        rules_(shape.ports, Rules(shape.classes, shape.quantum_bytes)),
        queues_(shape.ports * classes_, shape.capacity_frames) {}

  /// `waiting`: what the time that packets spend in this port's queues is called.
  void attach(unsigned port, Link& link, Stage waiting) {
    links_[port] = &link;
    ports_[port].waiting = waiting;
    link.set_waiting(waiting);
  }
  unsigned size() const { return static_cast<unsigned>(ports_.size()); }
  const Link& link(unsigned port) const { return *links_[port]; }

  /// Asks for what pushing to `port` and sending from it will look at.
  void fetch(unsigned port) const {
    prefetch(&ports_[port]);
    prefetch(links_[port]);
  }

  /// Queues a frame that came in through `input`; transmit, in this cycle, looks at the port.
  void push(unsigned port, unsigned traffic_class, const Frame& frame, unsigned input) {
    book_push(port, traffic_class, frame);
    queues_.push(queue(port, traffic_class), {frame, static_cast<std::uint16_t>(input)});
    Port& p = ports_[port];
    p.backlog = static_cast<std::uint8_t>(p.backlog | 1U << traffic_class);
    look_at(port);
  }

  /// Queues a link-local frame: it goes before everything else.
  void push_link_local(unsigned port, const Frame& frame) {
    rules_[port].link_local.push_back(frame);
    ports_[port].link_local = true;
    look_at(port);
  }

  /// The peer of `port` stops or restarts a class.
  void pause(unsigned port, unsigned traffic_class, bool off, Cycle now) {
    PauseState& pause = rules_[port].pause;
    pause.set(traffic_class, off, now);
    Port& p = ports_[port];
    p.paused = pause.mask();
    p.ever_paused = true;
    links_[port]->note_pause(p.paused != 0, now);
    look_at(port);
  }

  /// The peer of `port` can no longer say that a class may go on.
  void forget_pauses(unsigned port, Cycle now) {
    for (unsigned c = 0; c < classes_; ++c) pause(port, c, false, now);
  }

  /// Starts what can start in this cycle. Calls done(port, departure) for each frame that is no
  /// longer held.
  template <class Done>
  void transmit(Cycle now, Done&& done) {
    const unsigned end = first_reason_ + size();
    do {  // again when `done` made a frame for a port already served
      due_.take(first_reason_, end,
                [&](unsigned reason) { serve(reason - first_reason_, now, done); });
    } while (due_.any(first_reason_, end));
  }

  // For a device that has its queues elsewhere, in RTL, and of these ports only the books.

  /// The frame joins a queue of the port.
  void book_push(unsigned port, unsigned traffic_class, const Frame& frame) {
    Port& p = ports_[port];
    for_each_packet(packets_, frame, [&](PacketRecord& record) {
      record.paused_before =
          p.ever_paused
              ? static_cast<std::uint32_t>(pause_state(port).total(traffic_class, clock_.now()))
              : 0;
    });
    queued_bytes_[port] += frame.wire_bytes;
    p.occupancy.add(frame.wire_bytes, clock_.now());
  }

  /// It leaves the queue for the link; link-local frames are in none.
  void book_start(unsigned port, unsigned traffic_class, const Frame& frame, Cycle now) {
    if (!link_local(frame.kind)) book_wait(port, ports_[port], traffic_class, frame, now);
    links_[port]->send(frame, now);
  }

  /// It is no longer held.
  void book_release(unsigned port, std::uint16_t wire_bytes, Cycle now) {
    queued_bytes_[port] -= wire_bytes;
    ports_[port].occupancy.remove(wire_bytes, now);
  }

  /// Where only levels are known: the port held `peak` bytes in this cycle at most, and `level` in
  /// the end.
  void book_level(unsigned port, std::uint64_t peak, std::uint64_t level, Cycle now) {
    queued_bytes_[port] = level;
    ports_[port].occupancy.follow(peak, level, now);
  }
  /// The packet has waited in a queue of the port, which was stopped for so many cycles meanwhile.
  void book_stops(unsigned port, unsigned traffic_class, PacketRecord& record,
                  std::uint32_t stopped_cycles, Cycle now) const {
    record.paused_before =
        static_cast<std::uint32_t>(pause_state(port).total(traffic_class, now)) - stopped_cycles;
  }

  std::uint64_t queued_bytes(unsigned port) const { return queued_bytes_[port]; }
  std::uint32_t queued_frames(unsigned port, unsigned traffic_class) const {
    return queues_.length(queue(port, traffic_class));
  }
  const Occupancy& occupancy(unsigned port) const { return ports_[port].occupancy; }
  const PauseState& pause_state(unsigned port) const { return rules_[port].pause; }

  std::uint64_t frames_sent() const {
    std::uint64_t frames = 0;
    for (const Link* link : links_) frames += link == nullptr ? 0 : link->frames();
    return frames;
  }

  /// Frames not yet started, link-local ones included.
  std::uint64_t held() const {
    std::uint64_t frames = queues_.used();
    for (const Rules& rules : rules_) frames += rules.link_local.size();
    return frames;
  }

  /// Which classes the peer of a port has stopped.
  StateView paused_view(unsigned port, const std::string& of_port) const;

  /// Who waits for what on the links, one line per queue that is not empty.
  void waits(const std::string& path, std::vector<std::string>& lines) const {
    waits(path, lines, [this](unsigned port, unsigned c) { return queued_frames(port, c); });
  }
  /// With queues elsewhere: so many frames are in that of a port and class.
  void waits(const std::string& path, std::vector<std::string>& lines,
             const std::function<std::uint32_t(unsigned, unsigned)>& queued) const;

 private:
  struct Queued {
    Frame frame;
    std::uint16_t input = 0;
  };
  /// What every frame touches: one cache line.
  struct alignas(64) Port {
    std::uint8_t backlog = 0;  ///< classes with frames
    std::uint8_t paused = 0;   ///< classes that the peer has stopped
    Stage waiting = Stage::fabric_queue;
    bool ever_paused : 1;
    bool armed : 1;       ///< a wake-up for the link is on its way
    bool leaving : 1;     ///< `out` has bytes left to send
    bool link_local : 1;  ///< such a frame waits
    bool competing : 1;   ///< weighted classes have shared the port
    Departure out;
    std::uint32_t ready_at = 0;  ///< the link's
    Occupancy occupancy;

    Port()
        : ever_paused(false), armed(false), leaving(false), link_local(false), competing(false) {}
  };
  static_assert(sizeof(Port) == 64);
  struct Rules {
    Rules(const std::vector<TrafficClassConfig>& classes, std::uint32_t quantum_bytes)
        : scheduler(classes, quantum_bytes) {}

    ClassScheduler scheduler;
    PauseState pause;
    std::vector<Frame> link_local;  ///< at most one per class and direction of change
  };

  unsigned queue(unsigned port, unsigned traffic_class) const {
    return port * classes_ + traffic_class;
  }

  static unsigned highest(unsigned mask) {
    return 31U - static_cast<unsigned>(__builtin_clz(mask));
  }

  void look_at(unsigned port) { due_.set(first_reason_ + port); }

  void arm(unsigned port, Port& p) {
    if (p.armed) return;
    p.armed = true;
    Outlook outlook{&p};
    if (p.backlog != 0) {
      outlook[1] = links_[port];
      outlook[2] = queues_.address(queue(port, highest(p.backlog)));
    }
    clock_.wake(device_, first_reason_ + port, p.ready_at, outlook);
  }

  template <class Done>
  void serve(unsigned port, Cycle now, Done&& done) {
    Port& p = ports_[port];
    if (now < p.ready_at) return arm(port, p);
    p.armed = false;
    if (p.leaving) {
      p.leaving = false;
      let_go(port, p, now, done);
    }
    if (p.link_local) {
      std::vector<Frame>& frames = rules_[port].link_local;
      send(port, p, frames.front(), now);
      frames.erase(frames.begin());
      p.link_local = !frames.empty();
      return arm(port, p);
    }
    const auto eligible = static_cast<std::uint8_t>(p.backlog & ~p.paused);
    if (eligible == 0) return;
    start(port, p, eligible, now);
    if (release_ == Release::first_byte) let_go(port, p, now, done);
    p.leaving = release_ == Release::last_byte;
    if (p.leaving || p.backlog != 0) arm(port, p);
  }

  void send(unsigned port, Port& p, const Frame& frame, Cycle now) {
    Link& link = *links_[port];
    link.send(frame, now);
    p.ready_at = static_cast<std::uint32_t>(link.ready_at());
  }

  void start(unsigned port, Port& p, std::uint8_t eligible, Cycle now) {
    const unsigned c = pick_class(port, p, eligible);
    const unsigned q = queue(port, c);
    const Queued queued = queues_.pop(q);
    const Frame& frame = queued.frame;
    if (queues_.empty(q)) p.backlog = static_cast<std::uint8_t>(p.backlog & ~(1U << c));
    book_wait(port, p, c, frame, now);
    send(port, p, frame, now);
    p.out = {frame.wire_bytes, queued.input, frame.traffic_class, frame.kind};
  }

  /// What the link's receiver could not tell of the wait.
  void book_wait(unsigned port, const Port& p, unsigned traffic_class, const Frame& frame,
                 Cycle now) {
    if (!p.ever_paused && links_[port]->tells_start()) return;
    for_each_packet(packets_, frame, [&](PacketRecord& record) {
      if (p.ever_paused) {
        const auto total = static_cast<std::uint32_t>(pause_state(port).total(traffic_class, now));
        record.spend(Stage::paused, record.mark() + (total - record.paused_before));
      }
      record.spend(p.waiting, now);
    });
  }

  /// The scheduler's own memory is needed only while weighted classes compete.
  unsigned pick_class(unsigned port, Port& p, std::uint8_t eligible) {
    const unsigned strict = eligible & strict_;
    if (strict != 0) return highest(strict);
    const bool alone = (eligible & (eligible - 1)) == 0;
    if (alone && !p.competing) return static_cast<unsigned>(__builtin_ctz(eligible));
    p.competing = !alone;
    return rules_[port].scheduler.pick(eligible, [&](unsigned of_class) {
      return std::int64_t{queues_.front(queue(port, of_class)).frame.wire_bytes};
    });
  }

  static std::uint8_t strict_classes(const std::vector<TrafficClassConfig>& classes) {
    unsigned mask = 0;
    for (unsigned c = 0; c < classes.size(); ++c) {
      if (classes[c].scheduling == ClassScheduling::strict) mask |= 1U << c;
    }
    return static_cast<std::uint8_t>(mask);
  }

  template <class Done>
  void let_go(unsigned port, Port& p, Cycle now, Done&& done) {
    book_release(port, p.out.wire_bytes, now);
    done(port, p.out);
  }

  Clock& clock_;
  PacketPool& packets_;
  std::uint32_t device_;
  BitMask& due_;
  unsigned first_reason_;
  unsigned classes_;
  std::uint8_t strict_;  // mask
  Release release_;
  std::vector<Link*> links_;
  std::vector<std::uint64_t> queued_bytes_;  // by port: with those that `leaving` holds
  std::vector<Port> ports_;
  std::vector<Rules> rules_;
  QueueBank<Queued> queues_;
};

}  // namespace heddle
