// Where the tests find material that is not part of the project (inputs of other projects, vector
// tables). A test that needs a file which is absent is skipped, and says so.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

namespace heddle::testing {

/// Path of `relative` below the shared folder: $HEDDLE_SHARED, else the folder beside the checkout.
inline std::filesystem::path shared_file(const std::filesystem::path& relative) {
  const char* root = std::getenv("HEDDLE_SHARED");
  return (root != nullptr ? std::filesystem::path(root)
                          : std::filesystem::path(HEDDLE_SHARED_DIR)) /
         relative;
}

}  // namespace heddle::testing

#define HEDDLE_NEED_SHARED(path)                                           \
  do {                                                                     \
    if (!std::filesystem::exists(path)) {                                  \
      GTEST_SKIP() << "not here: " << (path).string()                      \
                   << "; docs/testing.md says where such files come from"; \
    }                                                                      \
  } while (false)
