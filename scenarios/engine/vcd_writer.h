// Writes a value change dump, the wave format of IEEE 1364-2005, clause 18: a header that declares
// signals in scopes, then the signals' changes in the order of time. The text goes to disk as it
// grows; the file is there, whole, once it is kept.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "engine/result_file.h"

namespace heddle {

class VcdWriter {
 public:
  using Signal = std::uint32_t;

  /// The header begins. Throws InputError when the file cannot be written, as all others may.
  VcdWriter(const std::filesystem::path& file, const std::string& comment);

  // --- header -----------------------------------------------------------------------------------

  void open_scope(const std::string& name);
  void close_scope();
  /// A signal of 1 to 64 bits; 0 until it is set.
  Signal add(const std::string& name, unsigned bits);
  /// A signal without a value, which happens.
  Signal add_event(const std::string& name);
  /// Ends the header. What is set until the time moves on are the initial values.
  void begin(std::uint64_t time_ps);

  // --- changes, in any order within one time ----------------------------------------------------

  void set(Signal signal, std::uint64_t value) { change(signal, {value, false}); }
  /// Nobody drives it: `z` in waves.
  void release(Signal signal) { change(signal, {0, true}); }
  void happen(Signal event);
  /// What follows happens at `time_ps`, which is not before the time so far.
  void at(std::uint64_t time_ps);

  /// Writes what is left, ends the waves at `time_ps` or the last change, if that is later, and
  /// gives the file its name.
  void keep(std::uint64_t time_ps);

  /// The signal has changed, or was neither 0 nor released from the beginning.
  bool lives(Signal signal) const { return signals_[signal].lives; }

 private:
  struct Value {
    std::uint64_t bits = 0;
    bool released = false;
    bool operator==(const Value& other) const {
      return bits == other.bits && released == other.released;
    }
  };
  struct State {
    std::uint8_t bits;
    bool event = false;
    bool changed = false;  ///< is in changed_
    bool lives = false;
    Value next{};
    Value written{};
  };

  void change(Signal signal, const Value& value);
  void write_changes();
  void write_initial();
  void write_time();
  void write_value(Signal signal);
  void write_code(Signal signal);
  void to_disk();

  TemporaryFile file_;
  std::string text_;  // not yet on disk
  std::vector<State> signals_;
  std::vector<Signal> changed_;  // at the present time
  std::uint64_t time_ps_ = 0;
  std::uint64_t written_ps_ = 0;  // the last time in the file
  bool initial_ = true;           // the initial values are not yet written
  bool time_written_ = true;      // the present time stands in the file
};

}  // namespace heddle
