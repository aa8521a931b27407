// From the tree of a scenario's text to the configuration structs.
#pragma once

#include <string>
#include <vector>

#include "engine/document.h"
#include "kernel/fields.h"

namespace heddle {

/// Reads the tree into the structs that `root` describes. Throws InputError for unknown keys, wrong
/// types and values out of range.
void read_into(const Section& root, const Node& tree);

/// A part of the tree that means nothing beside the values of other keys.
struct Dropped {
  Node node;
  std::string path;
  std::string sentence;  ///< which condition does not hold
};

/// Takes what does not apply out of a tree that has been read into `root`.
std::vector<Dropped> drop_inapplicable(const Section& root, Node& tree);

/// An InputError about a node: place, path and sentence.
[[noreturn]] void fail_at(const Node& node, const std::string& path, const std::string& sentence);

}  // namespace heddle
