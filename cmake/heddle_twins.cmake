# The SystemVerilog twins, turned into C++ by Verilator. Without Verilator everything else is built,
# and HEDDLE_RTL is off.
find_program(HEDDLE_VERILATOR verilator)
mark_as_advanced(HEDDLE_VERILATOR)
if(HEDDLE_VERILATOR)
  find_package(ZLIB REQUIRED)  # of its FST waves
  set(HEDDLE_RTL ON)
else()
  set(HEDDLE_RTL OFF)
  message(STATUS "No Verilator: the twins in rtl/ and the runs with --rtl are left out")
endif()

# heddle_verilator_runtime(): one runtime library for all twins, with waves in GTKWave's format.
# $stop, $fatal and failed assertions are C++ exceptions (models/cosim/verilated_hooks.cpp).
function(heddle_verilator_runtime)
  execute_process(COMMAND ${HEDDLE_VERILATOR} --getenv VERILATOR_ROOT
                  OUTPUT_VARIABLE root OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  add_library(heddle_verilated STATIC
      ${root}/include/verilated.cpp ${root}/include/verilated_fst_c.cpp
      ${root}/include/verilated_threads.cpp models/cosim/verilated_hooks.cpp)
  target_compile_options(heddle_verilated PRIVATE -w)
  target_include_directories(heddle_verilated SYSTEM PUBLIC
      ${root}/include ${root}/include/vltstd)
  target_compile_definitions(heddle_verilated PUBLIC
      VL_USER_STOP VL_USER_FATAL VM_TRACE=1 VM_TRACE_FST=1 VM_COVERAGE=0 VM_SC=0)
  find_package(Threads REQUIRED)
  target_link_libraries(heddle_verilated PUBLIC heddle_kernel ZLIB::ZLIB Threads::Threads)
endfunction()

# heddle_twin(NAME [TOP module] [PARAMETERS Name=value...] [SOURCES file...]): library twin_NAME with
# the C++ class VNAME of the module, which is rtl/NAME.sv unless said otherwise. SOURCES: the
# modules that it uses. All are listed in HEDDLE_TWINS.
function(heddle_twin name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "TOP" "PARAMETERS;SOURCES")
  if(NOT arg_TOP)
    set(arg_TOP ${name})
  endif()
  set(folder ${PROJECT_BINARY_DIR}/rtl/${name})
  set(files rtl/waivers.vlt rtl/heddle_pkg.sv ${arg_SOURCES} rtl/${arg_TOP}.sv)
  list(TRANSFORM files PREPEND ${PROJECT_SOURCE_DIR}/)
  list(TRANSFORM arg_PARAMETERS PREPEND -G)
  if(HEDDLE_CCACHE)
    set(cache OBJCACHE=${HEDDLE_CCACHE})
  endif()
  # Nothing is left at 0 by chance: what reset forgets is random (VerilatedContext::randReset).
  add_custom_command(
      OUTPUT ${folder}/V${name}__ALL.a
      BYPRODUCTS ${folder}/V${name}.h
      COMMAND ${CMAKE_COMMAND} -E env ${cache} ${HEDDLE_VERILATOR} --cc --build --quiet-exit
              -Wall --assert --trace-fst --x-assign unique --x-initial unique -O3
              -CFLAGS -DVL_USER_STOP -CFLAGS -DVL_USER_FATAL -MAKEFLAGS OPT_FAST=-O2
              --Mdir ${folder} --prefix V${name} --top-module ${arg_TOP} ${arg_PARAMETERS} ${files}
              > ${folder}.log || ${CMAKE_COMMAND} -E cat ${folder}.log
      COMMAND ${CMAKE_COMMAND} -E touch ${folder}/V${name}__ALL.a
      DEPENDS ${files}
      COMMENT "Verilating ${name}" VERBATIM)
  add_custom_target(verilate_${name} DEPENDS ${folder}/V${name}__ALL.a)
  add_library(twin_${name} STATIC IMPORTED GLOBAL)
  file(MAKE_DIRECTORY ${folder})
  set_target_properties(twin_${name} PROPERTIES
      IMPORTED_LOCATION ${folder}/V${name}__ALL.a
      INTERFACE_INCLUDE_DIRECTORIES ${folder}
      INTERFACE_LINK_LIBRARIES heddle_verilated)
  add_dependencies(twin_${name} verilate_${name})
  list(APPEND HEDDLE_TWINS twin_${name})
  set(HEDDLE_TWINS ${HEDDLE_TWINS} PARENT_SCOPE)
endfunction()
