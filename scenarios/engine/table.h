// The one table that people read: variants as columns.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace heddle {

/// The contents of a results.json as tables of at most `width` columns of text (80 hold three
/// variants); more variants continue in further tables below.
std::string table(const nlohmann::ordered_json& document, unsigned width);

/// Numbers for people: three significant digits and a unit that fits.
std::string human_duration(double nanoseconds);
std::string human_bytes(double bytes);
std::string human_count(double count);  ///< whole, with separators

}  // namespace heddle
