// How the program ends. The values of RunStatus (no progress 4, deadline 5) are exit codes as well.
#pragma once

namespace heddle {

inline constexpr int exit_done = 0;
inline constexpr int exit_bad_input = 2;
inline constexpr int exit_check_failed = 3;
inline constexpr int exit_interrupted = 130;  // as a shell reports SIGINT

}  // namespace heddle
