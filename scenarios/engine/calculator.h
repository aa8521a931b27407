// What the calculators (`heddle headroom`, `heddle credits`) have in common: options and tables.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/presets.h"
#include "engine/quantity.h"
#include "engine/scenario.h"

namespace heddle {

/// An option of a calculator as the user wrote it.
using OptionText = std::optional<std::string>;

const Units& length_units();  ///< of cables; the base unit is a millimetre

/// Reads a quantity; `option` is how messages name it. Throws InputError for what is no quantity or
/// not in minimum..maximum.
std::uint64_t option_quantity(const char* option, const std::string& text, const Units& units,
                              std::uint64_t minimum, std::uint64_t maximum);

/// Reads `--rate` into a list of one; without it, those of `usual`.
std::vector<Rate> option_rates(const OptionText& rate, const std::vector<Rate>& usual);

/// Reads `--cable`: metres of it.
double option_metres(const std::string& text);

/// Of the presets for `section` the one that `--device` names, or the first.
const Preset& option_device(const OptionText& device, const std::string& section);

/// A scenario that says nothing but this preset.
Scenario preset_scenario(const Preset& preset);

/// How long light takes through a cable.
Duration cable_latency(double metres);

/// Lines of cells, each column as wide as its widest cell and flush right.
std::string columns(const std::vector<std::vector<std::string>>& rows);

}  // namespace heddle
