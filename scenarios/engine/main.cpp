// Heddle runs inside sc_main, because SystemC allows a simulation only there.
#include <csignal>
#include <cstdlib>
#include <systemc>

#include "engine/command_line.h"

int sc_main(int argc, char** argv) { return heddle::command_line(argc, argv); }

// Replaces the main of libsystemc, which would open every command with SystemC's banner.
int main(int argc, char** argv) {
  setenv("SYSTEMC_DISABLE_COPYRIGHT_MESSAGE", "1", /*overwrite=*/0);
  // A limit on the size of files is then an error of `write`, as a full disk is.
  std::signal(SIGXFSZ, SIG_IGN);
  return sc_core::sc_elab_and_sim(argc, argv);
}
