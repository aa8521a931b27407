// results.json: complete or not there at all.
#pragma once

#include <filesystem>
#include <string>

namespace heddle {

inline constexpr const char* version = "0.1.0";

/// Creates the folder when it is missing and makes sure that files can be made in it. Throws
/// InputError when not, so that nobody waits for results that cannot be kept.
void prepare_folder(const std::filesystem::path& folder);

/// Replaces `file` by `text` in one step: whoever looks sees the old file or the new one, whole,
/// also after a crash. Throws InputError when it cannot be written (disk full, ...); then the old
/// file is untouched and no other file is left.
void write_atomically(const std::filesystem::path& file, const std::string& text);

}  // namespace heddle
