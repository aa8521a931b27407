#include "switches/output_ports.h"

#include <fmt/format.h>

namespace heddle {

StateView OutputPorts::paused_view(unsigned port, const std::string& of_port) const {
  return {of_port + "_paused", StateView::Kind::mask, classes_,
          [this, port] { return std::uint64_t{ports_[port].paused}; }};
}

void OutputPorts::waits(const std::string& path, std::vector<std::string>& lines,
                        const std::function<std::uint32_t(unsigned, unsigned)>& queued) const {
  for (unsigned port = 0; port < size(); ++port) {
    for (unsigned c = 0; c < classes_; ++c) {
      const std::uint32_t frames = queued(port, c);
      if (frames == 0) continue;
      const bool stopped = (ports_[port].paused >> c & 1) != 0;
      lines.push_back(fmt::format("{}: {} frames of class {} wait for link {}{}", path, frames, c,
                                  links_[port]->name(),
                                  stopped ? ", which its receiver has stopped" : ""));
    }
  }
}

}  // namespace heddle
