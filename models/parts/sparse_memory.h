// The contents of a memory, in pages that exist once they have been written. What was never written
// reads as zero.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <unordered_map>

namespace heddle {

class SparseMemory {
 public:
  void write(std::uint64_t address, const std::uint8_t* data, std::size_t bytes) {
    by_page(address, bytes, [&](std::uint64_t page, std::size_t offset, std::size_t part) {
      std::unique_ptr<Page>& stored = pages_[page];
      if (stored == nullptr) stored = std::make_unique<Page>();
      std::memcpy(stored->data() + offset, data, part);
      data += part;
    });
  }

  void read(std::uint64_t address, std::uint8_t* data, std::size_t bytes) const {
    by_page(address, bytes, [&](std::uint64_t page, std::size_t offset, std::size_t part) {
      const auto found = pages_.find(page);
      if (found == pages_.end()) {
        std::memset(data, 0, part);
      } else {
        std::memcpy(data, found->second->data() + offset, part);
      }
      data += part;
    });
  }

  std::size_t pages() const { return pages_.size(); }

 private:
  static constexpr std::size_t page_bytes = 4096;
  using Page = std::array<std::uint8_t, page_bytes>;

  template <class F>
  static void by_page(std::uint64_t address, std::size_t bytes, F&& f) {
    while (bytes != 0) {
      const auto offset = static_cast<std::size_t>(address % page_bytes);
      const std::size_t part = std::min(bytes, page_bytes - offset);
      f(address / page_bytes, offset, part);
      address += part;
      bytes -= part;
    }
  }

  std::unordered_map<std::uint64_t, std::unique_ptr<Page>> pages_;
};

}  // namespace heddle
