#include "engine/input_file.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

#include "kernel/error.h"

namespace heddle {

namespace fs = std::filesystem;

std::ifstream open_input(const fs::path& file) {
  std::error_code error;
  const fs::file_type type = fs::status(file, error).type();
  const auto fail = [&](const char* sentence) {
    throw InputError(fmt::format("{}: {}", file.string(), sentence));
  };
  if (type == fs::file_type::not_found) fail("no such file");
  if (type == fs::file_type::directory) fail("is a folder, not a file");
  if (!error && type != fs::file_type::regular) fail("is not a regular file");
  std::ifstream input(file, std::ios::binary);
  if (!input) reject_unreadable(file);
  return input;
}

void reject_unreadable(const fs::path& file) {
  throw InputError(fmt::format("{}: cannot be read: {}", file.string(), std::strerror(errno)));
}

}  // namespace heddle
