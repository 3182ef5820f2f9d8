// auto-skip: the files that a target reads.
#include <fmt/format.h>

#include "compiler/sema/earthfile/auto_skip_walk.h"

namespace loam::sema::earthfile::auto_skip {

using diag::Kind;

Checked<> TargetWalk::HashFiles(std::string_view path, source::SourceRange range, bool must_exist, bool docker_ignore) {
  if (file_->project.IsRemote()) {
    return {};  // a pinned commit
  }
  ProjectHost& host = shared_->project->host();
  while (path.starts_with('/')) {
    path.remove_prefix(1);
  }
  if (path.find("**") != std::string_view::npos) {
    return Fail<Kind::kEarthAutoSkip>(range, fmt::format("globstar (**) not supported: `{}`", path));
  }
  auto found = GlobPaths(host, file_->place, path.empty() ? "." : path);
  if (!found) {
    return Fail<Kind::kEarthAutoSkip>(range, fmt::format("`{}`: {}", path, found.error().message()));
  }
  if (found->empty() && must_exist) {
    return Fail<Kind::kEarthAutoSkip>(range, fmt::format("there is no file `{}`", path));
  }
  hash_.Add(path);
  for (const std::string& one : *found) {
    LOAM_TRY(HashTree(one, range, docker_ignore));
  }
  return {};
}

Checked<> TargetWalk::HashTree(const std::string& path, source::SourceRange range, bool docker_ignore) {
  const PatternMatcher& ignore = *LOAM_TRY(Ignored(range, docker_ignore));
  if (path != "." && !ignore.empty() && !ignore.has_exceptions() && ignore.MatchesOrParentMatches(path)) {
    return {};
  }
  ProjectHost& host = shared_->project->host();
  const auto entries = host.ListDirectory(file_->place, path);
  if (entries) {
    hash_.Add(fmt::format("directory {}", path));
    for (const DirectoryEntry& entry : *entries) {
      LOAM_TRY(HashTree(path == "." ? entry.name : fmt::format("{}/{}", path, entry.name), range, docker_ignore));
    }
    return {};
  }
  if (!ignore.empty() && ignore.MatchesOrParentMatches(path)) {
    return {};
  }
  const std::string key = fmt::format("{}\n{}", file_->place.directory, path);
  auto known = shared_->file_hashes.find(key);
  if (known == shared_->file_hashes.end()) {
    auto hash = host.HashFile(file_->place, path);
    if (!hash) {
      return FailWith(range, std::move(hash).error());
    }
    ++shared_->files;
    known = shared_->file_hashes.emplace(key, std::move(*hash)).first;
  }
  hash_.Add(path);
  hash_.Add(known->second);
  return {};
}

Checked<std::shared_ptr<const PatternMatcher>> TargetWalk::Ignored(source::SourceRange range, bool docker_ignore) {
  Place key = file_->place;
  key.root += docker_ignore ? "docker" : "";
  auto& known = shared_->ignores[key];
  if (!known) {
    auto patterns = ReadIgnorePatterns(shared_->project->host(), file_->place, docker_ignore,
                                       !file_->features.Has(Feature::kNoImplicitIgnore));
    if (!patterns) {
      return FailWith(range, std::move(patterns).error());
    }
    auto matcher = PatternMatcher::Create(*patterns);
    if (!matcher) {
      return FailWith(range, std::move(matcher).error());
    }
    known = std::make_shared<const PatternMatcher>(std::move(*matcher));
  }
  return known;
}

}  // namespace loam::sema::earthfile::auto_skip
