# The supervisor is compiled on its own: static, without the project's flags (sanitizers cannot be part of it), and its
# bytes become a part of the worker's library.
set(LOAM_SUPERVISOR ${CMAKE_BINARY_DIR}/generated/loam-supervisor)
add_custom_command(
  OUTPUT ${LOAM_SUPERVISOR}
  COMMAND ${CMAKE_CXX_COMPILER} -std=c++20 -Os -static -s -fno-exceptions -fno-rtti -Wall -Wextra -Werror
          ${CMAKE_CURRENT_LIST_DIR}/supervisor.cpp -o ${LOAM_SUPERVISOR}
  DEPENDS ${CMAKE_CURRENT_LIST_DIR}/supervisor.cpp
  COMMENT "Building the supervisor of steps"
  VERBATIM)
set_source_files_properties(${CMAKE_CURRENT_LIST_DIR}/../supervisor_image.cpp PROPERTIES
  OBJECT_DEPENDS ${LOAM_SUPERVISOR}
  COMPILE_DEFINITIONS LOAM_SUPERVISOR="${LOAM_SUPERVISOR}"
  SKIP_PRECOMPILE_HEADERS ON)
