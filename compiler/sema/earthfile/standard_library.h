// The library of functions that is part of the binary: IMPORT loam/std/rust. No network, no files.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace loam::sema::earthfile {

inline constexpr std::string_view kStandardLibraryPrefix = "loam/std";

struct StandardFile {
  std::string_view name;     // "rust"
  std::string_view version;  // "v1": IMPORT loam/std/rust:v1
  std::string_view text;     // of the Earthfile
};
// Sorted by name.
std::span<const StandardFile> StandardLibrary();
// `name` is what follows "loam/std/"; `version` "" is the newest.
std::optional<StandardFile> FindStandardFile(std::string_view name, std::string_view version);

}  // namespace loam::sema::earthfile
