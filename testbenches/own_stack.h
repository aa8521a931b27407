// Debian's SystemC 2.3.4 tells AddressSanitizer of every switch between the stacks of its threads,
// but after sc_start the sanitizer still believes itself on the last thread's.
#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#include <pthread.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace heddle::testing {

/// Tells the sanitizer, if there is one, that this is the stack of the process. Without it the
/// search for leaks at exit, after a simulation with SC_THREADs, looks at the wrong stack: it
/// misses what is held from here, and may crash on the guard page of the other. To be called when
/// no SC_THREAD runs.
inline void return_to_own_stack() {
#if defined(__SANITIZE_ADDRESS__)
  pthread_attr_t attributes;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) return;
  void* bottom = nullptr;
  std::size_t bytes = 0;
  pthread_attr_getstack(&attributes, &bottom, &bytes);
  pthread_attr_destroy(&attributes);
  void* fake_stack = nullptr;
  __sanitizer_start_switch_fiber(&fake_stack, bottom, bytes);
  __sanitizer_finish_switch_fiber(fake_stack, nullptr, nullptr);
#endif
}

}  // namespace heddle::testing
