// Real switches and tori: values for the section `adaptive`, `scheduled` or `fabric` of a scenario,
// each with its source.
#pragma once

#include <string>
#include <vector>

#include "kernel/fields.h"

namespace heddle {

struct PresetValue {
  std::string key;    ///< below the preset's section
  std::string value;  ///< as a scenario spells it
  std::string source;
};

/// The key `preset` of a section names one: its values become the defaults of that section, which
/// the scenario's own keys override. What a preset does not say keeps Heddle's default.
struct Preset {
  std::string name;
  std::string section;  ///< `adaptive`, `scheduled` or `fabric`
  std::string device;
  std::string ports;  ///< of the device; a scenario says itself which links it uses
  std::vector<PresetValue> values;
};

const std::vector<Preset>& presets();

/// The preset of this name, or null.
const Preset* find_preset(const std::string& name);

/// Gives the fields of `section` the values of the preset.
void apply(const Preset& preset, const Section& section);

/// The same for every section of `root` whose field `preset` names one; whether any does.
bool apply_presets(const Section& root);

/// A line per preset: the key that adopts it, and the device.
std::string list_presets();

}  // namespace heddle
