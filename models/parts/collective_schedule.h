// Collective operations on a torus as data: for each rank, lane by lane, what it sends to whom and
// what it receives from whom in each step.
//
// Each rank's buffer is divided into one block per rank, and each block into equal parts, one per
// lane. Lanes carry their parts side by side, each in its own steps in order: a ring passed in one
// direction is one lane. Step k of a lane is the same step at sender and receiver.
//
//   ring                one ring through all ranks, one direction
//   bidirectional_ring  the same ring, half of the data in each direction
//   hamiltonian_rings   two rings that share no cable, both directions: a quarter of the data each
//   hierarchical        rings along x, then y, then z, both directions: reduce-scatter along each
//                       dimension, all-reduce on the last, all-gather back
//
// Steps of a ring of n ranks: reduce-scatter and all-gather n - 1, all-reduce 2 (n - 1); broadcast
// from rank 0 passes n blocks on, one behind the other: 2 (n - 1). An all-to-all is a pairwise
// exchange: in step k rank r sends to r + k and receives from r - k, in the second direction to
// r - k and from r + k; n - 1 steps. The steps of `hierarchical` are those of its rings one after
// the other.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "parts/torus_size.h"

namespace heddle {

enum class CollectiveOperation : std::uint8_t {
  all_reduce,
  reduce_scatter,
  all_gather,
  all_to_all,
  broadcast
};
enum class CollectiveAlgorithm : std::uint8_t {
  ring,
  bidirectional_ring,
  hamiltonian_rings,
  hierarchical
};

const char* name_of(CollectiveOperation operation);
const char* name_of(CollectiveAlgorithm algorithm);

/// Some nodes of a torus.
struct TorusBox {
  std::array<unsigned, TorusSize::dimensions> low{0, 0, 0};
  TorusSize size;
};

/// Blocks of a buffer: a box in the grid of ranks, x fastest. Empty when a length is 0.
struct BlockSet {
  std::array<std::uint16_t, TorusSize::dimensions> low{};
  std::array<std::uint16_t, TorusSize::dimensions> length{};

  std::uint32_t blocks() const { return std::uint32_t{length[0]} * length[1] * length[2]; }
};

struct CollectiveStep {
  static constexpr std::uint16_t nobody = 0xffff;

  std::uint16_t send_to = nobody;  ///< rank
  std::uint16_t receive_from = nobody;
  BlockSet sent;
  BlockSet received;
  bool reduce = false;   ///< what is received is added to what is there; else takes its place
  bool chained = false;  ///< what is sent is what the step before has received, in the same order
};

struct CollectiveSchedule {
  CollectiveOperation operation = CollectiveOperation::all_reduce;
  CollectiveAlgorithm algorithm = CollectiveAlgorithm::ring;
  std::vector<unsigned> nodes;  ///< by rank
  TorusSize grid;               ///< of ranks: n, 1, 1 unless hierarchical
  unsigned lanes = 1;
  std::vector<std::vector<CollectiveStep>> lane_steps;  ///< rank * lanes + lane

  unsigned ranks() const { return static_cast<unsigned>(nodes.size()); }
  const std::vector<CollectiveStep>& steps(unsigned rank, unsigned lane) const {
    return lane_steps[rank * lanes + lane];
  }
  std::vector<CollectiveStep>& steps(unsigned rank, unsigned lane) {
    return lane_steps[rank * lanes + lane];
  }
  /// What is received stands beside what is sent, not in its place.
  bool has_output() const { return operation == CollectiveOperation::all_to_all; }
};

/// Over the nodes of `box`, or the first `ranks` of them in the order of the ring (0: all). Ranks
/// are numbered in the order of the ring; hierarchical: x fastest. Throws InputError, in one
/// sentence, for what does not exist: fewer than two ranks or more than the box has,
/// hamiltonian_rings without two such rings, hamiltonian_rings or hierarchical for part of a box,
/// an all-to-all that is no ring.
CollectiveSchedule collective_schedule(CollectiveOperation operation, CollectiveAlgorithm algorithm,
                                       const TorusSize& torus, const TorusBox& box,
                                       unsigned ranks = 0);
CollectiveSchedule collective_schedule(CollectiveOperation operation, CollectiveAlgorithm algorithm,
                                       const TorusSize& torus);

}  // namespace heddle
