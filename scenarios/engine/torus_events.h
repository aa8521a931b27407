// A scenario's events on a torus. A cable between routers fails as a whole: the room that packets
// leave is told on the other direction's wire. All routers of its ring learn of it after
// `torus.detection_delay` and send the other way round.
#pragma once

#include <vector>

#include "engine/events.h"
#include "engine/torus_simulation.h"

namespace heddle {

class TorusEvents : public EventScript {
 public:
  TorusEvents(const Scenario& scenario, const Blueprint& blueprint, TorusFabric& fabric,
              const Clock& clock, const TorusWork& work);

 private:
  /// Of the fabric's channels, those of the blueprint's cables come first.
  const TorusFabric::Channel& channel(std::size_t direction) const {
    return fabric_.channels()[direction];
  }
  void tell_ring(std::size_t cable, Cycle at);

  Link& link(std::size_t direction) const override { return *channel(direction).packets; }
  void fail(std::size_t direction, Cycle at) override;
  void restore(std::size_t direction, Cycle at) override;
  Cycle notice_cycles() const override;
  Notice notice(std::size_t direction, Cycle at) override;
  Counts count(Cycle at) const override;
  Cycle first_due() const override { return work_.first_due(); }

  TorusFabric& fabric_;
  const TorusWork& work_;
  std::vector<bool> known_down_;  // by cable
};

}  // namespace heddle
