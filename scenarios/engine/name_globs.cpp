#include "engine/name_globs.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fnmatch.h>

#include <algorithm>
#include <iterator>

#include "engine/nearest.h"
#include "kernel/error.h"

namespace heddle {

std::vector<std::string> matching_names(const std::vector<std::string>& globs,
                                        const std::vector<std::string>& names, const char* option,
                                        const char* kind) {
  const auto matches = [](const std::string& glob, const std::string& name) {
    return fnmatch(glob.c_str(), name.c_str(), 0) == 0;
  };
  for (const std::string& glob : globs) {
    const bool any = std::any_of(names.begin(), names.end(),
                                 [&](const std::string& name) { return matches(glob, name); });
    if (any) continue;
    const std::string close = nearest(glob, names);
    throw InputError(fmt::format(
        "{} '{}': matches no {}{}", option, glob, kind,
        !close.empty()     ? fmt::format("; did you mean '{}'?", close)
        : names.size() < 3 ? fmt::format("; there is only {}", fmt::join(names, " and "))
                           : fmt::format("; names are such as {}, {} and {}", names.front(),
                                         names[names.size() - 2], names.back())));
  }
  std::vector<std::string> chosen;
  std::copy_if(names.begin(), names.end(), std::back_inserter(chosen), [&](const auto& name) {
    return std::any_of(globs.begin(), globs.end(),
                       [&](const std::string& glob) { return matches(glob, name); });
  });
  return chosen;
}

}  // namespace heddle
