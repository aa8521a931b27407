// systolic_array: the grid of PEs and the RTL in lockstep. Anything may enter, so the stimulus has
// no contract to keep: tiles in one piece or in fragments, passes of all lengths, exchanges at any
// time, a load with the exchange of the tile before, pauses, resets.
#include <Vsystolic_array.h>
#include <Vsystolic_array_2x3.h>
#include <Vsystolic_array_32.h>
#include <Vsystolic_array_7x5.h>

#include <algorithm>
#include <vector>

#include "cosim/pins.h"
#include "cosim/twin.h"
#include "parts/pe_grid.h"

namespace heddle {
namespace {

struct ArraySize {
  unsigned rows;
  unsigned columns;
  unsigned load_rows;

  unsigned groups() const { return (rows + load_rows - 1) / load_rows; }
};

struct ArrayHabits {
  explicit ArrayHabits(Rng random)
      : whole_tiles(random.below(3) != 0),
        loading(draw_share(random)),
        moving(draw_share(random)),
        exchanging(draw_share(random)),
        extremes(draw_share(random)),
        resetting(random.below(4) == 0 ? 0.002 : 0),
        longest_pass(1 + random.below(random.below(2) == 0 ? 4 : 100)) {}

  bool whole_tiles;  ///< without gaps, and from the first row on
  double loading;
  double moving;
  double exchanging;  ///< a pass begins with a new tile
  double extremes;    ///< of the operands
  double resetting;
  unsigned longest_pass;
};

template <class Top, const ArraySize& size>
class Twin {
 public:
  static constexpr const char* name = "systolic_array";

  explicit Twin(std::uint64_t seed)
      : rtl(seed),
        habits_(Rng(seed, name, "habits")),
        model_(size.rows, size.columns, size.load_rows),
        tile_(size.load_rows * size.columns),
        column_(size.rows) {
    pins::set(rtl->load_valid_i, 0);
    pins::set(rtl->move_valid_i, 0);
    rtl.reset();
  }

  void cycle(Lockstep& lockstep) {
    Rng& random = lockstep.random;
    if (random.uniform() < habits_.resetting) reset();
    load(random);
    move(random);
    model_.step();
    rtl.edge();
    for (unsigned j = 0; j < size.columns; ++j) {
      const int index = static_cast<int>(j);
      lockstep.equal("result_valid_o", model_.has_result(j) ? 1 : 0,
                     pins::get_bits(rtl->result_valid_o, j, 1), index);
      if (!model_.has_result(j)) continue;
      lockstep.equal("result_data_o", static_cast<std::uint32_t>(model_.result(j)),
                     pins::get_bits(rtl->result_data_o, j * 32, 32), index);
    }
  }

  RtlTop<Top> rtl;

 private:
  void reset() {
    rtl.reset();
    model_ = StationaryGrid<Int8Operands>(size.rows, size.columns, size.load_rows);
    groups_left_ = 0;
    steps_left_ = 0;
  }

  std::int8_t draw_operand(Rng& random) const {
    if (random.uniform() < habits_.extremes) return random.below(2) == 0 ? -128 : 127;
    return static_cast<std::int8_t>(random.bits() >> 56);
  }

  /// What the pins show while they are not valid is random too.
  void load(Rng& random) {
    const bool begins = groups_left_ == 0 || !habits_.whole_tiles;
    const bool loads = (!begins || random.uniform() < habits_.loading);
    bool first = begins;
    if (!habits_.whole_tiles) first = random.below(size.groups() + 1) == 0;
    if (loads && first) groups_left_ = size.groups();
    if (loads && groups_left_ > 0) --groups_left_;
    pins::set(rtl->load_valid_i, loads ? 1 : 0);
    pins::set(rtl->load_first_i, first ? 1 : 0);
    for (unsigned i = 0; i < tile_.size(); ++i) {
      tile_[i] = draw_operand(random);
      pins::set_bits(rtl->load_data_i, i * 8, 8, static_cast<std::uint8_t>(tile_[i]));
    }
    if (loads) model_.load(tile_.data(), first);
  }

  void move(Rng& random) {
    const bool begins = steps_left_ == 0;
    if (begins && random.uniform() < habits_.moving) {
      steps_left_ = 1 + random.below(habits_.longest_pass);
    }
    const bool moves = steps_left_ > 0;
    const bool exchange = begins && random.uniform() < habits_.exchanging;
    if (moves) --steps_left_;
    pins::set(rtl->move_valid_i, moves ? 1 : 0);
    pins::set(rtl->move_exchange_i, exchange ? 1 : 0);
    for (unsigned i = 0; i < size.rows; ++i) {
      column_[i] = draw_operand(random);
      pins::set_bits(rtl->move_data_i, i * 8, 8, static_cast<std::uint8_t>(column_[i]));
    }
    if (moves) model_.move(column_.data(), exchange);
  }

  ArrayHabits habits_;
  StationaryGrid<Int8Operands> model_;
  std::vector<std::int8_t> tile_;
  std::vector<std::int8_t> column_;
  unsigned groups_left_ = 0;  ///< of the tile that comes in
  unsigned steps_left_ = 0;   ///< of the pass
};

constexpr ArraySize size_8{8, 8, 4};
constexpr ArraySize size_2x3{2, 3, 1};
constexpr ArraySize size_7x5{7, 5, 3};
constexpr ArraySize size_32{32, 32, 4};
using SystolicArrayTwin = Twin<Vsystolic_array, size_8>;
using SystolicArrayOf2x3Twin = Twin<Vsystolic_array_2x3, size_2x3>;
using SystolicArrayOf7x5Twin = Twin<Vsystolic_array_7x5, size_7x5>;
using SystolicArrayOf32Twin = Twin<Vsystolic_array_32, size_32>;
HEDDLE_TWIN_TESTS(SystolicArrayTwin, 60, 4000, 2500)
HEDDLE_TWIN_TESTS(SystolicArrayOf2x3Twin, 100, 4000, 2500)
HEDDLE_TWIN_TESTS(SystolicArrayOf7x5Twin, 60, 4000, 2500)
HEDDLE_TWIN_TESTS(SystolicArrayOf32Twin, 20, 2000, 500)

}  // namespace
}  // namespace heddle
