// Waves of a run: what crosses chosen links and what chosen devices hold, in a window of time, as a
// value change dump with a GTKWave save file beside it. Looks on and changes nothing.
//
// Before the window a traced link costs a copy of each frame, everything else nothing. In it, a
// traced device is read after each cycle in which it ran.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <utility>
#include <vector>

#include "cosim/rtl_waves.h"
#include "engine/gtkwave_save.h"
#include "engine/result_file.h"
#include "engine/vcd_writer.h"
#include "kernel/device.h"
#include "kernel/link.h"

namespace heddle {

struct TraceOptions {
  std::vector<std::string> parts;  ///< names of devices and links (part_names)
  Duration begin;                  ///< the window, its end not included
  Duration end;
  std::filesystem::path file;  ///< the dump; the save file has the ending .gtkw
};

class WaveTrace : public CycleObserver {
 public:
  WaveTrace(const TraceOptions& options, const std::string& comment,
            const std::vector<const Device*>& devices,
            const std::vector<std::unique_ptr<Link>>& links, Clock& clock, PacketPool& packets);
  WaveTrace(const WaveTrace&) = delete;
  WaveTrace& operator=(const WaveTrace&) = delete;
  /// Without `keep` nothing is left on disk.
  ~WaveTrace() override;

  /// First cycle of the window.
  Cycle begin_cycle() const { return begin_; }

  /// To be called when all cycles before `begin_cycle` are over, and no other.
  void begin();
  bool begun() const { return begun_; }

  /// The run is over at `end`: both files get their names. Throws InputError when the window has
  /// not begun.
  void keep(Cycle end);

 private:
  /// What a signal is called and how it looks.
  struct Shown {
    VcdWriter::Signal signal;
    std::string path;
    unsigned bits;
    WaveFormat format;
  };
  /// A device, and the links on which it sends.
  struct Group {
    std::string name;
    std::vector<Shown> signals;
    std::vector<Group> links;
  };
  struct Sample {
    VcdWriter::Signal signal;
    std::function<std::uint64_t()> read;
    bool strobe;
    std::uint64_t last = 0;  ///< of a strobe
  };
  struct DeviceWave {
    std::vector<Sample> samples;
  };
  /// What is inside a device in RTL has a file of its own, FILE.DEVICE.fst.
  struct RtlWave {
    const RtlWaves* device;
    std::unique_ptr<TemporaryFile> file;
  };
  class LinkWave;

  static constexpr std::uint32_t untraced = ~std::uint32_t{0};

  void declare(const TraceOptions& options, const std::vector<const Device*>& all_devices,
               const std::vector<std::unique_ptr<Link>>& all_links, PacketPool& packets);
  void declare_device(const Device& device, Group& group);
  void declare_link(Link& link, Group& device, PacketPool& packets);
  VcdWriter::Signal add(Group& group, const std::string& scope, const std::string& name,
                        unsigned bits, WaveFormat format);
  void cycle_ended(Cycle now, const std::vector<Device*>& ran) override;
  void end_frames(Cycle last);
  void sample(DeviceWave& device);
  void show(std::uint32_t link);
  void detach();
  bool lives(const Group& group) const;
  void save(const Group& group, GtkwaveSave& save) const;
  std::uint64_t ps(Cycle cycle) const {
    return cycle * clock_.options().period_ps / clock_.options().period_cycles;
  }

  Clock& clock_;
  std::filesystem::path file_;
  Cycle begin_;
  Cycle end_;
  bool begun_ = false;
  bool open_ = false;  // in the window
  VcdWriter vcd_;
  std::vector<Group> groups_;
  std::vector<std::uint32_t> device_wave_;  // by device: its place in devices_, or untraced
  std::vector<DeviceWave> devices_;
  std::vector<RtlWave> rtl_;
  std::vector<std::unique_ptr<LinkWave>> links_;
  std::vector<std::uint32_t> started_;  // links on which a frame has started in this cycle
  /// When links become idle: cycle and link. One entry per link at most.
  using End = std::pair<Cycle, std::uint32_t>;
  std::priority_queue<End, std::vector<End>, std::greater<>> ends_;
};

}  // namespace heddle
