// What GTKWave is to show of a dump: a save file (.gtkw), signals in groups that open and close.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace heddle {

/// How a signal's value is shown.
enum class WaveFormat : std::uint8_t { bit, mask, number, signed_number, text, filling };

class GtkwaveSave {
 public:
  void open_group(const std::string& name) { group(name, 0x800200); }
  void close_group(const std::string& name) { group(name, 0x1000200); }

  /// `path`: scopes and name joined by dots; `bits` as declared.
  void show(const std::string& path, unsigned bits, WaveFormat format);

  /// The file for `dump`, opened so that `begin_ps` to `end_ps` fill the window.
  std::string text(const std::filesystem::path& dump, std::uint64_t begin_ps,
                   std::uint64_t end_ps) const;

 private:
  void group(const std::string& name, unsigned flags);

  std::string lines_;
};

}  // namespace heddle
