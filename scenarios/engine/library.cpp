#include "engine/library.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <vector>

#include "kernel/error.h"

namespace heddle {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> scenario_files(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error)) {
    if (at->path().extension() == ".yaml") files.push_back(at->path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

/// Paths from the current folder are short, and right for the next command.
std::vector<fs::path> find_library() {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error).parent_path();
  for (const fs::path& folder :
       {fs::path("scenarios"), program / "scenarios", program.parent_path() / "scenarios"}) {
    std::vector<fs::path> files = scenario_files(folder);
    if (!files.empty()) return files;
  }
  throw InputError("no folder 'scenarios' with .yaml files here or beside the program");
}

std::string question(const fs::path& file) {
  std::ifstream input(file);
  std::string text;
  std::string line;
  for (int i = 0; i < 2 && std::getline(input, line) && line.rfind('#', 0) == 0; ++i) {
    const std::size_t begin = line.find_first_not_of("# \t");
    if (begin != std::string::npos) text += "    " + line.substr(begin) + '\n';
  }
  return text;
}

}  // namespace

std::string list_library() {
  std::string text;
  for (const fs::path& file : find_library()) {
    text += fmt::format("{}\n{}", file.string(), question(file));
  }
  return text;
}

}  // namespace heddle
