#include "compiler/sema/earthfile/overlay_project.h"

#include <algorithm>

#include "base/digest.h"
#include "compiler/sema/dockerfile/go_text.h"

namespace loam::sema::earthfile {

OverlayProjectHost::OverlayProjectHost(ProjectHost& host, std::string directory,
                                       std::map<std::string, std::string> texts)
    : host_(host), directory_(std::move(directory)), texts_(std::move(texts)) {}

std::string OverlayProjectHost::PathOf(const Place& place, std::string_view path) const {
  std::string full = place.directory.starts_with('/') ? place.directory : directory_ + "/" + place.directory;
  return CleanPath(path.starts_with('/') ? std::string(path) : full.append("/").append(path));
}

const std::string* OverlayProjectHost::Find(const Place& place, std::string_view path) const {
  if (!place.IsLocal()) {
    return nullptr;
  }
  const auto found = texts_.find(PathOf(place, path));
  return found == texts_.end() ? nullptr : &found->second;
}

Result<std::string> OverlayProjectHost::ReadFile(const Place& place, std::string_view path) {
  const std::string* text = Find(place, path);
  return text != nullptr ? Result<std::string>(*text) : host_.ReadFile(place, path);
}

Result<bool> OverlayProjectHost::FileExists(const Place& place, std::string_view path) {
  return Find(place, path) != nullptr ? Result<bool>(true) : host_.FileExists(place, path);
}

Result<std::vector<DirectoryEntry>> OverlayProjectHost::ListDirectory(const Place& place, std::string_view path) {
  return host_.ListDirectory(place, path);
}

Result<std::optional<GitFacts>> OverlayProjectHost::Git(const Place& place) {
  return host_.Git(place);
}

Result<RemoteProject> OverlayProjectHost::Fetch(std::string_view git_path, std::string_view tag) {
  return host_.Fetch(git_path, tag);
}

Result<std::string> OverlayProjectHost::HashFile(const Place& place, std::string_view path) {
  const std::string* text = Find(place, path);
  return text != nullptr ? Result<std::string>(Digest::Of(*text).Hex()) : host_.HashFile(place, path);
}

}  // namespace loam::sema::earthfile
