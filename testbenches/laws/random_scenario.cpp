#include "laws/random_scenario.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <optional>
#include <vector>

#include "engine/blueprint.h"
#include "engine/check.h"
#include "engine/conditions.h"
#include "engine/connection_matrix.h"
#include "engine/field_text.h"
#include "engine/presets.h"
#include "engine/quantity.h"
#include "engine/scenario.h"
#include "kernel/error.h"
#include "kernel/rng.h"
#include "laws/random_matrix.h"

namespace heddle::testing {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr double most_frames = 1e6;       // sent in one run: half a second
constexpr double most_messages = 50'000;  // a host may have 65,536 open

/// Where the declared range is too wide for a small run, or its values mostly do not fit others.
struct Span {
  const char* path;
  double low;
  double high;
};
constexpr std::array spans{
    Span{"fabric.hosts", 2, 12},
    Span{"fabric.leaves", 1, 4},
    Span{"fabric.spines", 1, 4},
    Span{"fabric.hosts_per_leaf", 1, 6},
    Span{"fabric.links_per_spine", 1, 3},
    Span{"fabric.host_link.rate", 1e9, 1.6e12},
    Span{"fabric.host_link.latency", 1, 1e7},
    Span{"fabric.fabric_link.rate", 1e9, 1.6e12},
    Span{"fabric.fabric_link.latency", 1, 1e7},
    Span{"scheduled.buffer", 64e3, 1e7},
    Span{"scheduled.headroom", 0, 2e5},
    Span{"scheduled.hbm.dram_bound", 0, 2e5},
    Span{"scheduled.hbm.recovery", 0, 1e5},
    Span{"scheduled.hbm.rate", 1e9, 1e13},
    Span{"scheduled.hbm.read_buffer", 1e3, 1e6},
    Span{"scheduled.hbm.channels", 1, 32},
    Span{"scheduled.hbm.channel_rate", 1e9, 1e12},
    Span{"scheduled.credits_outstanding", 1, 100},
    Span{"scheduled.credit_watchdog", 1e6, 1e9},
    Span{"scheduled.reachability_period", 1e6, 4e7},
    Span{"scheduled.reachability_watchdog", 5e7, 1e9},
    Span{"scheduled.receive_pool_cells", 100, 1e5},
    Span{"scheduled.xoff_cells", 1, 768},
    Span{"scheduled.xon_cells", 0, 384},
    Span{"scheduled.ingress_latency", 1e3, 5e6},
    Span{"scheduled.egress_latency", 1e3, 5e6},
    Span{"scheduled.element_latency", 1e3, 5e6},
    Span{"scheduled.loopback_latency", 1e3, 5e6},
    Span{"scheduled.chassis.line_cards", 1, 9},
    Span{"scheduled.chassis.fabric_elements", 1, 4},
    Span{"adaptive.memory.buffer", 10e3, 1e7},
    Span{"adaptive.memory.xoff", 0, 1e6},
    Span{"adaptive.memory.headroom", 0, 2e5},
    Span{"adaptive.ecn.kmin", 0, 1e5},
    Span{"adaptive.ecn.kmax", 0, 2e5},
    Span{"adaptive.pipeline_latency", 1e3, 5e6},
    Span{"nic.transmit_latency", 1e3, 2e6},
    Span{"nic.receive_latency", 1e3, 2e6},
    Span{"nic.retransmission_timeout", 2e7, 1.5e9},
    Span{"measure.warmup", 0, 1e7},
    Span{"workload.message", 1, 1e6},
    Span{"workload.senders", 1, 12},
    Span{"workload.receivers", 1, 4},
    Span{"workload.shift", 1, 8},
    Span{"workload.burst", 1, 64},
    Span{"workload.duration", 1e6, 5e7},
    Span{"workload.start", 0, 1e7},
    Span{"events.at", 1e5, 6e7},
    Span{"events.rate", 1e8, 1.6e12},
    Span{"events.bit_error_ratio", 1e-9, 1e-3},
    Span{"events.down", 1e3, 1e8},
    Span{"events.period", 1e4, 1e8},
    Span{"events.times", 1, 20},
};

/// Left as in the scenario that the drawing begins with.
constexpr std::array fixed{
    "name",          "seed",        "rtl",          "measure.deadline", "measure.watchdog",
    "workload.file", "events.link", "fabric.preset"};

/// A clock's period is a whole number of picoseconds.
constexpr std::array clocks{"100 MHz", "250 MHz", "800 MHz", "1 GHz", "1.25 GHz", "2 GHz"};

/// The shape of the scenario, and what makes it tight.
bool always_drawn(const std::string& path) {
  constexpr std::array paths{"switch",
                             "routing",
                             "workload.pattern",
                             "workload.message",
                             "nic.receive",
                             "adaptive.memory.buffer",
                             "adaptive.trimming",
                             "classes.lossless",
                             "scheduled.buffer",
                             "scheduled.spill",
                             "scheduled.hbm.dram_bound"};
  if (path.rfind("events.", 0) == 0) return true;
  const bool size = path.rfind("fabric.", 0) == 0 && path.find('.', 7) == std::string::npos &&
                    path != "fabric.clock";
  return size || std::find(paths.begin(), paths.end(), path) != paths.end();
}

struct Traffic {
  double messages = 0;
  double bytes = 0;
};

Traffic traffic_of_file(const WorkloadConfig& workload) {
  Traffic traffic;
  for (const auto& connection : read_connection_matrix(workload.file).connections) {
    traffic.messages += 1;
    traffic.bytes += static_cast<double>(connection.bytes);
  }
  return traffic;
}

Traffic traffic_of_stream(const WorkloadConfig& workload, const Scenario& scenario) {
  constexpr double mean_flow = 1e6;  // of the larger distribution
  constexpr double overhead = 78;    // headers and framing of a datagram
  const double bytes =
      workload.pattern == Pattern::flows ? mean_flow : static_cast<double>(workload.message.value);
  const double sent = static_cast<double>(scenario.fabric.host_link.rate.bits_per_second) / 8 *
                      static_cast<double>(workload.duration.picoseconds) * 1e-12;
  const double messages = static_cast<double>(scenario.fabric.host_count()) *
                          (1 + workload.load * sent / (bytes + overhead));
  return {messages, messages * bytes};
}

Traffic traffic_of(const WorkloadConfig& workload, const Scenario& scenario) {
  const auto hosts = static_cast<double>(scenario.fabric.host_count());
  double messages = 0;
  switch (workload.pattern) {
    case Pattern::incast:
      messages = static_cast<double>(workload.senders * workload.receivers);
      break;
    case Pattern::all_to_all:
      messages = hosts * (hosts - 1);
      break;
    case Pattern::permutation:
      messages = hosts;
      break;
    case Pattern::file:
      return traffic_of_file(workload);
    default:
      return traffic_of_stream(workload, scenario);
  }
  return {messages, messages * static_cast<double>(workload.message.value)};
}

/// That come to a crossbar, each of which may cost a matching.
double cells_of(const Scenario& scenario) {
  const CrossbarConfig& crossbar = scenario.crossbar;
  const auto bits = static_cast<double>(crossbar.cell.value * 8);
  const double slots = static_cast<double>(scenario.workload.front().duration.picoseconds) * 1e-12 *
                       static_cast<double>(crossbar.port_rate.bits_per_second) / bits;
  return slots * static_cast<double>(scenario.fabric.hosts) *
         static_cast<double>(std::max(crossbar.input_speedup, crossbar.output_speedup));
}

/// Sent on all links, about.
double frames_of(const Traffic& traffic, const Scenario& scenario) {
  const double packets =
      traffic.messages + traffic.bytes / static_cast<double>(scenario.nic.mtu.value);
  if (scenario.switch_kind == SwitchKind::adaptive) return 4 * packets;
  const auto payload = static_cast<double>(scenario.scheduled.cell_payload.value);
  return 4 * packets + 3 * (traffic.messages + traffic.bytes / payload);
}

bool is_legal_and_short(const Scenario& scenario) {
  try {
    check(scenario);
  } catch (const InputError&) {
    return false;
  }
  if (scenario.switch_kind == SwitchKind::crossbar) return cells_of(scenario) <= most_frames;
  double frames = 0;
  double messages = 0;
  for (const WorkloadConfig& workload : scenario.workload) {
    const Traffic traffic = traffic_of(workload, scenario);
    messages += traffic.messages;
    frames += frames_of(traffic, scenario);
  }
  return frames <= most_frames && messages <= most_messages;
}

/// A quantity field's unit, or nothing for plain numbers.
template <class T>
const Units* units_of(const T&) {
  if constexpr (std::is_same_v<T, Bytes>) return &byte_units();
  if constexpr (std::is_same_v<T, Duration>) return &duration_units();
  if constexpr (std::is_same_v<T, Rate>) return &rate_units();
  if constexpr (std::is_same_v<T, Frequency>) return &frequency_units();
  return nullptr;
}

double base_value(std::uint64_t value) { return static_cast<double>(value); }
double base_value(double value) { return value; }
double base_value(Bytes value) { return base_value(value.value); }
double base_value(Duration value) { return base_value(value.picoseconds); }
double base_value(Rate value) { return base_value(value.bits_per_second); }
double base_value(Frequency value) { return base_value(value.hertz); }

/// Every value that applies and is not the default of its place.
Json spell_out(const Section& section, const Section& defaults, const Section& root) {
  Json tree = Json::object();
  for (std::size_t i = 0; i < section.fields.size(); ++i) {
    const Field& field = section.fields[i];
    if (broken_condition(field.conditions, section, root)) continue;
    const std::string text = value_text(field);
    if (text != value_text(defaults.fields[i])) tree[field.key] = text;
  }
  for (std::size_t i = 0; i < section.sections.size(); ++i) {
    const Section& inner = section.sections[i];
    if (broken_condition(inner.conditions, section, root)) continue;
    if (!inner.members) {
      const Json values = spell_out(inner, defaults.sections[i], root);
      if (!values.empty()) tree[inner.key] = values;
      continue;
    }
    const std::vector<Section> members = inner.members();
    defaults.sections[i].resize(members.size());
    const std::vector<Section> plain = defaults.sections[i].members();
    for (std::size_t m = 0; m < members.size(); ++m) {
      tree[inner.key].push_back(spell_out(members[m], plain[m], root));
    }
  }
  return tree;
}

/// In quotes what YAML would take for something else.
std::string in_a_line(const Json& tree) {
  if (tree.is_string()) {
    const auto text = tree.get<std::string>();
    return text.find_first_of("[*?") == std::string::npos ? text : '\'' + text + '\'';
  }
  std::vector<std::string> parts;
  for (const auto& [key, value] : tree.items()) {
    parts.push_back(tree.is_array() ? in_a_line(value) : key + ": " + in_a_line(value));
  }
  return fmt::format(tree.is_array() ? "[{}]" : "{{{}}}", fmt::join(parts, ", "));
}

class Drawing {
 public:
  explicit Drawing(std::uint64_t seed) : random_(seed, "scenario", "swarm") {
    scenario_.seed = seed;
    scenario_.fabric.leaves = 2;
    scenario_.fabric.spines = 2;
    scenario_.fabric.hosts_per_leaf = 2;
    scenario_.fabric.hosts = 4;
    scenario_.workload.front().message = first_message;
    scenario_.nic.retransmission_timeout = Duration{1'000'000'000};
    scenario_.measure.deadline = Duration{5'000'000'000};
    scenario_.measure.watchdog = Duration{2'000'000'000};
    if (seed % 8 == 7) {  // few others would become one: nearly nothing else fits it
      scenario_.switch_kind = SwitchKind::crossbar;
      scenario_.fabric.topology = Topology::single;
      scenario_.workload.front().pattern = Pattern::uniform;
    }
    root_ = describe(scenario_);
    all_lossless_ = one_in(2);
    trims_ = !all_lossless_ && one_in(2);
  }

  /// What others must fit comes first, what must fit others last.
  RandomScenario draw() {
    draw_inner(section("fabric"), root_, "");
    draw_inner(section("classes"), root_, "");
    draw_fields(root_, "");
    for (const Section& inner : root_.sections) {
      const bool in_its_turn =
          inner.key == "fabric" || inner.key == "classes" || inner.key == "workload";
      if (!in_its_turn) draw_inner(inner, root_, "");
    }
    draw_inner(section("workload"), root_, "");
    if (!is_crossbar()) draw_events();  // it has no links
    Scenario plain;
    const Section defaults = describe(plain);
    with_presets(plain, defaults);
    return {spell_out(root_, defaults, root_), matrices_};
  }

 private:
  static constexpr Bytes first_message = 4_KiB;
  static constexpr double most_trimming_buffer = 2e5;

  /// A value that is not spelled is the preset's, if it has one.
  void with_presets(Scenario& plain, const Section& defaults) const {
    plain.scheduled.preset = scenario_.scheduled.preset;
    plain.adaptive.preset = scenario_.adaptive.preset;
    apply_presets(defaults);
    plain.scheduled.preset = ScheduledPreset::none;
    plain.adaptive.preset = AdaptivePreset::none;
  }

  const Section& section(const std::string& key) const { return *find_key(root_.sections, key); }

  bool is_crossbar() const { return scenario_.switch_kind == SwitchKind::crossbar; }
  bool one_in(std::uint32_t n) { return random_.below(n) == 0; }
  template <class Array>
  auto& any_of(const Array& values) {
    return values[random_.below(static_cast<std::uint32_t>(values.size()))];
  }

  void draw_inner(const Section& inner, const Section& scope, const std::string& path) {
    if (broken_condition(inner.conditions, scope, root_)) return;
    const std::string inner_path = join_path(path, inner.key);
    if (inner.key == "events") return;  // they need a fabric and a time that are known
    if (inner.members) return draw_list(inner, inner_path);
    draw_fields(inner, inner_path);
    for (const Section& nested : inner.sections) draw_inner(nested, inner, inner_path);
  }

  /// A list of one to eight, the workload of one to three.
  void draw_list(const Section& list, const std::string& path) {
    constexpr std::array<std::size_t, 6> sizes{1, 1, 1, 2, 3, 8};
    const bool workload = list.key == "workload";
    if (workload && is_crossbar()) return draw_fields(list.members().front(), path);
    list.resize(std::min<std::size_t>(any_of(sizes), workload ? 3 : 8));
    if (workload) {
      for (WorkloadConfig& config : scenario_.workload) config.message = first_message;
    }
    if (!is_legal_and_short(scenario_)) list.resize(1);
    for (const Section& member : list.members()) draw_fields(member, path);
    if (!workload) return;
    for (WorkloadConfig& config : scenario_.workload) {
      if (one_in(5)) draw_matrix(config);
    }
  }

  /// Its messages come from a file instead, unless that makes the run long.
  void draw_matrix(WorkloadConfig& config) {
    const WorkloadConfig before = config;
    const fs::path file =
        fs::temp_directory_path() /
        fmt::format("heddle_swarm_{}_{}_{}.cm", getpid(), scenario_.seed, matrices_.size());
    std::ofstream(file) << random_matrix(random_,
                                         static_cast<std::uint32_t>(scenario_.fabric.host_count()));
    config.pattern = Pattern::file;
    config.file = file.string();
    if (is_legal_and_short(scenario_)) {
      matrices_.push_back(file);
    } else {
      config = before;
      fs::remove(file);
    }
  }

  /// Half of all scenarios have one to five. What fails is often restored.
  void draw_events() {
    constexpr std::array<std::size_t, 8> counts{0, 0, 0, 0, 1, 2, 3, 5};
    const std::size_t count = any_of(counts);
    const std::vector<DrawnCable> cables = cables_of(heddle::draw(scenario_));
    for (std::size_t i = 0; i < count; ++i) {
      EventConfig event;
      event.link = any_link(cables);
      if (!add_event(event)) continue;
      draw_fields(section("events").members().back(), "events");
      const EventConfig drawn = scenario_.events.back();
      if (drawn.action == EventAction::fail && one_in(2)) add_restore(drawn);
    }
  }

  /// An event that is not legal stays out.
  bool add_event(const EventConfig& event) {
    scenario_.events.push_back(event);
    if (is_legal_and_short(scenario_)) return true;
    scenario_.events.pop_back();
    return false;
  }

  void add_restore(EventConfig event) {
    event.action = EventAction::restore;
    event.at.picoseconds += random_.below(60'000'000);
    add_event(event);
  }

  /// One of the two names of a cable, or a pattern for all cables of a box.
  std::string any_link(const std::vector<DrawnCable>& cables) {
    const DrawnCable& cable = any_of(cables);
    const std::string& name = one_in(2) ? cable.forth : cable.back;
    return one_in(6) ? name.substr(0, name.find_first_of(".-")) + "[.-]*" : name;
  }

  void draw_fields(const Section& section, const std::string& path) {
    for (const Field& field : section.fields) {
      const std::string field_path = join_path(path, field.key);
      const bool stays = field_path == "switch" && is_crossbar();
      const bool skipped = stays ||
                           std::find(fixed.begin(), fixed.end(), field_path) != fixed.end() ||
                           broken_condition(field.conditions, section, root_).has_value();
      if (skipped || (!always_drawn(field_path) && !one_in(2))) continue;
      draw_field(field, field_path);
    }
  }

  /// A value may not fit the others; then a few more are tried.
  void draw_field(const Field& field, const std::string& path) {
    const std::string before = value_text(field);
    for (int attempt = 0; attempt < 5; ++attempt) {
      set_value(field, any_value(field, path));
      if (is_legal_and_short(scenario_)) return;
    }
    set_value(field, before);
  }

  std::string any_value(const Field& field, const std::string& path) {
    if (path == "fabric.clock") return any_of(clocks);
    if (path == "classes.lossless" && all_lossless_) return "true";
    if (path == "classes.lossless" && trims_) return "false";
    if (path == "adaptive.trimming" && trims_) return "true";
    return std::visit([&](const auto& target) { return any_value(field, path, target); },
                      field.target);
  }
  std::string any_value(const Field&, const std::string&, const ChoiceTarget& choice) {
    for (;;) {
      const std::string& name = any_of(choice.names);
      if (name != "file") return name;
    }
  }
  std::string any_value(const Field&, const std::string&, const bool*) {
    return one_in(2) ? "true" : "false";
  }
  std::string any_value(const Field&, const std::string&, const std::string* text) { return *text; }
  std::string any_value(const Field&, const std::string&, const Names*) { return "[]"; }
  template <class T>
  std::string any_value(const Field& field, const std::string& path, const std::optional<T>*) {
    if (one_in(4)) return "auto";
    return number(field, path, std::nullopt, units_of(T{}), false);
  }
  template <class T>
  std::string any_value(const Field& field, const std::string& path, const T* target) {
    return number(field, path, base_value(*target), units_of(T{}), std::is_same_v<T, double>);
  }

  /// One time in four an end of the range, else around the default, evenly over magnitudes.
  std::string number(const Field& field, const std::string& path, std::optional<double> center,
                     const Units* units, bool fraction) {
    double low = field.minimum;
    double high = field.maximum;
    const auto span =
        std::find_if(spans.begin(), spans.end(), [&](const Span& s) { return s.path == path; });
    if (span != spans.end()) {
      low = span->low;
      high = span->high;
    }
    if (path == "adaptive.memory.buffer" && trims_) high = most_trimming_buffer;
    double value = one_in(2) ? low : high;
    if (!one_in(4)) {
      const double around = center.value_or(0);
      const double least = std::max({low, around / 30, fraction ? high * 1e-6 : 1.0});
      const double most = around > 0 && span == spans.end() ? std::min(high, around * 30) : high;
      value = least * std::pow(std::max(1.0, most / least), random_.uniform());
      if (one_in(2)) value = rounded(value);
      value = std::clamp(value, low, high);
    }
    if (fraction) return fmt::format("{}", value);
    const auto whole = static_cast<std::uint64_t>(value);
    return units == nullptr ? std::to_string(whole) : print_quantity(whole, *units);
  }

  /// To two digits.
  static double rounded(double value) {
    const double digit = std::pow(10.0, std::floor(std::log10(value)) - 1);
    return std::round(value / digit) * digit;
  }

  Rng random_;
  Scenario scenario_;
  Section root_;  ///< of scenario_
  bool all_lossless_ = false;
  bool trims_ = false;  ///< if it can: with lossy classes and little memory
  std::vector<fs::path> matrices_;
};

}  // namespace

RandomScenario random_scenario(std::uint64_t seed) { return Drawing(seed).draw(); }

std::string RandomScenario::spell() const { return testing::spell(tree); }

void RandomScenario::remove_matrices() const {
  for (const fs::path& file : matrices) fs::remove(file);
}

std::string spell(const Json& tree) {
  std::string text;
  for (const auto& [key, value] : tree.items()) {
    text += fmt::format("{}: {}\n", key, in_a_line(value));
  }
  return text;
}

}  // namespace heddle::testing
