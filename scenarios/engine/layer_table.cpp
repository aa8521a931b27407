#include "engine/layer_table.h"

#include <array>
#include <cctype>
#include <cstddef>
#include <string_view>
#include <utility>

#include "engine/file_text.h"
#include "engine/input_file.h"
#include "kernel/error.h"

namespace heddle {

namespace {

constexpr std::uint64_t largest_size = std::uint64_t{1} << 31;  // of a GEMM
constexpr std::size_t longest_line = 4096;
constexpr std::size_t longest_name = 200;
constexpr std::size_t most_layers = 100'000;
constexpr std::size_t nowhere = ~std::size_t{0};

/// A column as users call it, and as it is recognised.
struct Column {
  const char* name;
  const char* key;
};
constexpr Column layer_column{"Layer name", "layername"};
constexpr std::array<Column, 3> gemm_columns{{{"M", "m"}, {"N", "n"}, {"K", "k"}}};
constexpr std::array<Column, 8> convolution_columns{{{"IFMAP Height", "ifmapheight"},
                                                     {"IFMAP Width", "ifmapwidth"},
                                                     {"Filter Height", "filterheight"},
                                                     {"Filter Width", "filterwidth"},
                                                     {"Channels", "channels"},
                                                     {"Num Filter", "numfilter"},
                                                     {"Strides", "strides"},
                                                     {"Batch Size", "batchsize"}}};
constexpr std::size_t batch_column = 7;

std::string_view trimmed(std::string_view cell) {
  constexpr std::string_view space = " \t\r";
  const std::size_t first = cell.find_first_not_of(space);
  if (first == std::string_view::npos) return {};
  return cell.substr(first, cell.find_last_not_of(space) + 1 - first);
}

/// Small letters without spaces; the plural of SCALE-Sim's `num filters` and `stride` are the same.
std::string key_of(std::string_view name) {
  std::string key;
  for (const char c : name) {
    if (c != ' ') key += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  if (key == "layer") return layer_column.key;
  if (key == "numfilters") return "numfilter";
  if (key == "stride") return "strides";
  return key;
}

class TableReader {
 public:
  explicit TableReader(const std::string& name) : name_(name) {}

  LayerTable read(std::istream& in) {
    for (std::string line; std::getline(in, line);) {
      ++line_;
      ends_ = !in.eof();
      read_line(line);
    }
    if (line_ == 0) line_ = 1;
    if (in.bad()) fail("the file cannot be read further");
    if (!headed_) fail("the first line with the names of the columns is missing");
    if (table_.layers.empty()) fail("the table has no layers");
    return std::move(table_);
  }

 private:
  [[noreturn]] void fail(const std::string& sentence) const {
    throw InputError(name_ + ":" + std::to_string(line_) + ": " + sentence);
  }

  void read_line(std::string_view line) {
    if (line.size() > longest_line) fail("the line is longer than 4096 bytes");
    if (const auto byte = binary_byte(line)) {
      fail("this is no text file: it holds the byte " + std::to_string(*byte));
    }
    constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
    if (line_ == 1 && line.substr(0, 3) == byte_order_mark) line.remove_prefix(3);
    if (trimmed(line).find_first_not_of(", \t") == std::string_view::npos) return;
    if (!headed_) {
      separator_ = line.find('\t') == std::string_view::npos ? ',' : '\t';
      split(line);
      read_header();
    } else {
      split(line);
      read_layer();
    }
  }

  void split(std::string_view line) {
    cells_.clear();
    for (;;) {
      const std::size_t end = line.find(separator_);
      cells_.push_back(trimmed(line.substr(0, end)));
      if (end == std::string_view::npos) return;
      line.remove_prefix(end + 1);
    }
  }

  // --- the names of the columns
  // --------------------------------------------------------------------

  void read_header() {
    headed_ = true;
    columns_ = cells_.size();
    std::vector<std::string> keys;
    for (const std::string_view cell : cells_) keys.push_back(key_of(cell));
    layer_ = find(keys, layer_column);
    gemm_ = find(keys, gemm_columns[0]) != nowhere;
    for (std::size_t i = 0; i < gemm_columns.size(); ++i) gemm_at_[i] = find(keys, gemm_columns[i]);
    for (std::size_t i = 0; i < convolution_columns.size(); ++i) {
      convolution_at_[i] = find(keys, convolution_columns[i]);
    }
    require(layer_column, layer_);
    if (!gemm_ && convolution_at_[0] == nowhere) {
      fail(
          "the first line names neither M, N and K nor IFMAP Height; expected the columns of a "
          "layer table, not " +
          quoted(cells_[0]));
    }
    if (gemm_ && convolution_at_[0] != nowhere) {
      fail("the first line names the columns of both forms, M and IFMAP Height");
    }
    for (std::size_t i = 0; gemm_ && i < gemm_columns.size(); ++i) {
      require(gemm_columns[i], gemm_at_[i]);
    }
    for (std::size_t i = 0; !gemm_ && i < batch_column; ++i) {
      require(convolution_columns[i], convolution_at_[i]);
    }
  }

  std::size_t find(const std::vector<std::string>& keys, const Column& column) const {
    std::size_t found = nowhere;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (keys[i] != column.key) continue;
      if (found != nowhere) fail(std::string("two columns are named ") + column.name);
      found = i;
    }
    return found;
  }

  void require(const Column& column, std::size_t at) const {
    if (at == nowhere) fail(std::string("no column is named ") + column.name);
  }

  // --- a layer
  // -------------------------------------------------------------------------------------

  void read_layer() {
    if (table_.layers.size() == most_layers) fail("the table has more than 100000 layers");
    for (std::size_t i = columns_; i < cells_.size(); ++i) {
      if (!cells_[i].empty()) {
        fail("cell " + std::to_string(i + 1) + " is " + quoted(cells_[i]) +
             ", but the first line names " + std::to_string(columns_) + " columns");
      }
    }
    GemmLayer layer;
    layer.name = std::string(cell(layer_column, layer_));
    if (layer.name.empty()) fail("Layer name: the cell is empty");
    if (layer.name.size() > longest_name) fail("Layer name: longer than 200 bytes");
    layer.shape = gemm_ ? gemm() : convolution();
    table_.layers.push_back(std::move(layer));
    table_.lines.push_back(line_);
  }

  GemmShape gemm() const {
    GemmShape shape;
    shape.m = number(gemm_columns[0], gemm_at_[0]);
    shape.n = number(gemm_columns[1], gemm_at_[1]);
    shape.k = number(gemm_columns[2], gemm_at_[2]);
    return shape;
  }

  GemmShape convolution() const {
    std::array<std::uint64_t, convolution_columns.size()> given{};
    for (std::size_t i = 0; i < batch_column; ++i) {
      given[i] = number(convolution_columns[i], convolution_at_[i]);
    }
    const auto [height, width, filter_height, filter_width, channels, filters, stride, unused] =
        given;
    static_cast<void>(unused);
    const bool batched = convolution_at_[batch_column] != nowhere &&
                         convolution_at_[batch_column] < cells_.size() &&
                         !cells_[convolution_at_[batch_column]].empty();
    const std::uint64_t batch =
        batched ? number(convolution_columns[batch_column], convolution_at_[batch_column]) : 1;
    GemmShape shape;
    shape.m = product("pixels of output", {pixels("Height", height, filter_height, stride),
                                           pixels("Width", width, filter_width, stride), batch});
    shape.k = product("numbers in a window", {filter_height, filter_width, channels});
    shape.n = filters;
    return shape;
  }

  std::uint64_t pixels(const char* which, std::uint64_t input, std::uint64_t filter,
                       std::uint64_t stride) const {
    if (filter > input) {
      fail(std::string("Filter ") + which + ": " + std::to_string(filter) + " is more than IFMAP " +
           which + ", " + std::to_string(input));
    }
    return (input - filter + stride + stride - 1) / stride;
  }

  std::uint64_t product(const char* what, std::initializer_list<std::uint64_t> factors) const {
    std::uint64_t result = 1;
    for (const std::uint64_t factor : factors) {
      if (factor > largest_size / result) {
        fail(std::string("more than ") + std::to_string(largest_size) + " " + what);
      }
      result *= factor;
    }
    return result;
  }

  std::string_view cell(const Column& column, std::size_t at) const {
    if (at < cells_.size()) {
      // A number that is the file's last text may be cut off.
      if (ends_ || at + 1 < cells_.size()) return cells_[at];
      fail(std::string(column.name) +
           ": the file ends behind this cell without a comma or a newline; it may be cut off, so "
           "add one if it is not");
    }
    fail(std::string(column.name) + ": the line has only " + std::to_string(cells_.size()) +
         (cells_.size() == 1 ? " cell" : " cells"));
  }

  std::uint64_t number(const Column& column, std::size_t at) const {
    const std::string_view text = cell(column, at);
    const auto value = whole_number(text, 1, largest_size);
    if (!value) {
      fail(std::string(column.name) + ": expected " + range_text(1, largest_size) + ", not " +
           quoted(text));
    }
    return *value;
  }

  const std::string& name_;
  std::uint32_t line_ = 0;
  bool ends_ = true;  ///< the line has its newline
  bool headed_ = false;
  char separator_ = ',';
  bool gemm_ = false;
  std::size_t columns_ = 0;
  std::size_t layer_ = nowhere;
  std::array<std::size_t, gemm_columns.size()> gemm_at_{};
  std::array<std::size_t, convolution_columns.size()> convolution_at_{};
  std::vector<std::string_view> cells_;
  LayerTable table_;
};

}  // namespace

LayerTable parse_layer_table(std::istream& in, const std::string& name) {
  return TableReader(name).read(in);
}

LayerTable read_layer_table(const std::string& path) {
  std::ifstream in = open_input(path);
  return parse_layer_table(in, path);
}

}  // namespace heddle
