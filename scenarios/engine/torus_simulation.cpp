#include "engine/torus_simulation.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/accelerator_work.h"
#include "engine/array_work.h"
#include "engine/measurement.h"
#include "engine/quantity.h"
#include "engine/run_loop.h"
#include "engine/torus_collective.h"
#include "engine/torus_events.h"
#include "engine/torus_measurement.h"
#include "engine/torus_remote.h"
#include "engine/torus_uniform.h"

namespace heddle {

namespace {

ClockOptions clock_options(const Scenario& scenario, const RunOptions& options) {
  ClockOptions clock = torus_clock(scenario.fabric);
  clock.seed = scenario.seed;
  clock.shuffle_devices = options.shuffle_devices;
  clock.wake_every_cycle = options.wake_every_cycle;
  clock.reproduce = options.reproduce;
  return clock;
}

/// A whole run: everything that exists once per process.
class TorusSimulation : private RunLoop {
 public:
  TorusSimulation(const Scenario& scenario, const RunOptions& options)
      : RunLoop(scenario, options, {clock_, packets_}),
        clock_("clock", clock_options(scenario, options)),
        environment_{clock_, packets_},
        blueprint_(draw(scenario)),
        work_(make_torus_work(scenario, clock_, options)),
        fabric_(scenario, blueprint_, environment_,
                [this](const TorusNodePlace& place) { return work_->make_node(place); }),
        script_(scenario, blueprint_, fabric_, clock_, *work_) {
    clock_.fetch_records_of(packets_);
    devices_ = fabric_.devices();
    for (const Device* device : work_->devices()) devices_.push_back(device);
  }

  RunOutcome run();

 private:
  bool drained() const override {
    return work_->done() && clock_.frames_under_way() == 0 && at_rest();
  }
  bool waiting() const override { return work_->waiting(); }
  Cycle last_progress() const override { return work_->last_progress(); }
  std::uint64_t frame_hops() const override { return fabric_.packet_hops(); }
  Cycle quiet_from() const override { return heddle::quiet_from(fabric_.links()); }
  Cycle next_event() const override { return script_.next(); }
  void act() override { script_.act(); }

  bool at_rest() const;
  void verify(const TorusFacts& facts) const;
  std::string explain(RunStatus status) const;

  Clock clock_;
  PacketPool packets_;
  Environment environment_;
  Blueprint blueprint_;
  std::unique_ptr<TorusWork> work_;
  TorusFabric fabric_;
  Devices devices_;  // of fabric and work
  TorusEvents script_;
};

/// Nothing is held, and no room waits to be given back.
bool TorusSimulation::at_rest() const {
  const auto rests = [](const auto& device) { return device->at_rest(); };
  return std::all_of(fabric_.nodes().begin(), fabric_.nodes().end(), rests) &&
         std::all_of(fabric_.routers().begin(), fabric_.routers().end(), rests);
}

RunOutcome TorusSimulation::run() {
  clock_.start();
  const RunStatus status = advance(devices_, fabric_.links());
  const TorusFacts facts{scenario_,
                         fabric_,
                         packets_.live(),
                         std::max(quiet_from(), work_->end(elapsed())),
                         static_cast<double>(clock_.options().period_ps) * 1e-3 /
                             static_cast<double>(clock_.options().period_cycles),
                         drained()};
  verify(facts);
  RunOutcome outcome{status, explain(status), measure_torus(facts, *work_)};
  if (!scenario_.events.empty()) outcome.results["events"] = script_.results(facts.end);
  outcome.results["run"] =
      heddle::run({status_text(status), scenario_.seed, facts.end, facts.cycle_ns, frame_hops(),
                   wall_s(), hash_of(fabric_.links()) ^ work_->hash()});
  work_->close();
  return outcome;
}

void TorusSimulation::verify(const TorusFacts& facts) const {
  try {
    for (const Device* device : devices_) {
      check_frames(*device);
      device->verify(facts.drained);
    }
    check_links(fabric_.links(), fabric_.devices(), clock_.frames_under_way());
    fabric_.verify_credits(clock_.frames_under_way() != 0);
    work_->check_laws(facts);
  } catch (const CheckFailure& failure) {
    fail_at_the_end(failure);
  }
}

std::string TorusSimulation::explain(RunStatus status) const {
  if (status == RunStatus::done) return "";
  if (status == RunStatus::deadline) {
    return fmt::format("the deadline of {} passed with {}",
                       print_quantity(scenario_.measure.deadline), work_->unfinished());
  }
  std::vector<std::string> lines = fabric_.circle_of_waits();
  if (!lines.empty()) {
    lines.insert(lines.begin(), "deadlock: each of these waits for room in the next, in a circle:");
    lines.emplace_back("all that wait:");
  }
  std::for_each(devices_.rbegin(), devices_.rend(), [&](const Device* d) { d->waits(lines); });
  return no_progress_text(lines);
}

}  // namespace

std::unique_ptr<TorusWork> make_torus_work(const Scenario& scenario, const Clock& clock,
                                           const RunOptions& options) {
  const Pattern pattern = scenario.workload.front().pattern;
  if (is_program(pattern) && scenario.accelerator.model == AcceleratorModel::array) {
    return std::make_unique<ArrayWork>(scenario, clock);
  }
  if (is_program(pattern)) return std::make_unique<AcceleratorWork>(scenario, clock, options);
  if (pattern == Pattern::collective) return std::make_unique<TorusCollective>(scenario, clock);
  if (pattern == Pattern::remote_read || pattern == Pattern::remote_write) {
    return std::make_unique<TorusRemote>(scenario, clock);
  }
  return std::make_unique<TorusUniform>(scenario, clock);
}

RunOutcome simulate_torus(const Scenario& scenario, const RunOptions& options) {
  // SystemC objects live until the process ends: its kernel must not see them destroyed first.
  auto* simulation = new TorusSimulation(scenario, options);
  return simulation->run();
}

}  // namespace heddle
