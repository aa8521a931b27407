#include "engine/loader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>

#include "engine/check.h"
#include "engine/conditions.h"
#include "engine/document.h"
#include "engine/field_text.h"
#include "engine/nearest.h"
#include "engine/presets.h"
#include "engine/reader.h"
#include "kernel/error.h"

namespace heddle {
namespace {

namespace fs = std::filesystem;
using Kind = Node::Kind;

constexpr std::size_t max_name_length = 32;  // a column of the table must hold it

bool is_name(const std::string& text, const char* extra) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view(extra).find(c) != std::string_view::npos;
  });
}

/// `workload: {file: x}` says all there is to say: the pattern is `file`.
void imply_pattern(Node& layer) {
  Node* workload = layer.find("workload");
  if (workload == nullptr) return;
  const auto imply = [](Node& group) {
    const Node* file = group.find("file");
    if (file == nullptr || group.find("pattern") != nullptr) return;
    Node pattern = *file;
    pattern.key = "pattern";
    pattern.text = "file";
    group.children.push_back(std::move(pattern));
  };
  imply(*workload);
  if (workload->kind != Kind::list) return;
  for (Node& group : workload->children) imply(group);
}

std::vector<std::string> list_keys() {
  Scenario scenario;
  std::vector<std::string> keys;
  for (const Section& section : describe(scenario).sections) {
    if (section.resize) keys.push_back(section.key);
  }
  return keys;
}

/// Unlike one in a file, a workload path on the command line starts from the current folder.
void apply_set(Node& root, const std::string& set) {
  const std::string option = "--set " + set;
  const std::string key = set.substr(0, set.find('='));
  const bool workload_file = key.find("workload.") != std::string::npos && key.size() > 5 &&
                             key.compare(key.size() - 5, 5, ".file") == 0 &&
                             key.size() < set.size();
  if (!workload_file) return set_path(root, set, option, list_keys());
  const std::string file = fs::absolute(set.substr(key.size() + 1)).string();
  set_path(root, fmt::format("{}='{}'", key, file), option, list_keys());
  const std::string pattern = key.substr(0, key.size() - 4) + "pattern";
  const Node& present = closest(root, pattern);
  const bool takes_file =
      present.key == "pattern" && (present.text == "layers" || present.text == "kernel");
  if (!takes_file) set_path(root, pattern + "=file", option, list_keys());
}

void mark_variant(Node& node) {
  node.from_variant = true;
  for (Node& child : node.children) mark_variant(child);
}

/// A leaf of the text, however many variants it reached. An option may give several.
std::string identity(const Node& leaf) { return leaf.place + '\n' + leaf.key + '\n' + leaf.text; }

/// Builds the variants and keeps account of which keys of the common part served any of them.
class Loader {
 public:
  Loader(Node document, std::string name)
      : document_(std::move(document)), name_(std::move(name)) {}

  std::vector<Scenario> load(const LoadOptions& options) {
    imply_pattern(document_);
    for (const std::string& set : options.sets) apply_set(document_, set);
    if (!options.seed.empty()) {
      set_path(document_, "seed=" + options.seed, "--seed " + options.seed, list_keys());
    }
    if (!options.rtl.empty()) {
      const std::string names = fmt::format("{}", fmt::join(options.rtl, "', '"));
      set_path(document_, "rtl=['" + names + "']", "--rtl " + names, list_keys());
    }
    for_each_leaf(document_, [&](const Node& leaf) {
      if (leaf.from_option) options_.insert(leaf.place);
    });
    const Node variants = take_variants();
    std::vector<Scenario> all;
    if (variants.children.empty()) all.push_back(build(document_, "", false));
    for (const Node& variant : variants.children) all.push_back(build_variant(variant));
    reject_unused();
    std::vector<Scenario> chosen = choose(std::move(all), options.variants);
    reject_idle_options(chosen);
    return chosen;
  }

 private:
  /// The workload of the common part, read once: it may have a thousand groups, and there may be a
  /// thousand variants.
  struct SharedWorkload {
    Node rest;  ///< the common part without it
    std::vector<WorkloadConfig> groups;
    std::set<std::string> options;  ///< each --set that served it
  };

  Node take_variants() {
    Node* found = document_.find("variants");
    if (found == nullptr) return {};
    Node variants = std::move(*found);
    document_.children.erase(document_.children.begin() + (found - document_.children.data()));
    if (variants.kind != Kind::map || variants.children.empty()) {
      fail_at(variants, "variants", "expected a name and keys for each variant");
    }
    std::vector<std::string> names;
    for (const Node& variant : variants.children) {
      if (variant.from_option) {
        fail_at(variant, "variants." + variant.key,
                "no such variant" + suggestion(variant.key, names));
      }
      names.push_back(variant.key);
      if (!is_name(variant.key, "_-") || variant.key.size() > max_name_length) {
        fail_at(variant, "variants",
                fmt::format("'{}' is no name for a variant; use up to {} letters, digits, _ and -",
                            variant.key, max_name_length));
      }
      if (variant.kind != Kind::map && variant.kind != Kind::empty) {
        fail_at(variant, "variants." + variant.key, "expected keys with values");
      }
    }
    return variants;
  }

  Scenario build_variant(const Node& variant) {
    Node own = variant;
    for (const char* key : {"name", "variants"}) {
      if (const Node* node = own.find(key)) {
        fail_at(*node, fmt::format("variants.{}.{}", variant.key, key),
                "belongs to the whole file");
      }
    }
    mark_variant(own);
    imply_pattern(own);
    const bool has_workload = own.find("workload") != nullptr;
    const bool shares = shared_ && !has_workload;
    Node merged = shares ? shared_->rest : document_;
    overlay(merged, own);
    Scenario scenario = build(std::move(merged), variant.key, shares);
    if (!shared_ && !has_workload) share_workload(scenario);
    return scenario;
  }

  /// For variants to come that have none of their own: its keys depend on each other only, so what
  /// `scenario` has, and does without, they have as well.
  void share_workload(const Scenario& scenario) {
    const Node* workload = document_.find("workload");
    if (workload == nullptr) return;
    SharedWorkload shared{document_, scenario.workload, {}};
    auto& keys = shared.rest.children;
    keys.erase(keys.begin() + (workload - document_.children.data()));
    for_each_leaf(*workload, [&](const Node& leaf) {
      if (option_served_.count({scenario.variant, leaf.place}) > 0)
        shared.options.insert(leaf.place);
    });
    shared_ = std::move(shared);
  }

  /// A key that does not apply may decide whether another does, so the tree is read again without
  /// it, until nothing is left that does not apply.
  Scenario build(Node tree, const std::string& variant, bool shares_workload) {
    for (;;) {
      Scenario scenario;
      if (shares_workload) scenario.workload = shared_->groups;
      const Section root = describe(scenario);
      read_into(root, tree);
      if (apply_presets(root)) read_into(root, tree);  // what the text says goes over them
      const std::vector<Dropped> dropped = drop_inapplicable(root, tree);
      for (const Dropped& drop : dropped) note_dropped(drop, variant);
      if (!dropped.empty()) continue;
      note_used(tree, variant);
      if (shares_workload) note_served(shared_->options, variant);
      scenario.variant = variant;
      scenario.accelerator.array.clock = scenario.fabric.clock;
      finish(scenario, tree);
      return scenario;
    }
  }

  void note_dropped(const Dropped& drop, const std::string& variant) {
    for_each_leaf(drop.node, [&](const Node& leaf) {
      if (leaf.from_variant) {
        fail_at(leaf, join_path("variants." + variant, drop.path), drop.sentence);
      }
      // Another variant may know better: the longer path is closer to the reason.
      Dropped& reason = unused_[identity(leaf)];
      if (drop.path.size() >= reason.path.size()) {
        reason = {leaf, drop.path, drop.sentence};
      }
    });
  }

  void note_used(const Node& tree, const std::string& variant) {
    for_each_leaf(tree, [&](const Node& leaf) {
      used_.insert(identity(leaf));
      if (leaf.from_option) option_served_.emplace(variant, leaf.place);
    });
  }

  void note_served(const std::set<std::string>& options, const std::string& variant) {
    for (const std::string& option : options) option_served_.emplace(variant, option);
  }

  void finish(Scenario& scenario, const Node& tree) const {
    const fs::path file = name_;
    scenario.file = name_;
    scenario.directory = file.has_parent_path() ? file.parent_path().string() : ".";
    const Node* name = document_.find("name");
    if (name == nullptr) {
      scenario.name = file.stem().string();
    } else if (!is_name(scenario.name, "_-.") || scenario.name.front() == '.' ||
               scenario.name.size() > 100) {
      fail_at(*name, "name",
              "use up to 100 letters, digits, _, - and ., since it names the results folder");
    }
    try {
      check(scenario);
    } catch (const InputError& error) {
      const std::string& variant = scenario.variant;
      const std::string who = variant.empty() ? "" : fmt::format("variant '{}': ", variant);
      throw InputError(fmt::format("{}: {}{}", place_of(error, tree), who, error.what()));
    }
  }

  /// Of the key that an error of `check` begins with, or of the section where it would stand.
  std::string place_of(const InputError& error, const Node& tree) const {
    const std::string sentence = error.what();
    const std::string path = sentence.substr(0, sentence.find(':'));
    const bool shared = path.rfind("workload", 0) == 0 && tree.find("workload") == nullptr;
    const Node& all = shared ? document_ : tree;
    const Node& node = closest(all, path);
    return &node == &all ? name_ : node.place;
  }

  void reject_unused() const {
    for (const auto& [leaf, reason] : unused_) {
      if (used_.count(leaf) == 0) fail_at(reason.node, reason.path, reason.sentence);
    }
  }

  std::vector<Scenario> choose(std::vector<Scenario> all, const std::vector<std::string>& wanted) {
    if (wanted.empty()) return all;
    std::vector<std::string> names;
    names.reserve(all.size());
    for (const Scenario& scenario : all) names.push_back(label_of(scenario));
    for (const std::string& name : wanted) {
      if (std::find(names.begin(), names.end(), name) == names.end()) {
        throw InputError(
            fmt::format("{}: no variant '{}'{}", name_, name, suggestion(name, names)));
      }
    }
    std::vector<Scenario> chosen;
    for (Scenario& scenario : all) {
      if (std::find(wanted.begin(), wanted.end(), label_of(scenario)) != wanted.end()) {
        chosen.push_back(std::move(scenario));
      }
    }
    return chosen;
  }

  void reject_idle_options(const std::vector<Scenario>& chosen) const {
    for (const std::string& option : options_) {
      const bool served = std::any_of(chosen.begin(), chosen.end(), [&](const Scenario& scenario) {
        return option_served_.count({scenario.variant, option}) > 0;
      });
      if (served) continue;
      throw InputError(fmt::format(
          "{}: changes nothing: it is overridden or does not apply in the variants that run",
          option));
    }
  }

  Node document_;
  std::string name_;
  std::optional<SharedWorkload> shared_;
  std::map<std::string, Dropped> unused_;  ///< by leaf: why a variant did without it
  std::set<std::string> used_;             ///< leaves that some variant was read from
  std::set<std::string> options_;          ///< each --set that still stands in the document
  std::set<std::pair<std::string, std::string>> option_served_;  ///< variant and --set
};

/// Plain numbers and flags stay what they are; quantities are spelled out.
nlohmann::ordered_json json_value(const Field& field) {
  if (const auto* number = std::get_if<std::uint64_t*>(&field.target)) return **number;
  if (const auto* number = std::get_if<double*>(&field.target)) return **number;
  if (const auto* flag = std::get_if<bool*>(&field.target)) return **flag;
  if (const auto* names = std::get_if<Names*>(&field.target)) return **names;
  return value_text(field);
}

void add_parameters(const Section& section, const Section& root, nlohmann::ordered_json& json) {
  for (const Field& field : section.fields) {
    if (!broken_condition(field.conditions, section, root)) json[field.key] = json_value(field);
  }
  for (const Section& inner : section.sections) {
    if (broken_condition(inner.conditions, section, root)) continue;
    nlohmann::ordered_json& value = json[inner.key];
    if (!inner.members) {
      value = nlohmann::ordered_json::object();
      add_parameters(inner, root, value);
      continue;
    }
    value = nlohmann::ordered_json::array();
    for (const Section& member : inner.members()) {
      add_parameters(member, root, value.emplace_back(nlohmann::ordered_json::object()));
    }
  }
}

}  // namespace

std::vector<Scenario> load(const fs::path& file, const LoadOptions& options) {
  return Loader(read_document(file), file.string()).load(options);
}

std::vector<Scenario> load_text(const std::string& text, const std::string& name,
                                const LoadOptions& options) {
  return Loader(parse_document(text, name), name).load(options);
}

std::string label_of(const Scenario& scenario) {
  if (!scenario.variant.empty()) return scenario.variant;
  constexpr std::array<const char*, 4> kinds{"scheduled", "adaptive", "crossbar", "torus"};
  return kinds[static_cast<unsigned>(scenario.switch_kind)];
}

nlohmann::ordered_json parameters_of(const Scenario& scenario) {
  Scenario copy = scenario;
  const Section root = describe(copy);
  nlohmann::ordered_json json;
  add_parameters(root, root, json);
  return json;
}

}  // namespace heddle
