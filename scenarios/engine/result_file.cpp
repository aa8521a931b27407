#include "engine/result_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "kernel/error.h"

namespace heddle {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const fs::path& file, int error) {
  throw InputError(fmt::format("{}: cannot be written: {}", file.string(), std::strerror(error)));
}

}  // namespace

TemporaryFile::TemporaryFile(const fs::path& final_name)
    : final_name_(final_name),
      path_(final_name.parent_path() /
            fmt::format(".{}.{}.tmp", final_name.filename().string(), getpid())) {
  descriptor_ = open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (descriptor_ < 0) fail(final_name_, errno);
}

TemporaryFile::~TemporaryFile() {
  if (descriptor_ >= 0) close(descriptor_);
  if (!kept_) unlink(path_.c_str());
}

void TemporaryFile::write_all(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(descriptor_, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(final_name_, errno);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

void TemporaryFile::keep() {
  // Some file systems report a full disk only here.
  if (fsync(descriptor_) != 0 && errno != EINVAL) fail(final_name_, errno);
  const int closed = close(descriptor_);
  descriptor_ = -1;
  if (closed != 0 && errno != EINTR) fail(final_name_, errno);
  if (std::rename(path_.c_str(), final_name_.c_str()) != 0) fail(final_name_, errno);
  kept_ = true;
}

void prepare_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error || !fs::is_directory(folder, error)) {
    const std::string reason = error ? error.message() : "not a folder";
    throw InputError(
        fmt::format("{}: cannot be made the output folder: {}", folder.string(), reason));
  }
  TemporaryFile probe(folder / "results.json");
}

void write_atomically(const fs::path& file, const std::string& text) {
  TemporaryFile temporary(file);
  temporary.write_all(text);
  temporary.keep();
}

}  // namespace heddle
