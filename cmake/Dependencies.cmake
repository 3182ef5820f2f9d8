# Debian 12 packages, each with its one reason. scripts/install-deps installs them.
find_package(PkgConfig REQUIRED)
find_package(Protobuf REQUIRED)          # wire format of LLB, control, gateway, session
find_package(fmt REQUIRED)               # text formatting
find_package(nlohmann_json REQUIRED)     # JSON: image configs, manifests, runtime spec
find_package(OpenSSL REQUIRED)           # SHA-256
find_package(ZLIB REQUIRED)              # inflate of foreign gzip members
find_package(CURL REQUIRED)              # registries and HTTP sources
find_package(LibArchive REQUIRED)        # reading tar and zip
find_package(SQLite3 REQUIRED)           # cache and layer metadata
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)         # zstd layers
pkg_check_modules(ISAL REQUIRED IMPORTED_TARGET libisal)         # fast gzip
pkg_check_modules(SECCOMP REQUIRED IMPORTED_TARGET libseccomp)   # architecture names of the seccomp profile
pkg_check_modules(RE2 REQUIRED IMPORTED_TARGET re2)              # patterns
# -pthread on some targets only would make the shared precompiled header unusable there.
set_property(TARGET PkgConfig::RE2 PROPERTY INTERFACE_COMPILE_OPTIONS "")
find_path(CXXOPTS_INCLUDE_DIR cxxopts.hpp REQUIRED)              # command line flags
find_path(EXPECTED_INCLUDE_DIR tl/expected.hpp REQUIRED)         # Result<T>: std::expected is not visible to clang 14
find_path(TOMLPLUSPLUS_INCLUDE_DIR toml++/toml.h REQUIRED)       # configuration files

if(LOAM_BUILD_TESTS)
  find_package(GTest REQUIRED)
endif()
if(LOAM_BUILD_BENCH)
  find_package(benchmark REQUIRED)
endif()
