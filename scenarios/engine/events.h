// What happens to links during a run: the scenario's `events`. They act between two cycles, so no
// device can see half of one.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/blueprint.h"
#include "engine/fabric.h"
#include "engine/scenario.h"

namespace heddle {

/// Throws InputError for an event that cannot happen: unknown link, too late, restored before it
/// failed, a rate that is none.
void check_events(const Scenario& scenario, const Blueprint& blueprint);

class EventScript {
 public:
  EventScript(const Scenario& scenario, const Blueprint& blueprint, Fabric& fabric,
              const Clock& clock, const DeliveryLog& log);

  /// First cycle in which something is different, or looked at; `never` without events. The run
  /// must stop before it and call act().
  Cycle next() const;
  void act();

  /// The keys below `events` of the results; `end` is the last cycle.
  nlohmann::ordered_json results(Cycle end) const;

 private:
  enum class Kind : std::uint8_t {
    fail,
    restore,
    degrade,
    corrupt,
    notice,   ///< the sender learns of the state of its link
    withdraw  ///< the others learn which hosts its box no longer reaches
  };
  struct Step {
    Cycle at;
    Kind kind;
    std::size_t event;      ///< of the scenario
    std::size_t direction;  ///< 2 * cable, + 1 for the way back

    bool operator<(const Step& other) const { return at < other.at; }
  };
  struct Counts {
    Cycle at = never;
    std::uint64_t delivered_bytes = 0;
    std::uint64_t resent_bytes = 0;
    Cycle last_repair = 0;
    LinkLosses losses;
  };
  struct Record {
    std::size_t links = 0;
    Counts before;
    Cycle noticed_at = never;  ///< when the last of its links was noticed
    Counts noticed;            ///< then, or at the next look at the fabric
  };

  const Fabric::Direction& direction(std::size_t number) const {
    const auto& cable = fabric_.cables()[number / 2];
    return number % 2 == 0 ? cable.first : cable.second;
  }
  unsigned spine_of(std::size_t cable) const;  // or Blueprint::to_host
  void plan(std::size_t event);
  void plan(const Step& step);
  void act(const Step& step);
  Cycle notice_cycles() const;
  void notice(const Step& step);
  void withdraw(std::size_t direction);
  Cycle look_cycles() const;
  void look_at_fabric(Cycle now);

  double cycle_ns() const;
  Counts count(Cycle at) const;
  double gbps(const Counts& from, const Counts& to) const;
  nlohmann::ordered_json result(std::size_t event, const Counts& previous,
                                const Counts& next) const;

  const Scenario& scenario_;
  const Blueprint& blueprint_;
  Fabric& fabric_;
  const Clock& clock_;
  const DeliveryLog& log_;
  std::vector<DrawnCable> cables_;
  std::vector<Step> steps_;  // by time
  std::size_t done_ = 0;
  std::vector<Record> records_;   // by event
  std::vector<bool> known_down_;  // by direction: what its sender believes
  std::vector<bool> withdrawn_;   // by cable: what the other leaves believe
  Cycle links_changed_at_ = 0;    // of the scheduled fabric, when looked at last
  Cycle next_look_;               // at the fabric
};

}  // namespace heddle
