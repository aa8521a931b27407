// Asks for a cache line that will be needed soon.
#pragma once

namespace heddle {

inline void prefetch(const void* address) {
  __builtin_prefetch(address);
  // To GCC a function that only prefetches has no effect, and it drops the calls; this is one.
  asm volatile("" : : "r"(address));
}

/// Every line of `object`.
template <class Object>
void prefetch_all(const Object& object) {
  const char* begin = reinterpret_cast<const char*>(&object);
  for (const char* line = begin; line < begin + sizeof(Object); line += 64) prefetch(line);
}

}  // namespace heddle
