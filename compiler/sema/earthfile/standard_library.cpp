#include "compiler/sema/earthfile/standard_library.h"

#include <array>

namespace loam::sema::earthfile {
namespace {

constexpr auto kFiles = std::to_array<StandardFile>({
#include "loam_standard_library.inc"
});

// "v10" is newer than "v9".
bool Newer(std::string_view a, std::string_view b) {
  return a.size() != b.size() ? a.size() > b.size() : a > b;
}

}  // namespace

std::span<const StandardFile> StandardLibrary() {
  return kFiles;
}

std::optional<StandardFile> FindStandardFile(std::string_view name, std::string_view version) {
  std::optional<StandardFile> found;
  for (const StandardFile& file : kFiles) {
    if (file.name == name &&
        (version.empty() ? !found || Newer(file.version, found->version) : file.version == version)) {
      found = file;
    }
  }
  return found;
}

}  // namespace loam::sema::earthfile
