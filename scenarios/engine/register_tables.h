// The registers of every kind of device as Markdown tables, from their declarations.
#pragma once

#include <string>

namespace heddle {

/// `heddle explain --registers`. Elaborates one device of each kind: once per process.
std::string explain_registers();

}  // namespace heddle
