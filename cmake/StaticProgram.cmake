# For loam-frontend: one static program, as small as it gets, whose bytes depend on the sources and the toolchain alone.
set(CMAKE_FIND_LIBRARY_SUFFIXES .a)
set(OPENSSL_USE_STATIC_LIBS ON)
set(Protobuf_USE_STATIC_LIBS ON)
set(CMAKE_CXX_FLAGS_MINSIZEREL "-Os -DNDEBUG -Wno-restrict -Wno-stringop-overflow -Wno-stringop-overread -Wno-array-bounds")
# What -Os alone makes the compiler suspect is not worth an error here: the other presets are checked.
list(REMOVE_ITEM LOAM_WARNINGS -Werror)
# Debian's g++ makes position independent code by itself: larger, and of no use in a program that is linked statically.
add_compile_options(-fno-pie -fno-asynchronous-unwind-tables -ffunction-sections -fdata-sections "-ffile-prefix-map=${CMAKE_SOURCE_DIR}=." "-ffile-prefix-map=${CMAKE_BINARY_DIR}=.")
# Debian has no static fmt: its headers have all of it.
add_compile_definitions(FMT_HEADER_ONLY)
add_link_options(-static -no-pie -Wl,--gc-sections -Wl,--build-id=none -s)

# Many small files of a folder as a few large ones: compiled in a quarter of the time, and a little smaller. Folders whose
# files share names inside of unnamed namespaces leave those files out.
function(loam_unite_sources)
  foreach(target loam_compiler_lint loam_compiler_passes loam_compiler_driver loam_compiler_driver_frontend
                 loam_compiler_driver_earthfile loam_llb_emit loam_frontend)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 12)
  endforeach()
  set(apart
    compiler:compiler/driver/graph_mermaid.cpp compiler:compiler/driver/graph_svg.cpp compiler:compiler/driver/proof.cpp
    llb-emit:llb-emit/print_text.cpp llb-emit:llb-emit/validate.cpp
    frontend:frontend/earthfile_build.cpp)
  foreach(item IN LISTS apart)
    string(REPLACE ":" ";" parts ${item})
    list(GET parts 0 folder)
    list(GET parts 1 file)
    set_source_files_properties(${CMAKE_SOURCE_DIR}/${file} DIRECTORY ${CMAKE_SOURCE_DIR}/${folder}
                                PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  endforeach()
endfunction()
