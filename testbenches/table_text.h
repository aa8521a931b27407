// Tables as text: published ones in files, and those that commands print.
#pragma once

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace heddle::testing {

using Words = std::vector<std::string>;

/// The lines of a file of comma-separated values, without its head.
inline std::vector<Words> read_csv(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::vector<Words> rows;
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    std::istringstream columns(line);
    rows.emplace_back();
    for (std::string word; std::getline(columns, word, ',');) rows.back().push_back(word);
  }
  return rows;
}

/// The words of each line.
inline std::vector<Words> words_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<Words> lines;
  for (std::string line; std::getline(stream, line);) {
    std::istringstream words(line);
    lines.emplace_back();
    for (std::string word; words >> word;) lines.back().push_back(word);
  }
  return lines;
}

}  // namespace heddle::testing
