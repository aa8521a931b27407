// libFuzzer target: any bytes as the text of a kernel. scripts/fuzz builds and runs it.
#include <cstddef>
#include <cstdint>

#include "fuzz/text_properties.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  heddle::testing::check_kernel_text(std::string(reinterpret_cast<const char*>(data), size));
  return 0;
}
