// Legal scenarios at random, drawn from the declarations of their parameters.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

namespace heddle::testing {

/// The scenario of a seed, as a tree of keys and values that the loader accepts. Each parameter
/// that applies is left alone or set: to an end of its range, or to a value around its default. A
/// value that makes the scenario illegal, or its run long, is taken back. A new parameter takes
/// part as soon as it is declared.
nlohmann::ordered_json random_scenario(std::uint64_t seed);

/// The tree as the text of a scenario file.
std::string spell(const nlohmann::ordered_json& scenario);

}  // namespace heddle::testing
