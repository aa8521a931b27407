#include "engine/connection_matrix.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "engine/file_text.h"
#include "engine/input_file.h"
#include "kernel/error.h"

namespace heddle {

namespace {

using Connection = ConnectionMatrix::Connection;
using Trigger = ConnectionMatrix::Trigger;
constexpr std::uint32_t no_trigger = ConnectionMatrix::no_trigger;

constexpr std::uint64_t most_nodes = 65'535;  // HostId
constexpr std::uint64_t most_connections = std::uint64_t{1} << 26;
constexpr std::uint64_t largest_message = 1'000'000'000'000;  // as the scenario key `message`
constexpr std::uint64_t latest_start = 100'000'000'000'000;   // 100 s, beyond every deadline
constexpr std::uint64_t largest_id = no_trigger - 1;

constexpr std::string_view space = " \t\r";

/// Up to the end of the line: empty when white space stands there.
std::string_view last_word(std::string_view line) {
  return line.substr(line.find_last_of(space) + 1);
}

/// Splits a line at white space, and hands out the words one by one.
class Words {
 public:
  explicit Words(std::string_view line) : rest_(line) { skip_space(); }

  bool empty() const { return rest_.empty(); }
  std::string_view front() const { return rest_.substr(0, rest_.find_first_of(space)); }
  std::string_view take() {
    const std::string_view word = front();
    rest_.remove_prefix(word.size());
    skip_space();
    return word;
  }

 private:
  void skip_space() { rest_.remove_prefix(std::min(rest_.find_first_not_of(space), rest_.size())); }

  std::string_view rest_;
};

class Parser {
 public:
  explicit Parser(const std::string& name) : name_(name) {}

  ConnectionMatrix parse(std::istream& in) {
    std::string before;
    for (std::string line; std::getline(in, line); before.swap(line)) {
      ++line_;
      parse_line(line);
      if (in.eof()) check_end(line, before);
    }
    line_ = std::max(line_, 1U);
    if (in.bad()) fail("the file cannot be read further");
    finish();
    return std::move(matrix_);
  }

 private:
  struct Header {
    std::uint64_t value = 0;
    std::uint32_t line = 0;  ///< 0: not there
  };

  // What a connection line has said so far.
  struct Draft {
    Connection connection;
    std::uint64_t id = 0;
    std::uint64_t message = 0;
    bool has_start = false;
  };

  [[noreturn]] void fail_at(std::uint32_t line, const std::string& sentence) const {
    throw InputError(name_ + ":" + std::to_string(line) + ": " + sentence);
  }
  [[noreturn]] void fail(const std::string& sentence) const { fail_at(line_, sentence); }

  void parse_line(std::string_view line) {
    if (const auto byte = binary_byte(line)) {
      fail("this is no text file: it holds the byte " + std::to_string(*byte));
    }
    Words words(line);
    if (words.empty() || words.front().front() == '#') return;
    const std::string_view first = words.take();
    if (first == "Nodes") {
      parse_header(nodes_, "Nodes", 2, most_nodes, words);
    } else if (first == "Connections") {
      parse_header(connections_, "Connections", 1, most_connections, words);
    } else if (first == "Triggers") {
      parse_header(triggers_, "Triggers", 0, most_connections, words);
    } else if (first.find("->") != std::string_view::npos) {
      parse_connection(first, words);
    } else if (first == "trigger") {
      parse_trigger(words);
    } else if (first == "Failures" || first == "failure") {
      fail("link failures in a connection matrix are not supported");
    } else {
      fail(quoted(first) +
           " starts no line of a connection matrix; expected Nodes, Connections, "
           "Triggers, SOURCE->DESTINATION, trigger or #");
    }
  }

  /// The file ends without a newline, maybe inside a number. Files of htsim do end so; a number
  /// that the line before ends with as well is taken to be whole.
  void check_end(std::string_view line, std::string_view before) const {
    const std::string_view word = last_word(line);
    const bool comment = Words(line).front().substr(0, 1) == "#";
    const bool number = !word.empty() && word.back() >= '0' && word.back() <= '9';
    if (comment || !number || word == last_word(before)) return;
    fail("the file ends without a newline after " + quoted(word) +
         "; it may be cut off inside this number, so add the newline if it is not");
  }

  void parse_header(Header& header, const char* key, std::uint64_t least, std::uint64_t most,
                    Words& words) {
    if (header.line != 0) fail(std::string("`") + key + "` was given before");
    if (in_body_) fail(std::string("`") + key + "` must stand before connections and triggers");
    header = {number(words, key, least, most), line_};
    if (!words.empty())
      fail("nothing may follow the number, but " + quoted(words.front()) + " does");
  }

  void parse_connection(std::string_view hosts, Words& words) {
    enter_body();
    Draft draft;
    Connection& connection = draft.connection;
    connection.line = line_;
    const std::size_t arrow = hosts.find("->");
    connection.source = host(hosts.substr(0, arrow), "source");
    connection.destination = host(hosts.substr(arrow + 2), "destination");
    if (connection.source == connection.destination) {
      fail("host " + std::to_string(connection.source) + " sends to itself");
    }
    while (!words.empty()) parse_attribute(draft, words);

    if (connection.bytes == 0) fail("the connection has no `size` (is the line cut off?)");
    const bool waits = connection.trigger != no_trigger;
    if (!draft.has_start && !waits) {
      fail("the connection has neither `start` nor `trigger` (is the line cut off?)");
    }
    if (draft.has_start && waits) fail("the connection has both `start` and `trigger`");
    // One id may name several messages of one flow, told apart by `msg` (UEC version).
    if (draft.id != 0 && !ids_.insert(draft.id << 32 | draft.message).second) {
      fail("`id` " + std::to_string(draft.id) + " was given before");
    }
    if (matrix_.connections.size() == most_connections) fail("there are too many connections");
    matrix_.connections.push_back(connection);
  }

  void parse_attribute(Draft& draft, Words& words) {
    Connection& connection = draft.connection;
    const std::string_view key = words.take();
    if (key == "size") {
      once(connection.bytes == 0, key);
      connection.bytes = number(words, "size", 1, largest_message);
    } else if (key == "start") {
      once(!draft.has_start, key);
      connection.start = start(words);
      draft.has_start = true;
    } else if (key == "id") {
      once(draft.id == 0, key);
      draft.id = number(words, "id", 1, largest_id);
    } else if (key == "msg") {
      once(draft.message == 0, key);
      draft.message = number(words, "msg", 1, largest_id);
    } else if (key == "trigger") {
      trigger_id(connection.trigger, "trigger", words);
    } else if (key == "send_done_trigger") {
      trigger_id(connection.send_done_trigger, "send_done_trigger", words);
    } else if (key == "recv_done_trigger") {
      trigger_id(connection.recv_done_trigger, "recv_done_trigger", words);
    } else if (key == "prio") {
      fail(
          "`prio` orders the pulls of a receiver-driven transport, which these hosts do not have; "
          "give such connections a file of their own with another `traffic_class`");
    } else {
      fail("a connection has no attribute " + quoted(key) +
           "; it may have id, msg, start, trigger, "
           "size, send_done_trigger and recv_done_trigger");
    }
  }

  void parse_trigger(Words& words) {
    enter_body();
    Trigger trigger;
    trigger.line = line_;
    bool has_kind = false;
    bool has_count = false;
    const auto kind = [&](TriggerKind value) {
      if (has_kind) fail("a trigger is one of oneshot, multishot and barrier");
      trigger.kind = value;
      has_kind = true;
    };
    while (!words.empty()) {
      const std::string_view key = words.take();
      if (key == "id") {
        once(trigger.id == 0, key);
        trigger.id = number(words, "id", 1, largest_id);
      } else if (key == "count") {
        once(!has_count, key);
        trigger.count = number(words, "count", 1, most_connections);
        has_count = true;
      } else if (key == "oneshot") {
        kind(TriggerKind::oneshot);
      } else if (key == "multishot") {
        kind(TriggerKind::multishot);
      } else if (key == "barrier") {
        kind(TriggerKind::barrier);
      } else {
        fail("a trigger has no attribute " + quoted(key) +
             "; it may have id, oneshot, multishot, barrier and count");
      }
    }
    if (trigger.id == 0) fail("the trigger has no `id` (is the line cut off?)");
    if (!has_kind) fail("the trigger is neither oneshot, multishot nor barrier");
    if (has_count != (trigger.kind == TriggerKind::barrier)) {
      fail("`count` belongs to a barrier, and a barrier needs it");
    }
    const auto position = static_cast<std::uint32_t>(matrix_.triggers.size());
    if (!trigger_positions_.emplace(trigger.id, position).second) {
      fail("trigger " + std::to_string(trigger.id) + " was defined before");
    }
    matrix_.triggers.push_back(trigger);
  }

  void enter_body() {
    in_body_ = true;
    if (nodes_.line == 0) fail("the header `Nodes` is missing");
    if (connections_.line == 0) fail("the header `Connections` is missing");
  }

  void once(bool first, std::string_view key) const {
    if (!first) fail("`" + std::string(key) + "` stands twice in the line");
  }

  std::uint64_t number(Words& words, const char* key, std::uint64_t least,
                       std::uint64_t most) const {
    if (words.empty()) fail(std::string("`") + key + "` has no value (is the line cut off?)");
    return whole(words.take(), std::string("`") + key + "`", least, most);
  }

  std::uint64_t whole(std::string_view text, const std::string& what, std::uint64_t least,
                      std::uint64_t most) const {
    const auto value = whole_number(text, least, most);
    if (!value) fail(what + " must be " + range_text(least, most) + ", not " + quoted(text));
    return *value;
  }

  HostId host(std::string_view text, const char* which) const {
    const std::string what = std::string("the ") + which + " host";
    if (text.empty()) fail(what + " is missing before or after `->`");
    return static_cast<HostId>(whole(text, what, 0, nodes_.value - 1));
  }

  /// htsim reads a decimal number, so 2.5 and 1e6 are picoseconds too; here rounded up.
  Duration start(Words& words) const {
    if (words.empty()) fail("`start` has no value (is the line cut off?)");
    const std::string_view text = words.take();
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || !(value >= 0) ||
        value > static_cast<double>(latest_start)) {
      fail("`start` must be a number of picoseconds from 0 to " + std::to_string(latest_start) +
           ", not " + quoted(text));
    }
    return {static_cast<std::uint64_t>(std::ceil(value))};
  }

  /// Keeps the id until all triggers are known; see resolve().
  void trigger_id(std::uint32_t& field, const char* key, Words& words) const {
    once(field == no_trigger, key);
    field = static_cast<std::uint32_t>(number(words, key, 1, largest_id));
  }

  void finish() {
    if (!in_body_) fail("the file holds no connections (is it cut off?)");
    check_count(connections_, "connections", matrix_.connections.size());
    if (triggers_.line == 0 && !matrix_.triggers.empty()) {
      fail_at(matrix_.triggers.front().line, "the header `Triggers` is missing");
    }
    check_count(triggers_, "triggers", matrix_.triggers.size());
    matrix_.nodes = nodes_.value;
    matrix_.nodes_line = nodes_.line;
    for (Connection& connection : matrix_.connections) {
      resolve(connection.trigger, connection.line);
      resolve(connection.send_done_trigger, connection.line);
      resolve(connection.recv_done_trigger, connection.line);
    }
    check_triggers();
  }

  void check_count(const Header& header, const char* what, std::uint64_t found) const {
    if (header.value == found) return;
    fail_at(header.line, "the header promises " + std::to_string(header.value) + " " + what +
                             ", but the file has " + std::to_string(found) +
                             (found < header.value ? " (is it cut off?)" : ""));
  }

  void resolve(std::uint32_t& field, std::uint32_t line) const {
    if (field == no_trigger) return;
    const auto found = trigger_positions_.find(field);
    if (found == trigger_positions_.end()) {
      fail_at(line, "trigger " + std::to_string(field) +
                        " is not defined: there is no line `trigger id " + std::to_string(field) +
                        " ...`");
    }
    field = found->second;
  }

  /// Whatever waits can be released: the firings are as many as the trigger needs.
  void check_triggers() const {
    struct Use {
      std::uint64_t waiting = 0;
      std::uint64_t firings = 0;
      std::uint32_t first_line = 0;
    };
    std::vector<Use> uses(matrix_.triggers.size());
    for (const Connection& connection : matrix_.connections) {
      if (connection.trigger != no_trigger) {
        Use& use = uses[connection.trigger];
        if (++use.waiting == 1) use.first_line = connection.line;
      }
      for (const std::uint32_t fired :
           {connection.send_done_trigger, connection.recv_done_trigger}) {
        if (fired != no_trigger) ++uses[fired].firings;
      }
    }
    for (std::size_t i = 0; i < uses.size(); ++i) {
      const Trigger& trigger = matrix_.triggers[i];
      const Use& use = uses[i];
      if (use.waiting == 0) continue;
      const std::string name = "trigger " + std::to_string(trigger.id);
      if (use.firings == 0) {
        fail_at(use.first_line, "the connection waits for " + name + ", which nobody fires");
      }
      if (trigger.kind == TriggerKind::multishot && use.firings < use.waiting) {
        fail_at(trigger.line, name + " releases one connection per firing; " +
                                  std::to_string(use.waiting) + " wait for it, but it is fired " +
                                  std::to_string(use.firings) + " times");
      }
      if (trigger.kind != TriggerKind::multishot && use.firings != trigger.count) {
        fail_at(trigger.line, name + " needs " + std::to_string(trigger.count) +
                                  (trigger.count == 1 ? " firing" : " firings") +
                                  ", but connections fire it " + std::to_string(use.firings) +
                                  " times");
      }
    }
  }

  const std::string& name_;
  ConnectionMatrix matrix_;
  Header nodes_;
  Header connections_;
  Header triggers_;
  std::uint32_t line_ = 0;
  bool in_body_ = false;
  std::unordered_set<std::uint64_t> ids_;
  std::unordered_map<std::uint64_t, std::uint32_t> trigger_positions_;
};

}  // namespace

ConnectionMatrix parse_connection_matrix(std::istream& in, const std::string& name) {
  return Parser(name).parse(in);
}

ConnectionMatrix read_connection_matrix(const std::string& path) {
  std::ifstream in = open_input(path);
  return parse_connection_matrix(in, path);
}

}  // namespace heddle
