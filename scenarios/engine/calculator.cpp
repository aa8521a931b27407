#include "engine/calculator.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/conditions.h"
#include "engine/nearest.h"
#include "kernel/error.h"
#include "parts/shared_buffer.h"

namespace heddle {

const Units& length_units() {
  static const Units units{{"mm", 1}, {"m", 1'000}, {"km", 1'000'000}};
  return units;
}

std::uint64_t option_quantity(const char* option, const std::string& text, const Units& units,
                              std::uint64_t minimum, std::uint64_t maximum) {
  try {
    const std::uint64_t value = parse_quantity(text, units);
    if (value >= minimum && value <= maximum) return value;
    throw InputError(fmt::format("'{}' is out of range; valid is {} to {}", text,
                                 print_quantity(minimum, units), print_quantity(maximum, units)));
  } catch (const InputError& error) {
    throw InputError(fmt::format("{}: {}", option, error.what()));
  }
}

std::vector<Rate> option_rates(const OptionText& rate, const std::vector<Rate>& usual) {
  if (!rate) return usual;
  return {Rate{option_quantity("--rate", *rate, rate_units(), (100_Mbps).bits_per_second,
                               (10'000_Gbps).bits_per_second)}};
}

double option_metres(const std::string& text) {
  constexpr std::uint64_t longest = 100'000'000;
  return static_cast<double>(option_quantity("--cable", text, length_units(), 0, longest)) / 1000;
}

const Preset& option_device(const OptionText& device, const std::string& section) {
  std::vector<std::string> names;
  for (const Preset& preset : presets()) {
    if (preset.section != section) continue;
    if (!device || preset.name == *device) return preset;
    names.push_back(preset.name);
  }
  throw InputError(
      fmt::format("--device: '{}' is not a valid choice{}", *device, suggestion(*device, names)));
}

Scenario preset_scenario(const Preset& preset) {
  Scenario scenario;
  const Section root = describe(scenario);
  apply(preset, *find_key(root.sections, preset.section));
  return scenario;
}

Duration cable_latency(double metres) {
  return {static_cast<std::uint64_t>(std::llround(metres / light_metres_per_second * 1e12))};
}

std::string columns(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      text += fmt::format("{}{:>{}}", i == 0 ? "" : "  ", row[i], widths[i]);
    }
    text += '\n';
  }
  return text;
}

}  // namespace heddle
