# loam_library(<folder> DEPS <folder>... EXTERNAL <cmake target>...)
#
# Declares the static library of one folder: every *.cpp directly in it (SOURCES_IN adds subfolders). The target is the
# folder's path with '/' and '-' turned into '_'. DEPS are the folders whose headers this folder may include, and nothing
# else: tests/layering checks the #include lines against the same list. EXTERNAL are third-party targets, visible to this
# folder's own sources only (PUBLIC_EXTERNAL for those that appear in its headers).
#
# loam_executable(<name> FOLDER <folder> DEPS ... EXTERNAL ...) is the same for a program.

set_property(GLOBAL PROPERTY LOAM_LAYERING "")

function(loam_target_name out folder)
  string(REGEX REPLACE "[/-]" "_" name ${folder})
  set(${out} loam_${name} PARENT_SCOPE)
endfunction()

function(loam_record_layering folder)
  list(JOIN ARGN " " deps)
  set_property(GLOBAL APPEND PROPERTY LOAM_LAYERING "${folder}: ${deps}")
endfunction()

function(loam_link target)
  cmake_parse_arguments(L "" "" "DEPS;EXTERNAL;PUBLIC_EXTERNAL" ${ARGN})
  foreach(dep IN LISTS L_DEPS)
    loam_target_name(dep_target ${dep})
    target_link_libraries(${target} PUBLIC ${dep_target})
  endforeach()
  target_link_libraries(${target} PRIVATE ${L_EXTERNAL})
  target_link_libraries(${target} PUBLIC ${L_PUBLIC_EXTERNAL})
endfunction()

function(loam_sources out folder)
  set(all "")
  foreach(dir IN ITEMS "" ${ARGN})
    file(GLOB found CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/${dir}/*.cpp)
    list(APPEND all ${found})
  endforeach()
  set(${out} ${all} PARENT_SCOPE)
endfunction()

function(loam_library folder)
  cmake_parse_arguments(L "" "" "DEPS;EXTERNAL;PUBLIC_EXTERNAL;SOURCES_IN" ${ARGN})
  loam_target_name(target ${folder})
  loam_sources(sources ${folder} ${L_SOURCES_IN})
  if(NOT sources)
    add_library(${target} INTERFACE)
    target_include_directories(${target} INTERFACE ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR}/generated)
    foreach(dep IN LISTS L_DEPS)
      loam_target_name(dep_target ${dep})
      target_link_libraries(${target} INTERFACE ${dep_target})
    endforeach()
    target_link_libraries(${target} INTERFACE ${L_PUBLIC_EXTERNAL})
  else()
    add_library(${target} STATIC ${sources})
    target_include_directories(${target} PUBLIC ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR}/generated)
    target_compile_options(${target} PRIVATE ${LOAM_WARNINGS})
    loam_link(${target} DEPS ${L_DEPS} EXTERNAL ${L_EXTERNAL} PUBLIC_EXTERNAL ${L_PUBLIC_EXTERNAL})
    if(NOT folder STREQUAL "base")
      target_precompile_headers(${target} REUSE_FROM loam_base)
      target_link_libraries(${target} PUBLIC loam_base)
    endif()
  endif()
  loam_record_layering(${folder} ${L_DEPS})
endfunction()

function(loam_executable name)
  cmake_parse_arguments(L "" "FOLDER" "DEPS;EXTERNAL;SOURCES_IN" ${ARGN})
  loam_sources(sources ${L_FOLDER} ${L_SOURCES_IN})
  add_executable(${name} ${sources})
  target_compile_options(${name} PRIVATE ${LOAM_WARNINGS})
  target_precompile_headers(${name} REUSE_FROM loam_base)
  loam_link(${name} DEPS base ${L_DEPS} EXTERNAL ${L_EXTERNAL})
  loam_record_layering(${L_FOLDER} ${L_DEPS})
endfunction()

# Generated code: no warnings, no precompiled header, no layering entry.
function(loam_generated_library target)
  cmake_parse_arguments(L "" "" "SOURCES;EXTERNAL" ${ARGN})
  add_library(${target} STATIC ${L_SOURCES})
  target_compile_options(${target} PRIVATE -w)
  target_include_directories(${target} SYSTEM PUBLIC ${CMAKE_BINARY_DIR}/generated)
  target_link_libraries(${target} PUBLIC ${L_EXTERNAL})
endfunction()

# The layering table as a file, one "folder: deps" a line, for tests/layering.
function(loam_write_layering)
  get_property(lines GLOBAL PROPERTY LOAM_LAYERING)
  list(JOIN lines "\n" text)
  file(WRITE ${CMAKE_BINARY_DIR}/layering.txt "${text}\n")
endfunction()
