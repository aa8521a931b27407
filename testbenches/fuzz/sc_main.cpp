// libsystemc asks for an sc_main; a fuzzer simulates nothing.
extern "C" int sc_main(int /*argc*/, char** /*argv*/) { return 0; }
