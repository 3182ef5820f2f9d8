# loam_protobuf(<target> FILES a.proto b.proto): generates C++ for .proto files below proto/.
# Imports are relative to proto/; the headers are included as "proto/<path>.pb.h".
function(loam_protobuf target)
  cmake_parse_arguments(P "" "" "FILES;EXTERNAL" ${ARGN})
  set(generated "")
  foreach(file IN LISTS P_FILES)
    string(REGEX REPLACE "\\.proto$" "" stem ${file})
    set(out ${CMAKE_BINARY_DIR}/generated/proto/${stem})
    get_filename_component(out_dir ${out} DIRECTORY)
    file(MAKE_DIRECTORY ${out_dir})
    add_custom_command(
      OUTPUT ${out}.pb.cc ${out}.pb.h
      COMMAND protobuf::protoc --cpp_out=${CMAKE_BINARY_DIR}/generated -I ${CMAKE_SOURCE_DIR}
              proto/${file}
      WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}
      DEPENDS ${CMAKE_SOURCE_DIR}/proto/${file}
      VERBATIM)
    list(APPEND generated ${out}.pb.cc)
  endforeach()
  loam_generated_library(${target} SOURCES ${generated} EXTERNAL protobuf::libprotobuf-lite ${P_EXTERNAL})
endfunction()
