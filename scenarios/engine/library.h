// The scenario files that come with Heddle.
#pragma once

#include <filesystem>
#include <string>

namespace heddle {

/// One entry per scenario file: its path and the two lines of comment that open it and say what
/// question it answers. The files are those below `scenarios/` in the current folder, else beside
/// or above the folder of the program. Throws InputError when there is no such folder.
std::string list_library();

}  // namespace heddle
