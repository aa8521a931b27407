// Names of devices and links chosen by patterns: `*`, `?` and `[...]`.
#pragma once

#include <string>
#include <vector>

namespace heddle {

/// The names that any of the patterns matches, in their own order. Throws InputError for a pattern
/// without a match: "OPTION 'glob': matches no KIND", and the nearest name or examples.
std::vector<std::string> matching_names(const std::vector<std::string>& globs,
                                        const std::vector<std::string>& names, const char* option,
                                        const char* kind);

}  // namespace heddle
