// Layer tables: both forms, each of their errors, and all tables that SCALE-Sim comes with.
#include "engine/layer_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "kernel/error.h"
#include "shared_inputs.h"

namespace heddle {
namespace {

std::string data(const char* name) {
  return (std::filesystem::path(HEDDLE_SOURCE_DIR) / "testbenches/unit/data" / name).string();
}

LayerTable parse(const std::string& text) {
  std::istringstream in(text);
  return parse_layer_table(in, "x.csv");
}

/// The sentence of the InputError that `text` causes; empty when there is none.
std::string error_of(const std::string& text) {
  try {
    parse(text);
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

void expect_layer(const GemmLayer& layer, const std::string& name, const GemmShape& shape) {
  EXPECT_EQ(layer.name, name);
  EXPECT_EQ(layer.shape.m, shape.m) << name;
  EXPECT_EQ(layer.shape.k, shape.k) << name;
  EXPECT_EQ(layer.shape.n, shape.n) << name;
}

TEST(LayerTable, ConvolutionsAreUnrolled) {
  const LayerTable table = read_layer_table(data("convolutions.csv"));
  ASSERT_EQ(table.layers.size(), 3U);
  expect_layer(table.layers[0], "Conv1", {3025, 363, 96});  // 55 x 55 pixels, as SCALE-Sim has them
  expect_layer(table.layers[1], "Conv2_dw", {3 * 4, 9, 1});
  expect_layer(table.layers[2], "FC6", {1, 9216, 4096});
  EXPECT_EQ(table.lines, (std::vector<std::uint32_t>{3, 4, 6}));
}

TEST(LayerTable, ColumnsComeInAnyOrderAndByTabs) {
  const LayerTable table = read_layer_table(data("convolutions_by_tabs.csv"));
  ASSERT_EQ(table.layers.size(), 2U);
  expect_layer(table.layers[0], "wide", {4 * 7, 24, 16});
  expect_layer(table.layers[1], "many", {3 * 4 * 8, 24, 16});  // a batch of 8, strides of 2
}

TEST(LayerTable, ProductsAreTakenAsTheyAre) {
  const LayerTable table = read_layer_table(data("gemms.csv"));
  ASSERT_EQ(table.layers.size(), 2U);
  expect_layer(table.layers[0], "QKT", {1024, 64, 1000});
  expect_layer(table.layers[1], "L 1", {1, 3, 2});
}

TEST(LayerTable, ErrorsNameFileLineAndColumn) {
  const std::string gemm = "Layer,M,N,K,\n";
  const auto expect = [](const std::string& text, const std::string& sentence) {
    EXPECT_EQ(error_of(text), sentence);
  };
  expect("", "x.csv:1: the first line with the names of the columns is missing");
  expect("\n,,\n", "x.csv:2: the first line with the names of the columns is missing");
  expect(gemm, "x.csv:1: the table has no layers");
  expect("Layer,M,N,\nA,1,2,\n", "x.csv:1: no column is named K");
  expect("M,N,K,\n1,2,3,\n", "x.csv:1: no column is named Layer name");
  expect("Layer,M,M,K,\n", "x.csv:1: two columns are named M");
  expect("Layer,Rows,\nA,1,\n",
         "x.csv:1: the first line names neither M, N and K nor IFMAP Height; expected the columns "
         "of a layer table, not \"Layer\"");
  expect("Layer,M,N,K,IFMAP Height,\n",
         "x.csv:1: the first line names the columns of both forms, M and IFMAP Height");
  expect(gemm + "A,1,x,3,\n",
         "x.csv:2: N: expected a whole number from 1 to 2147483648, not \"x\"");
  expect(gemm + "A,1,,3,\n", "x.csv:2: N: expected a whole number from 1 to 2147483648, not \"\"");
  expect(gemm + "A,1,2,3.5,\n",
         "x.csv:2: K: expected a whole number from 1 to 2147483648, not \"3.5\"");
  expect(gemm + "A,0,2,3,\n",
         "x.csv:2: M: expected a whole number from 1 to 2147483648, not \"0\"");
  expect(gemm + "A,1,2,2147483649,\n",
         "x.csv:2: K: expected a whole number from 1 to 2147483648, not \"2147483649\"");
  expect(gemm + "A,1\n", "x.csv:2: N: the line has only 2 cells");
  expect(gemm + ",1,2,3,\n", "x.csv:2: Layer name: the cell is empty");
  expect(gemm + "A,1,2,3,,,7,\n", "x.csv:2: cell 7 is \"7\", but the first line names 5 columns");
  expect(gemm + "A,1,2,3",
         "x.csv:2: K: the file ends behind this cell without a comma or a newline; it may be cut "
         "off, so add one if it is not");
  expect(gemm + std::string("A,1,2\0,3,\n", 10),
         "x.csv:2: this is no text file: it holds the byte 0");
  expect(gemm + std::string(201, 'a') + ",1,2,3,\n", "x.csv:2: Layer name: longer than 200 bytes");
  expect(gemm + std::string(4097, 'a') + "\n", "x.csv:2: the line is longer than 4096 bytes");
}

TEST(LayerTable, ConvolutionsThatCannotBeAreRefused) {
  const std::string header =
      "Layer name,IFMAP Height,IFMAP Width,Filter Height,Filter Width,Channels,Num Filter,Strides,"
      "Batch Size,\n";
  EXPECT_EQ(error_of(header + "A,2,9,3,3,1,1,1,1,\n"),
            "x.csv:2: Filter Height: 3 is more than IFMAP Height, 2");
  EXPECT_EQ(error_of(header + "A,9,2,3,3,1,1,1,1,\n"),
            "x.csv:2: Filter Width: 3 is more than IFMAP Width, 2");
  EXPECT_EQ(error_of(header + "A,65536,32769,1,1,1,1,1,1,\n"),
            "x.csv:2: more than 2147483648 pixels of output");
  EXPECT_EQ(error_of(header + "A,65536,32768,1,1,1,1,1,1,\n"), "");
  EXPECT_EQ(error_of(header + "A,65536,32768,1,1,1,1,1,2,\n"),
            "x.csv:2: more than 2147483648 pixels of output");
  EXPECT_EQ(error_of(header + "A,65536,65536,65536,65536,1,1,1,1,\n"),
            "x.csv:2: more than 2147483648 numbers in a window");
  EXPECT_EQ(error_of(header + "A,9,9,3,3,1,1,0,1,\n"),
            "x.csv:2: Strides: expected a whole number from 1 to 2147483648, not \"0\"");
}

TEST(LayerTable, AFileThatIsNotThereIsNamed) {
  try {
    read_layer_table("/nowhere/layers.csv");
    FAIL();
  } catch (const InputError& error) {
    EXPECT_NE(std::string(error.what()).find("/nowhere/layers.csv"), std::string::npos);
  }
}

TEST(LayerTable, ReadsEveryTableOfScaleSim) {
  const std::filesystem::path folder = testing::shared_file("inputs/gemm_layers");
  HEDDLE_NEED_SHARED(folder);
  unsigned files = 0;
  std::size_t layers = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() != ".csv") continue;
    LayerTable table;
    EXPECT_NO_THROW(table = read_layer_table(entry.path().string())) << entry.path();
    EXPECT_FALSE(table.layers.empty()) << entry.path();
    layers += table.layers.size();
    ++files;
  }
  EXPECT_EQ(files, 33U);
  ::testing::Test::RecordProperty("layers", std::to_string(layers));
}

/// The same network as convolutions and as products, by SCALE-Sim's own hand.
TEST(LayerTable, BothFormsOfANetworkAgree) {
  const auto convolutions = testing::shared_file("inputs/gemm_layers/conv_nets/UNet_2d.csv");
  const auto products = testing::shared_file("inputs/gemm_layers/GEMM_mnk/unet2d.csv");
  HEDDLE_NEED_SHARED(convolutions);
  const LayerTable a = read_layer_table(convolutions.string());
  const LayerTable b = read_layer_table(products.string());
  ASSERT_EQ(a.layers.size(), b.layers.size());
  for (std::size_t i = 0; i < a.layers.size(); ++i) {
    expect_layer(a.layers[i], b.layers[i].name, b.layers[i].shape);
  }
}

}  // namespace
}  // namespace heddle
