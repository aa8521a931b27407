#include "engine/compare.h"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <map>
#include <optional>
#include <thread>

#include "engine/child_process.h"
#include "engine/loader.h"
#include "engine/progress.h"
#include "engine/result_file.h"
#include "engine/resume.h"
#include "kernel/error.h"

namespace heddle {
namespace {

using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

/// How long an interrupted variant may take to end by itself.
constexpr std::chrono::seconds patience{5};

class Run {
 public:
  Run(const std::vector<Scenario>& scenarios, const CompareOptions& options,
      const Simulate& simulate)
      : scenarios_(scenarios),
        options_(options),
        simulate_(simulate),
        jobs_(options.jobs > 0 ? options.jobs : std::max(1U, std::thread::hardware_concurrency())),
        ends_(scenarios.size()),
        fingerprints_(scenarios.size()),
        display_(options.quiet) {}

  Comparison execute() {
    if (options_.resume) take_over();
    while (next_ < scenarios_.size() || !children_.empty()) {
      const bool stopping = InterruptGuard::interrupts() > 0;
      if (stopping) stop_children();
      while (!stopping && next_ < scenarios_.size() && children_.size() < jobs_) start_next();
      if (children_.empty() && stopping) break;
      wait_for_children();
    }
    return conclude();
  }

 private:
  void take_over() {
    const EarlierResults earlier(options_.folder / "results.json");
    if (!earlier.damage().empty()) options_.warn(earlier.damage());
    for (std::size_t i = 0; i < scenarios_.size(); ++i) {
      const std::string label = label_of(scenarios_[i]);
      const std::string fingerprint = fingerprint_of(scenarios_[i]);
      EarlierResults::Finding found = earlier.find(label, fingerprint);
      if (!found.damage.empty()) options_.warn(found.damage);
      if (found.changed) display_.finish(label, "its scenario has changed; runs again");
      if (!found.end) continue;
      display_.finish(label, "kept from the earlier run");
      fingerprints_[i] = {fingerprint, results_fingerprint(*found.end)};
      ends_[i] = std::move(found.end);
    }
    skip_finished();
    if (std::any_of(ends_.begin(), ends_.end(), [](const auto& end) { return end.has_value(); })) {
      save();
    }
  }

  /// A scenario whose workload's file is gone has none; its run says so.
  static std::string fingerprint_of(const Scenario& scenario) {
    try {
      return scenario_fingerprint(scenario);
    } catch (const InputError&) {
      return "";
    }
  }

  void skip_finished() {
    while (next_ < scenarios_.size() && ends_[next_]) ++next_;
  }

  void start_next() {
    fingerprints_[next_].scenario = fingerprint_of(scenarios_[next_]);
    RunOptions run = options_.run;
    const std::string label = label_of(scenarios_[next_]);
    if (options_.reproduce) run.reproduce = options_.reproduce(label);
    if (options_.trace) run.trace = options_.trace(scenarios_[next_]);
    if (options_.timeline) run.timeline = options_.timeline(scenarios_[next_]);
    children_.emplace_back(scenarios_[next_], run, simulate_, children_);
    positions_.push_back(next_++);
    skip_finished();
  }

  /// Asks once, insists when asked again or out of patience.
  void stop_children() {
    const int interrupts = InterruptGuard::interrupts();
    if (!stopped_) stopped_ = Clock::now();
    const bool insist = interrupts > 1 || Clock::now() - *stopped_ > patience;
    if (asked_ && !insist) return;
    for (const ChildProcess& child : children_) child.stop(insist ? SIGKILL : SIGTERM);
    asked_ = true;
  }

  void wait_for_children() {
    std::vector<pollfd> polls;
    for (const ChildProcess& child : children_) polls.push_back({child.descriptor(), POLLIN, 0});
    // The time-out is for the patience above; a signal ends the wait as well.
    if (poll(polls.data(), polls.size(), 500) <= 0) return;
    for (std::size_t i = polls.size(); i-- > 0;) {
      if (polls[i].revents != 0 && !receive(i)) finish(i);
    }
  }

  bool receive(std::size_t child) {
    const Scenario& scenario = scenarios_[positions_[child]];
    const double deadline_ns = static_cast<double>(scenario.measure.deadline.picoseconds) / 1e3;
    return children_[child].receive([&](const Progress& progress) {
      display_.update(label_of(scenario), progress, deadline_ns);
    });
  }

  void finish(std::size_t child) {
    const std::size_t position = positions_[child];
    ChildProcess::End end = children_[child].end();
    // An interrupted child may have died of it.
    if (InterruptGuard::interrupts() > 0 && !end.outcome) {
      end = {std::nullopt, exit_interrupted, "interrupted"};
    }
    children_.erase(children_.begin() + static_cast<std::ptrdiff_t>(child));
    positions_.erase(positions_.begin() + static_cast<std::ptrdiff_t>(child));
    display_.finish(label_of(scenarios_[position]), end.exit_code == 0 ? "done" : "ended");
    if (end.outcome) fingerprints_[position].results = results_fingerprint(end);
    ends_[position] = std::move(end);
    save();
  }

  /// A full disk now may have room again at the end, which decides. An earlier run's results stay
  /// until there is something to say.
  void save() {
    const Json results = document();
    if (results.at("parameters").empty()) return;
    try {
      write_atomically(options_.folder / "results.json", results.dump(2) + '\n');
      unsaved_.reset();
    } catch (const InputError& error) {
      unsaved_ = error;
    }
  }

  Json document() const {
    const Scenario& first = scenarios_.front();
    Json parameters = Json::object();
    Json variants = Json::object();
    Json failures = Json::object();
    Json fingerprints = Json::object();
    for (std::size_t i = 0; i < scenarios_.size(); ++i) {
      const std::string label = label_of(scenarios_[i]);
      if (!ends_[i] || ends_[i]->exit_code == exit_interrupted) continue;
      const ChildProcess::End& end = *ends_[i];
      parameters[label] = parameters_of(scenarios_[i]);
      if (end.outcome) {
        variants[label] = end.outcome->results;
        fingerprints[label] = fingerprints_[i].json();
      }
      if (end.exit_code == 0) continue;
      failures[label] = {{"exit_code", end.exit_code}, {"explanation", end.explanation}};
    }
    return {{"heddle", version},        {"scenario", first.name},
            {"seed", first.seed},       {"arguments", options_.arguments},
            {"parameters", parameters}, {"variants", variants},
            {"failures", failures},     {"fingerprints", fingerprints}};
  }

  Comparison conclude() {
    Comparison comparison;
    comparison.document = document();
    for (std::size_t i = 0; i < scenarios_.size(); ++i) {
      const ChildProcess::End end =
          ends_[i].value_or(ChildProcess::End{std::nullopt, exit_interrupted, "not started"});
      comparison.exit_code = worst(comparison.exit_code, end.exit_code);
      if (end.exit_code == 0) continue;
      comparison.failures.push_back({label_of(scenarios_[i]), end.exit_code, end.explanation});
    }
    if (unsaved_) {
      comparison.unsaved = unsaved_->what();
      comparison.exit_code = worst(comparison.exit_code, exit_bad_input);
    }
    return comparison;
  }

  const std::vector<Scenario>& scenarios_;
  const CompareOptions& options_;
  const Simulate& simulate_;
  unsigned jobs_;
  std::size_t next_ = 0;                ///< scenario to start
  std::vector<ChildProcess> children_;  ///< running, each with its scenario in `positions_`
  std::vector<std::size_t> positions_;
  std::vector<std::optional<ChildProcess::End>> ends_;  ///< by scenario
  std::vector<Fingerprints> fingerprints_;              ///< by scenario
  std::optional<InputError> unsaved_;                   ///< why the last results are not on disk
  std::optional<Clock::time_point> stopped_;
  bool asked_ = false;
  ProgressDisplay display_;
};

}  // namespace

int worst(int a, int b) {
  constexpr std::array<int, 6> order{exit_interrupted, exit_check_failed, exit_bad_input, 4, 5,
                                     exit_done};
  for (const int code : order) {
    if (a == code || b == code) return code;
  }
  return exit_check_failed;
}

Comparison compare(const std::vector<Scenario>& scenarios, const CompareOptions& options,
                   const Simulate& simulate) {
  const InterruptGuard guard;
  return Run(scenarios, options, simulate).execute();
}

}  // namespace heddle
