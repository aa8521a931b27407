# Targets from folders. While a library has no source it is an interface library (headers only);
# while an executable has none it is left out.

# Includes are written from these folders: "kernel/clock.h", "engine/loader.h".
set(HEDDLE_INCLUDE_FOLDERS ${PROJECT_SOURCE_DIR}/models ${PROJECT_SOURCE_DIR}/scenarios)

# heddle_library(NAME FOLDERS folder... [EXCEPT file...] [PUBLIC lib...] [PRIVATE lib...])
function(heddle_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "FOLDERS;EXCEPT;PUBLIC;PRIVATE")
  list(TRANSFORM arg_FOLDERS APPEND /*.cpp OUTPUT_VARIABLE patterns)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR} ${patterns})
  list(REMOVE_ITEM sources ${arg_EXCEPT})

  if(sources)
    add_library(${name} STATIC ${sources})
    target_compile_options(${name} PRIVATE ${HEDDLE_WARNINGS})
    target_include_directories(${name} PUBLIC ${HEDDLE_INCLUDE_FOLDERS})
    target_link_libraries(${name} PUBLIC ${arg_PUBLIC} PRIVATE ${arg_PRIVATE})
  else()
    add_library(${name} INTERFACE)
    target_include_directories(${name} INTERFACE ${HEDDLE_INCLUDE_FOLDERS})
    target_link_libraries(${name} INTERFACE ${arg_PUBLIC})
  endif()
endfunction()

# heddle_forbid_systemc(NAME FOLDER): parts have no clock. Debian keeps SystemC where every compiler
# looks, so not linking it is not enough: a header that stops the compilation stands in front of it.
# One source that includes every header of FOLDER extends this to parts without a source, and shows
# that each header compiles.
function(heddle_forbid_systemc name folder)
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}/models ${folder}/*.h)
  list(TRANSFORM headers REPLACE "(.+)" "#include \"\\1\"\n")
  list(JOIN headers "" text)
  set(all_headers ${PROJECT_BINARY_DIR}/${name}_headers.cpp)
  file(CONFIGURE OUTPUT ${all_headers} CONTENT "${text}" @ONLY)

  add_library(${name}_without_systemc OBJECT ${all_headers})
  target_compile_options(${name}_without_systemc PRIVATE ${HEDDLE_WARNINGS})
  target_link_libraries(${name}_without_systemc PRIVATE ${name})
  foreach(target ${name} ${name}_without_systemc)
    get_target_property(type ${target} TYPE)
    if(NOT type STREQUAL "INTERFACE_LIBRARY")
      target_include_directories(${target} BEFORE PRIVATE ${PROJECT_SOURCE_DIR}/cmake/no_systemc)
    endif()
  endforeach()
endfunction()

# heddle_executable(NAME FILES pattern... LINKS lib...)
function(heddle_executable name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "FILES;LINKS")
  file(GLOB sources CONFIGURE_DEPENDS ${arg_FILES})
  if(sources)
    add_executable(${name} ${sources})
    target_compile_options(${name} PRIVATE ${HEDDLE_WARNINGS})
    target_link_libraries(${name} PRIVATE ${arg_LINKS})
  endif()
endfunction()

# Compiling tests takes far longer than running them: so less is optimized.
set(HEDDLE_TEST_OPTIONS ${HEDDLE_WARNINGS} $<$<CONFIG:Release>:-O1>)

# heddle_testing: the main program of the tests and what they share (testbenches/*.cpp, *.h).
function(heddle_test_support)
  file(GLOB sources CONFIGURE_DEPENDS testbenches/*.cpp)
  # Benchmarks compile it as well.
  set_source_files_properties(testbenches/scenario_run.cpp PROPERTIES
      COMPILE_DEFINITIONS HEDDLE_TEST_SLOWNESS=${HEDDLE_TEST_SLOWNESS})
  add_library(heddle_testing OBJECT ${sources})
  target_compile_options(heddle_testing PRIVATE ${HEDDLE_TEST_OPTIONS})
  target_include_directories(heddle_testing PUBLIC testbenches)
  target_link_libraries(heddle_testing PUBLIC heddle_engine GTest::gmock GTest::gtest)
  target_compile_definitions(heddle_testing PUBLIC
      HEDDLE_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
      HEDDLE_SHARED_DIR="${PROJECT_SOURCE_DIR}/../shared")
  if(TARGET heddle)
    add_dependencies(heddle_testing heddle)
    target_compile_definitions(heddle_testing PUBLIC HEDDLE_BINARY="$<TARGET_FILE:heddle>")
  endif()
endfunction()

# heddle_tests(KIND [LINKS lib...]): testbenches/KIND/**.cpp -> executable KIND_tests; one CTest
# entry per test, named KIND.Suite.Test and labelled KIND.
function(heddle_tests kind)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "LINKS")
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS testbenches/${kind}/*.cpp)
  if(NOT sources)
    return()
  endif()

  set(name ${kind}_tests)
  add_executable(${name} ${sources})
  target_compile_options(${name} PRIVATE ${HEDDLE_TEST_OPTIONS})
  target_link_libraries(${name} PRIVATE heddle_testing ${arg_LINKS})

  # PRE_TEST: the tests are listed when CTest starts, so that building never runs them.
  gtest_discover_tests(${name}
      TEST_PREFIX ${kind}.
      DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60
      PROPERTIES LABELS ${kind} TIMEOUT ${HEDDLE_TEST_TIMEOUT_SECONDS})
endfunction()

# heddle_fuzzer(NAME): testbenches/fuzz/NAME_fuzzer.cpp -> NAME_fuzzer, whose main is libFuzzer's.
function(heddle_fuzzer name)
  heddle_executable(${name}_fuzzer FILES testbenches/fuzz/${name}_fuzzer.cpp
                    testbenches/fuzz/sc_main.cpp LINKS heddle_engine)
  target_include_directories(${name}_fuzzer PRIVATE testbenches)
  target_link_options(${name}_fuzzer PRIVATE -fsanitize=fuzzer)
endfunction()
