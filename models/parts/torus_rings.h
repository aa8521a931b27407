// Hamiltonian rings of a torus: orders of all its nodes in which each is a neighbour of the next,
// and the last of the first.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "parts/torus_size.h"

namespace heddle {

/// Such an order of a whole torus; every torus has one. It begins at node 0 and runs along x before
/// y and y before z wherever the parities allow it, so that the first X, or the first X * Y, nodes
/// of a torus of even sizes are a ring of their own.
///
/// Rows that are passed forward end one column before their first, rows that are passed backward
/// one behind it; the ring closes when the rows' shifts add up to a multiple of the row's length.
std::vector<unsigned> hamiltonian_ring(const TorusSize& size);

/// Two such orders of a torus of two dimensions that share no cable, together all of its cables.
/// They exist for all lengths of at least 3 (Kotzig, 1973); made here are those of which one goes
/// row by row: both lengths even or both odd, as 4 x 4. Nothing for others.
std::optional<std::pair<std::vector<unsigned>, std::vector<unsigned>>> disjoint_hamiltonian_rings(
    const TorusSize& size);

}  // namespace heddle
