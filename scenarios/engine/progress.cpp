#include "engine/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>

#include "engine/table.h"

namespace heddle {
namespace {

constexpr std::chrono::seconds between_lines{10};

std::string line_of(const std::string& variant, const Progress& progress, double deadline_ns) {
  const double speed =
      progress.wall_s > 0 ? static_cast<double>(progress.frames) / progress.wall_s : 0;
  return fmt::format("{}: {} simulated ({:.0f} % of the deadline), {} frame-hops, {} per second",
                     variant, human_duration(progress.simulated_ns),
                     100 * progress.simulated_ns / deadline_ns,
                     human_count(static_cast<double>(progress.frames)), human_count(speed));
}

/// Unlike fmt::print this ignores a closed standard error: progress is no reason to fail.
void say(const std::string& text) { std::fputs(text.c_str(), stderr); }

}  // namespace

unsigned terminal_width(int descriptor) {
  winsize size{};
  if (isatty(descriptor) == 0 || ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) {
    return 100;
  }
  return size.ws_col;
}

ProgressDisplay::ProgressDisplay(bool quiet)
    : quiet_(quiet), terminal_(isatty(STDERR_FILENO) != 0) {}

void ProgressDisplay::update(const std::string& variant, const Progress& progress,
                             double deadline_ns) {
  if (quiet_) return;
  const std::string line = line_of(variant, progress, deadline_ns);
  if (terminal_) {
    lines_[variant] = line;
    erase();
    draw();
    return;
  }
  const auto now = Clock::now();
  const auto last = printed_.try_emplace(variant, start_).first;
  if (now - last->second < between_lines) return;
  last->second = now;
  say(line + "\n");
}

void ProgressDisplay::finish(const std::string& variant, const std::string& sentence) {
  if (quiet_) return;
  erase();
  lines_.erase(variant);
  say(fmt::format("{}: {}\n", variant, sentence));
  if (terminal_) draw();
}

void ProgressDisplay::erase() {
  for (; drawn_ > 0; --drawn_) say("\x1b[A\x1b[2K");
  std::fflush(stderr);
}

void ProgressDisplay::draw() {
  // A line that wrapped could not be erased.
  const std::size_t width = terminal_width(STDERR_FILENO) - 1;
  for (const auto& [variant, line] : lines_) say(line.substr(0, width) + "\n");
  drawn_ = lines_.size();
  std::fflush(stderr);
}

}  // namespace heddle
