#include "engine/headroom.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/table.h"
#include "kernel/error.h"
#include "parts/shared_buffer.h"

namespace heddle {
namespace {

constexpr std::uint64_t largest_packet_size = 9216;
constexpr unsigned most_lanes = 8;
constexpr Bytes sonic_pipeline = 19_KiB;     // sonic-buildimage, asic_table.j2: Spectrum-1 to -5
constexpr double sonic_peer_bytes = 3891.2;  // 3.8 KiB, the same file

/// What the calculator must know of a device beside its preset.
struct Ports {
  const char* preset;
  Rate lane;       ///< of the fastest ports: eight of these
  bool quanta;     ///< the vendor's table gives peers the standard's time
  Duration extra;  ///< and this time on top, both ways: transceivers
};

/// SN5600: quanta and 120 ns give all 24 values of column xoff in its pg_profile_lookup.ini
/// (sonic-buildimage, ACS-SN5600).
const std::vector<Ports>& known_ports() {
  static const std::vector<Ports> all{{"sn4700", 50_Gbps, false, 0_ns},
                                      {"sn5600", 100_Gbps, true, 120_ns}};
  return all;
}

const Ports& ports_of(const Preset& preset) {
  const auto found = std::find_if(known_ports().begin(), known_ports().end(),
                                  [&](const Ports& ports) { return preset.name == ports.preset; });
  if (found == known_ports().end()) throw CheckFailure("ports unknown of preset " + preset.name);
  return *found;
}

/// What the peer still sends after a pause has reached it.
class Peer {
 public:
  Peer(const OptionText& option, const Ports& ports) {
    if (!option) {
      quanta_ = ports.quanta;
      extra_ = ports.extra;
    } else if (*option == "quanta") {
      quanta_ = true;
    } else {
      bytes_ =
          static_cast<double>(option_quantity("--peer", *option, byte_units(), 0, (1_GiB).value));
    }
  }

  double bytes(Rate rate) const {
    const double extra =
        static_cast<double>(rate.bits_per_second) * static_cast<double>(extra_.picoseconds) / 8e12;
    return (quanta_ ? pause_quanta_bytes(rate) : bytes_) + extra;
  }

  std::string name() const {
    std::string name = quanta_ ? "pause quanta" : fmt::format("{} B", bytes_);
    if (extra_ == 0_ps) return name;
    return fmt::format("{} and {}", name, print_quantity(extra_.picoseconds, duration_units()));
  }

 private:
  bool quanta_ = false;
  double bytes_ = sonic_peer_bytes;
  Duration extra_ = 0_ps;
};

std::vector<Rate> rates(const OptionText& rate, const Preset& preset) {
  const Rate fastest{most_lanes * ports_of(preset).lane.bits_per_second};
  std::vector<Rate> usual;
  for (const Rate r :
       {10_Gbps, 25_Gbps, 40_Gbps, 50_Gbps, 100_Gbps, 200_Gbps, 400_Gbps, 800_Gbps}) {
    if (!(fastest < r)) usual.push_back(r);
  }
  std::vector<Rate> chosen = option_rates(rate, usual);
  if (fastest < chosen.front()) {
    throw InputError(fmt::format("--rate: {} is more than the fastest port of {} has, {}",
                                 print_quantity(chosen.front()), preset.name,
                                 print_quantity(fastest)));
  }
  return chosen;
}

/// Those of the vendor's table, unless one is given.
std::vector<double> cables(const HeadroomOptions& options) {
  if (options.cable && options.latency) {
    throw InputError("--cable and --latency say the same; give one of them");
  }
  if (options.cable) return {option_metres(*options.cable)};
  if (!options.latency) return {5, 40, 300};
  const std::uint64_t picoseconds =
      option_quantity("--latency", *options.latency, duration_units(), 0, (1_ms).picoseconds);
  return {static_cast<double>(picoseconds) * 1e-12 * light_metres_per_second};
}

/// Millimetres are enough, where a latency gave the length.
std::string cable_text(double metres) {
  return print_quantity(static_cast<std::uint64_t>(std::llround(metres * 1000)), length_units());
}

std::string legend(Bytes cell) {
  return fmt::format(
      "  size   bytes of a lossless group: xon, xoff, and a packet if it has 8 lanes\n"
      "  xon    bytes of its own, below which its sender may go on\n"
      "  xoff   headroom: bytes that may still come after the pause has been sent\n"
      "         (adaptive.memory.headroom; its 'auto' adds the simulated pipeline)\n"
      "  cells  of {} in xoff\n"
      "  rules  sonic-swss, cfgmgr/buffer_headroom_mellanox.lua\n",
      print_quantity(cell));
}

}  // namespace

double vendor_occupancy(Bytes cell) {
  constexpr double smallest_packet = 64;
  const auto bytes = static_cast<double>(cell.value);
  return bytes > 2 * smallest_packet ? bytes / smallest_packet : 2 * bytes / (1 + bytes);
}

double pause_quanta_bytes(Rate rate) {
  static const std::vector<std::pair<Rate, unsigned>> quanta{
      {10_Gbps, 67},   {25_Gbps, 80},   {40_Gbps, 118},  {50_Gbps, 147},
      {100_Gbps, 394}, {200_Gbps, 453}, {400_Gbps, 905}, {800_Gbps, 905}};
  for (const auto& [known, count] : quanta) {
    if (known == rate) return count * 512.0 / 8;
  }
  throw InputError(
      fmt::format("--peer: no pause quanta are known for {}; give a size", print_quantity(rate)));
}

HeadroomProfile headroom_profile(Rate rate, double metres, Bytes cell, Bytes pipeline,
                                 double peer_bytes, bool eight_lanes) {
  constexpr std::uint64_t unit = 1024;
  const auto rounded = [](std::uint64_t bytes) { return (bytes + unit - 1) / unit * unit; };
  HeadroomProfile profile{};
  profile.xoff = pfc_headroom_bytes(rate, metres, vendor_occupancy(cell), peer_bytes);
  profile.xon = rounded(eight_lanes ? std::max(2 * pipeline.value, unit) - unit : pipeline.value);
  profile.size = profile.xon + profile.xoff + (eight_lanes ? largest_packet_size : 0);
  profile.cells = (profile.xoff + cell.value - 1) / cell.value;
  return profile;
}

std::string headroom_table(const HeadroomOptions& options) {
  const Preset& preset = option_device(options.device, "adaptive");
  const Ports& ports = ports_of(preset);
  Bytes cell = preset_scenario(preset).adaptive.memory.cell;
  if (options.cell) cell = {option_quantity("--cell", *options.cell, byte_units(), 16, 16384)};
  Bytes pipeline = sonic_pipeline;
  if (options.pipeline) {
    pipeline = {option_quantity("--pipeline", *options.pipeline, byte_units(), 0, (1_GiB).value)};
  }
  const Peer peer(options.peer, ports);

  std::vector<std::vector<std::string>> rows{
      {"rate", "cable", "latency", "size", "xon", "xoff", "cells"}};
  for (const double metres : cables(options)) {
    for (const Rate rate : rates(options.rate, preset)) {
      const bool eight_lanes = (most_lanes - 1) * ports.lane.bits_per_second < rate.bits_per_second;
      const HeadroomProfile profile =
          headroom_profile(rate, metres, cell, pipeline, peer.bytes(rate), eight_lanes);
      rows.push_back({print_quantity(rate), cable_text(metres),
                      human_duration(static_cast<double>(cable_latency(metres).picoseconds) / 1000),
                      std::to_string(profile.size), std::to_string(profile.xon),
                      std::to_string(profile.xoff), std::to_string(profile.cells)});
    }
  }
  return fmt::format("{}: cells of {} ({} B of memory per byte),\npipeline {}, peer {}\n\n{}\n{}",
                     preset.device, print_quantity(cell), vendor_occupancy(cell),
                     print_quantity(pipeline), peer.name(), columns(rows), legend(cell));
}

}  // namespace heddle
