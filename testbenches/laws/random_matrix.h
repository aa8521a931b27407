// Legal connection matrices at random: start times, and triggers that release what waits for them.
#pragma once

#include <cstdint>
#include <string>

#include "kernel/rng.h"

namespace heddle::testing {

/// The text of a connection matrix among `hosts` hosts, at least two. Whatever waits is released in
/// the end: by messages that stand before it in the file, so that none waits for itself.
std::string random_matrix(Rng& random, std::uint32_t hosts);

}  // namespace heddle::testing
