// Reads a value change dump as a viewer would, and rejects what IEEE 1364-2005, clause 18, does not
// allow. Knows nothing of the writer.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace heddle::testing {

struct VcdSignal {
  std::string type;
  unsigned bits = 0;
  std::string code;
  /// Values by time, as they stand in the file: "0", "101", "z"; of an event its times.
  std::map<std::uint64_t, std::string> changes;

  /// At a time that is not before the initial one.
  std::string at(std::uint64_t time_ps) const {
    return std::prev(changes.upper_bound(time_ps))->second;
  }
  /// The same as a number; 0 for z.
  std::uint64_t number_at(std::uint64_t time_ps) const;
  std::uint64_t largest() const;
};

struct Vcd {
  std::map<std::string, VcdSignal> signals;  ///< by path: scopes and name joined by dots
  std::string timescale;
  std::uint64_t begin_ps = 0;
  std::uint64_t end_ps = 0;

  const VcdSignal& operator[](const std::string& path) const { return signals.at(path); }
};

/// Throws std::runtime_error, naming the line, unless: each code is declared once, times grow, only
/// declared codes change, values fit their signals and consist of 0, 1, x and z, and every signal
/// but events has an initial value in $dumpvars.
Vcd parse_vcd(const std::string& text);
Vcd read_vcd(const std::filesystem::path& file);

/// The number that `text` writes to base 2; 0 when it has x or z.
std::uint64_t binary(const std::string& text);

}  // namespace heddle::testing
