// One declaration per statistic: the keys of results.json below `variants.<name>`, which are an
// interface. Tables, `heddle explain` and the documentation read this list.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace heddle {

struct Statistic {
  std::string path;  ///< keys joined by dots; `*` stands for any one key (a device, a link, ...)
  std::string unit;
  std::string what;
};

const std::vector<Statistic>& statistics();

/// The stages of a packet's latency in the order in which a packet meets them, with a sentence.
struct StageText {
  std::string name;
  std::string what;
};
const std::vector<StageText>& stage_texts();

/// The declaration that covers these keys, or null. A declared statistic may hold any value, a
/// distribution included.
const Statistic* find_statistic(const std::vector<std::string>& keys);

/// Throws CheckFailure naming every leaf of one variant's results that is not declared.
void check_declared(const nlohmann::ordered_json& results);

}  // namespace heddle
