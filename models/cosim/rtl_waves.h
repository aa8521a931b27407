// Waves of what is inside a device that is RTL.
#pragma once

#include <string>

namespace heddle {

class RtlWaves {
 public:
  virtual ~RtlWaves() = default;

  /// From the next cycle on into `file`, in GTKWave's format (FST), by the time of the simulation,
  /// until close_waves. Changes nothing of the device.
  virtual void open_waves(const std::string& file) const = 0;
  virtual void close_waves() const = 0;
};

}  // namespace heddle
