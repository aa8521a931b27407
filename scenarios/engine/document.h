// The text of a scenario as a tree, before anybody knows what its keys mean. Every node remembers
// where it was written, so that any later complaint can point there.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace heddle {

struct Node {
  enum class Kind { empty, scalar, map, list };

  Kind kind = Kind::empty;
  std::string key;            ///< within the parent map
  std::string text;           ///< of a scalar
  std::string place;          ///< "file:line:column", or the option that gave it
  bool from_variant = false;  ///< given by one variant rather than by the common part
  bool from_option = false;   ///< given by --set
  std::vector<Node> children;

  const Node* find(std::string_view child_key) const;
  Node* find(std::string_view child_key);
};

/// Reads a scenario file. Throws InputError for anything but one small YAML map without anchors.
Node read_document(const std::filesystem::path& file);

/// The same for text; `name` stands for the file in messages.
Node parse_document(const std::string& text, const std::string& name);

/// Lays `over` upon `base`: maps join key by key, anything else is replaced. A map or list stays as
/// it is under a key without a value.
void overlay(Node& base, const Node& over);

/// Carries out an option such as `--set path=value`; `place` is how messages name it. A path names
/// keys and, in lists, positions from 0; missing maps are made. Below `list_keys` a single map
/// stands for a list of one. The value may be any YAML. Throws InputError for a path that cannot
/// be.
void set_path(Node& root, const std::string& assignment, const std::string& place,
              const std::vector<std::string>& list_keys);

/// The node that a path as of `set_path` leads to, or the last on the way that is there.
const Node& closest(const Node& node, const std::string& path);

/// Calls `visit(node)` for every node below `node` that has a value of its own.
template <class Visit>
void for_each_leaf(const Node& node, Visit&& visit) {
  if (node.kind == Node::Kind::scalar) visit(node);
  for (const Node& child : node.children) for_each_leaf(child, visit);
}

}  // namespace heddle
