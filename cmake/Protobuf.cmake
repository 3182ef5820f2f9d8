# loam_protobuf(<target> FILES a.proto b.proto): generates C++ for .proto files below proto/.
# Imports are relative to the root of the repository; the headers are included as "proto/<path>.pb.h".
function(loam_protobuf target)
  cmake_parse_arguments(P "" "" "FILES;EXTERNAL" ${ARGN})
  loam_protoc(generated cpp_out pb "" ${P_FILES})
  loam_generated_library(${target} SOURCES ${generated} EXTERNAL protobuf::libprotobuf-lite ${P_EXTERNAL})
endfunction()

# loam_grpc(<target> MESSAGES <target> FILES a.proto b.proto): the gRPC stubs of the services in these files, whose
# messages are in MESSAGES; included as "proto/<path>.grpc.pb.h". Needs Debian's libgrpc++-dev and
# protobuf-compiler-grpc.
function(loam_grpc target)
  cmake_parse_arguments(P "" "MESSAGES" "FILES" ${ARGN})
  find_program(GRPC_CPP_PLUGIN grpc_cpp_plugin REQUIRED)
  find_package(PkgConfig REQUIRED)
  if(LOAM_FRONTEND_ONLY)
    # Without TLS, with all that a static library leaves to its user; the lite runtime has all that the stubs call.
    pkg_check_modules(GRPCPP REQUIRED grpc++_unsecure)
    # Debian's file does not name these four.
    set(libraries ${GRPCPP_STATIC_LDFLAGS} -lupb -laddress_sorting -lcares -lz protobuf::libprotobuf-lite)
  else()
    pkg_check_modules(GRPCPP REQUIRED IMPORTED_TARGET GLOBAL grpc++)
    set(libraries PkgConfig::GRPCPP protobuf::libprotobuf)
  endif()
  loam_protoc(generated grpc_out grpc.pb --plugin=protoc-gen-grpc=${GRPC_CPP_PLUGIN} ${P_FILES})
  loam_generated_library(${target} SOURCES ${generated} EXTERNAL ${P_MESSAGES} ${libraries})
  # The stubs include the headers of the messages.
  add_dependencies(${target} ${P_MESSAGES})
endfunction()

# One protoc run a file; sets `out` to the generated sources. `option` is an argument for protoc, or "".
function(loam_protoc out generator suffix option)
  set(generated "")
  foreach(file IN LISTS ARGN)
    string(REGEX REPLACE "\\.proto$" "" stem ${file})
    set(base ${CMAKE_BINARY_DIR}/generated/proto/${stem}.${suffix})
    get_filename_component(out_dir ${base} DIRECTORY)
    file(MAKE_DIRECTORY ${out_dir})
    add_custom_command(
      OUTPUT ${base}.cc ${base}.h
      COMMAND protobuf::protoc ${option} --${generator}=${CMAKE_BINARY_DIR}/generated -I ${CMAKE_SOURCE_DIR} proto/${file}
      WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}
      DEPENDS ${CMAKE_SOURCE_DIR}/proto/${file}
      VERBATIM)
    list(APPEND generated ${base}.cc)
  endforeach()
  set(${out} ${generated} PARENT_SCOPE)
endfunction()
