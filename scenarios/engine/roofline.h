// The kernels of a finished run against the roofs of its chips (Williams, Waterman and Patterson,
// "Roofline", CACM 52(4), 2009): operations per second over operations per byte of memory.
//
// A kernel's time is that from the end of the one before it, so that times add up to the run's;
// kernels that differ only in the number of their layer are one point. A kernel whose weights have
// been fetched while the one before it was still computing can stand above the roof of memory, and
// that one stands below it.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace heddle {

struct RooflinePoint {
  std::string name;
  double flops = 0;
  double bytes = 0;
  double time_ns = 0;
  unsigned kernels = 0;

  double intensity() const { return bytes > 0 ? flops / bytes : 0; }
  double tflops() const { return time_ns > 0 ? flops / time_ns * 1e-3 : 0; }
};

struct RooflineChart {
  std::string title;
  double peak_tflops = 0;
  double peak_gbytes = 0;  ///< GB/s
  RooflinePoint whole;
  std::vector<RooflinePoint> points;  ///< by share of time, the largest first

  /// What the roofs allow at an intensity.
  double roof_tflops(double intensity) const;
};

/// Of one variant of a results.json. Throws InputError when nothing has computed in it.
RooflineChart roofline(const nlohmann::ordered_json& document, const std::string& variant);

/// For a terminal of so many columns: the chart, and a table of its points.
std::string roofline_text(const RooflineChart& chart, unsigned width);
/// The same as a picture.
std::string roofline_svg(const RooflineChart& chart);

struct RooflineRequest {
  std::filesystem::path results;  ///< a results.json, or its folder
  std::string variant;            ///< may be empty where there is one
  std::filesystem::path svg;      ///< empty: no picture
};

/// Reads the results, writes the picture, and gives the text. Throws InputError.
std::string draw_roofline(const RooflineRequest& request, unsigned width);

}  // namespace heddle
