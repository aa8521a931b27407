// The main program of every test executable. GoogleTest runs inside sc_main, because SystemC allows
// a simulation only there; a test that simulates does so in a child process, since a second
// elaboration in one process fails (SystemC error E529).
#include <gtest/gtest.h>

#include <cstdlib>
#include <systemc>

#if defined(__SANITIZE_ADDRESS__)
// What is thrown while the sanitizer believes itself on another SC_THREAD's stack makes it look at
// stacks, and then it reports its own call of sigaltstack: github.com/google/sanitizers, issue 189.
extern "C" const char* __asan_default_suppressions();
extern "C" const char* __asan_default_suppressions() { return "interceptor_name:sigaltstack"; }
#endif

int sc_main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}

// Replaces the main of libsystemc, which would open the list of tests with SystemC's banner.
int main(int argc, char** argv) {
  setenv("SYSTEMC_DISABLE_COPYRIGHT_MESSAGE", "1", /*overwrite=*/0);
  return sc_core::sc_elab_and_sim(argc, argv);
}
