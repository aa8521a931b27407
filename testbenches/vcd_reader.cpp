#include "vcd_reader.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

namespace heddle::testing {

namespace {

class Reader {
 public:
  explicit Reader(const std::string& text) : input_(text) {}

  Vcd read() {
    read_header();
    read_changes();
    for (auto& [path, code] : code_of_) {
      vcd_.signals[path].changes = changes_[code];
      require(vcd_.signals[path].type == "event" || changes_[code].count(vcd_.begin_ps) == 1,
              "no initial value of " + path);
    }
    return std::move(vcd_);
  }

 private:
  void require(bool holds, const std::string& sentence) const {
    if (!holds) throw std::runtime_error("line " + std::to_string(line_number_) + ": " + sentence);
  }

  bool next_line() {
    ++line_number_;
    return static_cast<bool>(std::getline(input_, line_));
  }

  /// The header is read by words; every command stands on a line of its own here.
  void read_header() {
    std::vector<std::string> scopes;
    while (next_line() && line_ != "$enddefinitions $end") {
      std::istringstream stream(line_);
      const std::vector<std::string> words{std::istream_iterator<std::string>(stream), {}};
      require(words.size() >= 2 && words.back() == "$end", "no command");
      if (words[0] == "$scope") {
        require(words.size() == 4 && words[1] == "module", "a bad scope");
        scopes.push_back(words[2]);
      } else if (words[0] == "$upscope") {
        require(!scopes.empty(), "no scope is open");
        scopes.pop_back();
      } else if (words[0] == "$var") {
        declare(words, scopes);
      } else if (words[0] == "$timescale") {
        for (std::size_t i = 1; i + 1 < words.size(); ++i) vcd_.timescale += words[i];
      } else {
        require(words[0] == "$version" || words[0] == "$comment", "an unknown command");
      }
    }
    require(scopes.empty(), "a scope is open");
  }

  void declare(const std::vector<std::string>& words, const std::vector<std::string>& scopes) {
    require(words.size() == 6 || words.size() == 7, "a bad declaration");
    VcdSignal signal;
    signal.type = words[1];
    signal.bits = static_cast<unsigned>(std::stoul(words[2]));
    signal.code = words[3];
    require(std::all_of(signal.code.begin(), signal.code.end(),
                        [](char c) { return c >= '!' && c <= '~'; }),
            "an unprintable code");
    if (words.size() == 7) {
      require(words[5] == "[" + std::to_string(signal.bits - 1) + ":0]", "a range that lies");
    }
    require(bits_of_.emplace(signal.code, signal.bits).second, "a code is declared twice");
    std::string path;
    for (const std::string& scope : scopes) path += scope + ".";
    path += words[4];
    require(code_of_.emplace(path, signal.code).second, "a name is declared twice");
    vcd_.signals.emplace(path, signal);
  }

  void read_changes() {
    bool timed = false;
    while (next_line()) {
      if (line_ == "$dumpvars" || line_ == "$end") continue;
      if (line_[0] == '#') {
        const std::uint64_t time = std::stoull(line_.substr(1));
        require(!timed || time > vcd_.end_ps, "time does not grow");
        if (!timed) vcd_.begin_ps = time;
        vcd_.end_ps = time;
        timed = true;
        continue;
      }
      require(timed, "a change without a time");
      const bool vector = line_[0] == 'b';
      const std::size_t split = vector ? line_.find(' ') : 1;
      require(split != std::string::npos, "a vector without a code");
      const std::string value = vector ? line_.substr(1, split - 1) : line_.substr(0, 1);
      const std::string code = line_.substr(vector ? split + 1 : split);
      const auto bits = bits_of_.find(code);
      require(bits != bits_of_.end(), "an undeclared code");
      require(value.find_first_not_of("01xz") == std::string::npos && !value.empty(), "no value");
      require(value.size() <= bits->second && vector == (bits->second > 1),
              "a value that is too wide");
      changes_[code][vcd_.end_ps] = value;
    }
  }

  std::istringstream input_;
  std::string line_;
  unsigned line_number_ = 0;
  Vcd vcd_;
  std::map<std::string, unsigned> bits_of_;
  std::map<std::string, std::string> code_of_;
  std::map<std::string, std::map<std::uint64_t, std::string>> changes_;
};

}  // namespace

std::uint64_t binary(const std::string& text) {
  if (text.find_first_of("xz") != std::string::npos) return 0;
  return std::stoull(text, nullptr, 2);
}

std::uint64_t VcdSignal::number_at(std::uint64_t time_ps) const { return binary(at(time_ps)); }

std::uint64_t VcdSignal::largest() const {
  std::uint64_t most = 0;
  for (const auto& [time, value] : changes) most = std::max(most, binary(value));
  return most;
}

Vcd parse_vcd(const std::string& text) { return Reader(text).read(); }

Vcd read_vcd(const std::filesystem::path& file) {
  std::ifstream input(file);
  return parse_vcd({std::istreambuf_iterator<char>(input), {}});
}

}  // namespace heddle::testing
