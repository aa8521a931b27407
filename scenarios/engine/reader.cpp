#include "engine/reader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

#include "engine/conditions.h"
#include "engine/field_text.h"
#include "engine/nearest.h"
#include "kernel/error.h"

namespace heddle {
namespace {

using Kind = Node::Kind;

/// Bounds what a list of a few bytes per element can make us allocate.
constexpr std::size_t max_list_elements = 1000;

/// Paths of all fields called `key`, to help with a key in the wrong section.
void find_everywhere(const Section& section, const std::string& path, const std::string& key,
                     std::vector<std::string>& found) {
  if (find_key(section.fields, key) != nullptr) found.push_back(join_path(path, key));
  for (const Section& inner : section.sections) {
    const std::string inner_path = join_path(path, inner.key);
    find_everywhere(inner, inner_path, key, found);
    if (!inner.members) continue;
    const std::vector<Section> members = inner.members();
    if (!members.empty()) find_everywhere(members.front(), inner_path, key, found);
  }
}

class Reader {
 public:
  explicit Reader(const Section& root) : root_(root) {}

  void read_section(const Section& section, const Node& node, const std::string& path) const {
    if (node.kind == Kind::empty) return;
    if (node.kind != Kind::map) fail_at(node, path, "expected keys with values");
    for (const Node& child : node.children) {
      const std::string child_path = join_path(path, child.key);
      if (const Field* field = find_key(section.fields, child.key)) {
        read_field(*field, child, child_path);
      } else if (const Section* inner = find_key(section.sections, child.key)) {
        inner->resize ? read_list(*inner, child, child_path)
                      : read_section(*inner, child, child_path);
      } else {
        reject_key(section, child, child_path);
      }
    }
  }

 private:
  static void read_field(const Field& field, const Node& node, const std::string& path) {
    if (node.kind == Kind::empty) fail_at(node, path, "has no value");
    if (auto* const* names = std::get_if<Names*>(&field.target);
        names != nullptr && node.kind == Kind::list) {
      return read_names(**names, node, path);
    }
    if (node.kind != Kind::scalar) {
      fail_at(node, path, fmt::format("expected a single value: {}", type_text(field)));
    }
    try {
      set_value(field, node.text);
    } catch (const InputError& error) {
      fail_at(node, path, error.what());
    }
  }

  static void read_names(Names& names, const Node& node, const std::string& path) {
    names.clear();
    for (const Node& name : node.children) {
      if (name.kind != Kind::scalar) fail_at(name, path, "expected names");
      names.push_back(name.text);
    }
  }

  void read_list(const Section& list, const Node& node, const std::string& path) const {
    if (node.kind == Kind::map) {
      list.resize(1);
      return read_section(list.members().front(), node, path);
    }
    if (node.kind != Kind::list || (node.children.empty() && !list.may_be_empty)) {
      fail_at(node, path, "expected keys with values, or a list of such");
    }
    if (node.children.size() > max_list_elements) {
      fail_at(node, path, fmt::format("has more than {} elements", max_list_elements));
    }
    list.resize(node.children.size());
    const std::vector<Section> members = list.members();
    for (std::size_t i = 0; i < members.size(); ++i) {
      read_section(members[i], node.children[i], join_path(path, std::to_string(i)));
    }
  }

  [[noreturn]] void reject_key(const Section& section, const Node& node,
                               const std::string& path) const {
    std::vector<std::string> names;
    for (const Field& field : section.fields) names.push_back(field.key);
    for (const Section& inner : section.sections) names.push_back(inner.key);
    if (&section == &root_) names.emplace_back("variants");
    std::vector<std::string> elsewhere;
    if (nearest(node.key, names).empty()) find_everywhere(root_, "", node.key, elsewhere);
    if (elsewhere.empty()) fail_at(node, path, "unknown key" + suggestion(node.key, names));
    fail_at(node, path,
            fmt::format("unknown key here; did you mean '{}'?", fmt::join(elsewhere, "' or '")));
  }

  const Section& root_;
};

class Dropper {
 public:
  explicit Dropper(const Section& root) : root_(root) {}

  void visit(const Section& section, Node& node, const std::string& path) {
    std::vector<Node> kept;
    for (Node& child : node.children) {
      const std::string child_path = join_path(path, child.key);
      const Field* field = find_key(section.fields, child.key);
      const Section* inner = find_key(section.sections, child.key);
      if (field == nullptr && inner == nullptr) throw CheckFailure("not read: " + child_path);
      const auto broken = broken_condition(field != nullptr ? field->conditions : inner->conditions,
                                           section, root_);
      if (broken) {
        dropped_.push_back({std::move(child), child_path, *broken});
        continue;
      }
      if (inner != nullptr) visit_section(*inner, child, child_path);
      kept.push_back(std::move(child));
    }
    node.children = std::move(kept);
  }

  std::vector<Dropped> take() { return std::move(dropped_); }

 private:
  void visit_section(const Section& section, Node& node, const std::string& path) {
    if (!section.members) return visit(section, node, path);
    const std::vector<Section> members = section.members();
    if (node.kind != Kind::list) return visit(members.front(), node, path);
    for (std::size_t i = 0; i < members.size(); ++i) {
      visit(members[i], node.children[i], join_path(path, std::to_string(i)));
    }
  }

  const Section& root_;
  std::vector<Dropped> dropped_;
};

}  // namespace

void fail_at(const Node& node, const std::string& path, const std::string& sentence) {
  if (path.empty()) throw InputError(fmt::format("{}: {}", node.place, sentence));
  throw InputError(fmt::format("{}: {}: {}", node.place, path, sentence));
}

void read_into(const Section& root, const Node& tree) { Reader(root).read_section(root, tree, ""); }

std::vector<Dropped> drop_inapplicable(const Section& root, Node& tree) {
  Dropper dropper(root);
  dropper.visit(root, tree, "");
  return dropper.take();
}

}  // namespace heddle
