// Layer tables (.csv) of SCALE-Sim: what a network multiplies, layer by layer. Two forms, told
// apart by the names of the columns:
//
//   Layer, M, N, K,                      an M x K matrix by a K x N matrix
//   QKT, 1024, 1024, 64,
//
//   Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter,
//   Strides, Conv1, 224, 224, 7, 7, 3, 64, 2,
//
// A convolution is the product that its unrolled windows make (im2col): a row per pixel of output,
// a column per filter, sums over a window of all channels. Output height = ceil((IFMAP height -
// filter height + stride) / stride), width likewise, as SCALE-Sim counts (its report of AlexNet has
// 55 x 55 pixels for 224, 11 and 4). A column `Batch Size`, where there is one and it is not empty,
// gives so many times the rows. Layers that SCALE-Sim's users mark as depthwise are what their
// numbers say: one channel, one filter.
//
// Columns come in any order; capital letters and spaces in their names do not matter, nor does a
// byte order mark. Cells are separated by commas, or by tabs if the first line has some, and have
// no quotation marks. Columns without a name, or with another one, hold notes. Lines without any
// text are skipped. The reference is topologies/ and scalesim/topology_utils.py of
// scalesim-project/scale-sim-v2.
//
// Of the libraries in Debian, fast-cpp-csv-parser wants all names in advance and exactly, and its
// errors name no column; libcsv brings quotation marks, which these files do not have, and
// callbacks in C. Splitting a line at commas is the smaller part of this file.
#pragma once

#include <cstdint>
#include <istream>
#include <string>
#include <vector>

#include "parts/systolic_timing.h"

namespace heddle {

struct LayerTable {
  std::vector<GemmLayer> layers;     ///< in file order, at least one
  std::vector<std::uint32_t> lines;  ///< of each layer
};

/// Reads a file. What cannot be used is an InputError "file:line: ...", which names the column.
LayerTable read_layer_table(const std::string& path);

/// The same from a stream; `name` stands for the file in messages.
LayerTable parse_layer_table(std::istream& in, const std::string& name);

}  // namespace heddle
