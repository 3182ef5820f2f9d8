#include "language-server/features/dockerfile/completion_sources.h"

#include <functional>
#include <set>

#include "base/pattern_matcher.h"
#include "language-server/features/dockerfile/analysis.h"
#include "language-server/features/dockerfile/names.h"
#include "language-server/features/in_use.h"

namespace loam::lsp::dockerfile {
namespace {

// Files that one question reads, at most.
constexpr std::size_t kMaxFiles = 100;

void EachDockerfile(const Query& query, const std::function<void(const ast::Dockerfile&)>& visit) {
  visit(DockerfileAnalysis::Of(query.document).file());
  std::size_t read = 0;
  for (const std::string& path : query.workspace.Files(FileRole::kDockerfile)) {
    if (++read > kMaxFiles || query.cancel.cancelled()) {
      return;
    }
    const Document* other = query.workspace.Load(path);
    if (other != nullptr && other != &query.document && other->language() == Language::kDockerfile) {
      visit(DockerfileAnalysis::Of(*other).file());
    }
  }
}

void EachMount(const Query& query, const std::function<void(std::string_view type, const ast::Mount&)>& visit) {
  EachDockerfile(query, [&](const ast::Dockerfile& file) {
    for (const ast::Instruction* instruction : file.instructions) {
      const auto* run = ast::As<ast::Run>(instruction);
      if (run == nullptr || run->invalid) {
        continue;
      }
      for (const ast::Mount& mount : run->mounts) {
        std::string_view type = "bind";
        for (const ast::CsvField& field : mount.fields) {
          type = field.key == "type" && field.has_value ? field.value.text : type;
        }
        visit(type, mount);
      }
    }
  });
}

}  // namespace

std::vector<std::string> KnownImages(const Query& query, std::uint32_t offset) {
  std::set<std::string> images = ImagesInUse(query, offset);
  for (std::string& name : query.store.ImageNames()) {
    images.insert(std::move(name));
  }
  return {images.begin(), images.end()};
}

std::vector<std::string> CacheTargets(const Query& query) {
  std::set<std::string> targets = {"/root/.cache/go-build",
                                   "/go/pkg/mod",
                                   "/root/.npm",
                                   "/root/.cache/pip",
                                   "/root/.m2",
                                   "/var/cache/apt",
                                   "/var/lib/apt",
                                   "/root/.cargo/registry",
                                   "/root/.gradle",
                                   "/var/cache/apk",
                                   "/root/.cache/ccache"};
  EachMount(query, [&](std::string_view type, const ast::Mount& mount) {
    for (const ast::CsvField& field : mount.fields) {
      const bool target = field.key == "target" || field.key == "dst" || field.key == "destination";
      if (type == "cache" && target && field.has_value && !field.value.empty()) {
        targets.emplace(field.value.text);
      }
    }
  });
  return {targets.begin(), targets.end()};
}

std::string WorkdirAt(const Query& query, std::uint32_t instruction) {
  const ast::Dockerfile& file = DockerfileAnalysis::Of(query.document).file();
  const Names& names = NamesOf(query);
  std::string directory;
  bool found = false;
  const std::uint32_t region = instruction < file.instructions.size() ? names.RegionOf(instruction) : UINT32_MAX;
  for (std::uint32_t i = 0; i < instruction && i < file.instructions.size(); ++i) {
    const auto* workdir = ast::As<ast::Workdir>(file.instructions[i]);
    if (workdir == nullptr || workdir->invalid || (region != UINT32_MAX && names.RegionOf(i) != region)) {
      continue;
    }
    const std::string path = names.Expand(workdir->path.text, i).value_or(std::string(workdir->path.text));
    directory = path.starts_with("/") ? path : directory + "/" + path;
    found = true;
  }
  if (!found) {
    return {};
  }
  directory = CleanRootedPath(directory);
  return directory.ends_with("/") ? directory : directory + "/";
}

}  // namespace loam::lsp::dockerfile
