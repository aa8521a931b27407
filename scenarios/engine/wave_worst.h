// `heddle wave worst`: why did the slowest packet of a finished run take so long? Runs it again by
// what results.json says of it, once to see the packet's way and once to trace just that.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

namespace heddle {

struct WaveOptions {
  std::filesystem::path results;  ///< results.json or its folder
  std::string variant;            ///< may be empty when the results have one
  std::filesystem::path out;      ///< folder of the waves; empty: that of the results
  bool quiet = false;             ///< no progress
};

struct WaveOutcome {
  std::string story;  ///< the packet's life, stage by stage; empty when interrupted
  int exit_code = 0;
};

/// Writes `<variant>-worst.vcd` and `.gtkw` and tells the story. Throws InputError when the results
/// or their scenario cannot be read, are not what they were, or no packet was delivered, and when
/// the waves cannot be written.
///
/// Call before anything of SystemC is constructed.
WaveOutcome wave_worst(const WaveOptions& options);

/// The life of a packet as a table: `path` as PacketPath gives it.
std::string packet_story(const nlohmann::ordered_json& path, std::uint64_t period_ps);

}  // namespace heddle
