// What Verilator's runtime calls instead of ending the program: a failed assertion, $stop or $fatal
// of a twin is a broken model check like any other.
#include <verilated.h>

#include <string>

#include "kernel/error.h"

namespace {

[[noreturn]] void fail(const char* what, const char* file, int line, const char* scope) {
  throw heddle::CheckFailure(std::string(what) + " in " + (scope != nullptr ? scope : "RTL") +
                             " (" + file + ":" + std::to_string(line) + ")");
}

}  // namespace

void vl_stop(const char* file, int line, const char* scope) {
  fail("an assertion does not hold", file, line, scope);
}
void vl_fatal(const char* file, int line, const char* scope, const char* message) {
  fail(message, file, line, scope);
}
