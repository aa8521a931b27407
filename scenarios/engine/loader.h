// From a scenario file to the runs that it describes.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/scenario.h"

namespace heddle {

struct LoadOptions {
  std::vector<std::string> sets;      ///< `a.b=value`, laid over the file before its variants
  std::string seed;                   ///< the same for the key `seed`; empty means as in the file
  std::vector<std::string> variants;  ///< names of those wanted; empty means all
  std::vector<std::string> rtl = {};  ///< like `seed`, for the key `rtl`
};

/// Reads a scenario file into one Scenario per variant, in the order of the file. A file without
/// `variants` gives one whose `variant` is empty. Throws InputError, naming file, line, column and
/// key, for anything that is not exactly as declared, and for combinations that `check` refuses.
///
/// A key that does not apply (Field::conditions) is an error when a variant gives it, and when the
/// common part gives it without any variant to which it applies; otherwise the variants to which it
/// does not apply keep its default.
std::vector<Scenario> load(const std::filesystem::path& file, const LoadOptions& options = {});

/// The same for text; `name` stands for the file in messages.
std::vector<Scenario> load_text(const std::string& text, const std::string& name,
                                const LoadOptions& options = {});

/// The variant's name in results and tables: its own, or the kind of switch when it has none.
std::string label_of(const Scenario& scenario);

/// Every parameter that applies to the scenario with its value, as the scenario would spell it.
nlohmann::ordered_json parameters_of(const Scenario& scenario);

}  // namespace heddle
