// The two ways in which a run ends before its time, each with its own exit code.
#pragma once

#include <stdexcept>
#include <string>

namespace heddle {

/// Something the user gave cannot be used: one clear sentence, with file, line and key where they
/// are known, and the nearest valid choice. Ends the program with exit code 2.
class InputError : public std::runtime_error {
 public:
  explicit InputError(const std::string& sentence) : std::runtime_error(sentence) {}
};

/// A law of the model does not hold: the defect is Heddle's. Ends the program with exit code 3.
class CheckFailure : public std::runtime_error {
 public:
  explicit CheckFailure(const std::string& report) : std::runtime_error(report) {}
};

}  // namespace heddle
