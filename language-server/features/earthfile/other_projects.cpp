#include "language-server/features/earthfile/other_projects.h"

#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

#include "base/file_system.h"
#include "compiler/sema/earthfile/standard_library.h"

namespace loam::lsp::earthfile {
namespace {

// "" if there is no place for caches.
std::string LibraryFolder() {
  // NOLINTBEGIN(concurrency-mt-unsafe)
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache != nullptr && cache[0] == '/') {
    return fmt::format("{}/loam/std", cache);
  }
  const char* home = std::getenv("HOME");
  // NOLINTEND(concurrency-mt-unsafe)
  return home != nullptr && home[0] == '/' ? fmt::format("{}/.cache/loam/std", home) : std::string();
}

std::optional<std::string> LibraryDirectory(const sema::earthfile::Reference& reference) {
  const std::string name = reference.git_path.substr(sema::earthfile::kStandardLibraryPrefix.size() + 1);
  const auto file = sema::earthfile::FindStandardFile(name, reference.tag);
  const std::string folder = LibraryFolder();
  if (!file || folder.empty()) {
    return std::nullopt;
  }
  std::string directory = fmt::format("{}/{}/{}", folder, file->name, file->version);
  const std::string path = directory + "/Earthfile";
  const auto known = ReadFile(path);
  if (!known || *known != file->text) {
    if (!MakeDirs(directory) || !WriteFileAtomic(path, file->text, 0444)) {
      return std::nullopt;
    }
  }
  return directory;
}

bool IsBelow(std::string_view path, std::string_view folder) {
  return !folder.empty() && path.size() > folder.size() && path.starts_with(folder) && path[folder.size()] == '/';
}

}  // namespace

std::optional<std::string> OtherProjectOf(const Query& query, const sema::earthfile::FileSymbols& symbols,
                                          const sema::earthfile::ReferenceUse& use) {
  const sema::earthfile::Reference* reference = sema::earthfile::ProjectReference(symbols, use);
  if (reference == nullptr || !reference->IsRemote()) {
    return std::nullopt;
  }
  if (reference->IsStandardLibrary()) {
    return LibraryDirectory(*reference);
  }
  return query.store.ProjectDirectory(reference->git_path, reference->tag);
}

bool IsOfOtherProject(const Query& query, std::string_view path) {
  const auto& folders = query.workspace.folders();
  const bool ours =
      std::any_of(folders.begin(), folders.end(), [&](const std::string& folder) { return IsBelow(path, folder); });
  return !ours && (IsBelow(path, LibraryFolder()) || query.store.IsFetched(path));
}

}  // namespace loam::lsp::earthfile
