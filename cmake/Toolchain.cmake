# Compiler flags, ccache and the linker.
find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Paths relative to the source tree, so that all build folders share one cache; precompiled headers need the sloppiness.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env
      CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}
      CCACHE_NOHASHDIR=1
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      ${CCACHE_PROGRAM})
endif()

find_program(MOLD_PROGRAM mold)
if(MOLD_PROGRAM)
  add_link_options(-fuse-ld=mold)
endif()

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g1 -D_GLIBCXX_ASSERTIONS")
# g++ 12 warns falsely about std::string concatenation when it inlines (GCC bug 105329 and its kin).
set(CMAKE_CXX_FLAGS_RELEASE
    "-O2 -DNDEBUG -Wno-restrict -Wno-stringop-overflow -Wno-stringop-overread -Wno-array-bounds")

# -fpch-preprocess: ccache needs it to see through precompiled headers.
add_compile_options($<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>)
add_compile_definitions(_FILE_OFFSET_BITS=64)

# Warnings for our own code (-Wmissing-field-initializers is off: designated initialisers leave defaults out on purpose); generated code is compiled without them (see loam_generated_library).
set(LOAM_WARNINGS -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Wold-style-cast -Woverloaded-virtual
                  -Wimplicit-fallthrough -Wswitch -Wno-missing-field-initializers
                  # g++ 12 warns falsely about std::string once it inlines (GCC bug 105651).
                  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<CONFIG:Release>>:-Wno-restrict>
                  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<CONFIG:Release>>:-Wno-stringop-overflow>
                  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<CONFIG:Release>>:-Wno-error=array-bounds> -Werror)

find_package(Threads REQUIRED)
