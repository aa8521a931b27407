#include "engine/wave_trace.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>

#include "engine/fabric.h"
#include "engine/quantity.h"
#include "kernel/error.h"

namespace heddle {
namespace {

constexpr unsigned kind_bits = 48;  // six characters

std::string_view kind_text(const Frame& frame) {
  const bool off = frame.has(frame_flag::off);
  switch (frame.kind) {
    case FrameKind::packet:
      return frame.has(frame_flag::trimmed) ? "trim" : "packet";
    case FrameKind::ack:
      return "ack";
    case FrameKind::nak:
      return "nak";
    case FrameKind::cnp:
      return "cnp";
    case FrameKind::cell:
      return "cell";
    case FrameKind::voq_status:
      return "status";
    case FrameKind::reachability:
      return "reach";
    case FrameKind::credit:
      return "credit";
    case FrameKind::pause:
      return off ? "pause" : "resume";
    case FrameKind::flow_control:
      return off ? "stop" : "go";
    case FrameKind::torus_credit:
      return "room";
    case FrameKind::torus_packet:
      return "torus";
  }
  return "";
}

/// As Verilog keeps text in a vector: eight bits per character, the last one to the right.
std::uint64_t text_value(std::string_view text) {
  std::uint64_t value = 0;
  for (const char c : text) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

/// Letters, digits and underscores: dots part scopes, and readers differ about the rest.
std::string identifier(const std::string& name) {
  std::string text;
  for (const char c : name) text += c == '-' ? std::string("_to_") : std::string(1, c);
  std::replace(text.begin(), text.end(), '.', '_');
  return text;
}

WaveFormat format_of(StateView::Kind kind) {
  switch (kind) {
    case StateView::Kind::level:
      return WaveFormat::number;
    case StateView::Kind::balance:
      return WaveFormat::signed_number;
    case StateView::Kind::mask:
      return WaveFormat::mask;
    case StateView::Kind::strobe:
      break;
  }
  return WaveFormat::bit;
}

}  // namespace

/// The signals of a link, and the frame that started on it last.
class WaveTrace::LinkWave : public LinkProbe {
 public:
  LinkWave(WaveTrace& trace, std::uint32_t number, Link& link, PacketPool& packets)
      : trace_(trace), number_(number), link_(link), packets_(packets) {
    link.attach(this);
  }
  ~LinkWave() override { link_.attach(nullptr); }
  LinkWave(const LinkWave&) = delete;
  LinkWave& operator=(const LinkWave&) = delete;

  const Link& link() const { return link_; }

  void started(const Frame& frame, Cycle /*now*/) override {
    frame_ = frame;
    message_ = frame.kind == FrameKind::packet ? packets_[frame.packet].message : 0;
    if (trace_.open_) trace_.started_.push_back(number_);
  }

  void show(VcdWriter& vcd, bool starts) const {
    if (starts) vcd.happen(start);
    vcd.set(valid, 1);
    vcd.set(kind, text_value(kind_text(frame_)));
    vcd.set(sequence, frame_.sequence);
    vcd.set(bytes, frame_.wire_bytes);
    vcd.set(traffic_class, frame_.traffic_class);
    if (link_local(frame_.kind)) {
      vcd.release(source);
      vcd.release(destination);
    } else {
      vcd.set(source, frame_.source);
      vcd.set(destination, frame_.destination);
    }
    if (frame_.kind == FrameKind::packet) {
      vcd.set(message, message_);
    } else {
      vcd.release(message);
    }
  }
  void show_idle(VcdWriter& vcd) const {
    vcd.set(valid, 0);
    for (const VcdWriter::Signal signal :
         {kind, sequence, bytes, traffic_class, source, destination, message}) {
      vcd.release(signal);
    }
  }

  VcdWriter::Signal valid{}, start{}, kind{}, sequence{}, bytes{}, traffic_class{}, source{},
      destination{}, message{};

 private:
  WaveTrace& trace_;
  std::uint32_t number_;
  Link& link_;
  PacketPool& packets_;
  Frame frame_;
  std::uint32_t message_ = 0;
};

WaveTrace::WaveTrace(const TraceOptions& options, const std::string& comment,
                     const std::vector<const Device*>& devices,
                     const std::vector<std::unique_ptr<Link>>& links, Clock& clock,
                     PacketPool& packets)
    : clock_(clock),
      file_(options.file),
      begin_(clock.cycles(options.begin)),
      end_(clock.cycles(options.end)),
      vcd_(options.file, comment),
      device_wave_(devices.size(), untraced) {
  declare(options, devices, links, packets);
}

WaveTrace::~WaveTrace() { detach(); }

void WaveTrace::detach() {
  clock_.observe(nullptr);
  links_.clear();
}

// --- the header ---------------------------------------------------------------------------------

/// A scope for each device, in the order in which the options first name it or a link on which it
/// sends, with those links below.
void WaveTrace::declare(const TraceOptions& options, const std::vector<const Device*>& all_devices,
                        const std::vector<std::unique_ptr<Link>>& all_links, PacketPool& packets) {
  std::map<std::string, const Device*> devices;
  for (const Device* device : all_devices) devices[device->path()] = device;
  std::map<std::string, Link*> links;
  for (const auto& link : all_links) links[link->name()] = link.get();

  std::vector<std::string> scopes;
  std::map<std::string, std::vector<std::string>> parts_of;
  for (const std::string& part : options.parts) {
    std::vector<std::string>& parts = parts_of[sender_name(part)];
    if (parts.empty()) scopes.push_back(sender_name(part));
    parts.push_back(part);
  }
  vcd_.open_scope("heddle");
  for (const std::string& scope : scopes) {
    Group& group = groups_.emplace_back();
    group.name = scope;
    vcd_.open_scope(identifier(scope));
    for (const std::string& part : parts_of[scope]) {
      if (part == scope) {
        declare_device(*devices.at(part), group);
      } else {
        declare_link(*links.at(part), group, packets);
      }
    }
    vcd_.close_scope();
  }
  vcd_.close_scope();
  vcd_.begin(ps(begin_));
}

VcdWriter::Signal WaveTrace::add(Group& group, const std::string& scope, const std::string& name,
                                 unsigned bits, WaveFormat format) {
  const VcdWriter::Signal signal = vcd_.add(name, bits);
  group.signals.push_back({signal, fmt::format("{}.{}", scope, name), bits, format});
  return signal;
}

void WaveTrace::declare_device(const Device& device, Group& group) {
  const std::string scope = "heddle." + identifier(device.path());
  device_wave_[device.id()] = static_cast<std::uint32_t>(devices_.size());
  DeviceWave wave;
  for (const BufferView& view : device.buffers()) {
    const Occupancy* occupancy = view.occupancy;
    wave.samples.push_back({add(group, scope, view.queue + "_bytes", 64, WaveFormat::filling),
                            [occupancy] { return occupancy->level(); }, false});
  }
  for (const StateView& view : device.state()) {
    const bool strobe = view.kind == StateView::Kind::strobe;
    if (strobe) {
      wave.samples.push_back({vcd_.add_event(view.name), view.read, true});
      group.signals.push_back(
          {wave.samples.back().signal, fmt::format("{}.{}", scope, view.name), 1, WaveFormat::bit});
    } else {
      wave.samples.push_back(
          {add(group, scope, view.name, view.bits, format_of(view.kind)), view.read, false});
    }
  }
  devices_.push_back(std::move(wave));
  if (const auto* rtl = dynamic_cast<const RtlWaves*>(&device)) {
    std::filesystem::path file = file_;
    file.replace_extension("." + device.path() + ".fst");
    rtl_.push_back({rtl, std::make_unique<TemporaryFile>(file)});
  }
}

void WaveTrace::declare_link(Link& link, Group& device, PacketPool& packets) {
  const std::string name = identifier(link.name());
  const std::string inside = fmt::format("heddle.{}.{}", identifier(device.name), name);
  links_.push_back(
      std::make_unique<LinkWave>(*this, static_cast<std::uint32_t>(links_.size()), link, packets));
  LinkWave& wave = *links_.back();
  Group& group = device.links.emplace_back();
  group.name = link.name();
  vcd_.open_scope(name);
  wave.valid = add(group, inside, "valid", 1, WaveFormat::bit);
  wave.start = vcd_.add_event("start");
  group.signals.push_back({wave.start, inside + ".start", 1, WaveFormat::bit});
  wave.kind = add(group, inside, "kind", kind_bits, WaveFormat::text);
  wave.message = add(group, inside, "message", 32, WaveFormat::number);
  wave.sequence = add(group, inside, "sequence", 32, WaveFormat::number);
  wave.bytes = add(group, inside, "bytes", 16, WaveFormat::number);
  wave.source = add(group, inside, "source", 16, WaveFormat::number);
  wave.destination = add(group, inside, "destination", 16, WaveFormat::number);
  wave.traffic_class = add(group, inside, "class", 8, WaveFormat::number);
  vcd_.close_scope();
}

// --- the window ---------------------------------------------------------------------------------

void WaveTrace::begin() {
  begun_ = true;
  open_ = true;
  for (DeviceWave& device : devices_) {
    for (Sample& sample : device.samples) sample.last = sample.read();
    sample(device);
  }
  for (std::uint32_t number = 0; number < links_.size(); ++number) {
    const LinkWave& wave = *links_[number];
    const Cycle ends = wave.link().ready_at();
    if (wave.link().frames() != 0 && ends > begin_) {
      wave.show(vcd_, false);
      ends_.push({ends, number});
    } else {
      wave.show_idle(vcd_);
    }
  }
  for (const RtlWave& wave : rtl_) wave.device->open_waves(wave.file->path().string());
  clock_.observe(this);
}

void WaveTrace::cycle_ended(Cycle now, const std::vector<Device*>& ran) {
  if (now >= end_) {
    open_ = false;
    for (const RtlWave& wave : rtl_) wave.device->close_waves();
    return clock_.observe(nullptr);
  }
  end_frames(now);
  vcd_.at(ps(now));
  for (const std::uint32_t number : started_) {
    links_[number]->show(vcd_, true);
    ends_.push({links_[number]->link().ready_at(), number});
  }
  started_.clear();
  for (const Device* device : ran) {
    const std::uint32_t number = device_wave_[device->id()];
    if (number != untraced) sample(devices_[number]);
  }
}

/// Links whose frame has ended by cycle `last` become idle, each at its time. What starts in that
/// very cycle is shown afterwards, and leaves no gap.
void WaveTrace::end_frames(Cycle last) {
  while (!ends_.empty() && ends_.top().first <= last) {
    const auto [cycle, number] = ends_.top();
    ends_.pop();
    vcd_.at(ps(cycle));
    links_[number]->show_idle(vcd_);
  }
}

void WaveTrace::sample(DeviceWave& device) {
  for (Sample& sample : device.samples) {
    const std::uint64_t value = sample.read();
    if (!sample.strobe) {
      vcd_.set(sample.signal, value);
    } else if (std::exchange(sample.last, value) != value) {
      vcd_.happen(sample.signal);
    }
  }
}

// --- the end ------------------------------------------------------------------------------------

void WaveTrace::keep(Cycle end) {
  if (!begun_) {
    throw InputError(
        fmt::format("no waves: the run ended at {}, before the window, which begins at {}",
                    print_quantity(Duration{ps(end)}), print_quantity(Duration{ps(begin_)})));
  }
  const Cycle last = std::min(end, end_);
  end_frames(last);
  detach();
  for (const RtlWave& wave : rtl_) {
    wave.device->close_waves();
    wave.file->keep();
  }
  vcd_.keep(ps(last));
  GtkwaveSave shown;
  for (const Group& group : groups_) save(group, shown);
  std::filesystem::path save_file = file_;
  write_atomically(save_file.replace_extension(".gtkw"), shown.text(file_, ps(begin_), ps(last)));
}

bool WaveTrace::lives(const Group& group) const {
  return std::any_of(group.signals.begin(), group.signals.end(),
                     [&](const Shown& shown) { return vcd_.lives(shown.signal); }) ||
         std::any_of(group.links.begin(), group.links.end(),
                     [&](const Group& link) { return lives(link); });
}

/// Only what lived in the window: of a large leaf's queues, those that did something.
void WaveTrace::save(const Group& group, GtkwaveSave& save) const {
  if (!lives(group)) return;
  save.open_group(group.name);
  for (const Shown& shown : group.signals) {
    if (vcd_.lives(shown.signal)) save.show(shown.path, shown.bits, shown.format);
  }
  for (const Group& link : group.links) this->save(link, save);
  save.close_group(group.name);
}

}  // namespace heddle
