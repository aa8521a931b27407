#include "engine/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "engine/statistics.h"
#include "parts/cycle_account.h"

namespace heddle {
namespace {

using Json = nlohmann::ordered_json;

constexpr unsigned label_width = 25;

enum class Style {
  count,
  duration,
  bytes,
  percent,
  factor,
  gbps,
  seconds,
  word,
  figure,
  plus_minus,
  gbytes,
  tflops
};

struct Row {
  const char* label;
  const char* path;  ///< below the variant and `below` of the group, keys joined by dots
  Style style;
  bool may_hide = false;  ///< left out when it is zero for every variant
};

struct RowGroup {
  std::string title;
  std::vector<Row> rows;
  const char* samples = "";  ///< path of their number; without any, times and factors are unknown
  std::string below{};       ///< begin of the rows' paths, dot included
};

const std::vector<RowGroup>& groups_before_stages() {
  static const std::vector<RowGroup> groups{
      {"packets",
       {{"injected", "packets.injected", Style::count},
        {"delivered", "packets.delivered", Style::count},
        {"dropped", "packets.dropped", Style::count},
        {"discarded by receiver", "packets.discarded", Style::count},
        {"retransmitted", "packets.retransmitted", Style::count, true},
        {"time-outs", "packets.time_outs", Style::count, true},
        {"in flight at the end", "packets.in_flight", Style::count},
        {"throughput", "throughput.gbps", Style::gbps}}},
      {"packet latency",
       {{"mean", "latency_ns.mean", Style::duration},
        {"p50", "latency_ns.p50", Style::duration},
        {"p99", "latency_ns.p99", Style::duration},
        {"p99.9", "latency_ns.p999", Style::duration},
        {"max", "latency_ns.max", Style::duration}},
       "latency_ns.count"},
      {"torus",
       {{"offered load", "torus.offered_load", Style::percent},
        {"accepted load", "torus.accepted_load", Style::percent},
        {"hops, mean", "torus.hops", Style::figure},
        {"flit-hops", "torus.flit_hops", Style::count, true}}},
      {"chips that compute",
       {{"rate of each", "compute.tflops_per_chip", Style::tflops},
        {"its peak", "compute.peak_tflops_per_chip", Style::tflops},
        {"memory of each", "compute.memory_gbps_per_chip", Style::gbytes},
        {"its peak", "compute.peak_memory_gbps_per_chip", Style::gbytes},
        {"operations per byte", "compute.intensity", Style::figure},
        {"bound by", "compute.bound", Style::word},
        {"time, at the roof", "compute.roofline_ns", Style::duration},
        {"time", "compute.time_ns", Style::duration}},
       "compute.chips"},
      {"the systolic array, share of cycles",
       {{"loading only", "array.load", Style::percent, true},
        {"filling", "array.fill", Style::percent, true},
        {"full", "array.busy", Style::percent, true},
        {"padding", "array.padding", Style::percent, true},
        {"draining", "array.drain", Style::percent, true},
        {"empty", "array.idle", Style::percent, true}}},
      {"collective",
       {{"time", "collective.time_ns", Style::duration},
        {"bound: steps (L + m/B)", "collective.bound_ns", Style::duration},
        {"bound / time", "collective.bound_share", Style::percent},
        {"algbw", "collective.algbw_gbps", Style::gbytes},
        {"busbw", "collective.busbw_gbps", Style::gbytes},
        {"packets repeated", "collective.repeated", Style::count, true}},
       "collective.completed"},
      {"remote memory",
       {{"mean", "remote.latency_ns.mean", Style::duration},
        {"p50", "remote.latency_ns.p50", Style::duration},
        {"p99", "remote.latency_ns.p99", Style::duration},
        {"p99.9", "remote.latency_ns.p999", Style::duration},
        {"max", "remote.latency_ns.max", Style::duration},
        {"rate of each chip", "remote.gbps_per_chip", Style::gbytes},
        {"requests repeated", "remote.repeated", Style::count, true},
        {"errors", "remote.errors", Style::count, true}},
       "remote.latency_ns.count"},
      {"cells per slot and port",
       {{"offered", "cells.load", Style::figure},
        {"carried", "cells.throughput.mean", Style::figure},
        {"95 % confidence", "cells.throughput.half_width", Style::plus_minus},
        {"theory", "theory.throughput.mean", Style::figure},
        {"its confidence", "theory.throughput.half_width", Style::plus_minus}}},
      {"wait, slots",
       {{"mean", "cells.wait_slots.mean", Style::figure},
        {"95 % confidence", "cells.wait_slots.half_width", Style::plus_minus},
        {"theory", "theory.wait_slots.mean", Style::figure},
        {"its confidence", "theory.wait_slots.half_width", Style::plus_minus},
        {"p50", "cells.wait_slots.p50", Style::figure},
        {"p99", "cells.wait_slots.p99", Style::figure},
        {"p99.9", "cells.wait_slots.p999", Style::figure}}}};
  return groups;
}

const std::vector<RowGroup>& groups_after_stages() {
  static const std::vector<RowGroup> groups{
      {"messages",
       {{"completed", "messages.count", Style::count},
        {"completion, mean", "messages.completion_ns.mean", Style::duration},
        {"completion, p99", "messages.completion_ns.p99", Style::duration},
        {"completion, max", "messages.completion_ns.max", Style::duration},
        {"slowdown, mean", "messages.slowdown.mean", Style::factor},
        {"slowdown, p99", "messages.slowdown.p99", Style::factor}},
       "messages.count"},
      {"reordering on arrival",
       {{"reordered", "reordering.ratio", Style::percent},
        {"largest extent, packets", "reordering.extent_max", Style::count},
        {"largest n-reordering", "reordering.n_reordering_max", Style::count}}},
      {"peak buffer, all devices",
       {{"ingress", "buffers.total.ingress.peak_bytes", Style::bytes, true},
        {"fabric", "buffers.total.fabric.peak_bytes", Style::bytes, true},
        {"egress", "buffers.total.egress.peak_bytes", Style::bytes, true},
        {"hbm", "buffers.total.hbm.peak_bytes", Style::bytes, true},
        {"nic", "buffers.total.nic.peak_bytes", Style::bytes, true}}},
      {"run",
       {{"ended", "run.status", Style::word},
        {"simulated time", "run.time_ns", Style::duration},
        {"frame-hops", "run.frame_hops", Style::count, true},
        {"real time", "run.wall_s", Style::seconds},
        {"per frame-hop", "run.ns_per_frame_hop", Style::duration, true}}}};
  return groups;
}

/// What the first `most_events` events of a run have done; results.json has all.
constexpr std::size_t most_events = 12;

const std::vector<Row>& event_rows() {
  static const std::vector<Row> rows{{"at", "at_ns", Style::duration},
                                     {"links", "links", Style::count},
                                     {"noticed after", "noticed_after_ns", Style::duration},
                                     {"recovered after", "recovered_after_ns", Style::duration},
                                     {"frames lost", "frames_lost", Style::count},
                                     {"resent", "bytes_resent", Style::bytes},
                                     {"throughput before", "gbps.before", Style::gbps},
                                     {"during", "gbps.during", Style::gbps},
                                     {"after", "gbps.after", Style::gbps}};
  return rows;
}

/// Three significant digits, and all digits before the point.
std::string three_digits(double value) {
  const double size = std::abs(value);
  return fmt::format("{:.{}f}", value, size >= 99.95 || size == 0 ? 0 : size >= 9.995 ? 1 : 2);
}

std::string text_of(const Json& value, Style style) {
  if (style == Style::word) return value.is_string() ? value.get<std::string>() : "-";
  if (!value.is_number()) return "-";
  const auto number = value.get<double>();
  switch (style) {
    case Style::count:
      return human_count(number);
    case Style::duration:
      return human_duration(number);
    case Style::bytes:
      return human_bytes(number);
    case Style::percent:
      return number > 0 && number < 0.0001 ? "<0.01 %" : three_digits(number * 100) + " %";
    case Style::factor:
      return three_digits(number) + " x";
    case Style::figure:
      return fmt::format("{:.4g}", number);
    case Style::plus_minus:
      return fmt::format("+-{:.2g}", number);
    case Style::gbps:
      return three_digits(number) + " Gbps";
    case Style::gbytes:
      return three_digits(number / 8) + " GB/s";
    case Style::tflops:
      return three_digits(number) + " TFLOP/s";
    default:
      return three_digits(number) + " s";
  }
}

/// The value at a dotted path, or null. Keys of the tables contain no dots.
const Json& at_path(const Json& variant, const std::string& path) {
  static const Json none;
  const Json* value = &variant;
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find('.', begin), path.size());
    const auto found =
        value->is_object() ? value->find(path.substr(begin, end - begin)) : value->end();
    if (!value->is_object() || found == value->end()) return none;
    value = &*found;
    begin = end + 1;
  }
  return *value;
}

bool is_zero(const Json& value) {
  return value.is_null() || (value.is_number() && value.get<double>() == 0);
}

/// Some variants side by side.
class Columns {
 public:
  /// `parameters` of results.json, of all variants; `width` of the table.
  Columns(std::vector<std::pair<std::string, const Json*>> variants, const Json& parameters,
          unsigned width)
      : variants_(std::move(variants)), parameters_(parameters), width_(width) {}

  std::string print() {
    add("", [](const std::string& name, const Json&) { return name; });
    for (const RowGroup& group : groups_before_stages()) add_group(group);
    add_engines();
    add_stages();
    for (const RowGroup& group : groups_after_stages()) add_group(group);
    add_events();
    return std::move(text_);
  }

  static unsigned column_width(const std::string& name) {
    return static_cast<unsigned>(std::max<std::size_t>(name.size(), 14)) + 2;
  }

 private:
  template <class Cell>
  void add(const std::string& label, Cell cell) {
    std::string line = fmt::format("{:<{}}", label, label_width);
    for (const auto& [name, variant] : variants_) {
      line += fmt::format("{:>{}}", cell(name, *variant), column_width(name));
    }
    text_ += line + '\n';
  }

  bool zero_everywhere(const std::string& path) const {
    return std::all_of(variants_.begin(), variants_.end(), [&](const auto& variant) {
      return is_zero(at_path(*variant.second, path));
    });
  }

  bool absent_everywhere(const std::string& path) const {
    return std::all_of(variants_.begin(), variants_.end(), [&](const auto& variant) {
      return at_path(*variant.second, path).is_null();
    });
  }

  void add_group(const RowGroup& group) {
    std::string title = group.title + '\n';
    for (const Row& row : group.rows) {
      const std::string path = group.below + row.path;
      if (absent_everywhere(path) || (row.may_hide && zero_everywhere(path))) continue;
      text_ += std::exchange(title, "");
      add(std::string("  ") + row.label, [&](const std::string&, const Json& variant) {
        const bool sampled = row.style == Style::duration || row.style == Style::factor;
        const bool unknown = sampled && at_path(variant, group.samples) == 0;
        return unknown ? "-" : text_of(at_path(variant, path), row.style);
      });
    }
  }

  void add_events() {
    std::size_t events = 0;
    for (const auto& [name, variant] : variants_) {
      if (variant->contains("events")) events = std::max(events, events_of(name).size());
    }
    for (std::size_t i = 0; i < std::min(events, most_events); ++i) {
      add_group({event_title(i), event_rows(), "", fmt::format("events.{}.", i)});
    }
    if (events > most_events) {
      text_ += fmt::format("and {} more events, in results.json\n", events - most_events);
    }
  }

  /// As the scenario has them.
  const Json& events_of(const std::string& variant) const {
    static const Json none = Json::array();
    const auto of_variant = parameters_.find(variant);
    if (of_variant == parameters_.end()) return none;
    const auto events = of_variant->find("events");
    return events == of_variant->end() ? none : *events;
  }

  /// What it is, unless that differs between the variants.
  std::string event_title(std::size_t event) const {
    std::string title;
    for (const auto& [name, variant] : variants_) {
      const Json& events = events_of(name);
      if (event >= events.size()) continue;
      const std::string text =
          fmt::format("event {}: {} {}", event, events[event].at("action").get<std::string>(),
                      events[event].at("link").get<std::string>());
      if (!title.empty() && title != text) return fmt::format("event {}", event);
      title = text;
    }
    return title.size() > width_ ? title.substr(0, width_ - 3) + "..." : title;
  }

  /// What the array waits for, cause by cause; of the other engines, how busy they are.
  void add_engines() {
    std::string title = "where the cycles of the engines went\n";
    const auto row = [&](const std::string& engine, const char* cause) {
      const std::string path = "engines." + engine + "." + cause;
      if (zero_everywhere(path)) return;
      text_ += std::exchange(title, "");
      std::string label = fmt::format("  {}: {}", engine, cause);
      std::replace(label.begin(), label.end(), '_', ' ');
      add(label, [&](const std::string&, const Json& variant) {
        const Json& share = at_path(variant, path);
        return share.is_null() ? "-" : text_of(share, Style::percent);
      });
    };
    for (const char* cause : cycle_cause_names) row("tensor", cause);
    for (const char* engine : {"vector", "scalar", "gpsimd", "sync"}) row(engine, "busy");
    for (const char* cause : {"busy", "hbm", "torus", "idle"}) row("dma", cause);
  }

  void add_stages() {
    std::string title = "why is it slow: mean time, share of the slowest 0.1 %\n";
    for (const StageText& stage : stage_texts()) {
      const std::string path = "latency_stage_ns." + stage.name;
      if (zero_everywhere(path + ".mean") && zero_everywhere(path + ".tail_share")) continue;
      text_ += std::exchange(title, "");
      std::string label = "  " + stage.name;
      std::replace(label.begin(), label.end(), '_', ' ');
      add(label, [&](const std::string&, const Json& variant) {
        const Json& share = at_path(variant, path + ".tail_share");
        const std::string percent =
            share.is_number() ? fmt::format("{:.0f} %", share.get<double>() * 100) : "-";
        return fmt::format("{} {:>5}", text_of(at_path(variant, path + ".mean"), Style::duration),
                           percent);
      });
    }
  }

  std::vector<std::pair<std::string, const Json*>> variants_;
  const Json& parameters_;
  unsigned width_;
  std::string text_;
};

/// Where the rows of theory come from.
std::string theory_sources(const Json& variants) {
  std::string text;
  for (const auto& [name, variant] : variants.items()) {
    const Json& source = at_path(variant, "theory.source");
    if (source.is_null()) continue;
    text += fmt::format("  {}: {}\n", name, source.get<std::string>());
  }
  return text.empty() ? text : "theory\n" + text;
}

/// Divides by the largest step of the scale that leaves at least one.
template <std::size_t N>
std::string scaled(double value, double step, const std::array<const char*, N>& units) {
  std::size_t unit = 0;
  while (unit + 1 < N && std::abs(value) >= step * 0.9995) {
    value /= step;
    ++unit;
  }
  const bool whole = unit == 0 && value == std::floor(value);
  return fmt::format("{} {}", whole ? fmt::format("{:.0f}", value) : three_digits(value),
                     units[unit]);
}

}  // namespace

std::string human_duration(double nanoseconds) {
  return scaled(nanoseconds, 1000, std::array{"ns", "us", "ms", "s"});
}

std::string human_bytes(double bytes) {
  return scaled(bytes, 1024, std::array{"B", "KiB", "MiB", "GiB", "TiB"});
}

std::string human_count(double count) {
  std::string text = fmt::format("{:.0f}", count);
  for (std::size_t end = text.size(); end > 3 && text[end - 4] != '-';) {
    end -= 3;
    text.insert(end, ",");
  }
  return text;
}

std::string table(const Json& document, unsigned width) {
  std::string text = fmt::format("{}, seed {}\n", document.at("scenario").get<std::string>(),
                                 document.at("seed").get<std::uint64_t>());
  const Json& parameters = document.at("parameters");
  std::vector<std::pair<std::string, const Json*>> variants;
  unsigned used = label_width;
  const auto flush = [&] {
    if (!variants.empty()) {
      text += '\n' + Columns(std::exchange(variants, {}), parameters, width).print();
    }
    used = label_width;
  };
  for (const auto& [name, variant] : document.at("variants").items()) {
    const unsigned column = Columns::column_width(name);
    if (used + column > width) flush();
    variants.emplace_back(name, &variant);
    used += column;
  }
  flush();
  return text + theory_sources(document.at("variants"));
}

}  // namespace heddle
