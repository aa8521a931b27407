# Compiler settings that hold for every target.

# Debian's libsystemc is compiled as C++17, and SystemC makes a program of another standard fail at
# link time (sc_api_version_..._cxx201703L).
set(CMAKE_CXX_STANDARD 17)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()

set(HEDDLE_WARNINGS -Wall -Wextra -Wpedantic -Wshadow -Wconversion)

# The project is kept free of warnings with the compiler of Debian 12, so there they are errors.
# Another compiler may know new ones; they must not stop a user's build.
if(NOT DEFINED CMAKE_COMPILE_WARNING_AS_ERROR AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU"
   AND CMAKE_CXX_COMPILER_VERSION VERSION_GREATER_EQUAL 12
   AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  set(CMAKE_COMPILE_WARNING_AS_ERROR ON)
endif()

find_program(HEDDLE_CCACHE ccache)
mark_as_advanced(HEDDLE_CCACHE)
if(HEDDLE_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${HEDDLE_CCACHE})
endif()

# One of these at a time, for all targets alike; set by the presets of the same purpose.
set(HEDDLE_INSTRUMENT "none" CACHE STRING "none, address, undefined, coverage or fuzz")
set(HEDDLE_TEST_SLOWNESS 1)
if(HEDDLE_INSTRUMENT STREQUAL "address")
  set(instrument -fsanitize=address -fno-omit-frame-pointer)
  # GCC 12 takes what AddressSanitizer inserts into std::regex for uses of what was never set.
  list(APPEND HEDDLE_WARNINGS -Wno-maybe-uninitialized)
elseif(HEDDLE_INSTRUMENT STREQUAL "undefined")
  set(instrument -fsanitize=undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
elseif(HEDDLE_INSTRUMENT STREQUAL "coverage")
  set(instrument --coverage)
elseif(HEDDLE_INSTRUMENT STREQUAL "fuzz")
  set(instrument -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
                 -fno-omit-frame-pointer)
elseif(NOT HEDDLE_INSTRUMENT STREQUAL "none")
  message(FATAL_ERROR "HEDDLE_INSTRUMENT=${HEDDLE_INSTRUMENT} is not one of "
                      "none, address, undefined, coverage, fuzz")
endif()
if(instrument)
  add_compile_options(${instrument})
  add_link_options(${instrument})
  set(HEDDLE_TEST_SLOWNESS 8)  # instrumented code is several times slower
endif()
math(EXPR HEDDLE_TEST_TIMEOUT_SECONDS "300 * ${HEDDLE_TEST_SLOWNESS}")
