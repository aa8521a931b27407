// The names that a command was given: which of all that there are it shall print.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "engine/nearest.h"
#include "kernel/error.h"

namespace heddle {

class NameSelection {
 public:
  /// No names: everything.
  explicit NameSelection(std::vector<std::string> names) : names_(std::move(names)) {}

  /// Whether `name` was given. To be asked once for each that there is.
  bool has(const std::string& name) {
    known_.push_back(name);
    return names_.empty() || std::find(names_.begin(), names_.end(), name) != names_.end();
  }
  /// Whether `name` was given by itself; false where everything is wanted.
  bool names(const std::string& name) { return has(name) && !names_.empty(); }

  /// Throws InputError for a name that nobody has asked about.
  void check() const {
    for (const std::string& name : names_) {
      if (std::find(known_.begin(), known_.end(), name) != known_.end()) continue;
      const std::string best = nearest(name, known_);
      throw InputError(fmt::format("there is no table of '{}'{}", name,
                                   best.empty() ? "" : fmt::format("; did you mean '{}'?", best)));
    }
  }

 private:
  std::vector<std::string> names_;
  std::vector<std::string> known_;
};

}  // namespace heddle
