# Fails when an include points against the arrows between the folders:
#   kernel <- parts <- {switches, endpoints, accelerator} <- cosim <- scenarios/engine <- testbenches
# Run by CTest (repository.layers), or: cmake -P cmake/check_layers.cmake
cmake_minimum_required(VERSION 3.25)
cmake_path(GET CMAKE_CURRENT_LIST_DIR PARENT_PATH root)

# What each folder may include, as the first folder of a quoted include.
set(models/kernel    kernel)
set(models/parts     kernel parts)
set(models/switches  kernel parts switches)
set(models/endpoints kernel parts endpoints)
set(models/accelerator kernel parts accelerator)
set(models/cosim kernel parts switches accelerator cosim)
set(scenarios/engine cosim kernel parts switches endpoints accelerator engine)

set(violations "")
foreach(folder models/kernel models/parts models/switches models/endpoints models/accelerator models/cosim
        scenarios/engine)
  file(GLOB_RECURSE files RELATIVE ${root} ${root}/${folder}/*.h ${root}/${folder}/*.cpp)
  foreach(file ${files})
    file(STRINGS ${root}/${file} includes REGEX "^ *# *include *\"")
    foreach(include ${includes})
      string(REGEX REPLACE "^[^\"]*\"([^/\"]*).*" "\\1" used "${include}")
      if(NOT used IN_LIST ${folder})
        string(APPEND violations "\n  ${file}: ${include}")
      endif()
    endforeach()
  endforeach()
endforeach()

if(violations)
  message(FATAL_ERROR "These includes point from a lower layer to a higher one, "
                      "or are not written from models/ or scenarios/:${violations}")
endif()
