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
