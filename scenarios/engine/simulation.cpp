#include "engine/simulation.h"

#include <fmt/format.h>

#include <algorithm>
#include <systemc>

#include "engine/crossbar_measurement.h"
#include "engine/events.h"
#include "engine/fabric.h"
#include "engine/loader.h"
#include "engine/measurement.h"
#include "engine/quantity.h"
#include "engine/run_loop.h"
#include "engine/torus_simulation.h"

namespace heddle {

namespace {

HostLink host_link(const Scenario& scenario, std::uint64_t period_ps) {
  const LinkRate rate = LinkRate::of(scenario.fabric.host_link.rate, period_ps);
  return {rate.bytes, rate.cycles, scenario.nic.mtu.value, data_header_bytes(scenario.nic.receive),
          ethernet_framing_bytes};
}

/// A crossbar has its cells from a source of its own.
std::vector<WorkloadConfig> messages(const Scenario& scenario) {
  if (scenario.switch_kind == SwitchKind::crossbar) return {};
  return scenario.workload;
}

/// A whole run: everything that exists once per process.
class Simulation : private RunLoop {
 public:
  Simulation(const Scenario& scenario, const RunOptions& options)
      : RunLoop(scenario, options, {clock_, packets_}),
        period_ps_(period_ps(scenario.fabric.clock)),
        clock_("clock", {period_ps_, 1, scenario.seed, options.shuffle_devices,
                         options.wake_every_cycle, options.reproduce}),
        blueprint_(draw(scenario)),
        link_(host_link(scenario, period_ps_)),
        workload_(messages(scenario), {blueprint_.hosts, link_, period_ps_, options.doorbells},
                  scenario.seed, scenario.directory),
        log_(clock_.cycles(scenario.measure.warmup),
             [this](HostId source, HostId destination, std::uint64_t bytes) {
               return ideal_cycles(source, destination, bytes);
             }),
        events_{[this](const Message& m, Cycle now) { workload_.message_sent(m, now); },
                [this](const Message& m, Cycle now) { workload_.message_received(m, now); }},
        fabric_(scenario, blueprint_, {clock_, packets_}, workload_, log_, events_,
                options.switches),
        script_(scenario, blueprint_, fabric_, clock_, log_) {
    clock_.fetch_records_of(packets_);
    workload_.on_release(
        [this](HostId host, Cycle due) { fabric_.nics()[host]->expect_message(due); });
  }

  RunOutcome run();

 private:
  /// A message alone on the path: its bytes at the rate of the host link, time of flight, and the
  /// fixed latency of both NICs; switches that take no time.
  Cycle ideal_cycles(HostId source, HostId destination, std::uint64_t bytes) const {
    const std::uint64_t wire = link_.wire_bytes(bytes);
    return (wire * link_.rate_cycles + link_.rate_bytes - 1) / link_.rate_bytes +
           clock_.cycles(blueprint_.propagation(source, destination)) +
           clock_.cycles(scenario_.nic.transmit_latency) +
           clock_.cycles(scenario_.nic.receive_latency);
  }

  [[noreturn]] void blame_workload(const TooManyMessages& error) const;
  void verify(const RunFacts& facts) const;
  std::vector<std::string> waits() const;
  std::string explain(RunStatus status) const;

  void run_until(Cycle cycle) override;
  bool drained() const override;
  bool waiting() const override;
  Cycle last_progress() const override;
  std::uint64_t frame_hops() const override { return fabric_.frame_hops(); }
  Cycle quiet_from() const override { return fabric_.quiet_from(); }
  Cycle next_event() const override { return script_.next(); }
  void act() override { script_.act(); }

  std::uint64_t period_ps_;
  Clock clock_;
  PacketPool packets_;
  Blueprint blueprint_;
  HostLink link_;
  Workload workload_;
  DeliveryLog log_;
  MessageEvents events_;
  Fabric fabric_;
  FabricEvents script_;
};

void Simulation::run_until(Cycle cycle) {
  try {
    RunLoop::run_until(cycle);
  } catch (const TooManyMessages& error) {
    blame_workload(error);
  }
}

/// Names the key without which there would be fewer messages.
void Simulation::blame_workload(const TooManyMessages& error) const {
  const std::optional<std::size_t> entry = workload_.entry_of(error.message);
  if (!entry) throw error;
  const WorkloadConfig& config = scenario_.workload[*entry];
  std::string key = "workload";
  if (scenario_.workload.size() > 1) key += fmt::format(".{}", *entry);
  std::string what = "start fewer at a time";
  if (config.pattern == Pattern::file) {
    key += ".file";
    what = fmt::format("{} starts too many at a time", config.file);
  } else if (config.pattern == Pattern::uniform || config.pattern == Pattern::bursty ||
             config.pattern == Pattern::flows) {
    key += ".load";
    what = fmt::format("{} is more than the fabric carries", config.load);
  }
  throw InputError(fmt::format("{}: {}: {} after {}; {}", scenario_.file, key, error.what(),
                               print_quantity(Duration{clock_.now() * period_ps_}), what));
}

/// A VOQ may spend its overdraft and be empty before its last credit has come, so credits can still
/// be under way when no packet is. A frame that its link loses is gone at once, but holds the
/// memory that it is sent from until its last byte would have left.
bool Simulation::drained() const {
  const auto all = [](const auto& things, auto&& holds) {
    return std::all_of(things.begin(), things.end(), holds);
  };
  return packets_.live() == 0 && all(fabric_.nics(), [](const auto& nic) { return nic->idle(); }) &&
         all(fabric_.leaves(), [](const auto& leaf) { return leaf->credits_at_rest(); }) &&
         clock_.frames_under_way() == 0 &&
         all(fabric_.links(),
             [this](const auto& link) {
               return !link->disturbed() || link->ready_at() < elapsed();
             }) &&
         (fabric_.crossbar() == nullptr || fabric_.crossbar()->idle());
}

/// Something is under way, so that silence would mean that it is stuck.
bool Simulation::waiting() const {
  return packets_.live() != 0 || log_.messages_started() != log_.messages_completed() ||
         (fabric_.crossbar() != nullptr && fabric_.crossbar()->held() != 0);
}

/// The last time that something arrived where it was to go.
Cycle Simulation::last_progress() const {
  return fabric_.crossbar() != nullptr ? fabric_.crossbar()->last_progress() : log_.last_progress();
}

void Simulation::verify(const RunFacts& facts) const {
  try {
    check_laws(facts);
  } catch (const CheckFailure& failure) {
    fail_at_the_end(failure);
  }
}

RunOutcome Simulation::run() {
  clock_.start();
  std::optional<PacketPath> path;
  if (options_.follow) path.emplace(*options_.follow, fabric_, packets_);
  RunStatus status = advance(fabric_.devices(), fabric_.links());
  if (status == RunStatus::done && !workload_.never_started().empty()) {
    status = RunStatus::no_progress;
  }
  for (const auto& nic : fabric_.nics()) nic->finish();
  const RunFacts facts{scenario_,
                       fabric_,
                       log_,
                       packets_.live(),
                       clock_.frames_under_way(),
                       period_ps_,
                       drained(),
                       status_text(status),
                       wall_s()};
  verify(facts);
  RunOutcome outcome{status, explain(status),
                     fabric_.crossbar() != nullptr ? measure_crossbar(facts) : measure(facts)};
  if (!scenario_.events.empty()) {
    outcome.results["events"] = script_.results(fabric_.quiet_from());
  }
  if (path) outcome.results["path"] = path->json(log_.slowest());
  return outcome;
}

/// The boxes of the fabric first: hosts that wait are their consequence.
std::vector<std::string> Simulation::waits() const {
  std::vector<std::string> lines;
  const auto& devices = fabric_.devices();
  std::for_each(devices.rbegin(), devices.rend(), [&](const Device* d) { d->waits(lines); });
  const std::vector<std::string> messages = workload_.never_started();
  lines.insert(lines.end(), messages.begin(), messages.end());
  return lines;
}

std::string Simulation::explain(RunStatus status) const {
  if (status == RunStatus::done) return "";
  if (status == RunStatus::deadline && fabric_.crossbar() != nullptr) {
    return fmt::format("the deadline of {} passed with {} cells inside",
                       print_quantity(scenario_.measure.deadline), fabric_.crossbar()->held());
  }
  if (status == RunStatus::deadline) {
    return fmt::format(
        "the deadline of {} passed with {} messages not complete and {} packets and answers in "
        "flight",
        print_quantity(scenario_.measure.deadline),
        log_.messages_started() - log_.messages_completed(), packets_.live());
  }
  return no_progress_text(waits());
}

}  // namespace

RunOutcome simulate(const Scenario& scenario, const RunOptions& options) {
  if (scenario.switch_kind == SwitchKind::torus) return simulate_torus(scenario, options);
  // SystemC objects live until the process ends: its kernel must not see them destroyed first.
  auto* simulation = new Simulation(scenario, options);
  return simulation->run();
}

/// Lives until the process ends, for the same reason.
struct EmbeddedFabric::Parts {
  Parts(const Scenario& of, RunOptions with)
      : scenario(of), options(std::move(with)), simulation(scenario, options) {}

  Csr& csr(const std::string& device) const {
    auto* const found = dynamic_cast<Device*>(sc_core::sc_find_object(device.c_str()));
    if (found == nullptr) throw InputError(fmt::format("the fabric has no device '{}'", device));
    return found->csr();
  }

  Scenario scenario;
  RunOptions options;
  Simulation simulation;
};

EmbeddedFabric::EmbeddedFabric(const Scenario& scenario, RunOptions options)
    : parts_([&]() -> Parts& {
        options.doorbells = true;
        return *new Parts(scenario, std::move(options));
      }()) {}

Csr::Socket& EmbeddedFabric::csr_socket(const std::string& device) {
  return parts_.csr(device).socket;
}

const RegisterMap& EmbeddedFabric::registers(const std::string& device) {
  return parts_.csr(device).map();
}

RunOutcome EmbeddedFabric::run() { return parts_.simulation.run(); }

}  // namespace heddle
