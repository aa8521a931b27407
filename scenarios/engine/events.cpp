#include "engine/events.h"

#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>
#include <utility>

#include "engine/nearest.h"
#include "engine/quantity.h"
#include "engine/torus_fabric.h"
#include "kernel/error.h"

namespace heddle {
namespace {

constexpr Duration look = 1_us;  // how often the fabric is asked what it has noticed

bool matches(const std::string& pattern, const std::string& name) {
  return fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
}

/// What an event acts on: 2 * cable for the way forth, + 1 for the way back.
std::vector<std::size_t> directions(const EventConfig& event,
                                    const std::vector<DrawnCable>& cables) {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < cables.size(); ++i) {
    const bool forth = matches(event.link, cables[i].forth);
    const bool back = matches(event.link, cables[i].back);
    if (forth || (back && !event.one_way)) found.push_back(2 * i);
    if (back || (forth && !event.one_way)) found.push_back(2 * i + 1);
  }
  return found;
}

void check_link(const EventConfig& event, const std::vector<DrawnCable>& cables,
                const std::string& path) {
  if (!directions(event, cables).empty()) return;
  std::vector<std::string> names;
  for (const DrawnCable& cable : cables) {
    names.push_back(cable.forth);
    names.push_back(cable.back);
  }
  const std::string close = nearest(event.link, names);
  throw InputError(fmt::format("{}.link: no link is called '{}'; {}", path, event.link,
                               close.empty() ? fmt::format("links are called like '{}' and '{}'",
                                                           names.front(), names.back())
                                             : fmt::format("did you mean '{}'?", close)));
}

void check_times(const EventConfig& event, const Scenario& scenario, const std::string& path) {
  const Duration deadline = scenario.measure.deadline;
  if (!(event.at < deadline)) {
    throw InputError(fmt::format("{}.at: {} is not before the deadline of the run, {}", path,
                                 print_quantity(event.at), print_quantity(deadline)));
  }
  if (event.action != EventAction::flap) return;
  if (!(event.down < event.period)) {
    throw InputError(fmt::format("{}.down: {} is not below the period, {}", path,
                                 print_quantity(event.down), print_quantity(event.period)));
  }
  const Duration last{event.at.picoseconds + (event.times - 1) * event.period.picoseconds};
  if (!(last < deadline)) {
    throw InputError(
        fmt::format("{}.times: the last failure, at {}, is not before the deadline of the run, {}",
                    path, print_quantity(last), print_quantity(deadline)));
  }
}

/// A cable has no more than its own rate, which ends a degradation.
void check_rate(const EventConfig& event, const Scenario& scenario, const Blueprint& blueprint,
                const std::vector<DrawnCable>& cables, const std::string& path) {
  if (event.action != EventAction::degrade) return;
  try {
    const ClockOptions clock = torus_clock(scenario.fabric);  // exact for every fabric
    LinkRate::of(event.rate, clock.period_ps, clock.period_cycles);
  } catch (const InputError& error) {
    throw InputError(fmt::format("{}.rate: {}", path, error.what()));
  }
  for (const std::size_t d : directions(event, cables)) {
    const DrawnCable& cable = cables[d / 2];
    const Rate rate = blueprint.boxes[cable.box].ports[cable.port].cable.rate;
    if (!(rate < event.rate)) continue;
    throw InputError(fmt::format("{}.rate: {} is above the rate of '{}', {}", path,
                                 print_quantity(event.rate), cable.forth, print_quantity(rate)));
  }
}

/// A link is restored after it has failed, and fails when it is up.
class UpAndDown {
 public:
  explicit UpAndDown(std::size_t directions) : down_until_(directions) {}

  void check(const EventConfig& event, std::size_t direction, const std::string& name,
             const std::string& path) {
    std::uint64_t& down_until = down_until_[direction];
    const bool down = event.at.picoseconds < down_until;
    const bool breaks = event.action == EventAction::fail || event.action == EventAction::flap;
    if (breaks && down) {
      throw InputError(
          fmt::format("{}: '{}' is down already at {}", path, name, print_quantity(event.at)));
    }
    if (event.action == EventAction::restore && !down) {
      throw InputError(
          fmt::format("{}: '{}' has not failed before {}", path, name, print_quantity(event.at)));
    }
    if (event.action == EventAction::fail) down_until = ~std::uint64_t{0};
    if (event.action == EventAction::restore) down_until = 0;
    if (event.action == EventAction::flap) {
      down_until = event.at.picoseconds + (event.times - 1) * event.period.picoseconds +
                   event.down.picoseconds;
    }
  }

 private:
  std::vector<std::uint64_t> down_until_;  // ps
};

std::string path_of(std::size_t event) { return fmt::format("events.{}", event); }

/// Events may be listed in any order.
std::vector<std::size_t> by_time(const std::vector<EventConfig>& events) {
  std::vector<std::size_t> order(events.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return events[a].at < events[b].at; });
  return order;
}

}  // namespace

void check_events(const Scenario& scenario, const Blueprint& blueprint) {
  if (scenario.events.empty()) return;
  const std::vector<DrawnCable> cables = cables_of(blueprint);
  UpAndDown states(2 * cables.size());
  for (const std::size_t i : by_time(scenario.events)) {
    const EventConfig& event = scenario.events[i];
    check_times(event, scenario, path_of(i));
    check_link(event, cables, path_of(i));
    check_rate(event, scenario, blueprint, cables, path_of(i));
    for (const std::size_t d : directions(event, cables)) {
      states.check(event, d, d % 2 == 0 ? cables[d / 2].forth : cables[d / 2].back, path_of(i));
    }
  }
}

EventScript::EventScript(const Scenario& scenario, const Blueprint& blueprint, const Clock& clock)
    : scenario_(scenario),
      blueprint_(blueprint),
      clock_(clock),
      cables_(cables_of(blueprint)),
      records_(scenario.events.size()) {
  for (const std::size_t event : by_time(scenario.events)) plan(event);
}

// --- what happens when --------------------------------------------------------------------------

void EventScript::plan(std::size_t event) {
  const EventConfig& config = scenario_.events[event];
  const std::vector<std::size_t> links = directions(config, cables_);
  records_[event].links = links.size();
  const Cycle at = std::max<Cycle>(1, clock_.cycles(config.at));
  for (const std::size_t link : links) {
    switch (config.action) {
      case EventAction::fail:
        plan({at, Kind::fail, event, link});
        break;
      case EventAction::restore:
        plan({at, Kind::restore, event, link});
        break;
      case EventAction::degrade:
        plan({at, Kind::degrade, event, link});
        break;
      case EventAction::corrupt:
        plan({at, Kind::corrupt, event, link});
        break;
      case EventAction::flap:
        for (std::uint64_t n = 0; n < config.times; ++n) {
          const Cycle down = at + n * clock_.cycles(config.period);
          plan({down, Kind::fail, event, link});
          plan({down + clock_.cycles(config.down), Kind::restore, event, link});
        }
        break;
    }
  }
}

void EventScript::plan(const Step& step) {
  steps_.insert(
      std::upper_bound(steps_.begin() + static_cast<std::ptrdiff_t>(done_), steps_.end(), step),
      step);
}

Cycle EventScript::next() const {
  if (records_.empty()) return never;
  return done_ == steps_.size() ? next_look_ : std::min(next_look_, steps_[done_].at);
}

void EventScript::act() {
  const Cycle now = next();
  if (now == next_look_) {
    look_at_fabric(now);
    next_look_ += look_cycles();
  }
  while (done_ < steps_.size() && steps_[done_].at <= now) {
    const Step step = steps_[done_++];
    act(step);
  }
}

void EventScript::act(const Step& step) {
  Record& record = records_[step.event];
  if (record.before.at == never) record.before = count(step.at);
  const EventConfig& config = scenario_.events[step.event];
  switch (step.kind) {
    case Kind::fail:
      fail(step.direction, step.at);
      plan({step.at + notice_cycles(), Kind::notice, step.event, step.direction});
      break;
    case Kind::restore:
      restore(step.direction, step.at);
      plan({step.at + notice_cycles(), Kind::notice, step.event, step.direction});
      break;
    case Kind::degrade:
      link(step.direction).set_rate(LinkRate::of(config.rate, clock_));
      break;
    case Kind::corrupt:
      link(step.direction).set_bit_error_ratio(config.bit_error_ratio);
      break;
    case Kind::notice:
      learn(step);
      break;
    case Kind::tell_others:
      tell_others(step.direction);
      break;
  }
}

void EventScript::learn(const Step& step) {
  const Notice notice = this->notice(step.direction, step.at);
  if (!notice.news) return;
  records_[step.event].noticed_at = step.at;
  records_[step.event].noticed = count(step.at);
  if (notice.others_after == never) return;
  plan({step.at + notice.others_after, Kind::tell_others, step.event, step.direction});
}

EventScript::Record* EventScript::latest_record(Cycle cycle) {
  Record* latest = nullptr;
  for (Record& record : records_) {
    if (record.before.at > cycle) continue;
    if (latest == nullptr || record.before.at >= latest->before.at) latest = &record;
  }
  return latest;
}

// --- what it has cost ---------------------------------------------------------------------------

double EventScript::gbps(const Counts& from, const Counts& to) const {
  const double ns = static_cast<double>(to.at - from.at) * cycle_ns();
  return static_cast<double>(to.delivered_bytes - from.delivered_bytes) * 8 / ns;
}

double EventScript::cycle_ns() const {
  return static_cast<double>(clock_.options().period_ps) * 1e-3 /
         static_cast<double>(clock_.options().period_cycles);
}

nlohmann::ordered_json EventScript::results(Cycle end) const {
  nlohmann::ordered_json all = nlohmann::ordered_json::object();
  const Counts last = count(end);
  for (std::size_t i = 0; i < records_.size(); ++i) {
    const Counts& at = records_[i].before;
    if (at.at == never) continue;  // the run ended earlier
    Counts previous{first_due(), 0, 0, 0, {}};
    Counts next = last;
    for (const Record& other : records_) {
      const Counts& then = other.before;
      if (then.at < at.at && then.at > previous.at) previous = then;
      if (then.at > at.at && then.at < next.at) next = then;
    }
    all[std::to_string(i)] = result(i, previous, next);
  }
  return all;
}

/// `previous` is the event before or the begin, `next` the one after, at another time, or the end.
nlohmann::ordered_json EventScript::result(std::size_t event, const Counts& previous,
                                           const Counts& next) const {
  const Record& record = records_[event];
  const Counts& at = record.before;
  const bool noticed = record.noticed.at < next.at;
  const Counts& settled = noticed ? record.noticed : at;
  nlohmann::ordered_json json;
  json["at_ns"] = static_cast<double>(at.at) * cycle_ns();
  json["links"] = record.links;
  if (noticed) {
    json["noticed_after_ns"] = static_cast<double>(record.noticed_at - at.at) * cycle_ns();
  }
  json["frames_lost"] = next.losses.frames - at.losses.frames;
  json["packets_lost"] = next.losses.packets - at.losses.packets;
  json["bytes_resent"] = next.resent_bytes - at.resent_bytes;
  if (next.last_repair > at.at) {
    json["recovered_after_ns"] = static_cast<double>(next.last_repair - at.at) * cycle_ns();
  }
  if (previous.at < at.at) json["gbps"]["before"] = gbps(previous, at);
  if (at.at < settled.at) json["gbps"]["during"] = gbps(at, settled);
  if (settled.at < next.at) json["gbps"]["after"] = gbps(settled, next);
  return json;
}

// --- leaves and spines ---------------------------------------------------------------------------

FabricEvents::FabricEvents(const Scenario& scenario, const Blueprint& blueprint, Fabric& fabric,
                           const Clock& clock, const DeliveryLog& log)
    : EventScript(scenario, blueprint, clock),
      fabric_(fabric),
      log_(log),
      known_down_(2 * cables_.size()),
      withdrawn_(cables_.size()) {
  begin_to_look();
}

void FabricEvents::fail(std::size_t direction, Cycle at) {
  const Fabric::Direction& d = this->direction(direction);
  d.link->fail();
  d.to.device->input_failed(d.to.port, at);
}

void FabricEvents::restore(std::size_t direction, Cycle at) {
  const Fabric::Direction& d = this->direction(direction);
  d.link->restore();
  d.from.device->output_restored(d.from.port, at);
}

Cycle FabricEvents::notice_cycles() const {
  return clock_.cycles(scenario_.adaptive.detection_delay);
}

/// What has changed back in the meantime is not noticed.
EventScript::Notice FabricEvents::notice(std::size_t direction, Cycle /*at*/) {
  const Fabric::Direction& d = this->direction(direction);
  auto* const box = dynamic_cast<AdaptiveSwitch*>(d.from.device);
  if (box == nullptr || known_down_[direction] == !d.link->is_up()) return {};
  known_down_[direction] = !d.link->is_up();
  box->set_usable(d.from.port, d.link->is_up());
  return {true, clock_.cycles(scenario_.adaptive.withdrawal_delay)};
}

Cycle FabricEvents::look_cycles() const { return std::max<Cycle>(1, clock_.cycles(look)); }

/// Leaves and elements of the scheduled fabric find out for themselves. What they have noticed is
/// the latest event.
void FabricEvents::look_at_fabric(Cycle now) {
  Cycle changed = 0;
  for (const auto& leaf : fabric_.leaves()) changed = std::max(changed, leaf->links_changed_at());
  for (const auto& e : fabric_.elements()) changed = std::max(changed, e->links_changed_at());
  if (std::exchange(links_changed_at_, changed) == changed) return;
  Record* const latest = latest_record(changed);
  if (latest == nullptr) return;
  latest->noticed_at = changed;
  latest->noticed = count(now);
}

unsigned FabricEvents::spine_of(std::size_t cable) const {
  return blueprint_.boxes[cables_[cable].box].ports[cables_[cable].port].peer_box;
}

/// Of a link that leads down from a spine to a leaf: the other leaves stop, or begin again, to send
/// through that spine what is for hosts of that leaf, where this was its only way.
void FabricEvents::tell_others(std::size_t direction) {
  const std::size_t failed = direction / 2;
  const unsigned leaf = cables_[failed].box;
  const unsigned spine = spine_of(failed);
  if (direction % 2 == 0 || spine == Blueprint::to_host) return;
  bool reachable = false;
  for (std::size_t i = 0; i < cables_.size(); ++i) {
    reachable |= cables_[i].box == leaf && spine_of(i) == spine && !known_down_[2 * i + 1];
  }
  if (withdrawn_[failed] == !reachable) return;
  const unsigned first = leaf * blueprint_.hosts_per_leaf;
  const HostRange hosts{first, first + blueprint_.hosts_per_leaf - 1};
  for (std::size_t i = 0; i < cables_.size(); ++i) {
    if (spine_of(i) != spine) continue;
    if (cables_[i].box == leaf) {
      withdrawn_[i] = !reachable;
    } else {
      fabric_.switches()[cables_[i].box]->set_reachable(cables_[i].port, hosts, reachable);
    }
  }
}

EventScript::Counts FabricEvents::count(Cycle at) const {
  Counts counts{at, log_.delivered_bytes(), log_.resent_bytes(), log_.last_repair(), {}};
  for (const auto& link : fabric_.links()) counts.losses += link->losses();
  return counts;
}

}  // namespace heddle
