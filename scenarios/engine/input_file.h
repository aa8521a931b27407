// Opening the files that a user names.
#pragma once

#include <filesystem>
#include <fstream>

namespace heddle {

/// Opens a regular file for reading; a pipe or device could hold the program up for ever. Throws
/// InputError, naming the file and the reason.
std::ifstream open_input(const std::filesystem::path& file);

/// The InputError for a file that fails after it was opened; the reason is in `errno`.
[[noreturn]] void reject_unreadable(const std::filesystem::path& file);

}  // namespace heddle
