#include "parts/torus_rings.h"

#include <cstddef>

namespace heddle {

namespace {

struct Place {
  unsigned column;
  unsigned row;
};
using Ring = std::vector<Place>;

/// Row by row, each to its end and on to the next in the same column; `forward(row)` says in which
/// direction. Empty when the end is not below the begin.
template <class Forward>
Ring row_by_row(unsigned columns, unsigned rows, Forward forward) {
  Ring ring;
  ring.reserve(std::size_t{columns} * rows);
  unsigned column = 0;
  for (unsigned row = 0; row < rows; ++row) {
    const unsigned step = forward(row) ? 1 : columns - 1;
    for (unsigned n = 0; n < columns; ++n) {
      ring.push_back({column, row});
      if (n + 1 < columns) column = (column + step) % columns;
    }
  }
  return column == 0 ? ring : Ring{};
}

Ring transposed(Ring ring) {
  for (Place& place : ring) std::swap(place.column, place.row);
  return ring;
}

Ring one_row(unsigned columns) {
  Ring ring;
  for (unsigned column = 0; column < columns; ++column) ring.push_back({column, 0});
  return ring;
}

/// An even number of rows goes forward and backward in turn. Where both lengths are odd, as many
/// rows as columns go forward before: together they shift by a whole row.
Ring grid_ring(unsigned columns, unsigned rows) {
  if (rows == 1) return one_row(columns);
  const bool by_rows = rows % 2 == 0 || (columns % 2 == 1 && columns <= rows);
  if (!by_rows) return transposed(grid_ring(rows, columns));
  const unsigned together = rows % 2 == 0 ? 0 : columns;
  return row_by_row(columns, rows,
                    [=](unsigned row) { return row < together || (row - together) % 2 == 0; });
}

/// The two cables of each node that a ring leaves over, followed from node 0; empty when they are
/// several rings.
std::vector<unsigned> what_is_left(const TorusSize& size, const std::vector<unsigned>& ring) {
  const unsigned nodes = size.nodes();
  std::vector<unsigned> position(nodes);
  for (unsigned i = 0; i < nodes; ++i) position[ring[i]] = i;
  const auto used = [&](unsigned a, unsigned b) {
    const unsigned apart = (position[a] + nodes - position[b]) % nodes;
    return apart == 1 || apart == nodes - 1;
  };
  std::vector<unsigned> other{0};
  unsigned before = nodes;
  do {
    const unsigned here = other.back();
    unsigned next = nodes;
    for (unsigned d = 0; d < 2; ++d) {
      for (const unsigned step : {1U, size.length[d] - 1}) {
        auto at = size.coordinates(here);
        at[d] = (at[d] + step) % size.length[d];
        const unsigned neighbour = size.node(at);
        if (next == nodes && neighbour != before && !used(here, neighbour)) next = neighbour;
      }
    }
    before = here;
    other.push_back(next);
  } while (other.back() != 0);
  other.pop_back();
  return other.size() == nodes ? other : std::vector<unsigned>{};
}

}  // namespace

std::vector<unsigned> hamiltonian_ring(const TorusSize& size) {
  const Ring plane = grid_ring(size.length[0], size.length[1]);
  std::vector<unsigned> ring;
  ring.reserve(size.nodes());
  for (const Place& place : grid_ring(size.length[0] * size.length[1], size.length[2])) {
    ring.push_back(size.node({plane[place.column].column, plane[place.column].row, place.row}));
  }
  return ring;
}

std::optional<std::pair<std::vector<unsigned>, std::vector<unsigned>>> disjoint_hamiltonian_rings(
    const TorusSize& size) {
  if (size.length[0] < 3 || size.length[1] < 3 || size.length[2] != 1) return std::nullopt;
  for (const bool by_rows : {true, false}) {
    const unsigned columns = size.length[by_rows ? 0 : 1];
    const unsigned rows = size.length[by_rows ? 1 : 0];
    for (unsigned forward = 0; forward <= rows; ++forward) {
      const Ring places = row_by_row(columns, rows, [=](unsigned row) { return row < forward; });
      if (places.empty()) continue;
      std::vector<unsigned> ring;
      for (const Place& place : by_rows ? places : transposed(places)) {
        ring.push_back(size.node({place.column, place.row, 0}));
      }
      std::vector<unsigned> other = what_is_left(size, ring);
      if (!other.empty()) return std::make_pair(std::move(ring), std::move(other));
    }
  }
  return std::nullopt;
}

}  // namespace heddle
