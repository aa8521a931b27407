// A router of a torus whose buffers, routes, credits and turns are rtl/torus_router.sv. Links, the
// books of what results show and the list of packets that the buffers hold are the model's.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "accelerator/torus_router.h"
#include "cosim/rtl_waves.h"

namespace heddle {

class RtlTorusRouter : public TorusRouter, public RtlWaves {
 public:
  /// As TorusRouter's.
  RtlTorusRouter(const sc_core::sc_module_name& module_name, const Environment& environment,
                 const TorusShape& shape, unsigned node, const TorusConfig& config);
  ~RtlTorusRouter() override;

  /// Throws InputError for a buffer that may hold more packets than the RTL's.
  void wired() override;
  void forget_room(unsigned port, Cycle at) override;
  void tell_room(unsigned port, Cycle at) override;
  void open_waves(const std::string& file) const override;
  void close_waves() const override;

  Hop next_hop(unsigned input, unsigned channel) const override;
  std::uint32_t waiting(unsigned input) const override;
  bool at_rest() const override;
  std::uint32_t room(unsigned output, unsigned channel) const override;
  std::uint32_t held_flits(unsigned input, unsigned channel) const override;
  std::uint32_t unreturned_flits(unsigned input, unsigned channel) const override;

 private:
  struct Rtl;

  void cycle() override;
  std::uint64_t queued_packets() const override;

  void learn();
  void take_credits();
  void take_packets();
  void take(unsigned port, const Frame& frame);
  void follow_rates();
  void edge_ahead(Cycle now);
  void book_edge();
  void book_taken(unsigned port, const Frame& frame);
  void book_starts();
  void book_drops();
  void send_credits();

  std::unique_ptr<Rtl> rtl_;
};

}  // namespace heddle
