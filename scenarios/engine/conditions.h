// Which parameters mean something, given the values of others.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "kernel/fields.h"

namespace heddle {

/// The member of `items` with this key, or null.
template <class Items>
auto* find_key(Items& items, const std::string& key) {
  const auto found =
      std::find_if(items.begin(), items.end(), [&](const auto& item) { return item.key == key; });
  return found == items.end() ? nullptr : &*found;
}

/// The field that a path such as "memory.cell" leads to from `section`, or null.
const Field* find_field(const Section& section, const std::string& path);

/// "a.b" from "a" and "b"; either may be empty.
std::string join_path(const std::string& path, const std::string& key);

/// "a" and "b" from "a.b".
std::vector<std::string> split_path(const std::string& path);

/// The first of `conditions`, which stand in `scope` (a section of `root`), that does not hold, as
/// a sentence; nothing when all hold.
std::optional<std::string> broken_condition(const std::vector<Condition>& conditions,
                                            const Section& scope, const Section& root);

}  // namespace heddle
