// A fabric element whose queues, flow control and healing are rtl/fabric_element.sv. Links, books
// and registers are the model's.
#pragma once

#include <memory>

#include "cosim/rtl_waves.h"
#include "switches/fabric_element.h"

namespace heddle {

class RtlFabricElement : public FabricElement, public RtlWaves {
 public:
  /// As FabricElement's. What exceeds the RTL's sizes is an InputError.
  RtlFabricElement(const sc_core::sc_module_name& module_name, const Environment& environment,
                   unsigned leaves, unsigned links_per_leaf, const ScheduledConfig& config);
  ~RtlFabricElement() override;

  void input_failed(unsigned port, Cycle at) override;
  void output_restored(unsigned port, Cycle at) override;
  FrameBalance balance() const override;
  void open_waves(const std::string& file) const override;
  void close_waves() const override;

 private:
  struct Rtl;

  void cycle() override;
  std::uint32_t queued_frames(unsigned port, unsigned traffic_class) const override;
  bool hears(unsigned port) const override;
  bool uses(unsigned port) const override;

  void configure();
  void set_rates();
  void book_arrival_of(unsigned port, const Frame& frame);
  void book_created();
  void book_starts();
  void show_state();

  std::unique_ptr<Rtl> rtl_;
};

}  // namespace heddle
