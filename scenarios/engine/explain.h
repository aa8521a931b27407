// What a name means: `heddle explain`, and the parameter tables of the documentation.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace heddle {

/// The declaration of a parameter (`nic.receive`), of a section (`nic`), of a preset (`sn4700`) or
/// of a statistic (`latency_ns.p99`). Throws InputError, with the nearest name, for anything else.
std::string explain(const std::string& key);

/// All sections of parameters, presets and groups of statistics, a line each.
std::string explain_overview();

/// Parameters, presets and statistics as Markdown tables: those of `names`, each a section
/// (`nic`, or `scenario` for the keys at the top), a parameter of one, a preset, or `statistics`;
/// without names all. Throws InputError for anything else.
std::string explain_markdown(const std::vector<std::string>& names);

/// Breaks lines that are longer than `width` at spaces. What follows is indented like the last
/// column of its line: what stands behind two spaces or more.
std::string wrapped(const std::string& text, std::size_t width);

}  // namespace heddle
