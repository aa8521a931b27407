// The adaptive switch of a fabric as its Verilated twin, rtl/adaptive_switch.sv. The RTL routes,
// marks, admits, queues, pauses and schedules; this puts frames on its pins, starts on the links
// what its pins show, in the same cycle, and keeps the books that are not hardware: the packets'
// records and what the statistics count.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cosim/rtl_factory.h"
#include "cosim/rtl_waves.h"

namespace heddle {

class RtlAdaptiveSwitch : public AdaptiveSwitch, public RtlWaves {
 public:
  /// Throws InputError for what does not fit the RTL.
  explicit RtlAdaptiveSwitch(const SwitchArguments& arguments);
  ~RtlAdaptiveSwitch() override;

  void input_failed(unsigned port, Cycle at) override;
  void output_restored(unsigned port, Cycle at) override;
  void set_reachable(unsigned port, HostRange hosts, bool reachable) override;
  FrameBalance balance() const override;
  void open_waves(const std::string& file) const override;
  void close_waves() const override;
  void verify(bool drained) const override;

  std::uint32_t free_cells() const override;
  std::uint32_t used_cells() const override;
  std::uint32_t queue_cells(unsigned port, unsigned traffic_class) const override;
  std::uint32_t group_cells(unsigned port, unsigned traffic_class) const override;
  std::uint32_t queued_frames(unsigned port, unsigned traffic_class) const override;
  bool sender_paused(unsigned port, unsigned traffic_class) const override;
  unsigned grade_of(unsigned port) const override;

 private:
  struct Rtl;

  void cycle() override;
  void set_thresholds(const SharedBuffer::Thresholds& thresholds) override;
  void configure(const SwitchArguments& arguments);
  bool take_frames();
  void take(unsigned input, const Frame& frame);
  void follow_configuration();
  void edge_ahead(Cycle now);
  void book_edge();
  void book_taken(unsigned input, Frame frame);
  void book_starts();

  std::unique_ptr<Rtl> rtl_;
};

}  // namespace heddle
