// A fabric element: takes cells from any leaf and sends them on to the leaf they are for. Never
// drops: a link whose receive pool fills stops its sender.
//
// Cycle behaviour: a cell joins the queue of its output link `element_latency` after its last byte;
// status and credit frames go before cells.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "kernel/device.h"
#include "kernel/environment.h"
#include "parts/link_watch.h"
#include "switches/fabric_ports.h"
#include "switches/scheduled_config.h"

namespace heddle {

class FabricElement : public Device {
 public:
  /// Port p reaches leaf p / links_per_leaf. `config` without `auto`: every optional has its value
  /// (engine/fabric_limits.h).
  FabricElement(const sc_core::sc_module_name& module_name, const Environment& environment,
                unsigned leaves, unsigned links_per_leaf, const ScheduledConfig& config);

  void attach(unsigned port, Link& from_leaf, Link& to_leaf);

  /// Links will fail: the element sends and watches reachability frames. Before the run.
  void expect_faults();
  /// Last cycle in which its links changed; 0 if they never did.
  Cycle links_changed_at() const { return links_changed_at_; }
  /// Packets that ended in cells for a leaf to which no link led any more.
  const LostPackets& unreachable() const { return unreachable_; }

  void input_failed(unsigned port, Cycle at) override;
  void output_restored(unsigned port, Cycle at) override;
  void waits(std::vector<std::string>& lines) const override;
  std::vector<BufferView> buffers() const override;
  std::vector<StateView> state() const override;
  FrameBalance balance() const override;
  void verify(bool drained) const override;

  /// Most cells that any receive pool has held.
  std::uint32_t pool_peak_cells() const { return pool_peak_cells_; }

 protected:
  // What RTL in the place of this model knows better.
  virtual std::uint32_t queued_frames(unsigned port, unsigned traffic_class) const {
    return outputs_.queued_frames(port, traffic_class);
  }
  virtual bool hears(unsigned port) const { return !watch_ || watch_->hears(port); }
  virtual bool uses(unsigned port) const { return may_use(port); }

  void cycle() override;
  unsigned healing_reason() const { return 2 * ports(); }
  unsigned ports() const { return static_cast<unsigned>(from_leaf_.size()); }

 private:
  void describe(RegisterMap& map) override;
  DeviceKind device_kind() const override { return DeviceKind::fabric_element; }
  unsigned port_count() const override { return ports(); }
  void receive();
  void send();
  void accept(unsigned port, const Frame& frame);
  void flow_control(unsigned port, bool off);
  void heal();
  void say_hello();
  bool may_use(unsigned port) const { return !watch_ || watch_->up(port); }
  unsigned choose_output(unsigned leaf);
  unsigned links_up(unsigned first, unsigned end) const;

 protected:
  PacketPool& packets_;
  const ScheduledConfig& config_;
  unsigned links_per_leaf_;
  std::uint32_t xoff_cells_;
  std::uint32_t xon_cells_;
  std::vector<Link*> from_leaf_;
  std::vector<std::uint32_t> pool_cells_;  // held, by input port
  std::vector<std::uint16_t> next_link_;   // per leaf: which of its parallel links is next
  BitMask stopped_;                        // inputs whose sender we have stopped
  OutputPorts outputs_;
  Occupancy occupancy_;
  FrameBalance balance_;
  std::uint32_t pool_peak_cells_ = 0;

  // Faults.
  static constexpr unsigned no_port = ~0U;
  std::optional<LinkWatch> watch_;  // only where links may fail
  Cycle next_hello_ = 1;
  Cycle links_changed_at_ = 0;
  bool changed_ = false;  // since the last hello
  LostPackets unreachable_;
};

}  // namespace heddle
