// A leaf of the scheduled fabric whose queues, credits, cells and healing are
// rtl/scheduled_leaf.sv. Links, books and registers are the model's.
#pragma once

#include <memory>

#include "cosim/rtl_waves.h"
#include "switches/scheduled_leaf.h"

namespace heddle {

class RtlScheduledLeaf : public ScheduledLeaf, public RtlWaves {
 public:
  /// As ScheduledLeaf's. What exceeds the RTL's sizes is an InputError.
  RtlScheduledLeaf(const sc_core::sc_module_name& module_name, const Environment& environment,
                   const LeafPlace& place, const ScheduledConfig& config,
                   const std::vector<TrafficClassConfig>& classes);
  ~RtlScheduledLeaf() override;

  void input_failed(unsigned port, Cycle at) override;
  void output_restored(unsigned port, Cycle at) override;
  FrameBalance balance() const override;
  bool credits_at_rest() const override;
  void open_waves(const std::string& file) const override;
  void close_waves() const override;

 private:
  struct Rtl;

  void cycle() override;
  VoqBank::Account account(unsigned voq) const override;
  std::uint32_t voq_packets(unsigned voq) const override;
  std::uint32_t granted(unsigned port, unsigned leaf, unsigned traffic_class) const override;
  std::uint64_t wanted_credits(unsigned port) const override;
  std::int64_t owed_bytes(unsigned port) const override;
  bool sender_paused(unsigned port, unsigned traffic_class) const override;
  std::uint32_t free_cells() const override;
  std::uint32_t used_cells() const override;
  std::uint32_t group_cells(unsigned port, unsigned traffic_class) const override;
  std::uint32_t host_frames(unsigned port, unsigned traffic_class) const override;
  std::uint32_t fabric_frames(unsigned port, unsigned traffic_class) const override;
  Missing missing(unsigned source) const override;
  std::uint64_t pieces_bytes() const override;
  bool hears(unsigned link) const override;
  bool uses(unsigned link) const override;

  unsigned pin_port(unsigned port) const;
  unsigned port_of_pin(unsigned pin) const;
  const Link& link_from(unsigned port) const;
  bool look_at(unsigned voq) const;
  bool look_at(unsigned port, unsigned traffic_class, unsigned leaf) const;

  void configure();
  void set_rates();
  void take_in();
  void end_events();
  void book_arrivals();
  void book_packet(unsigned port, const Frame& frame);
  void book_cell(unsigned port, const Frame& cell);
  void book_losses();
  void book_starts();
  void start_to_host(unsigned port, const Frame& frame);
  void start_cell(unsigned port, const Frame& cell);
  void show_state();
  void rest();

  std::unique_ptr<Rtl> rtl_;
};

}  // namespace heddle
