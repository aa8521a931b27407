#include "engine/result_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <vector>

#include "kernel/error.h"

namespace heddle {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const fs::path& file, int error) {
  throw InputError(fmt::format("{}: cannot be written: {}", file.string(), std::strerror(error)));
}

/// The process that makes a temporary file of results or waves; 0 for any other file.
pid_t maker_of(const fs::path& file) {
  const std::string name = file.filename().string();
  if (name.front() != '.' || file.extension() != ".tmp") return 0;
  const fs::path with_pid = file.stem();
  const fs::path final_name = with_pid.stem();
  const bool waves = final_name.extension() == ".vcd" || final_name.extension() == ".gtkw" ||
                     final_name.extension() == ".fst";
  if (!waves && final_name != ".results.json") return 0;
  const std::string pid = with_pid.extension().string().erase(0, 1);
  pid_t maker = 0;
  const auto [end, error] = std::from_chars(pid.data(), pid.data() + pid.size(), maker);
  return error == std::errc() && end == pid.data() + pid.size() ? maker : 0;
}

/// This process has made no file yet: one of its number was left by an earlier process.
bool is_gone(pid_t maker) { return maker == getpid() || (kill(maker, 0) != 0 && errno == ESRCH); }

void remove_leftovers(const fs::path& folder) {
  std::vector<fs::path> leftovers;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const pid_t maker = maker_of(at->path());
    if (maker > 0 && is_gone(maker)) leftovers.push_back(at->path());
  }
  for (const fs::path& file : leftovers) fs::remove(file, error);
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
  remove_leftovers(folder);
  TemporaryFile probe(folder / "results.json");
}

void write_atomically(const fs::path& file, const std::string& text) {
  TemporaryFile temporary(file);
  temporary.write_all(text);
  temporary.keep();
}

}  // namespace heddle
