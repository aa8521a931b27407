// The registers of every kind of device as Markdown tables, from their declarations.
#pragma once

#include <string>
#include <vector>

namespace heddle {

/// `heddle explain --registers`: of the kinds of devices in `names` (`nic`, `hbm`; `device` for
/// what all have); without names all. Elaborates one device of each kind: once per process. Throws
/// InputError for anything else.
std::string explain_registers(const std::vector<std::string>& names);

}  // namespace heddle
