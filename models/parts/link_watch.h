// Which links of a device carry, as both ends tell each other: each end sends a reachability frame
// on every link in turn, and says in it whether it hears the other end. A link that was silent for
// the watchdog, or whose other end hears nothing, must not be used. (OpenBCM SDK 6.5.27:
// reachability cells, 44.8 us, watchdog 100 us.)
#pragma once

#include <cstdint>
#include <vector>

#include "kernel/units.h"

namespace heddle {

class LinkWatch {
 public:
  LinkWatch(unsigned links, Cycle watchdog) : links_(links), watchdog_(watchdog) {}

  /// A frame has come in by `link`. Returns whether that changes what may be used.
  bool heard(unsigned link, bool peer_hears, Cycle now) {
    Link& l = links_[link];
    const bool was = up(link);
    l = {now, true, peer_hears};
    return up(link) != was;
  }

  /// Takes silent links out. Returns whether there was a new one.
  bool expire(Cycle now) {
    bool changed = false;
    for (Link& link : links_) {
      if (!link.heard || now - link.last < watchdog_) continue;
      link.heard = false;
      changed = true;
    }
    return changed;
  }

  Cycle watchdog() const { return watchdog_; }
  bool hears(unsigned link) const { return links_[link].heard; }
  bool up(unsigned link) const { return links_[link].heard && links_[link].peer_hears; }

 private:
  struct Link {
    Cycle last = 0;
    bool heard = true;  ///< until the watchdog says otherwise
    bool peer_hears = true;
  };
  std::vector<Link> links_;
  Cycle watchdog_;
};

}  // namespace heddle
