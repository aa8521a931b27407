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

# heddle_verilator_runtime(NAME [SYSTEMC]): one runtime library for all twins, with waves in GTKWave's
# format; SYSTEMC: for modules that are SystemC modules. $stop, $fatal and failed assertions are C++
# exceptions (models/cosim/verilated_hooks.cpp).
function(heddle_verilator_runtime name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "SYSTEMC" "" "")
  execute_process(COMMAND ${HEDDLE_VERILATOR} --getenv VERILATOR_ROOT
                  OUTPUT_VARIABLE root OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  add_library(${name} STATIC
      ${root}/include/verilated.cpp ${root}/include/verilated_fst_c.cpp
      ${root}/include/verilated_threads.cpp models/cosim/verilated_hooks.cpp)
  # Its writer of FST waves stores at addresses of any alignment.
  target_compile_options(${name} PRIVATE -w -fno-sanitize=undefined)
  target_include_directories(${name} SYSTEM PUBLIC ${root}/include ${root}/include/vltstd)
  target_compile_definitions(${name} PUBLIC VL_USER_STOP VL_USER_FATAL VM_TRACE=1 VM_TRACE_FST=1
      VM_COVERAGE=0 VM_SC=$<BOOL:${arg_SYSTEMC}>)
  # Where SystemC has been included before, Verilator's header believes itself in a model of
  # Verilator's SystemC kind.
  if(NOT arg_SYSTEMC)
    target_compile_options(${name} INTERFACE "SHELL:-include verilated.h")
  endif()
  find_package(Threads REQUIRED)
  target_link_libraries(${name} PUBLIC heddle_kernel ZLIB::ZLIB Threads::Threads
      $<$<CXX_COMPILER_ID:Clang>:atomic> $<$<BOOL:${arg_SYSTEMC}>:SystemC::SystemC>)
endfunction()

# heddle_verilate(NAME TOP module FILES file... [INCLUDED file...] [PARAMETERS Name=value...]
# [OPTIONS option...] [SYSTEMC]): library verilated_NAME with the class VNAME of the module; a SystemC
# module, if asked for. INCLUDED: by the others. OPTIONS: for Verilator.
function(heddle_verilate name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "SYSTEMC" "TOP" "PARAMETERS;FILES;INCLUDED;OPTIONS")
  set(folder ${PROJECT_BINARY_DIR}/rtl/${name})
  set(files ${arg_FILES})
  set(output --cc)
  set(runtime heddle_verilated)
  if(arg_SYSTEMC)
    set(output --sc)
    set(runtime heddle_verilated_sc)
  endif()
  list(TRANSFORM files PREPEND ${PROJECT_SOURCE_DIR}/)
  list(TRANSFORM arg_PARAMETERS PREPEND -G)
  if(HEDDLE_CCACHE)
    set(cache OBJCACHE=${HEDDLE_CCACHE})
  endif()
  # Nothing is left at 0 by chance: what reset forgets is random (VerilatedContext::randReset).
  add_custom_command(
      OUTPUT ${folder}/V${name}__ALL.a
      BYPRODUCTS ${folder}/V${name}.h
      COMMAND ${CMAKE_COMMAND} -E env ${cache} ${HEDDLE_VERILATOR} ${output} --build --quiet-exit
              -Wall --relative-includes --assert --trace-fst --x-assign unique --x-initial unique -O3
              -CFLAGS -DVL_USER_STOP -CFLAGS -DVL_USER_FATAL -MAKEFLAGS OPT_FAST=-O2
              --Mdir ${folder} --prefix V${name} --top-module ${arg_TOP} ${arg_PARAMETERS}
              ${arg_OPTIONS} ${files}
              > ${folder}.log || ${CMAKE_COMMAND} -E cat ${folder}.log
      COMMAND ${CMAKE_COMMAND} -E touch ${folder}/V${name}__ALL.a
      DEPENDS ${files} ${arg_INCLUDED}
      COMMENT "Verilating ${name}" VERBATIM)
  add_custom_target(verilate_${name} DEPENDS ${folder}/V${name}__ALL.a)
  add_library(verilated_${name} STATIC IMPORTED GLOBAL)
  file(MAKE_DIRECTORY ${folder})
  set_target_properties(verilated_${name} PROPERTIES
      IMPORTED_LOCATION ${folder}/V${name}__ALL.a
      INTERFACE_INCLUDE_DIRECTORIES ${folder}
      INTERFACE_LINK_LIBRARIES ${runtime})
  add_dependencies(verilated_${name} verilate_${name})
endfunction()

# heddle_twin(NAME [TOP module] [PARAMETERS Name=value...] [OPTIONS option...] [SOURCES file...]): the
# same for a module of rtl/, in the file of its name, NAME unless said otherwise, and in those of its
# parts, NAME_part.svh. SOURCES: the modules that it uses. All are listed in HEDDLE_TWINS.
function(heddle_twin name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "TOP" "PARAMETERS;OPTIONS;SOURCES")
  if(NOT arg_TOP)
    set(arg_TOP ${name})
  endif()
  file(GLOB parts CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/rtl/${arg_TOP}_*.svh)
  heddle_verilate(${name} TOP ${arg_TOP} INCLUDED ${parts} PARAMETERS ${arg_PARAMETERS} OPTIONS ${arg_OPTIONS}
                  FILES rtl/waivers.vlt rtl/heddle_pkg.sv ${arg_SOURCES} rtl/${arg_TOP}.sv)
  list(APPEND HEDDLE_TWINS verilated_${name})
  set(HEDDLE_TWINS ${HEDDLE_TWINS} PARENT_SCOPE)
endfunction()
