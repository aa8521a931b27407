#include "engine/conditions.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/field_text.h"
#include "kernel/error.h"

namespace heddle {
namespace {

std::string value_of(const std::string& key, const Section& scope, const Section& root) {
  const bool from_root = key.front() == '/';
  const Field* field = find_field(from_root ? root : scope, key.substr(from_root ? 1 : 0));
  if (field == nullptr) throw CheckFailure("a condition names no parameter: " + key);
  return value_text(*field);
}

}  // namespace

const Field* find_field(const Section& section, const std::string& path) {
  const std::size_t dot = path.find('.');
  if (dot == std::string::npos) return find_key(section.fields, path);
  const Section* inner = find_key(section.sections, path.substr(0, dot));
  return inner == nullptr ? nullptr : find_field(*inner, path.substr(dot + 1));
}

std::string join_path(const std::string& path, const std::string& key) {
  if (path.empty()) return key;
  return key.empty() ? path : fmt::format("{}.{}", path, key);
}

std::vector<std::string> split_path(const std::string& path) {
  std::vector<std::string> keys(1);
  for (const char c : path) {
    if (c == '.') {
      keys.emplace_back();
    } else {
      keys.back() += c;
    }
  }
  return keys;
}

std::optional<std::string> broken_condition(const std::vector<Condition>& conditions,
                                            const Section& scope, const Section& root) {
  for (const Condition& condition : conditions) {
    const std::string value = value_of(condition.key, scope, root);
    const std::vector<std::string>& valid = condition.values;
    if (std::find(valid.begin(), valid.end(), value) != valid.end()) continue;
    return fmt::format("applies only when {}; here it is {}", condition_text(condition), value);
  }
  return std::nullopt;
}

}  // namespace heddle
