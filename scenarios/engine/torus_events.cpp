#include "engine/torus_events.h"

namespace heddle {

TorusEvents::TorusEvents(const Scenario& scenario, const Blueprint& blueprint, TorusFabric& fabric,
                         const Clock& clock, const TorusWork& work)
    : EventScript(scenario, blueprint, clock),
      fabric_(fabric),
      work_(work),
      known_down_(cables_.size()) {
  begin_to_look();
}

void TorusEvents::fail(std::size_t direction, Cycle /*at*/) {
  channel(direction).packets->fail();
  channel(direction).credits->fail();
}

/// Nothing is on its way on links that were down, so both ends can begin anew: the receiver tells
/// what room it has, and the sender knows of none until then.
void TorusEvents::restore(std::size_t direction, Cycle at) {
  const TorusFabric::Channel& restored = channel(direction);
  restored.packets->restore();
  restored.credits->restore();
  restored.from.router->forget_room(restored.from.port, at);
  restored.to.router->tell_room(restored.to.port, at);
}

Cycle TorusEvents::notice_cycles() const { return clock_.cycles(scenario_.torus.detection_delay); }

/// What has changed back in the meantime is not noticed.
EventScript::Notice TorusEvents::notice(std::size_t direction, Cycle at) {
  const std::size_t cable = direction / 2;
  const bool down = !channel(direction).packets->is_up();
  if (known_down_[cable] == down) return {};
  known_down_[cable] = down;
  tell_ring(cable, at);
  return {true, never};
}

void TorusEvents::tell_ring(std::size_t cable, Cycle at) {
  const TorusShape& shape = fabric_.shape();
  const auto ring_of = [&](std::size_t c) { return fabric_.ring_of(channel(2 * c).from); };
  const TorusFabric::RingPlace ring = ring_of(cable);
  RingFaults faults = 0;
  for (std::size_t other = 0; other < known_down_.size(); ++other) {
    if (!known_down_[other]) continue;
    const TorusFabric::RingPlace place = ring_of(other);
    if (place.dimension == ring.dimension && place.first_node == ring.first_node) {
      faults |= RingFaults{1} << place.cable;
    }
  }
  unsigned node = ring.first_node;
  for (unsigned i = 0; i < shape.size(ring.dimension); ++i) {
    fabric_.routers()[node]->set_ring_faults(ring.dimension, faults, at);
    node = shape.neighbour(node, ring.dimension, Way::up);
  }
}

EventScript::Counts TorusEvents::count(Cycle at) const {
  Counts counts{at, work_.delivered_bytes(), 0, 0, {}};
  for (const TorusFabric::Channel& channel : fabric_.channels()) {
    counts.losses += channel.packets->losses();
  }
  return counts;
}

}  // namespace heddle
