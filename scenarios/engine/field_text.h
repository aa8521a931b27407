// A field of a configuration in the words of a scenario: its value, type, range and conditions.
#pragma once

#include <string>
#include <string_view>

#include "kernel/fields.h"

namespace heddle {

/// The field's present value, as a scenario spells it.
std::string value_text(const Field& field);

/// Reads a scenario's spelling into the field. Throws InputError, without file and key, when the
/// text is no value of this type or out of range.
void set_value(const Field& field, std::string_view text);

/// "size (B, KB, ...)", "one of scheduled, adaptive", ...
std::string type_text(const Field& field);

/// "64 B to 1 GB"; empty for words, flags and free text.
std::string range_text(const Field& field);

/// "switch is adaptive", "receive is go_back_n or selective_repeat"; keys from the root lose their
/// slash.
std::string condition_text(const Condition& condition);

}  // namespace heddle
