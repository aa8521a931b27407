#include "engine/wave_worst.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <optional>
#include <vector>

#include "engine/child_process.h"
#include "engine/exit_code.h"
#include "engine/input_file.h"
#include "engine/loader.h"
#include "engine/nearest.h"
#include "engine/progress.h"
#include "engine/result_file.h"
#include "engine/simulation.h"
#include "engine/statistics.h"
#include "engine/table.h"
#include "kernel/error.h"

namespace heddle {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

/// A finished run, as its results tell of it.
struct FinishedRun {
  Scenario scenario;
  PacketName slowest;
  std::string hash;
};

Json read_results(const fs::path& file) {
  std::ifstream input = open_input(file);
  Json json = Json::parse(input, nullptr, /*allow_exceptions=*/false);
  for (const char* key : {"arguments", "parameters", "variants"}) {
    if (json.is_object() && json.contains(key) && json[key].is_object()) continue;
    throw InputError(fmt::format("{}: is no results.json of heddle {}", file.string(), version));
  }
  return json;
}

std::string choose_variant(const fs::path& file, const Json& variants, const std::string& wanted) {
  std::vector<std::string> names;
  for (const auto& [name, results] : variants.items()) names.push_back(name);
  if (names.empty()) throw InputError(fmt::format("{}: holds no finished run", file.string()));
  if (wanted.empty()) {
    if (names.size() == 1) return names.front();
    throw InputError(fmt::format("{}: has {} variants; choose one with --variant: {}",
                                 file.string(), names.size(), fmt::join(names, ", ")));
  }
  if (std::find(names.begin(), names.end(), wanted) == names.end()) {
    throw InputError(
        fmt::format("{}: no variant '{}'{}", file.string(), wanted, suggestion(wanted, names)));
  }
  return wanted;
}

/// The variant as it was then. Its file's name counts from the folder in which it was run.
Scenario load_again(const fs::path& file, const Json& json, const std::string& variant) {
  const Json& arguments = json.at("arguments");
  std::error_code error;
  fs::current_path(arguments.at("folder").get<std::string>(), error);
  if (error) {
    throw InputError(fmt::format("{}: the folder of its scenario, {}, is gone", file.string(),
                                 arguments.at("folder").get<std::string>()));
  }
  const auto scenario = arguments.at("file").get<std::string>();
  const std::vector<Scenario> scenarios =
      load(scenario, {arguments.at("set").get<std::vector<std::string>>(),
                      arguments.at("seed").get<std::string>(),
                      {variant},
                      arguments.at("rtl").get<std::vector<std::string>>()});
  if (parameters_of(scenarios.front()) != json.at("parameters").at(variant)) {
    throw InputError(fmt::format("{}: {} has changed since that run", file.string(), scenario));
  }
  return scenarios.front();
}

FinishedRun finished_run(const fs::path& file, const std::string& wanted) {
  const Json json = read_results(file);
  const std::string variant = choose_variant(file, json.at("variants"), wanted);
  const Json& results = json.at("variants").at(variant);
  try {
    if (!results.contains("slowest_packet")) {
      throw InputError(fmt::format("{}: {}: {}", file.string(), variant,
                                   results.contains("cells")
                                       ? "the cells of a crossbar keep no story of their own"
                                       : "no packet was delivered after warm-up"));
    }
    const Json& slowest = results.at("slowest_packet");
    return {load_again(file, json, variant),
            {slowest.at("message").get<std::uint32_t>(), slowest.at("order").get<std::uint32_t>()},
            results.at("run").at("result_hash").get<std::string>()};
  } catch (const Json::exception&) {
    throw InputError(fmt::format("{}: is no results.json of heddle {}", file.string(), version));
  }
}

/// Nothing when interrupted.
std::optional<Json> run_again(const FinishedRun& run, const RunOptions& options,
                              ProgressDisplay& display) {
  const std::string label = label_of(run.scenario);
  const double deadline_ns = static_cast<double>(run.scenario.measure.deadline.picoseconds) / 1e3;
  ChildProcess child(run.scenario, options, simulate, {});
  const auto show = [&](const Progress& progress) { display.update(label, progress, deadline_ns); };
  while (child.receive(show)) {
    if (InterruptGuard::interrupts() > 0) child.stop(SIGTERM);
  }
  const ChildProcess::End end = child.end();
  display.finish(label, "done");
  if (InterruptGuard::interrupts() > 0) return std::nullopt;
  if (!end.outcome) {
    if (end.exit_code == exit_bad_input) throw InputError(end.explanation);
    throw CheckFailure(end.explanation);
  }
  if (end.outcome->results.at("run").at("result_hash") != run.hash) {
    throw InputError(
        "the run does not repeat itself: its workload's files or heddle have changed since");
  }
  return end.outcome->results;
}

/// The devices and links that the packet met, in that order, for as long as it lived.
TraceOptions trace_of(const Json& path, std::uint64_t period_ps, const fs::path& file) {
  std::vector<std::string> parts;
  const auto add = [&](const Json& part) {
    const auto name = part.get<std::string>();  // a leaf is met twice between two of its hosts
    if (std::find(parts.begin(), parts.end(), name) == parts.end()) parts.push_back(name);
  };
  for (const Json& hop : path.at("hops")) {
    for (const char* part : {"from", "link", "to"}) add(hop.at(part));
  }
  const auto due = path.at("due_cycle").get<Cycle>();
  const auto delivered = path.at("delivered_cycle").get<Cycle>();
  return {parts, Duration{due * period_ps}, Duration{(delivered + 1) * period_ps}, file};
}

// --- the story ----------------------------------------------------------------------------------

struct Episode {
  Cycle begin;
  Cycle took;
  std::string where;
  Stage stage;
};

using StageCycles = std::array<std::uint32_t, stage_count>;

/// The order in which a packet can meet stages between two starts on links.
constexpr std::array<Stage, stage_count> order_of_stages{
    Stage::serialization, Stage::propagation,  Stage::pipeline,     Stage::voq_queue,
    Stage::credit_wait,   Stage::hbm,          Stage::reassembly,   Stage::paused,
    Stage::source_queue,  Stage::fabric_queue, Stage::egress_queue, Stage::retransmission};

/// What was booked between `before` and `after`: on `link` (may be empty), then in `device`.
void add_episodes(const StageCycles& before, const StageCycles& after, const std::string& link,
                  const std::string& device, Cycle& now, std::vector<Episode>& episodes) {
  for (const Stage stage : order_of_stages) {
    const auto s = static_cast<unsigned>(stage);
    const Cycle took = after[s] - before[s];
    if (took == 0) continue;
    const bool on_link = stage == Stage::serialization || stage == Stage::propagation;
    episodes.push_back({now, took, on_link ? link : device, stage});
    now += took;
  }
}

std::vector<Episode> episodes_of(const Json& path) {
  std::vector<Episode> episodes;
  StageCycles before{};
  std::string link;
  std::string device = path.at("hops").at(0).at("from").get<std::string>();
  auto now = path.at("due_cycle").get<Cycle>();
  for (const Json& hop : path.at("hops")) {
    const auto after = hop.at("stage_cycles").get<StageCycles>();
    add_episodes(before, after, link, device, now, episodes);
    before = after;
    link = hop.at("link").get<std::string>();
    device = hop.at("to").get<std::string>();
  }
  add_episodes(before, path.at("stage_cycles").get<StageCycles>(), link, device, now, episodes);
  return episodes;
}

std::string words(std::string name) {
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

}  // namespace

std::string packet_story(const Json& path, std::uint64_t period_ps) {
  const double cycle_ns = static_cast<double>(period_ps) * 1e-3;
  const auto due = path.at("due_cycle").get<Cycle>();
  const Cycle latency = path.at("delivered_cycle").get<Cycle>() - due;
  const std::vector<Episode> episodes = episodes_of(path);
  std::size_t width = 5;
  for (const Episode& episode : episodes) width = std::max(width, episode.where.size());

  std::string text = fmt::format(
      "host{} to host{}, sequence {}, {} B: due at {:.1f} ns, delivered after {}\n\n",
      path.at("source").get<unsigned>(), path.at("destination").get<unsigned>(),
      path.at("sequence").get<unsigned>(), path.at("bytes").get<unsigned>(),
      static_cast<double>(due) * cycle_ns, human_duration(static_cast<double>(latency) * cycle_ns));
  text += fmt::format("{:>14}  {:>9}  share  {:<{}}  stage\n", "at", "took", "where", width);
  for (const Episode& episode : episodes) {
    text += fmt::format("{:>11.1f} ns  {:>9}  {:>3.0f} %  {:<{}}  {}\n",
                        static_cast<double>(episode.begin) * cycle_ns,
                        human_duration(static_cast<double>(episode.took) * cycle_ns),
                        100 * static_cast<double>(episode.took) / static_cast<double>(latency),
                        episode.where, width,
                        words(stage_texts()[static_cast<unsigned>(episode.stage)].name));
  }
  text += fmt::format("{:>11.1f} ns  {:>9}         {:<{}}  delivered\n",
                      static_cast<double>(due + latency) * cycle_ns, "",
                      path.at("hops").back().at("to").get<std::string>(), width);
  return text;
}

WaveOutcome wave_worst(const WaveOptions& options) {
  const fs::path file = fs::absolute(
      fs::is_directory(options.results) ? options.results / "results.json" : options.results);
  const fs::path folder = options.out.empty() ? file.parent_path() : fs::absolute(options.out);
  prepare_folder(folder);
  const fs::path here = fs::current_path();
  const FinishedRun run = finished_run(file, options.variant);
  const std::string label = label_of(run.scenario);
  const std::uint64_t period = period_ps(run.scenario.fabric.clock);

  const InterruptGuard guard;
  ProgressDisplay display(options.quiet);
  RunOptions first;
  first.follow = run.slowest;
  const std::optional<Json> seen = run_again(run, first, display);
  if (!seen) return {"", exit_interrupted};
  const Json& path = seen->at("path");

  RunOptions second;
  const fs::path waves = folder / (label + "-worst.vcd");
  second.trace = trace_of(path, period, waves);
  if (!run_again(run, second, display)) return {"", exit_interrupted};
  fs::path save = fs::relative(waves, here).replace_extension(".gtkw");
  return {fmt::format("{}, {}, seed {}: the slowest packet\n{}\nWaves: gtkwave {}\n",
                      run.scenario.name, label, run.scenario.seed, packet_story(path, period),
                      save.string())};
}

}  // namespace heddle
