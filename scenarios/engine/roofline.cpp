#include "engine/roofline.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <fstream>
#include <system_error>

#include "engine/input_file.h"
#include "engine/nearest.h"
#include "engine/table.h"
#include "kernel/error.h"

namespace heddle {

namespace {

using Json = nlohmann::ordered_json;

/// "layer12.qkv" is a qkv like any other.
std::string kind_of(const std::string& name) {
  const std::size_t dot = name.find('.');
  if (name.rfind("layer", 0) != 0 || dot == std::string::npos) return name;
  const bool number = std::all_of(name.begin() + 5, name.begin() + static_cast<long>(dot),
                                  [](unsigned char c) { return std::isdigit(c) != 0; });
  return number ? name.substr(dot + 1) : name;
}

/// The decades that the axes cover, as powers of ten.
struct Axes {
  double left, right, bottom, top;
};

Axes axes_of(const RooflineChart& chart) {
  double least_x = chart.peak_tflops / chart.peak_gbytes * 1e3;
  double most_x = least_x;
  double least_y = chart.peak_tflops;
  const auto include = [&](const RooflinePoint& point) {
    if (point.intensity() <= 0 || point.tflops() <= 0) return;
    least_x = std::min(least_x, point.intensity());
    most_x = std::max(most_x, point.intensity());
    least_y = std::min(least_y, point.tflops());
  };
  include(chart.whole);
  for (const RooflinePoint& point : chart.points) include(point);
  const double left = std::floor(std::log10(least_x / 2));
  const double right = std::ceil(std::log10(most_x * 2));
  const double floor_y = std::min(least_y, chart.roof_tflops(std::pow(10, left)));
  return {left, right, std::floor(std::log10(floor_y)), std::ceil(std::log10(chart.peak_tflops))};
}

char letter(std::size_t number) { return static_cast<char>('a' + number % 26); }

double share(const RooflinePoint& point, const RooflineChart& chart) {
  return chart.whole.time_ns > 0 ? point.time_ns / chart.whole.time_ns : 0;
}

/// Characters of a chart, drawn upon each other.
class Canvas {
 public:
  Canvas(const Axes& axes, unsigned columns, unsigned rows)
      : axes_(axes), columns_(columns), lines_(rows, std::string(columns, ' ')) {}

  void roof(const RooflineChart& chart) {
    for (unsigned column = 0; column < columns_; ++column) {
      const double x = axes_.left + (axes_.right - axes_.left) * (column + 0.5) / columns_;
      put(column, row(std::log10(chart.roof_tflops(std::pow(10, x)))), '-');
    }
  }
  void point(double intensity, double tflops, char mark) {
    if (intensity <= 0 || tflops <= 0) return;
    const double x = (std::log10(intensity) - axes_.left) / (axes_.right - axes_.left);
    put(static_cast<unsigned>(std::clamp(x, 0.0, 0.9999) * columns_), row(std::log10(tflops)),
        mark);
  }
  const std::vector<std::string>& lines() const { return lines_; }

 private:
  unsigned row(double y) const {
    const double down = (axes_.top - y) / (axes_.top - axes_.bottom);
    return static_cast<unsigned>(std::clamp(down, 0.0, 0.9999) *
                                 static_cast<double>(lines_.size()));
  }
  void put(unsigned column, unsigned row, char mark) { lines_[row][column] = mark; }

  Axes axes_;
  unsigned columns_;
  std::vector<std::string> lines_;
};

std::string chart_text(const RooflineChart& chart, unsigned width) {
  constexpr unsigned rows = 18;
  constexpr unsigned margin = 10;
  const Axes axes = axes_of(chart);
  Canvas canvas(axes, width - margin, rows);
  canvas.roof(chart);
  for (std::size_t i = chart.points.size(); i-- > 0;) {
    canvas.point(chart.points[i].intensity(), chart.points[i].tflops(), letter(i));
  }
  canvas.point(chart.whole.intensity(), chart.whole.tflops(), '*');
  std::string text = fmt::format("{}\n{:>{}} TFLOP/s\n", chart.title, "", margin - 9);
  for (unsigned r = 0; r < rows; ++r) {
    const double top = axes.top - (axes.top - axes.bottom) * r / rows;
    const double next = axes.top - (axes.top - axes.bottom) * (r + 1) / rows;
    const bool labelled = std::floor(top) > next || r == 0;
    const std::string label = labelled ? fmt::format("{:g}", std::pow(10, std::floor(top))) : "";
    text += fmt::format("{:>{}} |{}\n", label, margin - 2, canvas.lines()[r]);
  }
  text += fmt::format("{:>{}} +{}\n", "", margin - 2, std::string(width - margin, '-'));
  std::string scale(width, ' ');
  for (double x = axes.left; x < axes.right; ++x) {
    const std::string label = fmt::format("{:g}", std::pow(10, x));
    const auto at = margin + static_cast<std::size_t>((x - axes.left) / (axes.right - axes.left) *
                                                      (width - margin));
    if (at + label.size() < width) scale.replace(at, label.size(), label);
  }
  return text + scale + "\n" + fmt::format("{:>{}}\n", "operations per byte of memory", width);
}

std::string row_text(char mark, const RooflinePoint& point, const RooflineChart& chart) {
  const double roof = chart.roof_tflops(point.intensity());
  return fmt::format("{} {:<26}{:>8.1f} %{:>12}{:>12}{:>10.0f} %\n", mark, point.name,
                     share(point, chart) * 100,
                     point.intensity() > 0 ? fmt::format("{:.4g}", point.intensity()) : "-",
                     point.flops > 0 ? fmt::format("{:.4g}", point.tflops()) : "-",
                     point.flops > 0 ? point.tflops() / roof * 100 : 0);
}

// --- the picture ---------------------------------------------------------------------------------

constexpr double picture_width = 920;
constexpr double picture_height = 560;
constexpr double plot_left = 80;
constexpr double plot_right = 600;
constexpr double plot_top = 60;
constexpr double plot_bottom = 490;

std::string escaped(const std::string& text) {
  std::string safe;
  for (const char c : text) {
    safe += c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : std::string(1, c);
  }
  return safe;
}

class Picture {
 public:
  explicit Picture(const RooflineChart& chart) : chart_(chart), axes_(axes_of(chart)) {}

  std::string draw() {
    text_ = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} "
        "{1}\" font-family=\"sans-serif\" font-size=\"13\">\n<rect width=\"{0}\" height=\"{1}\" "
        "fill=\"white\"/>\n",
        picture_width, picture_height);
    label(plot_left, 30, "start", chart_.title, 17);
    grid();
    roofs();
    for (std::size_t i = chart_.points.size(); i-- > 0;) point(i);
    mark(chart_.whole, "#000000", 7);
    legend();
    return text_ + "</svg>\n";
  }

 private:
  double x(double intensity) const {
    const double part = (std::log10(intensity) - axes_.left) / (axes_.right - axes_.left);
    return plot_left + std::clamp(part, 0.0, 1.0) * (plot_right - plot_left);
  }
  double y(double tflops) const {
    const double part = (axes_.top - std::log10(tflops)) / (axes_.top - axes_.bottom);
    return plot_top + std::clamp(part, 0.0, 1.0) * (plot_bottom - plot_top);
  }
  void line(double x1, double y1, double x2, double y2, const char* style) {
    text_ += fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" {}/>\n", x1,
                         y1, x2, y2, style);
  }
  void label(double at_x, double at_y, const char* anchor, const std::string& what,
             unsigned size = 13) {
    text_ += fmt::format(
        "<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\" font-size=\"{}\">{}</text>\n", at_x,
        at_y, anchor, size, escaped(what));
  }
  void grid() {
    const char* const thin = "stroke=\"#dddddd\"";
    for (double p = axes_.left; p <= axes_.right; ++p) {
      const double at = x(std::pow(10, p));
      line(at, plot_top, at, plot_bottom, thin);
      label(at, plot_bottom + 18, "middle", fmt::format("{:g}", std::pow(10, p)));
    }
    for (double p = axes_.bottom; p <= axes_.top; ++p) {
      const double at = y(std::pow(10, p));
      line(plot_left, at, plot_right, at, thin);
      label(plot_left - 8, at + 4, "end", fmt::format("{:g}", std::pow(10, p)));
    }
    label((plot_left + plot_right) / 2, plot_bottom + 42, "middle",
          "operations per byte of memory");
    label(plot_left, plot_top - 10, "start", "TFLOP/s per chip");
  }
  void roofs() {
    const double ridge = chart_.peak_tflops / chart_.peak_gbytes * 1e3;
    const double first = std::pow(10, axes_.left);
    const char* const thick = "stroke=\"#444444\" stroke-width=\"2\"";
    line(x(first), y(chart_.roof_tflops(first)), x(ridge), y(chart_.peak_tflops), thick);
    line(x(ridge), y(chart_.peak_tflops), plot_right, y(chart_.peak_tflops), thick);
    label(plot_right - 4, y(chart_.peak_tflops) - 6, "end",
          fmt::format("{:.0f} TFLOP/s", chart_.peak_tflops));
    const double low = std::pow(10, axes_.left + 0.2);
    label(x(low) + 16, y(chart_.roof_tflops(low)) + 14, "start",
          fmt::format("{:.0f} GB/s", chart_.peak_gbytes));
  }
  static std::string colour(std::size_t number) {
    return fmt::format("hsl({},65%,45%)", number * 47 % 360);
  }
  void mark(const RooflinePoint& of, const std::string& fill, double radius) {
    if (of.intensity() <= 0 || of.tflops() <= 0) return;
    text_ += fmt::format(
        "<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{:.1f}\" fill=\"{}\" fill-opacity=\"0.8\"/>\n",
        x(of.intensity()), y(of.tflops()), radius, fill);
  }
  /// Its area is its share of the time.
  void point(std::size_t number) {
    const RooflinePoint& of = chart_.points[number];
    mark(of, colour(number), 4 + 12 * std::sqrt(share(of, chart_)));
  }
  void legend() {
    double at = plot_top + 10;
    const auto entry = [&](const std::string& fill, const RooflinePoint& of) {
      text_ += fmt::format("<circle cx=\"{}\" cy=\"{:.1f}\" r=\"6\" fill=\"{}\"/>\n",
                           plot_right + 24, at - 4, fill);
      label(plot_right + 38, at, "start",
            fmt::format("{}: {:.0f} % of the time", of.name, share(of, chart_) * 100));
      at += 22;
    };
    entry("#000000", chart_.whole);
    for (std::size_t i = 0; i < chart_.points.size() && at < plot_bottom; ++i) {
      entry(colour(i), chart_.points[i]);
    }
  }

  const RooflineChart& chart_;
  Axes axes_;
  std::string text_;
};

Json read_results(const std::filesystem::path& path) {
  const std::filesystem::path file =
      std::filesystem::is_directory(path) ? path / "results.json" : path;
  std::ifstream in = open_input(file);
  Json document = Json::parse(in, nullptr, /*allow_exceptions=*/false);
  if (!document.is_object() || !document.contains("variants") ||
      !document["variants"].is_object()) {
    throw InputError(fmt::format("{}: is no results.json", file.string()));
  }
  return document;
}

std::string chosen(const Json& document, const RooflineRequest& request) {
  std::vector<std::string> names;
  for (const auto& [name, variant] : document["variants"].items()) names.push_back(name);
  if (request.variant.empty() && names.size() == 1) return names.front();
  if (request.variant.empty()) {
    throw InputError(fmt::format("{}: has several variants; choose one with --variant: {}",
                                 request.results.string(), fmt::join(names, ", ")));
  }
  if (std::find(names.begin(), names.end(), request.variant) == names.end()) {
    throw InputError(fmt::format("{}: no variant '{}'{}", request.results.string(), request.variant,
                                 suggestion(request.variant, names)));
  }
  return request.variant;
}

void write(const std::filesystem::path& file, const std::string& text) {
  std::ofstream out(file);
  out << text;
  out.close();
  if (!out) throw InputError(fmt::format("--svg {}: cannot be written", file.string()));
}

}  // namespace

double RooflineChart::roof_tflops(double intensity) const {
  return std::min(peak_tflops, intensity * peak_gbytes * 1e-3);
}

RooflineChart roofline(const Json& document, const std::string& variant) {
  const Json& results = document.at("variants").at(variant);
  if (!results.contains("compute") || !results.contains("kernels")) {
    throw InputError(fmt::format("{}: nothing has computed in this run", variant));
  }
  const Json& compute = results.at("compute");
  RooflineChart chart;
  chart.title = fmt::format("{}, {}", document.at("scenario").get<std::string>(), variant);
  chart.peak_tflops = compute.at("peak_tflops_per_chip").get<double>();
  chart.peak_gbytes = compute.at("peak_memory_gbps_per_chip").get<double>() / 8;
  chart.whole.name = "the whole run";
  for (const Json& kernel : results.at("kernels")) {
    const std::string name = kind_of(kernel.at("name").get<std::string>());
    auto at = std::find_if(chart.points.begin(), chart.points.end(),
                           [&](const RooflinePoint& point) { return point.name == name; });
    if (at == chart.points.end()) {
      at = chart.points.insert(chart.points.end(), RooflinePoint{});
      at->name = name;
    }
    for (RooflinePoint* point : {&*at, &chart.whole}) {
      point->flops += kernel.at("flops").get<double>();
      point->bytes += kernel.at("bytes").get<double>();
      point->time_ns += kernel.at("time_ns").get<double>();
      ++point->kernels;
    }
  }
  std::stable_sort(
      chart.points.begin(), chart.points.end(),
      [](const RooflinePoint& a, const RooflinePoint& b) { return a.time_ns > b.time_ns; });
  return chart;
}

std::string roofline_text(const RooflineChart& chart, unsigned width) {
  std::string text = chart_text(chart, width);
  text += fmt::format("\n  {:<26}{:>10}{:>12}{:>12}{:>12}\n", "", "time", "FLOP/B", "TFLOP/s",
                      "of the roof");
  text += row_text('*', chart.whole, chart);
  for (std::size_t i = 0; i < chart.points.size(); ++i) {
    text += row_text(letter(i), chart.points[i], chart);
  }
  return text;
}

std::string roofline_svg(const RooflineChart& chart) { return Picture(chart).draw(); }

std::string draw_roofline(const RooflineRequest& request, unsigned width) {
  const Json document = read_results(request.results);
  const RooflineChart chart = roofline(document, chosen(document, request));
  if (!request.svg.empty()) write(request.svg, roofline_svg(chart));
  return roofline_text(chart, width);
}

}  // namespace heddle
