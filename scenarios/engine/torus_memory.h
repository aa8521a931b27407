// The memories of a torus of chips for a SystemC program that has initiators of its own: routers,
// an endpoint and a memory with contents per chip, and nothing else.
#pragma once

#include <cstdint>

#include "engine/scenario.h"
#include "kernel/tlm_target.h"

namespace heddle {

/// One per process. Its modules stay when this is destroyed.
class TorusMemory {
 public:
  /// Of the scenario's `fabric`, `torus`, `endpoint` and `accelerator.memory`. Throws InputError
  /// for impossible combinations.
  explicit TorusMemory(const Scenario& scenario);

  unsigned nodes() const;
  /// Node n's memory begins at address n * node_bytes().
  std::uint64_t node_bytes() const;
  /// By which initiators of a chip reach all memories; any number may bind.
  TlmTarget::Socket& memory_map(unsigned node);

  /// After the initiators are bound, before sc_start().
  void start();
  /// Between two calls of sc_start(), and at the end: throws what has failed, InputError or
  /// CheckFailure; when no access is under way, also for a broken law.
  void verify();

 private:
  struct Parts;
  Parts& parts_;
};

}  // namespace heddle
