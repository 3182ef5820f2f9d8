// ProjectHost over the files of this machine and the `git` program: facts of the work tree, and remote projects fetched
// into a cache directory. git's own configuration is honoured (insteadOf, credentials, proxies).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "compiler/sema/earthfile/project_host.h"

namespace loam::sema::earthfile {

// `git.<site>` of ~/.earthly/config.yml: how the address to clone from is made.
struct GitSite {
  std::string name;        // "github.com"; matched against the first element of the path
  std::string pattern;     // RE2 over the whole path instead; "" for none
  std::string substitute;  // with \1 or $1 of the pattern
  std::string suffix = ".git";
  std::string prefix;         // "/srv/git/": what comes before the path; for ssh and https instead of "user@host:"
  std::string auth = "auto";  // "https", "http", "ssh", "auto"
  std::string user = "git";
  std::string password;
  int port = 0;  // 0: the protocol's
  std::string ssh_command;
  bool strict_host_key_checking = true;
};

struct LocalProjectOptions {
  std::string directory = ".";  // of the invocation
  std::string cache_directory;  // for clones; made as needed. "" refuses remotes
  std::string git_branch;       // --git-branch
  std::vector<GitSite> sites;   // the first that matches; a fallback asks https, then ssh
  bool offline = false;         // only what is in the cache already
};

// The text of a file of a project. kInvalidArgument for a pipe, which would be waited for, or a device.
Result<std::string> ReadProjectFile(const std::string& path);

class LocalProjectHost : public ProjectHost {
 public:
  explicit LocalProjectHost(LocalProjectOptions options);
  ~LocalProjectHost() override;

  Result<std::string> ReadFile(const Place& place, std::string_view path) override;
  Result<bool> FileExists(const Place& place, std::string_view path) override;
  Result<std::vector<DirectoryEntry>> ListDirectory(const Place& place, std::string_view path) override;
  Result<std::optional<GitFacts>> Git(const Place& place) override;
  Result<RemoteProject> Fetch(std::string_view git_path, std::string_view tag) override;
  Result<std::string> HashFile(const Place& place, std::string_view path) override;

  // The path on this machine.
  [[nodiscard]] Result<std::string> PathOf(const Place& place, std::string_view path) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// Where a repository is cloned from and which directory of it is meant; candidates in the order they are tried.
struct CloneAddress {
  std::vector<std::string> urls;
  std::string directory;
  std::string ssh_command;
};
Result<CloneAddress> CloneAddressOf(std::string_view git_path, const std::vector<GitSite>& sites);
// The address of GIT CLONE as the settings of its site have it; as it is if there are none.
Result<std::string> ConfiguredCloneUrl(std::string_view url, const std::vector<GitSite>& sites);
// The address that git itself would take instead (`url.<base>.insteadOf`), if that is reached without a key of the
// user.
std::string MirroredCloneUrl(const std::string& url);
// What git is to run as ssh for that address; "" for what it runs anyway.
std::string ConfiguredSshCommand(std::string_view url, const std::vector<GitSite>& sites);

}  // namespace loam::sema::earthfile
