#include "parts/pe_grid.h"

#include <algorithm>
#include <type_traits>
#include <utility>

#include "kernel/error.h"

// Twice as many PEs per instruction where the processor can: chosen when the program starts. (The
// build is for any processor of its kind.)
#if defined(__x86_64__) && defined(__GNUC__)
#define HEDDLE_WIDE __attribute__((target_clones("avx2", "default")))
#else
#define HEDDLE_WIDE
#endif

namespace heddle {

namespace {

/// What a PE does. Sums of integers wrap, as in hardware.
template <class Sum, class Operand>
inline __attribute__((always_inline)) Sum add_product(Sum sum, Operand a, Operand b) {
  const Sum product = static_cast<Sum>(a) * static_cast<Sum>(b);
  if constexpr (std::is_integral_v<Sum>) {
    return static_cast<Sum>(static_cast<std::make_unsigned_t<Sum>>(sum) +
                            static_cast<std::make_unsigned_t<Sum>>(product));
  } else {
    return sum + product;
  }
}

/// What the PEs of one row do: add a product to the sum from above, or to their own.
template <class Sum, class Operand>
inline __attribute__((always_inline)) void row_of_products(Sum* __restrict out,
                                                           const Sum* __restrict above,
                                                           const Operand* __restrict a,
                                                           const Operand* __restrict b,
                                                           std::size_t columns) {
  for (std::size_t j = 0; j < columns; ++j) out[j] = add_product(above[j], a[j], b[j]);
}
template <class Sum, class Operand>
inline __attribute__((always_inline)) void row_of_products(Sum* __restrict sums,
                                                           const Operand* __restrict a,
                                                           const Operand* __restrict b,
                                                           std::size_t columns) {
  for (std::size_t j = 0; j < columns; ++j) sums[j] = add_product(sums[j], a[j], b[j]);
}

/// Sums fall from row to row, the last row first: each reads what the row above held before.
template <class Sum, class Operand>
inline __attribute__((always_inline)) void fall(Sum* sums, const Sum* zeros, const Operand* weights,
                                                const Operand* moving, std::size_t stride,
                                                std::size_t rows, std::size_t columns) {
  for (std::size_t i = rows; i-- > 0;) {
    const Sum* above = i == 0 ? zeros : sums + (i - 1) * columns;
    row_of_products(sums + i * columns, above, weights + i * columns, moving + i * stride, columns);
  }
}

HEDDLE_WIDE void falling_sums(std::int32_t* sums, const std::int32_t* zeros,
                              const std::int8_t* weights, const std::int8_t* moving,
                              std::size_t stride, std::size_t rows, std::size_t columns) {
  fall(sums, zeros, weights, moving, stride, rows, columns);
}
HEDDLE_WIDE void falling_sums(float* sums, const float* zeros, const float* weights,
                              const float* moving, std::size_t stride, std::size_t rows,
                              std::size_t columns) {
  fall(sums, zeros, weights, moving, stride, rows, columns);
}

HEDDLE_WIDE void resting_sums(std::int32_t* sums, const std::int8_t* a, const std::int8_t* b,
                              std::size_t columns) {
  row_of_products(sums, a, b, columns);
}
HEDDLE_WIDE void resting_sums(float* sums, const float* a, const float* b, std::size_t columns) {
  row_of_products(sums, a, b, columns);
}

/// A ring that holds the latest `least` cycles is this long, less one: a mask.
std::size_t ring_mask(std::size_t least) {
  std::size_t length = 1;
  while (length < least) length *= 2;
  return length - 1;
}

/// Calls f(i, j) for the PEs on the diagonal i + j = age, of rows from `first` to before `last`.
template <class F>
void on_diagonal(std::size_t age, std::size_t first, std::size_t last, std::size_t columns, F&& f) {
  const std::size_t from = std::max(first, age < columns ? 0 : age - (columns - 1));
  const std::size_t until = std::min(last, age + 1);
  for (std::size_t i = from; i < until; ++i) f(i, age - i);
}

}  // namespace

// --- moving operands -----------------------------------------------------------------------------

template <class Operand>
MovingLines<Operand>::MovingLines(unsigned rows, unsigned columns)
    : rows_(rows),
      length_(3 * (std::size_t{rows} + columns)),
      kept_(std::size_t{rows} + columns - 2),
      first_(length_ - kept_ - 1),
      lines_(rows * length_) {}

template <class Operand>
void MovingLines<Operand>::enter(const Operand* column) {
  if (first_ == 0) {  // the line has no room in front: what may still be seen goes to its end
    first_ = length_ - kept_;
    for (std::size_t i = 0; i < rows_; ++i) {
      const auto line = lines_.begin() + static_cast<std::ptrdiff_t>(i * length_);
      std::copy(line, line + static_cast<std::ptrdiff_t>(kept_),
                line + static_cast<std::ptrdiff_t>(first_));
    }
  }
  --first_;
  for (std::size_t i = 0; i < rows_; ++i) {
    lines_[i * length_ + first_] = column == nullptr ? Operand{} : column[i];
  }
}

// --- weights stay --------------------------------------------------------------------------------

template <class Operands>
StationaryGrid<Operands>::StationaryGrid(unsigned rows, unsigned columns, unsigned load_rows)
    : rows_(rows),
      columns_(columns),
      load_rows_(load_rows),
      mask_(ring_mask(std::size_t{rows} + columns)),
      quiet_(std::size_t{rows} + columns),
      orders_(mask_ + 1),
      stationary_((mask_ + 1) * load_rows * columns),
      moving_(rows, columns),
      shadows_(std::size_t{rows} * columns),
      loaded_(std::size_t{rows} * columns),
      weights_(std::size_t{rows} * columns),
      sums_(std::size_t{rows} * columns),
      zeros_(columns) {}

template <class Operands>
void StationaryGrid<Operands>::load(const Operand* rows, bool first) {
  next_group_ = first ? 0 : next_group_ + 1;
  entering_.loads = true;
  entering_.clear = first;
  entering_.group = next_group_;
  const std::size_t operands = std::size_t{load_rows_} * columns_;
  std::copy(rows, rows + operands, stationary_.data() + (now_ & mask_) * operands);
}

template <class Operands>
void StationaryGrid<Operands>::move(const Operand* column, bool exchange) {
  entering_.moves = true;
  entering_.exchange = exchange;
  column_ = column;
}

/// What entered `age` cycles ago acts on its diagonal: exchange before clear before load, since the
/// load that follows a pass may be in the same PE as its exchange.
template <class Operands>
void StationaryGrid<Operands>::obey(std::size_t age) {
  const Orders& orders = entered(age);
  if (orders.exchange) {
    on_diagonal(age, 0, rows_, columns_, [&](std::size_t i, std::size_t j) {
      const std::size_t pe = i * columns_ + j;
      weights_[pe] = loaded_[pe] != 0 ? shadows_[pe] : Operand{};
    });
  }
  if (orders.clear) {
    on_diagonal(age, 0, rows_, columns_,
                [&](std::size_t i, std::size_t j) { loaded_[i * columns_ + j] = 0; });
  }
  if (orders.loads) {
    const std::size_t top = std::size_t{orders.group} * load_rows_;
    const Operand* entered_rows =
        stationary_.data() + ((now_ - age) & mask_) * load_rows_ * columns_;
    on_diagonal(age, top, std::min<std::size_t>(rows_, top + load_rows_), columns_,
                [&](std::size_t i, std::size_t j) {
                  shadows_[i * columns_ + j] = entered_rows[(i - top) * columns_ + j];
                  loaded_[i * columns_ + j] = 1;
                });
  }
}

template <class Operands>
void StationaryGrid<Operands>::step() {
  // 1. What entered moves on by one PE, and something new enters.
  quiet_ = entering_.moves || entering_.loads ? 0 : quiet_ + 1;
  orders_[now_ & mask_] = std::exchange(entering_, {});
  moving_.enter(std::exchange(column_, nullptr));
  if (active()) {
    // 2. Orders reach their PEs.
    for (std::size_t age = 0; age + 1 < std::size_t{rows_} + columns_; ++age) obey(age);
    // 3. Every PE multiplies, and adds to the sum from above.
    falling_sums(sums_.data(), zeros_.data(), weights_.data(), moving_.begin(), moving_.stride(),
                 rows_, columns_);
  }
  ++now_;
}

/// The sum in the last row belongs to what entered the first row of this column rows - 1 cycles
/// before it got here.
template <class Operands>
bool StationaryGrid<Operands>::has_result(unsigned column) const {
  return active() && entered(std::size_t{rows_} + column).moves;
}

// --- sums stay -----------------------------------------------------------------------------------

template <class Operands>
OutputGrid<Operands>::OutputGrid(unsigned rows, unsigned columns)
    : rows_(rows),
      columns_(columns),
      mask_(ring_mask(std::size_t{rows} + columns)),
      quiet_(std::size_t{rows} + columns),
      orders_(mask_ + 1),
      falling_((mask_ + 1) * columns),
      moving_(rows, columns),
      sums_(std::size_t{rows} * columns),
      results_(columns, Result{rows}) {}

template <class Operands>
void OutputGrid<Operands>::move(const Operand* column, const Operand* row, bool first, bool last) {
  entering_ = {true, first, last};
  column_ = column;
  row_ = row;
}

template <class Operands>
void OutputGrid<Operands>::begin_sums(std::size_t age) {
  on_diagonal(age, 0, rows_, columns_,
              [&](std::size_t i, std::size_t j) { sums_[i * columns_ + j] = Sum{}; });
}

template <class Operands>
void OutputGrid<Operands>::complete_sums(std::size_t age) {
  on_diagonal(age, 0, rows_, columns_, [&](std::size_t i, std::size_t j) {
    if (has_result(static_cast<unsigned>(j))) {
      throw CheckFailure("two sums of a systolic array leave a column in one cycle");
    }
    results_[j].row = static_cast<unsigned>(i);
  });
}

template <class Operands>
void OutputGrid<Operands>::step() {
  // 1. What entered moves on by one PE, and something new enters. An operand for column j comes j
  //    cycles later, so it stands in the row that will be the first one then.
  quiet_ = entering_.moves ? 0 : quiet_ + 1;
  orders_[now_ & mask_] = std::exchange(entering_, {});
  moving_.enter(std::exchange(column_, nullptr));
  const Operand* row = std::exchange(row_, nullptr);
  for (std::size_t j = 0; j < columns_; ++j) {
    falling_[((now_ + j) & mask_) * columns_ + j] = row == nullptr ? Operand{} : row[j];
  }
  std::fill(results_.begin(), results_.end(), Result{rows_});
  if (active()) {
    const std::size_t ages = std::size_t{rows_} + columns_ - 1;
    // 2. New sums begin.
    for (std::size_t age = 0; age < ages; ++age) {
      if (entered(age).first) begin_sums(age);
    }
    // 3. Every PE multiplies, and adds to its own sum.
    for (std::size_t i = 0; i < rows_; ++i) {
      resting_sums(sums_.data() + i * columns_, moving_.begin() + i * moving_.stride(),
                   falling_.data() + ((now_ - i) & mask_) * columns_, columns_);
    }
    // 4. Complete sums leave.
    for (std::size_t age = 0; age < ages; ++age) {
      if (entered(age).last) complete_sums(age);
    }
  }
  ++now_;
}

template class MovingLines<std::int8_t>;
template class MovingLines<float>;
template class StationaryGrid<Int8Operands>;
template class StationaryGrid<Bf16Operands>;
template class OutputGrid<Int8Operands>;
template class OutputGrid<Bf16Operands>;

}  // namespace heddle
