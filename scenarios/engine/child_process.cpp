#include "engine/child_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#include "engine/exit_code.h"
#include "kernel/error.h"

namespace heddle {
namespace {

using Json = nlohmann::ordered_json;

volatile std::sig_atomic_t interrupt_count = 0;

void note_interrupt(int /*signal*/) { interrupt_count = interrupt_count + 1; }

/// One line. The parent's absence shows as SIGPIPE, which ends the process.
void send(int descriptor, const Json& message) {
  const std::string line =
      message.dump(-1, ' ', false, nlohmann::detail::error_handler_t::replace) + '\n';
  for (std::size_t sent = 0; sent < line.size();) {
    const ssize_t n = write(descriptor, line.data() + sent, line.size() - sent);
    if (n < 0 && errno != EINTR) std::_Exit(EXIT_FAILURE);
    if (n > 0) sent += static_cast<std::size_t>(n);
  }
}

Json failure(int exit_code, const std::string& explanation) {
  return {{"exit_code", exit_code}, {"explanation", explanation}};
}

/// Everything a child does, as its last message.
Json run(const Scenario& scenario, RunOptions options, const Simulate& simulate, int descriptor) {
  options.progress = [descriptor](const Progress& progress) {
    send(descriptor, {{"simulated_ns", progress.simulated_ns},
                      {"frames", progress.frames},
                      {"wall_s", progress.wall_s}});
    return interrupt_count == 0;
  };
  try {
    const RunOutcome outcome = simulate(scenario, options);
    if (interrupt_count > 0) return failure(exit_interrupted, "interrupted");
    return {{"exit_code", static_cast<int>(outcome.status)},
            {"explanation", outcome.explanation},
            {"results", outcome.results}};
  } catch (const InputError& error) {
    return failure(exit_bad_input, error.what());
  } catch (const CheckFailure& error) {
    return failure(exit_check_failed, error.what());
  } catch (const std::bad_alloc&) {
    return failure(exit_bad_input, "the scenario needs more memory than this machine allows");
  } catch (const std::exception& error) {
    return failure(exit_check_failed, fmt::format("unexpected error: {}", error.what()));
  } catch (...) {
    return failure(exit_check_failed, "unexpected error");
  }
}

}  // namespace

ChildProcess::ChildProcess(const Scenario& scenario, const RunOptions& options,
                           const Simulate& simulate, const std::vector<ChildProcess>& siblings) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) {
    throw InputError(fmt::format("cannot make a pipe: {}", std::strerror(errno)));
  }
  // What is buffered now must not be written by both.
  std::fflush(nullptr);
  pid_ = fork();
  if (pid_ < 0) {
    const int error = errno;
    close(ends[0]);
    close(ends[1]);
    throw InputError(fmt::format("cannot start a process: {}", std::strerror(error)));
  }
  if (pid_ == 0) {
    close(ends[0]);
    for (const ChildProcess& sibling : siblings) close(sibling.descriptor_);
    // Standard output belongs to the parent's table or JSON.
    dup2(STDERR_FILENO, STDOUT_FILENO);
    send(ends[1], run(scenario, options, simulate, ends[1]));
    std::exit(EXIT_SUCCESS);  // not _Exit: coverage and sanitizers report on the way out
  }
  close(ends[1]);
  descriptor_ = ends[0];
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      buffer_(std::move(other.buffer_)),
      final_line_(std::move(other.final_line_)) {}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(descriptor_, other.descriptor_);
  std::swap(buffer_, other.buffer_);
  std::swap(final_line_, other.final_line_);
  return *this;
}

ChildProcess::~ChildProcess() {
  if (descriptor_ >= 0) close(descriptor_);
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

bool ChildProcess::receive(const std::function<void(const Progress&)>& on_progress) {
  std::array<char, 65536> chunk{};
  const ssize_t n = read(descriptor_, chunk.data(), chunk.size());
  if (n < 0) return errno == EINTR || errno == EAGAIN;
  buffer_.append(chunk.data(), static_cast<std::size_t>(n));
  std::size_t begin = 0;
  for (auto end = buffer_.find('\n'); end != std::string::npos; end = buffer_.find('\n', begin)) {
    take_line(buffer_.substr(begin, end - begin), on_progress);
    begin = end + 1;
  }
  buffer_.erase(0, begin);
  return n > 0;
}

void ChildProcess::take_line(const std::string& line,
                             const std::function<void(const Progress&)>& on_progress) {
  constexpr std::string_view progress_start = "{\"simulated_ns\":";
  if (line.compare(0, progress_start.size(), progress_start) != 0) {
    final_line_ = line;
    return;
  }
  const Json message = Json::parse(line);
  on_progress({message.at("simulated_ns").get<double>(), message.at("frames").get<std::uint64_t>(),
               message.at("wall_s").get<double>()});
}

ChildProcess::End ChildProcess::end() {
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  if (WIFSIGNALED(status)) {
    return {std::nullopt, exit_check_failed,
            fmt::format("its process was ended by signal {} ({})", WTERMSIG(status),
                        strsignal(WTERMSIG(status)))};
  }
  if (WEXITSTATUS(status) != 0 || final_line_.empty()) {
    return {std::nullopt, exit_check_failed,
            fmt::format("its process ended with status {}", WEXITSTATUS(status))};
  }
  Json message = Json::parse(final_line_);
  End end{std::nullopt, message.at("exit_code").get<int>(),
          message.at("explanation").get<std::string>()};
  if (message.contains("results")) {
    end.outcome = RunOutcome{static_cast<RunStatus>(end.exit_code), end.explanation,
                             std::move(message["results"])};
  }
  return end;
}

void ChildProcess::stop(int signal) const {
  if (pid_ > 0) kill(pid_, signal);
}

InterruptGuard::InterruptGuard()
    : previous_int_(std::signal(SIGINT, note_interrupt)),
      previous_term_(std::signal(SIGTERM, note_interrupt)) {
  interrupt_count = 0;
}

InterruptGuard::~InterruptGuard() {
  std::signal(SIGINT, previous_int_);
  std::signal(SIGTERM, previous_term_);
}

int InterruptGuard::interrupts() { return interrupt_count; }

}  // namespace heddle
