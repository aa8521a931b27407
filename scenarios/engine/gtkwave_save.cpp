#include "engine/gtkwave_save.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace heddle {
namespace {

// For waves, in a window that is 1,400 wide; the zoom is the logarithm of the time of 200 of them.
constexpr double window_pixels = 950;
constexpr double zoom_pixels = 200;

/// Flags of a line, from GTKWave's analyzer.h: right-justified with a base; a step curve.
unsigned flags_of(WaveFormat format) {
  constexpr unsigned right = 0x20;
  switch (format) {
    case WaveFormat::bit:
    case WaveFormat::mask:
      return right | 0x8;
    case WaveFormat::number:
      return right | 0x4;
    case WaveFormat::signed_number:
      return right | 0x400;
    case WaveFormat::text:
      return right | 0x800;
    case WaveFormat::filling:
      break;
  }
  return right | 0x4 | 0x8000 | 0x80000;
}

}  // namespace

void GtkwaveSave::group(const std::string& name, unsigned flags) {
  lines_ += fmt::format("@{:x}\n-{}\n", flags, name);
}

void GtkwaveSave::show(const std::string& path, unsigned bits, WaveFormat format) {
  lines_ += fmt::format("@{:x}\n{}", flags_of(format), path);
  lines_ += bits == 1 ? "\n" : fmt::format("[{}:0]\n", bits - 1);
  if (format == WaveFormat::filling) lines_ += "@20000\n-\n";  // the curve is two lines high
}

std::string GtkwaveSave::text(const std::filesystem::path& dump, std::uint64_t begin_ps,
                              std::uint64_t end_ps) const {
  // With both full names GTKWave finds the dump also where the two files were moved together.
  const std::string name = std::filesystem::absolute(dump).lexically_normal().string();
  const std::string save = name.substr(0, name.rfind('.')) + ".gtkw";
  const double frame_ps = static_cast<double>(end_ps - begin_ps) / window_pixels * zoom_pixels;
  const double zoom = -std::log2(std::max(1.0, frame_ps));
  return fmt::format(
      "[dumpfile] \"{}\"\n[savefile] \"{}\"\n[timestart] {}\n[size] 1400 900\n[pos] -1 -1\n"
      "*{:.6f} -1\n[signals_width] 360\n[sst_expanded] 0\n{}",
      name, save, begin_ps, zoom, lines_);
}

}  // namespace heddle
