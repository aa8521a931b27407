// Heddle runs inside sc_main, because SystemC allows a simulation only there.
#include <cstdlib>
#include <systemc>

#include "engine/command_line.h"

int sc_main(int argc, char** argv) { return heddle::command_line(argc, argv); }

// Replaces the main of libsystemc, which would open every command with SystemC's banner.
int main(int argc, char** argv) {
  setenv("SYSTEMC_DISABLE_COPYRIGHT_MESSAGE", "1", /*overwrite=*/0);
  return sc_core::sc_elab_and_sim(argc, argv);
}
