#include "engine/vcd_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "kernel/error.h"

namespace heddle {
namespace {

constexpr std::size_t portion_bytes = 1 << 16;

}  // namespace

VcdWriter::VcdWriter(const std::filesystem::path& file, const std::string& comment) : file_(file) {
  text_ = fmt::format("$version heddle {} $end\n$comment {} $end\n$timescale 1 ps $end\n", version,
                      comment);
}

void VcdWriter::open_scope(const std::string& name) {
  text_ += fmt::format("$scope module {} $end\n", name);
}

void VcdWriter::close_scope() { text_ += "$upscope $end\n"; }

VcdWriter::Signal VcdWriter::add(const std::string& name, unsigned bits) {
  const auto signal = static_cast<Signal>(signals_.size());
  signals_.push_back({static_cast<std::uint8_t>(bits)});
  text_ += fmt::format("$var wire {} ", bits);
  write_code(signal);
  text_ += bits == 1 ? fmt::format(" {} $end\n", name)
                     : fmt::format(" {} [{}:0] $end\n", name, bits - 1);
  to_disk();
  return signal;
}

VcdWriter::Signal VcdWriter::add_event(const std::string& name) {
  const auto signal = static_cast<Signal>(signals_.size());
  signals_.push_back({1, true});
  text_ += "$var event 1 ";
  write_code(signal);
  text_ += fmt::format(" {} $end\n", name);
  return signal;
}

void VcdWriter::begin(std::uint64_t time_ps) {
  text_ += "$enddefinitions $end\n";
  time_ps_ = time_ps;
}

void VcdWriter::change(Signal signal, const Value& value) {
  State& state = signals_[signal];
  state.next = value;
  if (state.changed) return;
  state.changed = true;
  changed_.push_back(signal);
}

void VcdWriter::happen(Signal event) { change(event, {1, false}); }

void VcdWriter::at(std::uint64_t time_ps) {
  if (time_ps == time_ps_) return;
  if (time_ps < time_ps_) throw CheckFailure("waves run backwards");
  write_changes();
  time_ps_ = time_ps;
  time_written_ = false;
}

/// In the order of declaration, so that the file does not depend on the order of the calls.
void VcdWriter::write_changes() {
  if (initial_) write_initial();
  std::sort(changed_.begin(), changed_.end());
  for (const Signal signal : changed_) {
    State& state = signals_[signal];
    state.changed = false;
    if (!state.event && state.next == state.written) continue;
    if (!time_written_) write_time();
    state.lives = true;
    state.written = state.next;
    write_value(signal);
  }
  changed_.clear();
  to_disk();
}

void VcdWriter::write_initial() {
  initial_ = false;
  write_time();
  text_ += "$dumpvars\n";
  for (Signal signal = 0; signal < signals_.size(); ++signal) {
    State& state = signals_[signal];
    if (state.event) continue;
    state.lives = state.next.bits != 0;
    state.written = state.next;
    write_value(signal);
    to_disk();
  }
  text_ += "$end\n";
}

void VcdWriter::write_time() {
  fmt::format_to(std::back_inserter(text_), "#{}\n", time_ps_);
  time_written_ = true;
  written_ps_ = time_ps_;
}

void VcdWriter::write_value(Signal signal) {
  const State& state = signals_[signal];
  const auto out = std::back_inserter(text_);
  if (state.bits == 1) {
    text_ += state.written.released ? 'z' : static_cast<char>('0' + state.written.bits);
  } else if (state.written.released) {
    text_ += "bz ";
  } else {
    fmt::format_to(out, "b{:b} ", state.written.bits);
  }
  write_code(signal);
  text_ += '\n';
}

/// A number to the base of the printable characters, its lowest digit first.
void VcdWriter::write_code(Signal signal) {
  constexpr char first = '!';
  constexpr unsigned base = '~' - first + 1;
  std::uint32_t rest = signal;
  do {
    text_ += static_cast<char>(first + static_cast<char>(rest % base));
    rest /= base;
  } while (rest != 0);
}

void VcdWriter::to_disk() {
  if (text_.size() < portion_bytes) return;
  file_.write_all(text_);
  text_.clear();
}

void VcdWriter::keep(std::uint64_t time_ps) {
  write_changes();
  time_ps_ = time_ps;
  if (time_ps > written_ps_) write_time();
  file_.write_all(text_);
  text_.clear();
  file_.keep();
}

}  // namespace heddle
