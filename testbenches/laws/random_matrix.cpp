#include "laws/random_matrix.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <cmath>
#include <vector>

namespace heddle::testing {
namespace {

constexpr std::uint32_t most_messages = 60;
constexpr double largest_message = 3e5;
constexpr std::uint32_t latest_start_ps = 30'000'000;

class Matrix {
 public:
  Matrix(Rng& random, std::uint32_t hosts) : random_(random), hosts_(hosts) {}

  std::string draw() {
    const std::uint32_t messages = 1 + random_.below(most_messages);
    while (lines_.size() < messages) add_message();
    while (add_trigger()) {
    }
    return fmt::format("Nodes {}\nConnections {}\nTriggers {}\n{}\n{}", hosts_, lines_.size(),
                       triggers_.size(), fmt::join(lines_, "\n"), fmt::join(triggers_, ""));
  }

 private:
  void add_line(const std::string& when) {
    const std::uint32_t source = random_.below(hosts_);
    const std::uint32_t destination = (source + 1 + random_.below(hosts_ - 1)) % hosts_;
    lines_.push_back(fmt::format("{}->{} id {} {} size {:.0f}", source, destination,
                                 lines_.size() + 1, when,
                                 std::floor(std::pow(largest_message, random_.uniform()))));
  }

  /// Many start at once, which is what makes congestion.
  void add_message() {
    const std::uint32_t start = random_.below(2) == 0 ? 0 : random_.below(latest_start_ps);
    add_line(fmt::format("start {}", start));
  }

  /// Of a kind, with some messages that fire it and others, behind them in the file, that wait.
  /// False when all has been drawn that shall be, or no message is left to fire one.
  bool add_trigger() {
    if (random_.below(4) == 0 || silent_ == lines_.size()) return false;
    const std::size_t firings = 1 + random_.below(4);
    const std::size_t id = triggers_.size() + 1;
    const std::size_t fired = fire(id, firings);
    const std::array<std::string, 3> kinds{
        fired == 1 ? "oneshot" : fmt::format("barrier count {}", fired),
        fmt::format("barrier count {}", fired), "multishot"};
    const std::uint32_t kind = random_.below(3);
    const std::uint32_t most_waiting = kind == 2 ? static_cast<std::uint32_t>(fired) : 6;
    const std::uint32_t waiting = 1 + random_.below(most_waiting);
    for (std::uint32_t w = 0; w < waiting; ++w) add_line(fmt::format("trigger {}", id));
    triggers_.push_back(fmt::format("trigger id {} {}\n", id, kinds[kind]));
    return true;
  }

  /// The next messages that fire nothing yet fire it: how many.
  std::size_t fire(std::size_t id, std::size_t firings) {
    std::size_t fired = 0;
    for (; fired < firings && silent_ < lines_.size(); ++fired, ++silent_) {
      lines_[silent_] +=
          fmt::format(" {}_done_trigger {}", random_.below(2) == 0 ? "send" : "recv", id);
    }
    return fired;
  }

  Rng& random_;
  std::uint32_t hosts_;
  std::vector<std::string> lines_;
  std::vector<std::string> triggers_;
  std::size_t silent_ = 0;  ///< the first line that fires nothing
};

}  // namespace

std::string random_matrix(Rng& random, std::uint32_t hosts) { return Matrix(random, hosts).draw(); }

}  // namespace heddle::testing
