// A project host over texts in memory.
#pragma once

#include <map>
#include <set>
#include <string>

#include "base/digest.h"
#include "base/pattern_matcher.h"
#include "compiler/sema/earthfile/project_host.h"

namespace loam::sema::earthfile {

class MemoryProjectHost : public ProjectHost {
 public:
  // Local files by clean path ("sub/Earthfile"); remote ones by "repository:tag/path".
  std::map<std::string, std::string> files;
  std::map<std::string, std::map<std::string, std::string>> remotes;  // "github.com/a/b:main" -> files
  std::optional<GitFacts> git;
  int reads = 0;
  int git_calls = 0;

  Result<std::string> ReadFile(const Place& place, std::string_view path) override {
    ++reads;
    const auto& tree = Tree(place);
    const auto found = tree.find(Full(place, path));
    if (found == tree.end()) {
      return Unexpected(ErrorCode::kNotFound, "no file " + Full(place, path));
    }
    return found->second;
  }
  Result<bool> FileExists(const Place& place, std::string_view path) override {
    return Tree(place).contains(Full(place, path));
  }
  Result<std::vector<DirectoryEntry>> ListDirectory(const Place& place, std::string_view path) override {
    const std::string directory = Full(place, path);
    const std::string prefix = directory == "." ? "" : directory + "/";
    std::map<std::string, bool> names;
    for (const auto& [file, text] : Tree(place)) {
      if (file.starts_with(prefix) && file.size() > prefix.size()) {
        const std::string rest = file.substr(prefix.size());
        names[rest.substr(0, rest.find('/'))] |= rest.find('/') != std::string::npos;
      }
    }
    if (names.empty()) {
      return Unexpected(ErrorCode::kNotFound, "no directory " + directory);
    }
    std::vector<DirectoryEntry> entries;
    for (const auto& [name, is_directory] : names) {
      entries.push_back({name, is_directory});
    }
    return entries;
  }
  Result<std::optional<GitFacts>> Git(const Place&) override {
    ++git_calls;
    return git;
  }
  Result<RemoteProject> Fetch(std::string_view git_path, std::string_view tag) override {
    const std::string path(git_path);
    for (const auto& [name, tree] : remotes) {
      const std::string repository = name.substr(0, name.find(':'));
      if (name.substr(name.find(':') + 1) == tag && (path == repository || path.starts_with(repository + "/"))) {
        return RemoteProject{.root = name,
                             .directory = path == repository ? "" : path.substr(repository.size() + 1),
                             .clone_url = "https://" + repository + ".git",
                             .commit = std::string(40, 'a'),
                             .git = {},
                             .local_path = ""};
      }
    }
    return Unexpected(ErrorCode::kNotFound, "no repository");
  }
  Result<std::string> HashFile(const Place& place, std::string_view path) override {
    return Digest::Of(LOAM_TRY(ReadFile(place, path))).Hex();
  }

 private:
  const std::map<std::string, std::string>& Tree(const Place& place) {
    return place.IsLocal() ? files : remotes[place.root];
  }
  static std::string Full(const Place& place, std::string_view path) {
    return CleanPath(place.directory + "/" + std::string(path)).substr(place.directory.empty() ? 1 : 0);
  }
};

}  // namespace loam::sema::earthfile
