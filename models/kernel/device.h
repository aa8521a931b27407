// A device: the only thing that has a clock. Its `cycle` runs once in each cycle in which a frame
// becomes visible on one of its links or a time it asked for has come.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <systemc>
#include <utility>
#include <vector>

#include "kernel/bit_mask.h"
#include "kernel/clock.h"
#include "kernel/error.h"
#include "kernel/input.h"
#include "kernel/occupancy.h"
#include "kernel/registers.h"

namespace heddle {

/// Where a queue stands on a packet's way; totals are given by role.
enum class BufferRole : std::uint8_t { ingress, fabric, egress, hbm, nic };
inline constexpr unsigned buffer_role_count = 5;

/// A queue of a device, as the results see it.
struct BufferView {
  std::string queue;
  BufferRole role;
  const Occupancy* occupancy;
  bool whole = false;  ///< all that the device holds in this role: counts in the totals
};

/// A value inside a device that waves show beside its queues.
struct StateView {
  enum class Kind : std::uint8_t {
    level,    ///< a count or a size
    balance,  ///< the same, but it may be negative (two's complement)
    mask,     ///< a bit per class, class 0 to the right
    strobe,   ///< a count since the start of the run, of which waves show the increases
  };
  std::string name;  ///< its unit last
  Kind kind;
  unsigned bits;
  std::function<std::uint64_t()> read;
};

/// Frames that a device took from links, gave to links, made, consumed, and holds.
struct FrameBalance {
  std::uint64_t received = 0;
  std::uint64_t sent = 0;
  std::uint64_t created = 0;
  std::uint64_t consumed = 0;
  std::uint64_t dropped = 0;
  std::uint64_t held = 0;
};

class Csr;

/// What a device tells of itself in its first registers.
enum class DeviceKind : std::uint8_t {
  other,
  nic,
  scheduled_leaf,
  fabric_element,
  adaptive_switch,
  hbm,
  crossbar_switch,
  accelerator_core,
  systolic_array,
  torus_router,
  torus_source,
  torus_endpoint
};

class Device : public sc_core::sc_module {
 public:
  /// `reasons`: how many different reasons to wake the device knows.
  Device(const sc_core::sc_module_name& module_name, Clock& clock, unsigned reasons);
  ~Device() override;

  std::uint32_t id() const { return id_; }
  std::string path() const { return name(); }

  // Events of a scenario, between two cycles; `at` is the next one. Ports count as in the drawing
  // of the fabric (engine/blueprint.h), a NIC has port 0.

  /// Nothing comes in through `port` any more: what its peer has said about pauses is void.
  virtual void input_failed(unsigned /*port*/, Cycle /*at*/) {}
  /// `port` carries again: its peer must be told again what is paused.
  virtual void output_restored(unsigned /*port*/, Cycle /*at*/) {}

  /// Who in this device waits for whom, one line each: for the report of a run without progress.
  virtual void waits(std::vector<std::string>& lines) const = 0;

  /// The device's queues; pointers stay valid for the life of the device.
  virtual std::vector<BufferView> buffers() const = 0;

  /// What else waves show; valid for the life of the device. May change only in the device's own
  /// cycles.
  virtual std::vector<StateView> state() const { return {}; }

  /// From all links.
  std::uint64_t frames_taken() const { return frames_taken_; }

  /// Law: received + created = sent + consumed + dropped + held.
  virtual FrameBalance balance() const = 0;

  /// Throws CheckFailure unless the device's own accounts agree; `drained`: and nothing is left.
  virtual void verify(bool drained) const = 0;

  /// The registers behind their TLM-2.0 target socket `csr_socket`. They exist from the first call
  /// on, which must come when the device's links are attached and before the simulation starts; a
  /// device whose registers nobody asks for has none. Throws CheckFailure for a wrong declaration.
  Csr& csr();

 protected:
  /// The device's own registers, in the order of these addresses, all below buffer_registers.
  virtual void describe([[maybe_unused]] RegisterMap& map) {}
  virtual DeviceKind device_kind() const { return DeviceKind::other; }
  virtual unsigned port_count() const { return 0; }

  static constexpr std::uint64_t config_registers = 0x100;
  static constexpr std::uint64_t counter_registers = 0x200;
  static constexpr std::uint64_t port_registers = 0x10'0000;
  static constexpr std::uint64_t fabric_port_registers = 0x400'0000;
  static constexpr std::uint64_t voq_registers = 0x2000'0000;
  static constexpr std::uint64_t buffer_registers = 0x4000'0000;
  static constexpr std::uint64_t port_stride = 0x200;
  static constexpr std::uint64_t link_faults = 0x100;  ///< inside a port's registers

  /// What the device does in a cycle; `due_` tells why it was woken. A reason may come without
  /// cause (idle-skipping switched off) and must then do nothing.
  virtual void cycle() = 0;

  /// Calls f(frame) for what has arrived in this cycle at the link of `reason`, which was bound to
  /// this device: link-local frames first, others in the order in which they have started.
  template <class F>
  void take_arrivals(unsigned reason, F&& f) {
    Input& input = inputs_[reason];
    if (input.arrived == Input::nothing) return;
    do {
      if (!second_.empty()) put_first_in_front(reason);
      const Arrival arrival = clock_.arrival(std::exchange(input.arrived, Input::nothing));
      input.serialization = arrival.serialization;
      ++frames_taken_;
      f(arrival.frame);
      if (!second_.empty()) take_second(reason);
    } while (input.arrived != Input::nothing);
  }
  /// What take_arrivals would begin with; nullptr for nothing.
  const Frame* arrival(unsigned reason) const {
    const std::uint32_t place = inputs_[reason].arrived;
    return place == Input::nothing ? nullptr : &clock_.arrival(place).frame;
  }
  const Input& input(unsigned reason) const { return inputs_[reason]; }

  Cycle now() const { return clock_.now(); }
  /// The latest cycle that has begun: for those who look from outside, between two cycles.
  Cycle present() const { return clock_.first_cycle_after(sc_core::sc_time_stamp()) - 1; }
  void wake(unsigned reason, Cycle at) { clock_.wake(id_, reason, at); }

  /// Asks for memory that the cycle will look at (kernel/prefetch.h), in rounds from 0: each may
  /// look at what the round before has asked for. Changes nothing.
  static constexpr unsigned fetch_rounds = 2;
  virtual void fetch([[maybe_unused]] unsigned round) const {}

  /// The device's members up to and including `last` are used in each of its cycles: to be said by
  /// devices of which there are too many for the cache.
  template <class Member>
  void uses_up_to(const Member& last) {
    clock_.set_hot_lines(id_, (reinterpret_cast<const char*>(&last + 1) -
                               reinterpret_cast<const char*>(&due_) + 63) /
                                  64);
  }

  Clock& clock_;

 private:
  friend class Clock;

  /// A frame that arrives beside another one at the same link: one of them is link-local, or the
  /// link has begun to deliver heads when the earlier one was whole.
  struct Second {
    std::uint32_t reason;
    std::uint32_t place;
  };

  void bind_input(std::uint32_t reason, const Input& input);
  void put_arrival(std::uint32_t reason, std::uint32_t place) {
    due_.set(reason);
    Input& input = inputs_[reason];
    if (input.arrived != Input::nothing) return second_.push_back({reason, place});
    input.arrived = place;
  }
  void put_first_in_front(std::uint32_t reason);
  void take_second(std::uint32_t reason);
  RegisterMap registers();

  std::unique_ptr<Csr> csr_;
  std::uint32_t id_;

 protected:
  BitMask due_;

 private:
  std::vector<Input> inputs_;  // by reason
  std::vector<Second> second_;
  std::uint64_t frames_taken_ = 0;
};

}  // namespace heddle
