#include "engine/explain.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "engine/conditions.h"
#include "engine/field_text.h"
#include "engine/name_selection.h"
#include "engine/nearest.h"
#include "engine/presets.h"
#include "engine/scenario.h"
#include "engine/statistics.h"
#include "kernel/error.h"

namespace heddle {
namespace {

/// A section of the scenario with everything that must hold for its fields to apply.
struct Group {
  std::string path;
  std::string what;
  std::vector<Field> fields;
  std::vector<std::string> conditions;
};

/// A condition's key as seen from the root of the scenario.
std::string from_root(Condition condition, const std::string& scope) {
  if (condition.key.front() != '/') condition.key = join_path(scope, condition.key);
  return condition_text(condition);
}

void collect(const Section& section, const std::string& path,
             const std::vector<std::string>& conditions, std::vector<Group>& groups) {
  groups.push_back({path, section.what, section.fields, conditions});
  for (const Section& inner : section.sections) {
    std::vector<std::string> inner_conditions = conditions;
    for (const Condition& c : inner.conditions) inner_conditions.push_back(from_root(c, path));
    const std::string inner_path = join_path(path, inner.key);
    if (!inner.members) {
      collect(inner, inner_path, inner_conditions, groups);
      continue;
    }
    // Of a list, the first member with its defaults stands for all.
    inner.resize(1);
    Section member = inner.members().front();
    member.what = inner.what;
    collect(member, inner_path, inner_conditions, groups);
  }
}

/// All groups of a scenario with default values, which the caller keeps alive.
std::vector<Group> groups_of(Scenario& scenario) {
  Section root = describe(scenario);
  root.what = "The scenario itself.";
  std::vector<Group> groups;
  collect(root, "", {}, groups);
  return groups;
}

std::vector<std::string> all_conditions(const Group& group, const Field& field) {
  std::vector<std::string> conditions = group.conditions;
  for (const Condition& c : field.conditions) conditions.push_back(from_root(c, group.path));
  return conditions;
}

std::string default_text(const Field& field) {
  const std::string text = value_text(field);
  return text.empty() ? "(empty)" : text;
}

std::string preset_use(const Preset& preset) {
  return fmt::format("`{}: {{preset: {}}}`; the scenario's own keys override its values",
                     preset.section, preset.name);
}

std::string explain_field(const Group& group, const Field& field) {
  std::string text = fmt::format("{}\n  {}\n", join_path(group.path, field.key), field.what);
  const auto line = [&](const char* label, const std::string& value) {
    if (!value.empty()) text += fmt::format("  {:<8} {}\n", label, value);
  };
  line("type", type_text(field));
  line("default", default_text(field));
  line("range", range_text(field));
  for (const std::string& condition : all_conditions(group, field)) line("only if", condition);
  line("source", field.source);
  return text;
}

std::string explain_group(const Group& group) {
  std::string text = fmt::format("{}\n  {}\n", group.path, group.what);
  for (const std::string& condition : group.conditions) {
    text += fmt::format("  only if  {}\n", condition);
  }
  for (const Field& field : group.fields) {
    text += fmt::format("  {:<24} {:<16} {}\n", field.key, default_text(field), field.what);
  }
  return text;
}

std::string explain_preset(const Preset& preset) {
  std::string text = fmt::format("{}\n  {}: {}.\n  {:<8} {}\n", preset.name, preset.device,
                                 preset.ports, "use", preset_use(preset));
  for (const PresetValue& value : preset.values) {
    text += fmt::format("  {:<24} {:<16} {}\n", value.key, value.value, value.source);
  }
  return text;
}

std::string explain_statistic(const Statistic& statistic) {
  return fmt::format("{}\n  {}\n  unit     {}\n  found    in results.json below variants.<name>\n",
                     statistic.path, statistic.what, statistic.unit);
}

std::string head(const std::string& path) { return path.substr(0, path.find('.')); }

/// Statistics that begin with `prefix` and a dot.
std::string explain_statistics_below(const std::string& prefix) {
  std::string text;
  for (const Statistic& statistic : statistics()) {
    if (statistic.path.rfind(prefix + ".", 0) != 0) continue;
    text += fmt::format("{} ({})\n  {}\n", statistic.path, statistic.unit, statistic.what);
  }
  return text;
}

std::string escaped(std::string text) {
  for (auto at = text.find('|'); at != std::string::npos; at = text.find('|', at + 2)) {
    text.insert(at, "\\");
  }
  return text;
}

std::string wrapped_line(std::string line, std::size_t width) {
  const std::size_t gap = line.rfind("  ");
  const std::size_t indent = gap == std::string::npos ? 0 : std::min(gap + 2, width / 2);
  std::string text;
  while (line.size() > width) {
    std::size_t space = line.rfind(' ', width);
    if (space == std::string::npos || space < indent) space = line.find(' ', width);
    const std::size_t next = line.find_first_not_of(' ', space);
    if (next == std::string::npos) break;
    text += line.substr(0, line.find_last_not_of(' ', space) + 1) + '\n';
    line = std::string(indent, ' ') + line.substr(next);
  }
  return text + line;
}

/// Those of a group that was named, or that were named themselves.
std::vector<Field> wanted_fields(const Group& group, NameSelection& wanted) {
  const bool whole = wanted.has(group.path.empty() ? "scenario" : group.path);
  std::vector<Field> fields;
  for (const Field& field : group.fields) {
    if (wanted.names(join_path(group.path, field.key)) || whole) fields.push_back(field);
  }
  return fields;
}

std::string parameter_table(const Group& group, const std::vector<Field>& fields) {
  std::string text = fmt::format("### {}\n\n{}", group.path.empty() ? "The scenario" : group.path,
                                 group.path.empty() ? "Keys at the top of the file." : group.what);
  if (!group.conditions.empty()) {
    text += fmt::format(" Only if {}.", fmt::join(group.conditions, " and "));
  }
  text += "\n\n| key | default | type and range | meaning | source |\n|---|---|---|---|---|\n";
  for (const Field& field : fields) {
    std::string type = type_text(field);
    if (const std::string range = range_text(field); !range.empty()) type += "; " + range;
    std::string what = field.what;
    std::vector<std::string> conditions;
    for (const Condition& c : field.conditions) conditions.push_back(from_root(c, group.path));
    if (!conditions.empty()) what += fmt::format(" Only if {}.", fmt::join(conditions, " and "));
    text += fmt::format("| `{}` | {} | {} | {} | {} |\n", field.key, escaped(default_text(field)),
                        escaped(type), escaped(what), escaped(field.source));
  }
  return text;
}

std::string preset_table(const Preset& preset) {
  std::string text =
      fmt::format("### Preset {}\n\n{}: {}. Use: {}.\n\n| key | value | source |\n|---|---|---|\n",
                  preset.name, preset.device, preset.ports, preset_use(preset));
  for (const PresetValue& value : preset.values) {
    text += fmt::format("| `{}` | {} | {} |\n", value.key, value.value, escaped(value.source));
  }
  return text;
}

std::string statistics_table() {
  std::string text =
      "### Statistics\n\n| key below `variants.<name>` | unit | meaning |\n|---|---|---|\n";
  for (const Statistic& statistic : statistics()) {
    text += fmt::format("| `{}` | {} | {} |\n", statistic.path, statistic.unit,
                        escaped(statistic.what));
  }
  return text;
}

}  // namespace

std::string explain(const std::string& key) {
  Scenario scenario;
  std::vector<std::string> names;
  for (const Group& group : groups_of(scenario)) {
    if (group.path == key && !key.empty()) return explain_group(group);
    names.push_back(group.path);
    for (const Field& field : group.fields) {
      names.push_back(join_path(group.path, field.key));
      if (names.back() == key) return explain_field(group, field);
    }
  }
  if (const Preset* preset = find_preset(key)) return explain_preset(*preset);
  for (const Preset& preset : presets()) names.push_back(preset.name);
  const Statistic* const statistic = find_statistic(split_path(key));
  if (statistic != nullptr) return explain_statistic(*statistic);
  if (std::string text = explain_statistics_below(key); !text.empty()) return text;

  for (const Statistic& other : statistics()) names.push_back(other.path);
  std::vector<std::string> ends;
  for (const std::string& name : names) {
    const std::string end = "." + key;
    if (name.size() > end.size() && name.substr(name.size() - end.size()) == end) {
      ends.push_back(name);
    }
  }
  const std::string best =
      ends.empty() ? nearest(key, names) : fmt::format("{}", fmt::join(ends, "' or '"));
  throw InputError(fmt::format("'{}' is neither a parameter, a preset nor a statistic{}", key,
                               best.empty() ? "; 'heddle explain' lists them all"
                                            : fmt::format("; did you mean '{}'?", best)));
}

std::string explain_overview() {
  Scenario scenario;
  std::string text = "Parameters of a scenario (heddle explain SECTION or SECTION.KEY):\n";
  for (const Group& group : groups_of(scenario)) {
    if (!group.path.empty()) {
      text += fmt::format("  {:<20} {}\n", group.path, group.what);
      continue;
    }
    for (const Field& field : group.fields) {
      text += fmt::format("  {:<20} {}\n", field.key, field.what);
    }
  }
  text += "\nPresets (heddle explain NAME):\n";
  for (const Preset& preset : presets()) {
    text += fmt::format("  {:<20} {}\n", preset.name, preset.device);
  }
  text += "\nStatistics of a run (heddle explain NAME):\n";
  std::string last;
  for (const Statistic& statistic : statistics()) {
    if (head(statistic.path) != last) text += fmt::format("  {}\n", head(statistic.path));
    last = head(statistic.path);
  }
  return text;
}

std::string wrapped(const std::string& text, std::size_t width) {
  std::string result;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    result += wrapped_line(text.substr(begin, end - begin), width) + '\n';
    begin = end + 1;
  }
  return result;
}

std::string explain_markdown(const std::vector<std::string>& names) {
  Scenario scenario;
  NameSelection wanted(names);
  std::vector<std::string> tables;
  for (const Group& group : groups_of(scenario)) {
    const std::vector<Field> fields = wanted_fields(group, wanted);
    if (!fields.empty()) tables.push_back(parameter_table(group, fields));
  }
  for (const Preset& preset : presets()) {
    if (wanted.has(preset.name)) tables.push_back(preset_table(preset));
  }
  if (wanted.has("statistics")) tables.push_back(statistics_table());
  wanted.check();
  return fmt::format("{}", fmt::join(tables, "\n"));
}

}  // namespace heddle
