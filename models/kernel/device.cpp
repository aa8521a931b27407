#include "kernel/device.h"

#include "kernel/csr.h"

namespace heddle {

Device::Device(const sc_core::sc_module_name& module_name, Clock& clock, unsigned reasons)
    : sc_core::sc_module(module_name), clock_(clock), id_(clock.enroll(*this)), due_(reasons) {}

Device::~Device() = default;

void Device::bind_input(std::uint32_t reason, const Input& input) {
  if (inputs_.size() <= reason) inputs_.resize(reason + 1);
  inputs_[reason] = input;
}

void Device::put_first_in_front(std::uint32_t reason) {
  const auto goes_before = [](const Arrival& a, const Arrival& b) {
    const bool urgent = link_local(a.frame.kind);
    return urgent != link_local(b.frame.kind) ? urgent : a.serialization > b.serialization;
  };
  std::uint32_t& first = inputs_[reason].arrived;
  for (Second& second : second_) {
    if (second.reason != reason) continue;
    if (goes_before(clock_.arrival(second.place), clock_.arrival(first))) {
      std::swap(first, second.place);
    }
  }
}

void Device::take_second(std::uint32_t reason) {
  for (auto second = second_.begin(); second != second_.end(); ++second) {
    if (second->reason != reason) continue;
    inputs_[reason].arrived = second->place;
    second_.erase(second);
    return;
  }
}

Csr& Device::csr() {
  if (!csr_) {
    const ModuleScope scope(*this);  // the socket is a part of the device
    csr_ = std::make_unique<Csr>("csr_socket", clock_, id_, registers());
  }
  return *csr_;
}

RegisterMap Device::registers() {
  RegisterMap map;
  RegisterBlock& head = map.block("device", 0, "What it is, and its law of frames.");
  head.add(
          "kind", 0x00, 4,
          "1 NIC, 2 scheduled leaf, 3 fabric element, 4 adaptive switch, 5 HBM, 6 crossbar switch, "
          "7 accelerator core, 8 systolic array, 9 torus router, 10 torus source, "
          "11 torus endpoint.",
          [this] { return device_kind(); })
      .resets_to("");
  head.add("map_version", 0x04, 4, "Of this layout.", [] { return 1; }).resets_to("1");
  head.add("ports", 0x08, 4, "Ports with a link, both directions each.",
           [this] { return port_count(); })
      .resets_to("`fabric`");
  head.add("buffers", 0x0c, 4, "Queues with `buffer` registers.",
           [this] { return buffers().size(); })
      .resets_to("");
  head.add("clock_period_ps", 0x10, 8, "Picoseconds of a cycle, rounded down.",
           [this] { return clock_.options().period_ps / clock_.options().period_cycles; })
      .resets_to("`fabric.clock`");
  head.add("cycle", 0x18, 8, "The latest cycle that has begun.", [this] { return present(); });
  const auto frames = [&](const char* what, std::uint64_t offset, const char* text,
                          std::uint64_t FrameBalance::*count) {
    head.add(what, offset, 8, text, [this, count] { return balance().*count; });
  };
  frames("frames_received", 0x20, "Frames taken from links.", &FrameBalance::received);
  frames("frames_sent", 0x28, "Frames given to links.", &FrameBalance::sent);
  frames("frames_created", 0x30, "Frames made here.", &FrameBalance::created);
  frames("frames_consumed", 0x38, "Frames that ended here.", &FrameBalance::consumed);
  frames("frames_dropped", 0x40, "Frames thrown away.", &FrameBalance::dropped);
  frames("frames_held", 0x48,
         "Frames inside; received + created = sent + consumed + dropped + held.",
         &FrameBalance::held);

  describe(map);

  const std::vector<BufferView> views = buffers();
  RegisterBlock& queues = map.block("buffer", buffer_registers,
                                    "Its queues, in the order and with the names of "
                                    "`buffers.<device>` of the results; those that "
                                    "never held a byte are left out there.",
                                    static_cast<unsigned>(views.size()), 0x10);
  queues.add("level_bytes", 0x0, 8, "Held now.",
             [views](unsigned queue) { return views[queue].occupancy->level(); });
  queues.add("peak_bytes", 0x8, 8, "The most held so far.",
             [views](unsigned queue) { return views[queue].occupancy->peak_bytes(); });
  return map;
}

}  // namespace heddle
