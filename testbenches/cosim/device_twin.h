// Lockstep of a whole C++ device, in a small SystemC simulation of its own, and its Verilated twin.
// Links bring frames to the C++ device; each is put on the RTL's pins in the cycle in which the
// device takes it. What the device starts on its links in a cycle must be what the RTL's pins show
// after the same edge, every cycle, with all 24 bytes of the frame and the end of each. SystemC
// elaborates once per process, so each seed has a process of its own.
//
// A device twin test is a class:
//
//   class BoxTwin : public DeviceTwin<Vbox> {
//    public:
//     static constexpr const char* name = "box";
//     explicit BoxTwin(std::uint64_t seed);  // config, add_port(...) for each, device, cfg pins
//    private:
//     void stimulate() override;  // what starts on the links to the device: send(port, frame)
//     void drive() override;      // other pins for this edge; before it
//     void compare() override;    // state that is cheap to compare: lockstep.equal(...)
//     Box box_;
//   };
//   HEDDLE_DEVICE_TWIN_TESTS(BoxTwin, 20, 5000, 400)
//
// The pins of all ports have the names in_valid_i, in_frame_i, local_valid_i, local_frame_i,
// out_valid_o, out_sop_o, out_eop_o, out_frame_o, with port 0 to the right. A device without
// link-local frames, or one that never asks for the time, lacks local_..._i or now_i.
#pragma once

#include <unistd.h>

#include <deque>
#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cosim/pins.h"
#include "cosim/twin.h"
#include "device_bench.h"

namespace heddle {

template <class Top>
class DeviceTwin : private CycleObserver {
 public:
  RtlTop<Top> rtl;

  /// Runs cycles 1, 2, ... `last`, with waves from one of them on. Throws at the first difference.
  void run(Cycle last, const std::string& waves, Cycle waves_from) {
    waves_ = waves;
    waves_from_ = waves_from;
    pins::set(rtl->in_valid_i, 0);  // the RTL may have more ports than this device
    if constexpr (pins::has_local_lane<Top>) pins::set(rtl->local_valid_i, 0);
    rtl.reset();
    bench_.clock().observe(this);
    heart_.wake_in(1);
    bench_.run(last);
  }
  Cycle cycle() const { return lockstep.cycle(); }

 protected:
  explicit DeviceTwin(std::uint64_t seed)
      : rtl(seed),
        lockstep(seed),
        bench_(options(seed)),
        heart_(bench_),
        misses_idle_edges_(seed % 2 == 0) {}
  ~DeviceTwin() override = default;

  /// The device's next port: a link to it, which delivers heads or tails, and one from it. Before
  /// the device is attached to them.
  void add_port(LinkRate in, Cycle latency, Delivery delivery, LinkRate out) {
    ports_.push_back(
        std::make_unique<Port>(*this, bench_.link(in, latency), bench_.link(out, 1), delivery));
  }
  /// A link beside the ports, for the test itself to put on pins.
  Link& add_wire(LinkRate rate, Cycle latency) { return bench_.link(rate, latency); }
  /// Nobody takes what the device starts on it; `probe` sees it.
  void end_wire(Link& wire, LinkProbe& probe) {
    wire.bind_receiver(heart_.id(), 0, Delivery::tail, 0);
    wire.attach(&probe);
  }
  Link& in(unsigned port) { return ports_[port]->in; }
  Link& out(unsigned port) { return ports_[port]->out; }
  unsigned ports() const { return static_cast<unsigned>(ports_.size()); }
  Environment environment() { return bench_.environment(); }
  PacketPool& packets() { return bench_.packets(); }

  /// Called after each cycle: starts what the device's peers start in it. now() is that cycle;
  /// events of the device (input_failed ...) are made for now() + 1.
  virtual void stimulate() = 0;
  virtual void drive() {}
  virtual void compare() {}
  /// What the device has started on its link to a peer, in this cycle.
  virtual void left(unsigned /*port*/, const Frame& /*frame*/) {}
  /// Pins other than those of frames say nothing to the RTL in this cycle: while the RTL says
  /// idle_o, it may miss such edges, as in a fabric.
  virtual bool quiet() const { return true; }

  Cycle now() const { return lockstep.cycle(); }
  /// The RTL has seen the edge of this cycle.
  bool clocked() const { return clocked_; }
  /// Starts a frame to the device; in(port) must be ready(now()).
  void send(unsigned port, const Frame& frame) {
    Port& p = *ports_[port];
    p.in.send(frame, now());
    const bool local = link_local(frame.kind);
    const bool head = p.delivery == Delivery::head && !local;
    const Cycle at = (head ? now() : p.in.ready_at()) + p.in.latency();
    (local ? p.local : p.arriving).push_back({at + (local ? 0 : p.in.pipeline()), frame});
  }
  /// Frames on their way to the device, link-local ones not counted.
  std::size_t frames_under_way(unsigned port) const { return ports_[port]->arriving.size(); }
  std::size_t frames_under_way() const {
    std::size_t frames = 0;
    for (const auto& port : ports_) frames += port->arriving.size();
    return frames;
  }
  /// A record for a packet that a peer starts now.
  std::uint32_t new_packet() {
    const std::uint32_t number = packets().acquire();
    packets()[number].due = now();
    return number;
  }
  /// The records of a frame that has left the device.
  void release_packets(const Frame& frame) {
    for (std::uint32_t number = frame.packet; number != no_packet;) {
      const std::uint32_t next = frame.kind == FrameKind::cell ? packets()[number].next : no_packet;
      packets().release(std::exchange(number, next));
    }
  }

  /// All 24 bytes of it.
  void equal_frame(const char* signal, const Frame& model, const Frame& rtl_frame, int index) {
    if (std::memcmp(&model, &rtl_frame, sizeof model) == 0) return;
    const auto field = [&](const char* of, std::uint64_t a, std::uint64_t b) {
      lockstep.equal(fmt::format("{}[{}].{}", signal, index, of).c_str(), a, b);
    };
    field("kind", static_cast<unsigned>(model.kind), static_cast<unsigned>(rtl_frame.kind));
    field("traffic_class", model.traffic_class, rtl_frame.traffic_class);
    field("flags", model.flags, rtl_frame.flags);
    field("reserved", model.reserved, rtl_frame.reserved);
    field("wire_bytes", model.wire_bytes, rtl_frame.wire_bytes);
    field("payload_bytes", model.payload_bytes, rtl_frame.payload_bytes);
    field("source", model.source, rtl_frame.source);
    field("destination", model.destination, rtl_frame.destination);
    field("flow", model.flow, rtl_frame.flow);
    field("sequence_number", model.sequence, rtl_frame.sequence);
    field("packet", model.packet, rtl_frame.packet);
  }

  Lockstep lockstep;

 private:
  using Seen = testing::Seen;

  /// Makes every cycle one with work.
  class Heart : public testing::BareDevice {
   public:
    explicit Heart(testing::Workbench& bench) : BareDevice("heart", bench.clock(), 1) {}
    void wake_in(Cycle at) { wake(0, at); }

   private:
    void cycle() override { due_.clear(0); }
  };

  struct Port : LinkProbe {
    Port(DeviceTwin& in_twin, Link& to_device, Link& from_device, Delivery of_heads)
        : twin(in_twin), in(to_device), out(from_device), delivery(of_heads) {
      out.bind_receiver(twin.heart_.id(), 0, Delivery::tail, 0);
      out.attach(this);
    }
    void started(const Frame& frame, Cycle now) override { on_link = {now, frame}; }

    DeviceTwin& twin;
    Link& in;
    Link& out;
    Delivery delivery;
    std::deque<Seen> arriving;  ///< in order of time
    std::deque<Seen> local;
    Seen on_link{0, {}};  ///< the latest to start; in cycle 0: none
  };

  static ClockOptions options(std::uint64_t seed) {
    ClockOptions options;
    options.seed = seed;
    options.wake_every_cycle = seed % 4 == 3;
    return options;
  }

  void cycle_ended(Cycle now, const std::vector<Device*>&) override {
    lockstep.next_cycle();
    if (!waves_.empty() && now == waves_from_) rtl.trace(waves_);
    const bool silent = !drive_inputs() && quiet();
    clocked_ = !silent || rtl->idle_o == 0 || !misses_idle_edges_;
    if (clocked_) {
      if constexpr (pins::has_clock_pin<Top>) pins::set(rtl->now_i, now);
      drive();
      rtl.edge();
    }
    for (unsigned port = 0; port < ports(); ++port) compare_output(port);
    compare();
    for (unsigned port = 0; port < ports(); ++port) {
      const Seen& seen = ports_[port]->on_link;
      if (seen.at == now) left(port, seen.frame);
    }
    stimulate();
    heart_.wake_in(now + 1);
  }

  /// Whether anything arrives in this cycle.
  bool drive_inputs() {
    bool any = false;
    for (unsigned port = 0; port < ports(); ++port) {
      any |= drive_lane(ports_[port]->arriving, rtl->in_valid_i, rtl->in_frame_i, port);
      if constexpr (pins::has_local_lane<Top>) {
        any |= drive_lane(ports_[port]->local, rtl->local_valid_i, rtl->local_frame_i, port);
      }
    }
    return any;
  }

  template <class Valid, class Frames>
  bool drive_lane(std::deque<Seen>& lane, Valid& valid, Frames& frames, unsigned port) {
    const bool comes = !lane.empty() && lane.front().at == now();
    pins::set_bits(valid, port, 1, comes ? 1 : 0);
    if (!comes) return false;
    pins::set_frame(frames, port, lane.front().frame);
    lane.pop_front();
    return true;
  }

  void compare_output(unsigned port) {
    const Seen& seen = ports_[port]->on_link;
    const Cycle ready_at = ports_[port]->out.ready_at();
    const auto index = static_cast<int>(port);
    const bool busy = seen.at != 0 && ready_at > now();
    lockstep.equal("out_valid_o", busy, pins::get_bits(rtl->out_valid_o, port, 1), index);
    lockstep.equal("out_sop_o", seen.at != 0 && seen.at == now(),
                   pins::get_bits(rtl->out_sop_o, port, 1), index);
    if (!busy) return;
    lockstep.equal("out_eop_o", ready_at == now() + 1, pins::get_bits(rtl->out_eop_o, port, 1),
                   index);
    equal_frame("out_frame_o", seen.frame, pins::get_frame(rtl->out_frame_o, port), index);
  }

  testing::Workbench bench_;
  Heart heart_;
  std::vector<std::unique_ptr<Port>> ports_;
  bool misses_idle_edges_;
  bool clocked_ = true;
  std::string waves_;
  Cycle waves_from_ = 0;
};

/// run_twin of a device: builds it and runs it in a child process.
template <class Twin>
TwinResult run_device_twin(std::uint64_t seed, std::uint64_t cycles, const std::string& waves,
                           std::uint64_t waves_from) {
  int ends[2];
  if (pipe(ends) != 0) return {0, "no pipe to a child process"};
  testing::in_child([&] {
    Twin twin(seed);
    try {
      twin.run(cycles, waves, waves_from);
    } catch (const std::exception& error) {  // an assertion of the RTL, too
      const Cycle at = twin.cycle();
      const std::string what = error.what();
      if (write(ends[1], &at, sizeof at) < 0 || write(ends[1], what.data(), what.size()) < 0) throw;
    }
  });
  close(ends[1]);
  TwinResult result{cycles, ""};
  if (read(ends[0], &result.cycles, sizeof result.cycles) > 0) {
    char text[4096];
    for (ssize_t n; (n = read(ends[0], text, sizeof text)) > 0;) {
      result.difference.append(text, static_cast<std::size_t>(n));
    }
  }
  close(ends[0]);
  return result;
}

template <class Twin>
void expect_device_lockstep(std::uint64_t seeds, std::uint64_t cycles) {
  expect_no_difference(Twin::name, seeds, cycles, run_device_twin<Twin>);
}

}  // namespace heddle

/// The quick cut, and the long run of at least 1 million cycles.
#define HEDDLE_DEVICE_TWIN_TESTS(Twin, seeds, cycles, long_seeds)             \
  TEST(Twin, EqualsTheModel) { expect_device_lockstep<Twin>(seeds, cycles); } \
  TEST(Twin, LongEqualsTheModel) {                                            \
    HEDDLE_NEED_LONG();                                                       \
    expect_device_lockstep<Twin>(long_seeds, cycles);                         \
  }
