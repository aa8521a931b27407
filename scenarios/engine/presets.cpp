#include "engine/presets.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/conditions.h"
#include "engine/field_text.h"
#include "kernel/error.h"

namespace heddle {
namespace {

using Values = std::vector<PresetValue>;

/// What NVIDIA's SONiC sets on every Spectrum switch.
Values sonic_values(Values values) {
  const std::string ecn = "sonic-buildimage, default ECN profile";
  values.insert(values.end(), {{"memory.alpha_lossless", "128", "2^7: sonic-buildimage"},
                               {"memory.alpha_lossy", "8", "2^3: sonic-buildimage"},
                               {"ecn.kmin", "1 MiB", ecn},
                               {"ecn.kmax", "2 MiB", ecn},
                               {"ecn.pmax", "0.05", ecn}});
  return values;
}

Preset sn4700() {
  return {"sn4700", "adaptive", "NVIDIA SN4700 (Spectrum-3)", "32 x 400 Gbps",
          sonic_values({{"memory.buffer", "60817392 B", "usable egress pool: sonic-buildimage"},
                        {"memory.cell", "144 B", "sonic-buildimage"},
                        {"memory.xon_offset", "37888 B",
                         "column xon at 400G: sonic-buildimage, SN4700 pg_profile_lookup.ini"}})};
}

Preset sn5600() {
  return {"sn5600", "adaptive", "NVIDIA SN5600 (Spectrum-4)", "64 x 800 Gbps",
          sonic_values({{"memory.buffer", "158229504 B", "pool: sonic-buildimage"},
                        {"memory.cell", "192 B", "sonic-buildimage"}})};
}

Preset jericho2c_plus() {
  const std::string sdk = "OpenBCM SDK 6.5.27";
  return {"jericho2c_plus",
          "scheduled",
          "Broadcom Jericho2C+ (BCM88850) with Ramon",
          "7.2 Tbps of host ports",
          {{"buffer", "64 MiB", "J2C+ 64 MB: " + sdk},
           {"buffer_cell", "256 B", sdk},
           {"credit", "4096 B", "credit worth: " + sdk},
           {"credit_speedup", "1.05", "credit scheduler +5 %: " + sdk},
           {"credit_watchdog", "500 us", sdk},
           {"egress_buffer", "auto", "J2C+ 32,000 buffers per core, or what credits need: " + sdk},
           {"segmentation", "packed", sdk},
           {"cell_payload", "256 B", "variable cell, up to 256 B: " + sdk},
           {"cell_header", "16 B", "about 16 B: " + sdk},
           {"receive_pool_cells", "768", "Ramon, words per link: " + sdk},
           {"xoff_cells", "auto", "Ramon 384, or what the cable leaves: " + sdk}}};
}

Preset jericho3_ai() {
  return {"jericho3_ai",
          "scheduled",
          "Broadcom Jericho3-AI with Ramon3",
          "18 x 800 Gbps or 36 x 400 Gbps, 160 fabric links of 106.25 Gbps",
          {{"buffer", "128 MiB", "Jericho3 128 MB: facebook/fboss"},
           {"buffer_cell", "254 B", "facebook/fboss"}}};
}

/// Vendor's figures per chip, shared out to its links. Whether they are of one direction or of both
/// is not documented: `fabric.link_rates` reads them either way.
Values trainium2_values(Values values) {
  const std::string neuron = "AWS Neuron documentation, Trainium2 architecture";
  const std::string link = "1,024 GB/s per chip within a server, over four links: " + neuron;
  values.insert(values.end(),
                {{"topology", "torus", neuron},
                 {"x", "4", "4 x 4 chips in a server: " + neuron},
                 {"y", "4", "4 x 4 chips in a server: " + neuron},
                 {"x_link.rate", "2048 Gbps", link},
                 {"y_link.rate", "2048 Gbps", link},
                 {"clock", "2.4 GHz",
                  "of the tensor engine, " + neuron + "; that of the links is not published"}});
  return values;
}

Preset trainium2_server() {
  return {"trainium2_server", "fabric", "AWS Trainium2 server (trn2.48xlarge)", "16 chips",
          trainium2_values({{"z", "1", "rings between servers are an UltraServer's"},
                            {"local_link.rate", "8192 Gbps",
                             "a choice: what the four links of a chip carry together"}})};
}

Preset trainium2_ultraserver() {
  return {"trainium2_ultraserver", "fabric", "AWS Trainium2 UltraServer (trn2u.48xlarge)",
          "64 chips",
          trainium2_values({{"z", "4", "four servers in a ring: AWS Neuron documentation"},
                            {"z_link.rate", "1024 Gbps",
                             "256 GB/s per chip between servers, over two links: AWS Neuron "
                             "documentation"},
                            {"local_link.rate", "10240 Gbps",
                             "a choice: what the six links of a chip carry together"}})};
}

}  // namespace

const std::vector<Preset>& presets() {
  static const std::vector<Preset> all{sn4700(),      sn5600(),           jericho2c_plus(),
                                       jericho3_ai(), trainium2_server(), trainium2_ultraserver()};
  return all;
}

const Preset* find_preset(const std::string& name) {
  const auto found = std::find_if(presets().begin(), presets().end(),
                                  [&](const Preset& preset) { return preset.name == name; });
  return found == presets().end() ? nullptr : &*found;
}

void apply(const Preset& preset, const Section& section) {
  for (const PresetValue& value : preset.values) {
    const Field* field = find_field(section, value.key);
    if (field == nullptr) throw CheckFailure("a preset names no parameter: " + value.key);
    set_value(*field, value.value);
  }
}

bool apply_presets(const Section& root) {
  bool any = false;
  for (const Section& section : root.sections) {
    const Field* field = find_key(section.fields, "preset");
    const Preset* preset = field == nullptr ? nullptr : find_preset(value_text(*field));
    if (preset == nullptr) continue;
    apply(*preset, section);
    any = true;
  }
  return any;
}

std::string list_presets() {
  std::string text;
  for (const Preset& preset : presets()) {
    const std::string key = fmt::format("{}.preset: {}", preset.section, preset.name);
    text += fmt::format("  {:<34} {}\n", key, preset.device);
  }
  return text;
}

}  // namespace heddle
