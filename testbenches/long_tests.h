// Tests that take minutes run only when they are asked for.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>

/// The first line of such a test, whose name has "Long" in it (scripts/test-long).
#define HEDDLE_NEED_LONG()                                                           \
  do {                                                                               \
    if (std::getenv("HEDDLE_LONG") == nullptr) {                                     \
      GTEST_SKIP() << "long: runs when the environment variable HEDDLE_LONG is set"; \
    }                                                                                \
  } while (false)
