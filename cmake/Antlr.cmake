# loam_antlr(<target> GRAMMARS A.g4 ...): generates and compiles parsers; only compiler/parse links the result.
# Debian's tool is 4.7.2 and its runtime 4.9; they work together. Generated code uses u8 literals, hence -fno-char8_t.
find_program(ANTLR4_TOOL antlr4 REQUIRED)
find_path(ANTLR4_INCLUDE_DIR antlr4-runtime.h PATH_SUFFIXES antlr4-runtime REQUIRED)
# The static runtime: the shared one costs every start of the program 0.4 ms of relocation.
find_library(ANTLR4_RUNTIME NAMES libantlr4-runtime.a antlr4-runtime REQUIRED)

function(loam_antlr target)
  cmake_parse_arguments(A "" "" "GRAMMARS" ${ARGN})
  set(out_dir ${CMAKE_BINARY_DIR}/generated/grammar)
  file(MAKE_DIRECTORY ${out_dir})
  set(generated "")
  foreach(grammar IN LISTS A_GRAMMARS)
    string(REGEX REPLACE "\\.g4$" "" stem ${grammar})
    add_custom_command(
      OUTPUT ${out_dir}/${stem}.cpp ${out_dir}/${stem}.h
      COMMAND ${ANTLR4_TOOL} -Werror -Dlanguage=Cpp -package loam::grammar -no-listener -no-visitor -o ${out_dir} ${grammar}
      WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}
      DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${grammar}
      VERBATIM)
    list(APPEND generated ${out_dir}/${stem}.cpp)
  endforeach()
  add_library(${target} STATIC ${generated})
  target_compile_options(${target} PRIVATE -w -fno-char8_t)
  target_include_directories(${target} SYSTEM PUBLIC ${CMAKE_BINARY_DIR}/generated ${ANTLR4_INCLUDE_DIR})
  target_link_libraries(${target} PUBLIC ${ANTLR4_RUNTIME})
endfunction()
