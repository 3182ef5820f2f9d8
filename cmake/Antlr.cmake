# loam_antlr(<target> GRAMMARS A.g4 ...): generates and compiles parsers; only compiler/parse links the result.
# Debian's tool is 4.7.2 and its runtime 4.9; they work together. Generated code uses u8 literals, hence -fno-char8_t.
find_program(ANTLR4_TOOL antlr4 REQUIRED)
find_path(ANTLR4_INCLUDE_DIR antlr4-runtime.h PATH_SUFFIXES antlr4-runtime REQUIRED)
find_library(ANTLR4_RUNTIME NAMES antlr4-runtime REQUIRED)
