// Results on disk: complete or not there at all.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace heddle {

inline constexpr const char* version = "0.1.0";

/// Creates the folder when it is missing and makes sure that files can be made in it. Throws
/// InputError when not, so that nobody waits for results that cannot be kept. Removes what killed
/// processes left on its way to a name of results or waves.
void prepare_folder(const std::filesystem::path& folder);

/// A file on its way to its final name, in the same folder: `.NAME.PID.tmp`. It is gone again
/// unless it is kept; if the process is killed, the next `prepare_folder` removes it.
class TemporaryFile {
 public:
  /// Throws InputError, as the other functions do, when the file cannot be written.
  explicit TemporaryFile(const std::filesystem::path& final_name);
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile();

  void write_all(std::string_view text);

  /// Where it is now: for those who write it themselves.
  const std::filesystem::path& path() const { return path_; }

  /// Gives the file its final name, replacing what had it. The last call.
  void keep();

 private:
  std::filesystem::path final_name_;
  std::filesystem::path path_;
  int descriptor_ = -1;
  bool kept_ = false;
};

/// Replaces `file` by `text` in one step: whoever looks sees the old file or the new one, whole,
/// also after a crash. Throws InputError when it cannot be written (disk full, ...); then the old
/// file is untouched and no other file is left.
void write_atomically(const std::filesystem::path& file, const std::string& text);

}  // namespace heddle
