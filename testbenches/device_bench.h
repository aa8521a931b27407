// A bench for one device, or for the kernel itself: simulations in forked children, and stations
// that send frames at chosen cycles and note what comes back, when.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <systemc>
#include <utility>
#include <vector>

#include "kernel/device.h"
#include "kernel/environment.h"
#include "own_stack.h"

namespace heddle::testing {

/// Failures of the running test so far.
inline int failures() {
  return ::testing::UnitTest::GetInstance()->current_test_info()->result()->total_part_count();
}

/// Runs `body`, expectations and all, in a child process: SystemC elaborates once per process.
inline void in_child(const std::function<void()>& body) {
  std::fflush(nullptr);
  const pid_t child = fork();
  ASSERT_GE(child, 0) << "cannot start a process";
  if (child == 0) {
    const int before = failures();
    try {
      body();
    } catch (const std::exception& error) {
      ADD_FAILURE() << "unexpected exception: " << error.what();
    }
    return_to_own_stack();
    std::exit(failures() == before ? EXIT_SUCCESS : EXIT_FAILURE);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS)
      << "failed in a child process, which has said why above; status " << status;
}

/// A clock, the book of packets, and the links between the devices of a bench.
class Workbench {
 public:
  explicit Workbench(const ClockOptions& options = {}) : clock_("clock", options) {}

  Clock& clock() { return clock_; }
  PacketPool& packets() { return packets_; }
  Environment environment() { return {clock_, packets_}; }

  Link& link(LinkRate rate, Cycle latency) {
    const std::string name = "link" + std::to_string(links_.size());
    links_.push_back(std::make_unique<Link>(name, clock_, packets_, rate, latency));
    return *links_.back();
  }

  /// Runs up to and including cycle `last`; rethrows what a device has thrown.
  void run(Cycle last) {
    if (!started_) clock_.start();
    started_ = true;
    const Cycle span = last + 1 - until_;
    until_ = last + 1;
    sc_core::sc_start(
        sc_core::sc_time(static_cast<double>(span * clock_.options().period_ps), sc_core::SC_PS));
    if (clock_.failure()) std::rethrow_exception(clock_.failure());
  }

 private:
  Clock clock_;
  PacketPool packets_;
  std::vector<std::unique_ptr<Link>> links_;
  bool started_ = false;
  Cycle until_ = 0;
};

struct Seen {
  Cycle at;
  Frame frame;
};

/// A device of a test: it has a clock and links, and nothing to show.
class BareDevice : public Device {
 public:
  using Device::Device;

  void waits(std::vector<std::string>&) const override {}
  std::vector<BufferView> buffers() const override { return {}; }
  FrameBalance balance() const override { return {}; }
  void verify(bool) const override {}
};

/// Notes the cycle in which it takes each frame of a link.
class Receiver : public BareDevice {
 public:
  Receiver(Workbench& bench, Link& link, Delivery delivery, Cycle pipeline)
      : BareDevice("receiver", bench.clock(), 1) {
    link.bind_receiver(id(), 0, delivery, pipeline);
  }
  const std::vector<Seen>& taken() const { return taken_; }

 private:
  void cycle() override {
    due_.clear(0);
    ++cycles_;
    take_arrivals(0, [this](const Frame& frame) { taken_.push_back({now(), frame}); });
    EXPECT_LE(cycles_, taken_.size()) << "woken for nothing in cycle " << now();
  }

  std::vector<Seen> taken_;
  std::size_t cycles_ = 0;
};

/// The other end of a device's port. Takes frames in whole, with no processing of its own.
class Station : public BareDevice, public LinkProbe {
 public:
  Station(const char* name, Workbench& bench)
      : BareDevice(name, bench.clock(), 2), packets_(bench.packets()) {}

  void attach(Link& in, Link& out) {
    in.bind_receiver(id(), 0, Delivery::tail, 0);
    in.attach(this);
    out_ = &out;
  }

  /// Starts `frame` in cycle `at`, in which the link must be ready. Packets between hosts get a
  /// record; cells and control frames go as they are. To be called before the run, or from an
  /// answer (the calendar hears nobody between two runs).
  void send(Cycle at, const Frame& frame) {
    script_.emplace(at, frame);
    wake(1, at);
  }

  /// Called for every frame that the device under test starts towards this station.
  void answer(std::function<void(const Seen&)> answer) { answer_ = std::move(answer); }

  /// Frames that the device under test has started towards this station.
  const std::vector<Seen>& started() const { return started_; }
  std::vector<Cycle> starts(FrameKind kind) const {
    std::vector<Cycle> cycles;
    for (const Seen& seen : started_) {
      if (seen.frame.kind == kind) cycles.push_back(seen.at);
    }
    return cycles;
  }

 private:
  void started(const Frame& frame, Cycle now) override {
    started_.push_back({now, frame});
    if (answer_) answer_({now, frame});
  }

  void cycle() override {
    due_.clear(0);
    due_.clear(1);
    take_arrivals(0, [this](const Frame& frame) {
      if (frame.packet != no_packet && frame.kind != FrameKind::cell) check(frame.packet);
    });
    for (auto at = script_.find(now()); at != script_.end(); at = script_.find(now())) {
      Frame frame = at->second;
      script_.erase(at);
      if (frame.kind <= FrameKind::cnp) {
        frame.packet = packets_.acquire();
        packets_[frame.packet].due = now();
      }
      out_->send(frame, now());
    }
  }

  /// Law: every cycle of the packet's life has been given to a stage.
  void check(std::uint32_t packet) {
    PacketRecord& record = packets_[packet];
    book_arrival(record, input(0), now());
    std::uint64_t sum = record.due;
    for (const std::uint32_t cycles : record.stage) sum += cycles;
    EXPECT_EQ(sum, now());
    packets_.release(packet);
  }

  PacketPool& packets_;
  Link* out_ = nullptr;
  std::multimap<Cycle, Frame> script_;
  std::function<void(const Seen&)> answer_;
  std::vector<Seen> started_;
};

/// A data packet between hosts that takes `wire_bytes` of link time.
inline Frame data_packet(unsigned source, unsigned destination, std::uint16_t wire_bytes,
                         unsigned traffic_class = 0) {
  Frame frame;
  frame.traffic_class = static_cast<std::uint8_t>(traffic_class);
  frame.wire_bytes = wire_bytes;
  frame.payload_bytes = static_cast<std::uint16_t>(wire_bytes - 82);
  frame.source = static_cast<std::uint16_t>(source);
  frame.destination = static_cast<std::uint16_t>(destination);
  return frame;
}

/// Whole cycles that `bytes` take at least on a link of `rate`.
inline Cycle cycles_of(std::uint64_t bytes, const LinkRate& rate) {
  return (bytes * rate.cycles + rate.bytes - 1) / rate.bytes;
}

}  // namespace heddle::testing
