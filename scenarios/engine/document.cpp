#include "engine/document.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <utility>

#include "engine/conditions.h"
#include "engine/input_file.h"
#include "kernel/error.h"

namespace heddle {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t max_file_bytes = 1U << 20;
constexpr std::size_t max_depth = 32;
// Far above every scenario, and small enough that looking at all pairs of keys takes no time.
constexpr std::size_t max_map_keys = 1000;
constexpr std::size_t max_key_length = 200;
constexpr std::size_t max_value_length = 4096;  // of a path

std::string place_of(const std::string& name, const YAML::Mark& mark) {
  if (mark.is_null()) return name;
  return fmt::format("{}:{}:{}", name, mark.line + 1, mark.column + 1);
}

/// Builds the tree from the parser's events. Compared with yaml-cpp's own nodes it keeps the place
/// of every key, sees duplicate keys, and cannot be made to expand an alias.
class Builder : public YAML::EventHandler {
 public:
  explicit Builder(std::string name) : name_(std::move(name)) {}

  Node take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override {
    add(open(Node::Kind::empty, mark));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { reject_anchor(mark); }
  void OnAnchor(const YAML::Mark& mark, const std::string&) override { reject_anchor(mark); }
  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                const std::string& value) override {
    if (awaits_key()) return set_key(mark, value);
    if (value.size() > max_value_length) {
      fail(mark,
           fmt::format("a value of {} bytes; valid is up to {}", value.size(), max_value_length));
    }
    Node node = open(Node::Kind::scalar, mark);
    node.text = value;
    add(std::move(node));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    push(Node::Kind::list, mark);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    push(Node::Kind::map, mark);
  }
  void OnSequenceEnd() override { pop(); }
  void OnMapEnd() override { pop(); }

 private:
  /// A collection whose end has not been seen.
  struct Open {
    Node node;
    std::string key;  ///< of the next child, in a map
    std::string key_place;
    bool has_key = false;
  };

  [[noreturn]] void fail(const YAML::Mark& mark, const std::string& sentence) const {
    throw InputError(fmt::format("{}: {}", place_of(name_, mark), sentence));
  }

  [[noreturn]] void reject_anchor(const YAML::Mark& mark) const {
    fail(mark, "anchors and aliases are not supported; write the value out");
  }

  bool awaits_key() const {
    return !stack_.empty() && stack_.back().node.kind == Node::Kind::map && !stack_.back().has_key;
  }

  void set_key(const YAML::Mark& mark, const std::string& key) {
    Open& map = stack_.back();
    if (key.size() > max_key_length) {
      fail(mark, fmt::format("a key of {} bytes; valid is up to {}", key.size(), max_key_length));
    }
    if (map.node.children.size() == max_map_keys) {
      fail(mark, fmt::format("more than {} keys in one place", max_map_keys));
    }
    if (const Node* first = map.node.find(key)) {
      fail(mark, fmt::format("key '{}' is given twice; first at {}", key, first->place));
    }
    map.key = key;
    map.key_place = place_of(name_, mark);
    map.has_key = true;
  }

  Node open(Node::Kind kind, const YAML::Mark& mark) const {
    if (awaits_key()) fail(mark, "a key must be a word; is a bracket or quote missing?");
    Node node;
    node.kind = kind;
    node.place = place_of(name_, mark);
    if (!stack_.empty() && stack_.back().has_key) node.place = stack_.back().key_place;
    return node;
  }

  void push(Node::Kind kind, const YAML::Mark& mark) {
    if (stack_.size() >= max_depth) fail(mark, "nested too deeply for a scenario");
    stack_.push_back({open(kind, mark), {}, {}, false});
  }

  void pop() {
    Node node = std::move(stack_.back().node);
    stack_.pop_back();
    add(std::move(node));
  }

  void add(Node node) {
    if (stack_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& parent = stack_.back();
    node.key = std::move(parent.key);
    parent.has_key = false;
    parent.node.children.push_back(std::move(node));
  }

  std::string name_;
  Node root_;
  std::vector<Open> stack_;
};

Node parse_yaml(const std::string& text, const std::string& name) {
  std::istringstream input(text);
  Builder builder(name);
  try {
    YAML::Parser parser(input);
    parser.HandleNextDocument(builder);
    Builder second(name);
    if (parser && parser.HandleNextDocument(second)) {
      throw InputError(fmt::format("{}: more than one YAML document", name));
    }
  } catch (const YAML::Exception& error) {
    throw InputError(fmt::format("{}: not valid YAML: {}", place_of(name, error.mark), error.msg));
  }
  return builder.take();
}

/// Bytes of the UTF-8 character at the start of `text` (Unicode 15, table 3-7); 0 when it is none.
std::size_t character_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto first = byte(0);
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  const std::size_t length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0U) != 0x80U) return 0;
  }
  // Longer than needed, a surrogate, or beyond the last character.
  const bool wrong = (first == 0xe0 && byte(1) < 0xa0) || (first == 0xed && byte(1) > 0x9f) ||
                     (first == 0xf0 && byte(1) < 0x90) || (first == 0xf4 && byte(1) > 0x8f);
  return wrong ? 0 : length;
}

bool is_text(std::string_view bytes) {
  while (!bytes.empty()) {
    const char c = bytes.front();
    const bool control =
        static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\r' && c != '\t';
    const std::size_t length = character_length(bytes);
    if (control || c == 0x7f || length == 0) return false;
    bytes.remove_prefix(length);
  }
  return true;
}

std::string read_all(const fs::path& file) {
  std::ifstream input = open_input(file);
  std::string text(max_file_bytes + 1, '\0');
  input.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (input.bad()) reject_unreadable(file);
  text.resize(static_cast<std::size_t>(input.gcount()));
  if (text.size() > max_file_bytes) {
    throw InputError(fmt::format("{}: larger than 1 MiB; that is no scenario", file.string()));
  }
  return text;
}

/// Marks a subtree as given by `place`.
void label(Node& node, const std::string& place) {
  node.place = place;
  node.from_option = true;
  for (Node& child : node.children) label(child, place);
}

bool is_index(const std::string& key) {
  return !key.empty() && key.size() < 9 && key.find_first_not_of("0123456789") == std::string::npos;
}

/// The child that one key of a `--set` path leads to, made when it is missing from a map.
Node& step(Node& node, const std::string& key, const std::vector<std::string>& list_keys,
           const std::string& place) {
  const auto fail = [&](const std::string& sentence) {
    throw InputError(fmt::format("{}: {}", place, sentence));
  };
  if (key.empty()) fail("a key is missing");
  if (node.kind == Node::Kind::scalar) {
    fail(fmt::format("'{}' has a plain value at {}, so there is no '{}' in it", node.key,
                     node.place, key));
  }
  if (node.kind == Node::Kind::list) {
    const std::size_t size = node.children.size();
    if (!is_index(key)) {
      if (size == 1) return step(node.children.front(), key, list_keys, place);
      fail(fmt::format("'{}' is a list of {}; say which one, as in {}.0.{}", node.key, size,
                       node.key, key));
    }
    if (std::stoul(key) >= size) {
      fail(fmt::format("'{}' has no element {}; it has {}, counted from 0", node.key, key, size));
    }
    return node.children[std::stoul(key)];
  }
  const bool stands_for_list =
      std::find(list_keys.begin(), list_keys.end(), node.key) != list_keys.end();
  if (stands_for_list && key == "0") return node;
  node.kind = Node::Kind::map;
  if (Node* child = node.find(key)) return *child;
  Node child;
  child.key = key;
  child.place = place;
  child.from_option = true;
  node.children.push_back(std::move(child));
  return node.children.back();
}

}  // namespace

const Node* Node::find(std::string_view child_key) const {
  const auto found = std::find_if(children.begin(), children.end(),
                                  [&](const Node& child) { return child.key == child_key; });
  return found == children.end() ? nullptr : &*found;
}

Node* Node::find(std::string_view child_key) {
  return const_cast<Node*>(std::as_const(*this).find(child_key));
}

Node parse_document(const std::string& text, const std::string& name) {
  if (!is_text(text)) throw InputError(fmt::format("{}: is not a text file in UTF-8", name));
  Node root = parse_yaml(text, name);
  if (root.kind == Node::Kind::empty) throw InputError(fmt::format("{}: is empty", name));
  if (root.kind != Node::Kind::map) {
    throw InputError(fmt::format("{}: expected keys with values, as in 'switch: adaptive'", name));
  }
  return root;
}

Node read_document(const fs::path& file) { return parse_document(read_all(file), file.string()); }

void overlay(Node& base, const Node& over) {
  const bool nothing = over.kind == Node::Kind::empty;
  if (nothing && (base.kind == Node::Kind::map || base.kind == Node::Kind::list)) return;
  const bool join = over.kind == Node::Kind::map &&
                    (base.kind == Node::Kind::map || base.kind == Node::Kind::empty);
  if (over.kind == Node::Kind::map && base.kind == Node::Kind::list) {
    throw InputError(fmt::format("{}: '{}' is a list in the common part; give a list here too",
                                 over.place, over.key));
  }
  if (!join) {
    base = over;
    return;
  }
  base.kind = Node::Kind::map;
  for (const Node& child : over.children) {
    if (Node* present = base.find(child.key)) {
      overlay(*present, child);
    } else {
      base.children.push_back(child);
    }
  }
}

const Node& closest(const Node& node, const std::string& path) {
  if (path.empty()) return node;
  const std::string key = path.substr(0, path.find('.'));
  const std::string rest = path.substr(std::min(key.size() + 1, path.size()));
  if (node.kind != Node::Kind::list) {
    const Node* child = node.find(key);
    return child == nullptr ? node : closest(*child, rest);
  }
  const bool counted = is_index(key);
  const std::size_t position = counted ? std::stoul(key) : 0;
  if (position >= node.children.size()) return node;
  return closest(node.children[position], counted ? rest : path);
}

void set_path(Node& root, const std::string& assignment, const std::string& place,
              const std::vector<std::string>& list_keys) {
  const std::size_t equals = assignment.find('=');
  if (equals == std::string::npos || equals == 0 || !is_text(assignment)) {
    throw InputError(fmt::format("{}: expected KEY=VALUE, as in --set nic.mtu='4 KiB'", place));
  }
  Node value = parse_yaml(assignment.substr(equals + 1), place);
  if (value.kind == Node::Kind::empty) throw InputError(fmt::format("{}: has no value", place));
  label(value, place);

  const std::vector<std::string> keys = split_path(assignment.substr(0, equals));
  if (keys.size() > max_depth) throw InputError(fmt::format("{}: too many keys", place));
  Node* node = &root;
  for (const std::string& key : keys) node = &step(*node, key, list_keys, place);
  value.key = node->key;
  *node = std::move(value);
}

}  // namespace heddle
