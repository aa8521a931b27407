// The main program of every test executable. GoogleTest runs inside sc_main, because SystemC allows
// a simulation only there; a test that simulates does so in a child process, since a second
// elaboration in one process fails (SystemC error E529).
#include <gtest/gtest.h>

#include <cstdlib>
#include <systemc>

int sc_main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}

// Replaces the main of libsystemc, which would open the list of tests with SystemC's banner.
int main(int argc, char** argv) {
  setenv("SYSTEMC_DISABLE_COPYRIGHT_MESSAGE", "1", /*overwrite=*/0);
  return sc_core::sc_elab_and_sim(argc, argv);
}
