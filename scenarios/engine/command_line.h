// The program `heddle`.
#pragma once

namespace heddle {

/// Parses the arguments, carries out the command, and returns the exit code: 0 done, 2 bad input,
/// 3 a check of the model failed, 4 no progress, 5 deadline, 130 interrupted. Throws nothing.
int command_line(int argc, const char* const* argv);

}  // namespace heddle
