// A node of a torus that neither sends nor receives.
#pragma once

#include "accelerator/torus_node.h"

namespace heddle {

class IdleNode : public TorusNode {
 public:
  IdleNode(const sc_core::sc_module_name& module_name, Clock& clock, std::uint32_t buffer_flits)
      : TorusNode(module_name, clock, 2), buffer_flits_(buffer_flits) {}

  void attach(const TorusLinks& links, std::uint32_t router_room) override {
    router_room_ = router_room;
    links.in.bind_receiver(id(), 0, Delivery::tail, 0);
    links.credits_in.bind_receiver(id(), 1, Delivery::tail, 0);
  }
  std::uint32_t buffer_flits() const override { return buffer_flits_; }
  std::uint32_t unreturned_flits(unsigned) const override { return 0; }
  bool at_rest() const override { return true; }
  std::uint32_t room(unsigned) const override { return router_room_; }

  void waits(std::vector<std::string>&) const override {}
  std::vector<BufferView> buffers() const override { return {}; }
  FrameBalance balance() const override { return {}; }
  void verify(bool) const override {}

 private:
  void cycle() override { throw CheckFailure("a packet for a node that does nothing"); }

  std::uint32_t buffer_flits_;
  std::uint32_t router_room_ = 0;
};

}  // namespace heddle
