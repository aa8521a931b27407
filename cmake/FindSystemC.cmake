# SystemC::SystemC: SystemC and TLM-2.0. Debian installs no CMake package for them, only pkg-config
# files. The target is imported, so its headers count as system headers and do not warn.
find_package(PkgConfig REQUIRED)
pkg_check_modules(SystemC QUIET IMPORTED_TARGET systemc tlm)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(SystemC REQUIRED_VARS SystemC_LINK_LIBRARIES
                                  VERSION_VAR SystemC_systemc_VERSION)

if(SystemC_FOUND AND NOT TARGET SystemC::SystemC)
  add_library(SystemC::SystemC ALIAS PkgConfig::SystemC)
endif()
