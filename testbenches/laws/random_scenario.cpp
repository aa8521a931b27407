#include "laws/random_scenario.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <vector>

#include "engine/check.h"
#include "engine/conditions.h"
#include "engine/field_text.h"
#include "engine/presets.h"
#include "engine/quantity.h"
#include "engine/scenario.h"
#include "kernel/error.h"
#include "kernel/rng.h"

namespace heddle::testing {
namespace {

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
};

/// Left as in the scenario that the drawing begins with.
constexpr std::array fixed{"name", "seed", "measure.deadline", "measure.watchdog", "workload.file"};

/// A clock's period is a whole number of picoseconds.
constexpr std::array clocks{"100 MHz", "250 MHz", "800 MHz", "1 GHz", "1.25 GHz", "2 GHz"};

/// The shape of the scenario, and what makes it tight.
bool always_drawn(const std::string& path) {
  constexpr std::array paths{"switch",           "routing",     "workload.pattern",
                             "workload.message", "nic.receive", "adaptive.memory.buffer",
                             "scheduled.buffer"};
  const bool size = path.rfind("fabric.", 0) == 0 && path.find('.', 7) == std::string::npos &&
                    path != "fabric.clock";
  return size || std::find(paths.begin(), paths.end(), path) != paths.end();
}

double mean_bytes(const WorkloadConfig& workload) {
  constexpr double mean_flow = 1e6;  // of the larger distribution
  return workload.pattern == Pattern::flows ? mean_flow
                                            : static_cast<double>(workload.message.value);
}

double messages_of(const WorkloadConfig& workload, const Scenario& scenario) {
  const auto hosts = static_cast<double>(scenario.fabric.host_count());
  switch (workload.pattern) {
    case Pattern::incast:
      return static_cast<double>(workload.senders * workload.receivers);
    case Pattern::all_to_all:
      return hosts * (hosts - 1);
    case Pattern::permutation:
      return hosts;
    default:
      break;
  }
  constexpr double overhead = 78;  // headers and framing of a datagram
  const double sent = static_cast<double>(scenario.fabric.host_link.rate.bits_per_second) / 8 *
                      static_cast<double>(workload.duration.picoseconds) * 1e-12;
  return hosts * (1 + workload.load * sent / (mean_bytes(workload) + overhead));
}

/// Sent on all links by one message, about.
double frames_per_message(const WorkloadConfig& workload, const Scenario& scenario) {
  const double bytes = mean_bytes(workload);
  const double packets = std::ceil(bytes / static_cast<double>(scenario.nic.mtu.value));
  if (scenario.switch_kind == SwitchKind::adaptive) return 4 * packets;
  const auto payload = static_cast<double>(scenario.scheduled.cell_payload.value);
  return 4 * packets + 3 * std::ceil(bytes / payload);
}

bool is_legal_and_short(const Scenario& scenario) {
  try {
    check(scenario);
  } catch (const InputError&) {
    return false;
  }
  double frames = 0;
  double messages = 0;
  for (const WorkloadConfig& workload : scenario.workload) {
    const double count = messages_of(workload, scenario);
    messages += count;
    frames += count * frames_per_message(workload, scenario);
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

std::string in_a_line(const Json& tree) {
  if (tree.is_string()) return tree.get<std::string>();
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
    root_ = describe(scenario_);
    all_lossless_ = one_in(2);
  }

  /// What others must fit comes first, what must fit others last.
  Json draw() {
    draw_inner(section("fabric"), root_, "");
    draw_inner(section("classes"), root_, "");
    draw_fields(root_, "");
    for (const Section& inner : root_.sections) {
      const bool in_its_turn =
          inner.key == "fabric" || inner.key == "classes" || inner.key == "workload";
      if (!in_its_turn) draw_inner(inner, root_, "");
    }
    draw_inner(section("workload"), root_, "");
    Scenario plain;
    const Section defaults = describe(plain);
    with_presets(plain, defaults);
    return spell_out(root_, defaults, root_);
  }

 private:
  static constexpr Bytes first_message = 4_KiB;

  /// A value that is not spelled is the preset's, if it has one.
  void with_presets(Scenario& plain, const Section& defaults) const {
    plain.scheduled.preset = scenario_.scheduled.preset;
    plain.adaptive.preset = scenario_.adaptive.preset;
    apply_presets(defaults);
    plain.scheduled.preset = ScheduledPreset::none;
    plain.adaptive.preset = AdaptivePreset::none;
  }

  const Section& section(const std::string& key) const { return *find_key(root_.sections, key); }

  bool one_in(std::uint32_t n) { return random_.below(n) == 0; }
  template <class Array>
  auto& any_of(const Array& values) {
    return values[random_.below(static_cast<std::uint32_t>(values.size()))];
  }

  void draw_inner(const Section& inner, const Section& scope, const std::string& path) {
    if (broken_condition(inner.conditions, scope, root_)) return;
    const std::string inner_path = join_path(path, inner.key);
    if (inner.key == "events") return;  // they need a fabric that is known
    if (inner.members) return draw_list(inner, inner_path);
    draw_fields(inner, inner_path);
    for (const Section& nested : inner.sections) draw_inner(nested, inner, inner_path);
  }

  /// A list of one to eight, the workload of one to three.
  void draw_list(const Section& list, const std::string& path) {
    constexpr std::array<std::size_t, 6> sizes{1, 1, 1, 2, 3, 8};
    const bool workload = list.key == "workload";
    list.resize(std::min<std::size_t>(any_of(sizes), workload ? 3 : 8));
    if (workload) {
      for (WorkloadConfig& config : scenario_.workload) config.message = first_message;
    }
    if (!is_legal_and_short(scenario_)) list.resize(1);
    for (const Section& member : list.members()) draw_fields(member, path);
  }

  void draw_fields(const Section& section, const std::string& path) {
    for (const Field& field : section.fields) {
      const std::string field_path = join_path(path, field.key);
      const bool skipped = std::find(fixed.begin(), fixed.end(), field_path) != fixed.end() ||
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
};

}  // namespace

Json random_scenario(std::uint64_t seed) { return Drawing(seed).draw(); }

std::string spell(const Json& scenario) {
  std::string text;
  for (const auto& [key, value] : scenario.items()) {
    text += fmt::format("{}: {}\n", key, in_a_line(value));
  }
  return text;
}

}  // namespace heddle::testing
