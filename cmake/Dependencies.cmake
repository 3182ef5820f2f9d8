# Debian 12 packages, each with its one reason. scripts/install-deps installs them.
find_package(PkgConfig REQUIRED)
find_package(Protobuf REQUIRED)          # wire format of LLB, control, gateway, session
find_package(fmt REQUIRED)               # text formatting
find_package(nlohmann_json REQUIRED)     # JSON: image configs, manifests, runtime spec
find_package(OpenSSL REQUIRED)           # SHA-256
find_package(SQLite3 REQUIRED)           # cache and layer metadata
if(NOT LOAM_FRONTEND_ONLY)
find_package(ZLIB REQUIRED)              # inflate of foreign gzip members
find_package(CURL REQUIRED)              # registries and HTTP sources
find_package(LibArchive REQUIRED)        # reading tar and zip
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)         # zstd layers
pkg_check_modules(ISAL REQUIRED IMPORTED_TARGET libisal)         # fast gzip
pkg_check_modules(SECCOMP REQUIRED IMPORTED_TARGET libseccomp)   # architecture names of the seccomp profile
endif()
pkg_check_modules(RE2 REQUIRED IMPORTED_TARGET re2)              # patterns
# -pthread on some targets only would make the shared precompiled header unusable there.
set_property(TARGET PkgConfig::RE2 PROPERTY INTERFACE_COMPILE_OPTIONS "")
if(NOT LOAM_FRONTEND_ONLY)
find_path(CXXOPTS_INCLUDE_DIR cxxopts.hpp REQUIRED)              # command line flags
find_path(TOMLPLUSPLUS_INCLUDE_DIR toml++/toml.h REQUIRED)       # configuration files
endif()
find_path(EXPECTED_INCLUDE_DIR tl/expected.hpp REQUIRED)         # Result<T>: std::expected is not visible to clang 14

if(LOAM_FRONTEND_ONLY)
  return()
endif()

# Loaded when first used: builds without a registry or an archive start faster without them. A function that the linker
# misses belongs into its list here.
enable_language(ASM)
include(LazyLibrary)
loam_lazy_library(loam_lazy_curl LIBRARY CURL::libcurl FILE ${CURL_LIBRARY_RELEASE} SYMBOLS
    curl_easy_cleanup curl_easy_getinfo curl_easy_init curl_easy_perform curl_easy_reset curl_easy_setopt
    curl_easy_strerror curl_free curl_global_init curl_multi_add_handle curl_multi_cleanup curl_multi_info_read
    curl_multi_init curl_multi_perform curl_multi_poll curl_multi_remove_handle curl_multi_wakeup curl_slist_append
    curl_slist_free_all curl_url curl_url_cleanup curl_url_get curl_url_set)
loam_lazy_library(loam_lazy_archive LIBRARY LibArchive::LibArchive FILE ${LibArchive_LIBRARY} SYMBOLS
    archive_entry_filetype archive_entry_gid archive_entry_hardlink archive_entry_mtime archive_entry_mtime_nsec
    archive_entry_pathname archive_entry_perm archive_entry_rdev archive_entry_set_hardlink archive_entry_set_pathname
    archive_entry_size archive_entry_symlink archive_entry_uid archive_entry_xattr_next archive_entry_xattr_reset
    archive_error_string archive_free archive_read_data archive_read_data_block archive_read_free archive_read_new
    archive_read_next_header archive_read_open_fd archive_read_open_memory archive_read_support_filter_all
    archive_read_support_filter_bzip2 archive_read_support_filter_gzip archive_read_support_filter_xz
    archive_read_support_filter_zstd archive_read_support_format_tar archive_write_data_block archive_write_disk_new
    archive_write_disk_set_options archive_write_finish_entry archive_write_header)
pkg_check_modules(YAML REQUIRED IMPORTED_TARGET yaml-0.1)         # specifications of CDI devices
loam_lazy_library(loam_lazy_yaml LIBRARY PkgConfig::YAML FILE ${YAML_LINK_LIBRARIES} SYMBOLS
    yaml_document_delete yaml_document_get_node yaml_document_get_root_node yaml_parser_delete yaml_parser_initialize
    yaml_parser_load yaml_parser_set_input_string)

if(LOAM_BUILD_TESTS)
  find_package(GTest REQUIRED)
endif()
if(LOAM_BUILD_BENCH)
  find_package(benchmark REQUIRED)
endif()
