// A cycle diagram in text, as docs/twins/*.md show it: a line per signal, a column per rising edge.
// Above the line "-- edge --" stands what the pins have when the edge comes, below it what they
// have after it. A test records a diagram from the RTL and fails when the module's page has
// another.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "cosim/pins.h"
#include "cosim/rtl_top.h"

namespace heddle {

class CycleDiagram {
 public:
  /// The next column; the first is cycle 1.
  std::uint64_t next_cycle() { return ++cycle_; }

  /// A signal in this cycle. Lines stand in the order in which they first came.
  void show(const std::string& signal, const std::string& value) {
    const auto named = [&](const Line& line) { return line.signal == signal; };
    auto line = std::find_if(lines_.begin(), lines_.end(), named);
    if (line == lines_.end()) line = lines_.insert(lines_.end(), {signal, {}});
    line->values.resize(cycle_ - 1, nothing);
    line->values.push_back(value);
  }
  void show(const std::string& signal, std::uint64_t value) { show(signal, fmt::to_string(value)); }
  /// What means something only now and then.
  template <class Value>
  void show_if(bool valid, const std::string& signal, const Value& value) {
    if (valid) return show(signal, value);
    show(signal, nothing);
  }
  void strobe(const std::string& signal, std::uint64_t value) { show_if(value != 0, signal, "1"); }

  template <class Top>
  void edge(RtlTop<Top>& rtl) {
    show(edge_line, "");
    rtl.edge();
  }

  std::string text() const {
    std::size_t names = 5;
    std::size_t width = fmt::to_string(cycle_).size();
    for (const Line& line : lines_) {
      names = std::max(names, line.signal.size());
      for (const std::string& value : line.values) width = std::max(width, value.size());
    }
    std::string text = fmt::format("{:{}}", "cycle", names);
    for (std::uint64_t n = 1; n <= cycle_; ++n) text += fmt::format("  {:>{}}", n, width);
    for (const Line& line : lines_) {
      text += fmt::format("\n{:{}}", line.signal, line.signal == edge_line ? 0 : names);
      if (line.signal == edge_line) continue;
      for (std::uint64_t n = 0; n < cycle_; ++n) {
        text += fmt::format("  {:>{}}", n < line.values.size() ? line.values[n] : nothing, width);
      }
    }
    return text + "\n";
  }

  void expect_on_page(const std::string& module) const {
    std::ifstream file(HEDDLE_SOURCE_DIR "/docs/twins/" + module + ".md");
    const std::string page(std::istreambuf_iterator<char>(file), {});
    EXPECT_TRUE(page.find("```\n" + text() + "```\n") != std::string::npos)
        << "docs/twins/" << module << ".md does not show what the RTL does:\n"
        << text();
  }

 private:
  static constexpr const char* nothing = ".";
  static constexpr const char* edge_line = "-- edge --";

  struct Line {
    std::string signal;
    std::vector<std::string> values;
  };
  std::vector<Line> lines_;
  std::uint64_t cycle_ = 0;
};

/// The bits that are set: "025".
inline std::string numbers(std::uint64_t mask) {
  std::string text;
  for (unsigned n = 0; n < 64; ++n) {
    if ((mask >> n & 1) != 0) text += fmt::to_string(n);
  }
  return text.empty() ? "." : text;
}

/// A packet with a letter for a name.
inline Frame packet_named(char name, unsigned stored_bytes) {
  Frame frame;
  frame.packet = static_cast<std::uint32_t>(name);
  frame.wire_bytes = static_cast<std::uint16_t>(stored_bytes + ethernet_framing_bytes);
  return frame;
}

/// Packets by their letter, cells by letter of the leaf and number, control frames by what they
/// say.
inline std::string name_of(const Frame& frame) {
  switch (frame.kind) {
    case FrameKind::cell:
      return static_cast<char>('a' + frame.source) + fmt::to_string(frame.sequence);
    case FrameKind::voq_status:
      return "ask" + fmt::to_string(frame.sequence);
    case FrameKind::credit:
      return "give" + fmt::to_string(frame.sequence);
    case FrameKind::pause:
    case FrameKind::flow_control:
      return frame.has(frame_flag::off) ? "xoff" : "xon";
    default:
      return std::string(1, static_cast<char>(frame.packet));
  }
}

}  // namespace heddle
