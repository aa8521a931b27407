// Legal scenarios at random, drawn from the declarations of their parameters.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace heddle::testing {

/// A scenario file, and the connection matrices that it reads, which lie in a folder of temporary
/// files.
struct RandomScenario {
  nlohmann::ordered_json tree;  ///< of keys and values that the loader accepts
  std::vector<std::filesystem::path> matrices;

  std::string spell() const;  ///< the text of the scenario file
  void remove_matrices() const;
};

/// The scenario of a seed. Each parameter that applies is left alone or set: to an end of its
/// range, or to a value around its default; links fail, return, slow down and flip bits; messages
/// also come from connection matrices with start times and triggers. What makes the scenario
/// illegal, or its run long, is taken back. A new parameter takes part as soon as it is declared.
RandomScenario random_scenario(std::uint64_t seed);

/// A tree as the text of a scenario file.
std::string spell(const nlohmann::ordered_json& tree);

}  // namespace heddle::testing
