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

/// The timeline of a scenario's events on any kind of fabric: what happens when, who learns of it
/// later, and what it has cost.
class EventScript {
 public:
  EventScript(const Scenario& scenario, const Blueprint& blueprint, const Clock& clock);
  virtual ~EventScript() = default;
  EventScript(const EventScript&) = delete;
  EventScript& operator=(const EventScript&) = delete;

  /// First cycle in which something is different, or looked at; `never` without events. The run
  /// must stop before it and call act().
  Cycle next() const;
  void act();

  /// The keys below `events` of the results; `end` is the last cycle.
  nlohmann::ordered_json results(Cycle end) const;

 protected:
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

  // Directions: 2 * cable, + 1 for the way back.

  virtual Link& link(std::size_t direction) const = 0;
  virtual void fail(std::size_t direction, Cycle at) = 0;
  virtual void restore(std::size_t direction, Cycle at) = 0;
  /// From then until somebody learns of the state of a link.
  virtual Cycle notice_cycles() const = 0;
  /// They learn of it in cycle `at`; whether that is news. How much later others hear of it, or
  /// never.
  struct Notice {
    bool news = false;
    Cycle others_after = never;
  };
  virtual Notice notice(std::size_t direction, Cycle at) = 0;
  virtual void tell_others(std::size_t /*direction*/) {}
  /// Every so many cycles the fabric is asked what it has noticed; never by default.
  virtual Cycle look_cycles() const { return never; }
  virtual void look_at_fabric(Cycle /*now*/) {}
  virtual Counts count(Cycle at) const = 0;
  /// When the first message was due.
  virtual Cycle first_due() const = 0;

  /// To be called when the rest of the object exists.
  void begin_to_look() { next_look_ = records_.empty() ? never : look_cycles(); }
  /// Of the latest event until `cycle`; null without.
  Record* latest_record(Cycle cycle);

  const Scenario& scenario_;
  const Blueprint& blueprint_;
  const Clock& clock_;
  std::vector<DrawnCable> cables_;

 private:
  enum class Kind : std::uint8_t {
    fail,
    restore,
    degrade,
    corrupt,
    notice,      ///< the sender learns of the state of its link
    tell_others  ///< the others learn what that means for them
  };
  struct Step {
    Cycle at;
    Kind kind;
    std::size_t event;  ///< of the scenario
    std::size_t direction;

    bool operator<(const Step& other) const { return at < other.at; }
  };

  void plan(std::size_t event);
  void plan(const Step& step);
  void act(const Step& step);
  void learn(const Step& step);

  double cycle_ns() const;
  double gbps(const Counts& from, const Counts& to) const;
  nlohmann::ordered_json result(std::size_t event, const Counts& previous,
                                const Counts& next) const;

  std::vector<Step> steps_;  // by time
  std::size_t done_ = 0;
  std::vector<Record> records_;  // by event
  Cycle next_look_ = never;
};

/// Events of leaves and spines.
class FabricEvents : public EventScript {
 public:
  FabricEvents(const Scenario& scenario, const Blueprint& blueprint, Fabric& fabric,
               const Clock& clock, const DeliveryLog& log);

 private:
  const Fabric::Direction& direction(std::size_t number) const {
    const auto& cable = fabric_.cables()[number / 2];
    return number % 2 == 0 ? cable.first : cable.second;
  }
  unsigned spine_of(std::size_t cable) const;  // or Blueprint::to_host

  Link& link(std::size_t direction) const override { return *this->direction(direction).link; }
  void fail(std::size_t direction, Cycle at) override;
  void restore(std::size_t direction, Cycle at) override;
  Cycle notice_cycles() const override;
  Notice notice(std::size_t direction, Cycle at) override;
  void tell_others(std::size_t direction) override;
  Cycle look_cycles() const override;
  void look_at_fabric(Cycle now) override;
  Counts count(Cycle at) const override;
  Cycle first_due() const override { return log_.first_due(); }

  Fabric& fabric_;
  const DeliveryLog& log_;
  std::vector<bool> known_down_;  // by direction: what its sender believes
  std::vector<bool> withdrawn_;   // by cable: what the other leaves believe
  Cycle links_changed_at_ = 0;    // of the scheduled fabric, when looked at last
};

}  // namespace heddle
