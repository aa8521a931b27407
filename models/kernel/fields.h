// One declaration per parameter. A configuration struct lists its members once in `describe`; the
// scenario parser, range errors, `heddle explain`, the parameter pages and the JSON echo all read
// that list, so a name, default, range, sentence and source cannot disagree between them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "kernel/units.h"

namespace heddle {

/// An enumeration behind a word of the scenario: `names[i]` spells value i.
struct ChoiceTarget {
  std::vector<std::string> names;
  std::uint8_t* target = nullptr;
};

/// Words: a list in a scenario, or a single one.
using Names = std::vector<std::string>;

/// What a field points to. An empty optional is spelled `auto` in a scenario.
using FieldTarget =
    std::variant<std::uint64_t*, double*, bool*, std::string*, Names*, Bytes*, Duration*, Rate*,
                 Frequency*, std::optional<Bytes>*, std::optional<Duration>*, std::optional<Rate>*,
                 std::optional<std::uint64_t>*, ChoiceTarget>;

/// A key means something only while the choice field `key` spells one of `values`. The path is
/// that of a field in the same section, or from the root of the scenario when it starts with '/'.
struct Condition {
  std::string key;
  std::vector<std::string> values;
};

/// One parameter. `minimum` and `maximum` are inclusive and in the base unit of the target
/// (bytes, picoseconds, bits per second, hertz, or plain number); unused for words and flags.
struct Field {
  std::string key;
  FieldTarget target;
  double minimum = 0;
  double maximum = 0;
  std::string what;                   ///< one sentence
  std::string source;                 ///< of the rule or the default; empty when it is a choice
  std::vector<Condition> conditions;  ///< all must hold, or the key is rejected

  Field& when(std::string other_key, std::vector<std::string> values) {
    conditions.push_back({std::move(other_key), std::move(values)});
    return *this;
  }
};

/// A named group of fields (`host_link: {rate: ..., latency: ...}`).
struct Section {
  std::string key;
  std::string what;
  std::vector<Field> fields;
  std::vector<Section> sections;
  std::vector<Condition> conditions;
  /// Set for a list of groups: gives the list `n` default members. A single group may stand for a
  /// list of one.
  std::function<void(std::size_t n)> resize;
  /// Set for a list of groups: describes its present members.
  std::function<std::vector<Section>()> members;
  bool may_be_empty = false;  ///< of a list

  Section& when(std::string other_key, std::vector<std::string> values) {
    conditions.push_back({std::move(other_key), std::move(values)});
    return *this;
  }
};

/// Collects the description of a configuration struct. Pointers refer into the struct described,
/// which must outlive the use of the section.
class Fields {
 public:
  explicit Fields(Section& section) : section_(section) {}

  template <class T>
  Field& add(std::string key, T& target, double minimum, double maximum, std::string what,
             std::string source = "") {
    section_.fields.push_back(
        {std::move(key), &target, minimum, maximum, std::move(what), std::move(source), {}});
    return section_.fields.back();
  }

  /// Flags, free text and names have no range.
  Field& flag(std::string key, bool& target, std::string what, std::string source = "") {
    return add(std::move(key), target, 0, 1, std::move(what), std::move(source));
  }
  Field& text(std::string key, std::string& target, std::string what, std::string source = "") {
    return add(std::move(key), target, 0, 0, std::move(what), std::move(source));
  }

  Field& names(std::string key, Names& target, std::string what, std::string source = "") {
    return add(std::move(key), target, 0, 0, std::move(what), std::move(source));
  }

  /// `E` must be an enumeration over std::uint8_t that counts from 0 in the order of `names`.
  template <class E>
  Field& choice(std::string key, E& target, std::vector<std::string> names, std::string what,
                std::string source = "") {
    static_assert(std::is_same_v<std::underlying_type_t<E>, std::uint8_t>);
    section_.fields.push_back(
        {std::move(key),
         ChoiceTarget{std::move(names), reinterpret_cast<std::uint8_t*>(&target)},
         0,
         0,
         std::move(what),
         std::move(source),
         {}});
    return section_.fields.back();
  }

  /// A nested struct with its own `void describe(Fields&)`.
  template <class Config>
  Section& section(std::string key, Config& config, std::string what) {
    section_.sections.push_back(describe_as(config, std::move(key), std::move(what)));
    return section_.sections.back();
  }

  /// A list of such structs.
  template <class Config>
  Section& list(std::string key, std::vector<Config>& configs, std::string what) {
    Section section{std::move(key), std::move(what), {}, {}, {}, {}, {}, false};
    section.resize = [&configs](std::size_t n) { configs.assign(n, Config{}); };
    section.members = [&configs] {
      std::vector<Section> members;
      members.reserve(configs.size());
      for (Config& config : configs) members.push_back(describe_as(config, "", ""));
      return members;
    };
    section_.sections.push_back(std::move(section));
    return section_.sections.back();
  }

  template <class Config>
  static Section describe_as(Config& config, std::string key, std::string what) {
    Section section{std::move(key), std::move(what), {}, {}, {}, {}, {}, false};
    Fields fields(section);
    config.describe(fields);
    return section;
  }

 private:
  Section& section_;
};

/// The description of a whole configuration, from its root.
template <class Config>
Section describe(Config& config) {
  return Fields::describe_as(config, "", "");
}

}  // namespace heddle
