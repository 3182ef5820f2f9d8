// A ProjectHost with other texts for some files of the invoker's machine: buffers of an editor that are not saved, a
// file as a tool would rewrite it.
#pragma once

#include <map>
#include <string>

#include "compiler/sema/earthfile/project_host.h"

namespace loam::sema::earthfile {

class OverlayProjectHost : public ProjectHost {
 public:
  // `host` outlives it. `directory`: absolute, of the invocation. `texts`: by absolute, clean path.
  OverlayProjectHost(ProjectHost& host, std::string directory, std::map<std::string, std::string> texts);

  Result<std::string> ReadFile(const Place& place, std::string_view path) override;
  Result<bool> FileExists(const Place& place, std::string_view path) override;
  Result<std::vector<DirectoryEntry>> ListDirectory(const Place& place, std::string_view path) override;
  Result<std::optional<GitFacts>> Git(const Place& place) override;
  Result<RemoteProject> Fetch(std::string_view git_path, std::string_view tag) override;
  Result<std::string> HashFile(const Place& place, std::string_view path) override;

  // The absolute, clean path of a file of the invoker's machine.
  [[nodiscard]] std::string PathOf(const Place& place, std::string_view path) const;

 private:
  [[nodiscard]] const std::string* Find(const Place& place, std::string_view path) const;

  ProjectHost& host_;
  std::string directory_;
  std::map<std::string, std::string> texts_;
};

}  // namespace loam::sema::earthfile
