// jemalloc looks for this name when the program starts (jemalloc(3), "TUNING"): its memory comes in
// pages of 2 MiB where the system has them, so that finding a page is not one more miss.
extern "C" const char* malloc_conf;
const char* malloc_conf = "thp:always";
