// Memory in pages of 2 MiB where the system has them, so that finding a page is not one more miss.
#include <jemalloc/jemalloc.h>
#include <pthread.h>

#include <array>
#include <cstddef>
#include <cstdio>

// jemalloc looks for this name when the program starts (jemalloc(3), "TUNING").
extern "C" const char* malloc_conf;
const char* malloc_conf = "thp:always";

namespace {

constexpr std::size_t large_page_bytes = std::size_t{2} << 20;
constexpr std::size_t reserve_bytes = std::size_t{512} << 20;  // of addresses, not of memory

/// A run is a child process. What it shares with its parent the system copies in small pages as it
/// is written; so the child takes its memory from an arena of its own, and that arena begins with
/// one piece of addresses, which large pages can fill. Any step that fails leaves things as they
/// were.
void take_own_arena() {
  unsigned arena = 0;
  std::size_t size = sizeof arena;
  if (mallctl("arenas.create", &arena, &size, nullptr, 0) != 0) return;
  const int only_here = MALLOCX_ARENA(arena) | MALLOCX_TCACHE_NONE;
  if (void* piece = mallocx(reserve_bytes, only_here | MALLOCX_ALIGN(large_page_bytes))) {
    dallocx(piece, MALLOCX_TCACHE_NONE);
    std::array<char, 64> purge{};
    std::snprintf(purge.data(), purge.size(), "arena.%u.purge", arena);
    mallctl(purge.data(), nullptr, nullptr, nullptr, 0);
  }
  mallctl("thread.tcache.flush", nullptr, nullptr, nullptr, 0);
  mallctl("thread.arena", nullptr, nullptr, &arena, sizeof arena);
}

const int registered = pthread_atfork(nullptr, nullptr, take_own_arena);

}  // namespace
